"""How many points a payment earns. Pure; the one place where earning is decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date as calendar_date

from core.organisation import PointsRule

NEVER = "never"
"""The lot of points that do not end; a lot is the month in which points end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earning:
    """Something paid for: `amount` fen, of which `from_balance` fen came out of a wallet.

    `times` is how many times the usual points the item earns.
    """

    amount: int
    from_balance: int = 0
    times: int = 1


def earned(rule: PointsRule, earnings: Iterable[Earning], *, date: str) -> int:
    """Return the points for what was paid on a business date.

    Money from the balance earns only where the rule says so, and then the top-up that put it
    there did not: no yuan earns twice. Rounded down once, over the whole bill.
    """
    weekday = calendar_date.fromisoformat(date).weekday()
    day_times = 2 if weekday in rule.double_weekdays else 1
    counted = sum(
        (e.amount if rule.on_stored_value else e.amount - e.from_balance) * e.times
        for e in earnings
    )
    return counted * rule.points * day_times // rule.per_cents


def earned_by_topup(rule: PointsRule, paid: int, *, date: str) -> int:
    """Return the points for paying `paid` fen into a wallet."""
    if not rule.on_topup or rule.on_stored_value:
        return 0
    return earned(rule, [Earning(amount=paid)], date=date)

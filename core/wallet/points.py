"""How many points a payment earns, and when they end. Pure; the one place for both.

Points lie in a lot for each month in which they end, and in one for those that never do. Such
a lot is everybody's: its name says all there is to know, so no row travels with it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date as calendar_date
from datetime import timedelta

from core.organisation import PointsRule

NEVER = "never"
"""The lot of points that do not end; any other lot is the month in which they end."""
POINTS_GRACE_DAYS = 7
"""So long after their last day points still count: who came on that day may come again."""
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


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


def points_lot(rule: PointsRule, *, date: str) -> str:
    """Return the lot of points that are earned on a business date."""
    day = calendar_date.fromisoformat(date)
    match rule.ends:
        case "months":
            return _later(day.year, day.month, rule.ends_after)
        case "year":
            return _later(day.year + rule.ends_after, 12, 0)
        case _:
            return NEVER


def points_end(lot: str) -> str | None:
    """Return the last business date of a lot of points; None where it has none."""
    if not _MONTH.fullmatch(lot):
        return None
    year, month = int(lot[:4]), int(lot[5:])
    return f"{lot}-{monthrange(year, month)[1]:02}"


def first_month_kept(*, date: str) -> str:
    """Return the month from which on lots of points still count on a date, the grace over."""
    day = calendar_date.fromisoformat(date) - timedelta(days=POINTS_GRACE_DAYS)
    return f"{day:%Y-%m}"


def next_period(rule: PointsRule, lot: str, *, date: str) -> str:
    """Return the lot that takes over what a lot had unused: the first that still counts."""
    months = 12 if rule.ends == "year" else max(1, rule.ends_after)
    year, month = int(lot[:4]), int(lot[5:])
    while (lot := _later(year, month, months)) < first_month_kept(date=date):
        year, month = int(lot[:4]), int(lot[5:])
    return lot


def _later(year: int, month: int, months: int) -> str:
    years, zero_based = divmod(month - 1 + months, 12)
    return f"{year + years:04}-{zero_based + 1:02}"

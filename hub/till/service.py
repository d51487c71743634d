"""Opening a till, moving cash, counting it blind, and closing with a numbered Z report."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import N_, Refusal, Refused
from core.journal import Act, Part, drain
from core.money import AMOUNT_MAX
from core.organisation import store
from core.sqlite import Reader, Row, Writer
from core.staff import require
from core.till import (
    CashMoved,
    DrawerOpened,
    PeriodClosed,
    PeriodOpened,
    expected_cash,
    period_totals,
)
from hub.till import sql

REASON_CHARACTERS_MAX = 80
NO_SALE = "no_sale"
"""The kind under which a drawer opened without money is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An X report (still open) or a Z report (closed)."""

    period: Row
    totals: list[Row]
    expected: int
    exceptions: list[tuple[str, int]]
    note: str = ""
    """What the cashier said of the difference."""

    @property
    def seen(self) -> int:
        """How often money was booked to the period: whoever counts says which state they saw.

        A drawer opened to count it is no money booked.
        """
        return sum(row["count"] for row in self.totals if row["kind"] != NO_SALE)

    @property
    def difference(self) -> int | None:
        counted: int | None = self.period["counted"]
        return None if counted is None else counted - self.expected


def open_period(tx: Writer, act: Act, *, till: str, float_cents: int) -> str:
    """Take over a till with cash in its drawer; return the period's id.

    Refused: store_closed, period_open, amount_wrong.
    """
    if closed_on := store(tx, act.store).closed_on:
        raise Refused("store_closed", date=closed_on)
    held = sql.open_period(tx, act.store, till)
    if held is not None:
        raise Refused("period_open", cashier=held["cashier_name"] or "")
    _check_amount(float_cents, low=0)
    period = act.new_id()
    act.append(tx, PeriodOpened(period=period, till=till, float_cents=float_cents))
    return period


def require_period(db: Reader, act: Act, till: str) -> str:
    """Return the open period of a till. Refused: no_period. No sale without one."""
    held = sql.open_period(db, act.store, till)
    if held is None:
        raise Refused("no_period")
    period: str = held["id"]
    return period


def move_cash(tx: Writer, act: Act, *, till: str, move: str, amount: int, reason: str) -> None:
    """Put cash in (positive fen) or take it out (negative), with a reason.

    `move` is an id made by the caller. Who may take out so much may take it in several goes
    of one period, but no more.
    Refused: not_logged_in, not_allowed, over_limit, no_period, amount_wrong, reason_missing,
    drawer_short.
    """
    require(tx, act.actor, "cash.in_out", amount=abs(amount))
    period = require_period(tx, act, till)
    reason = _reason(reason)
    _check_amount(abs(amount), low=1)
    if amount < 0:
        report = read_report(tx, act, period)
        taken = sql.cash_taken(tx, period, act.actor)
        require(tx, act.actor, "cash.in_out", amount=taken - amount)
        if report.expected + amount < 0:
            # The sum stays untold: who counts blind must not learn it here.
            raise Refused("drawer_short")
    act.append(tx, CashMoved(period=period, move=move, amount=amount, reason=reason))


def note_drawer(tx: Writer, act: Act, *, till: str, reason: str) -> None:
    """Write down that the drawer is opened without a sale.

    Refused: no_period, reason_missing.
    """
    period = require_period(tx, act, till)
    act.append(tx, DrawerOpened(period=period, reason=_reason(reason)))


def check_count(
    tx: Writer, act: Act, *, till: str, period: str | None, seen: int | None
) -> None:
    """Check that a count is of the open period as it still stands.

    A page may have been open since the last cashier's shift, and what was sold after a count
    would look like a shortage. What is None is not checked.
    Refused: no_period, period_closed, period_changed.
    """
    held = sql.open_period(tx, act.store, till)
    if period is not None and (held is None or held["id"] != period):
        raise Refused("period_closed")
    if seen is not None:
        found = read_report(tx, act, require_period(tx, act, till))
        if found.seen != seen:
            raise Refused("period_changed")


def close_period(tx: Writer, act: Act, *, till: str, counted: int, note: str = "") -> Report:
    """Close a till on a blind count (fen); return the Z report.

    Closing always succeeds and lists what is unusual. Refused: no_period, amount_wrong.
    """
    period = require_period(tx, act, till)
    _check_amount(counted, low=0)
    report = read_report(tx, act, period)
    act.append(
        tx,
        PeriodClosed(
            period=period,
            till=till,
            z_number=sql.last_z(tx, act.store) + 1,
            float_cents=report.period["float_cents"],
            counted=counted,
            expected=report.expected,
            difference_note=note.strip()[:REASON_CHARACTERS_MAX],
            totals=tuple(
                (row["kind"], row["tender"], row["count"], row["amount"])
                for row in report.totals
            ),
            exceptions=tuple(report.exceptions),
        ),
    )
    return read_report(tx, act, period)


def read_report(tx: Writer, act: Act, period: str) -> Report:
    """Return the figures of a period as of this instant.

    Takes a writer: figures that somebody acts on first bring history to the journal's head.
    """
    while drain(tx, act.journal.parts):
        pass
    return report_of(tx, period)


def report_of(db: Reader, period: str) -> Report:
    """Return a period's figures where history is known to be at the journal's head.

    What was unusual about a closed period stays as it was when it was closed.
    Refused: no_period.
    """
    row = sql.period(db, period)
    totals = period_totals(db, period)
    recorded = sql.recorded(db, period)
    return Report(
        period=row,
        totals=totals,
        expected=expected_cash(row["float_cents"], totals),
        exceptions=recorded.exceptions if recorded else sql.exceptions(db, row),
        note=recorded.note if recorded else "",
    )


def _check_amount(amount: int, *, low: int) -> None:
    if not low <= amount <= AMOUNT_MAX:
        raise Refused("amount_wrong", amount=str(amount))


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise Refused("reason_missing")
    return reason[:REASON_CHARACTERS_MAX]


PART = Part(
    name="till_counter",
    refusals={
        "store_closed": Refusal(409, N_("总部已于 %(date)s 停业这家门店，不能再开班")),
        "period_closed": Refusal(409, N_("这一班已经交班")),
        "period_changed": Refusal(409, N_("点钞之后又有收支，请再点一次")),
        "drawer_short": Refusal(409, N_("钱箱里没有这么多现金")),
    },
)

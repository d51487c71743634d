"""A till's shift: opened with a float, cash moved, counted blind, closed with a Z report."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from core.errors import Refused
from core.journal import Act
from core.sqlite import Row, Writer
from core.staff import grants_of
from core.web import Asked, Endpoint, caller, read, reading_act, write
from hub.access import till
from hub.api.blueprint import api
from hub.api.shapes import Fen, Id, Printing, ShortText, SignedFen
from hub.attempts import Answer
from hub.till import (
    Count,
    close_till,
    closed_periods,
    find_open_period,
    kick_drawer,
    move_till_cash,
    open_till,
    read_report,
    report_facts,
    reprint_report,
)

EXPECTED = "shift.view_expected"
SEEN_MAX = 1_000_000_000

Seen = Annotated[
    int,
    msgspec.Meta(ge=0, le=SEEN_MAX, description="How often money was booked to a shift"),
]


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """What went through a drawer, by kind and tender; what went out is negative."""

    kind: str
    tender: str
    count: int
    amount_cents: int


class Unusual(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    count: int


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """An X report (open) or a Z report (closed).

    `period` and `seen` go back with a count, so that it closes only what was
    counted. While it is open, cash figures are only for who may see what should lie in the
    drawer.
    """

    period: str
    till: str
    state: Literal["open", "closed"]
    z_number: int | None
    date: str
    cashier: str | None
    opened_at_ms: int
    closed_at_ms: int | None
    float_cents: int
    counted_cents: int | None
    expected_cents: int | None
    difference_cents: int | None
    seen: Seen
    totals: list[Total]
    exceptions: list[Unusual]


class Closed(Shift, frozen=True, kw_only=True):
    """A Z report and the print job of its slip."""

    print_job: str


class ListedShift(msgspec.Struct, frozen=True, kw_only=True):
    period: str
    till: str
    z_number: int
    date: str
    cashier: str | None
    opened_at_ms: int
    closed_at_ms: int
    float_cents: int
    counted_cents: int
    expected_cents: int
    difference_cents: int


class ListedShifts(msgspec.Struct, frozen=True, kw_only=True):
    shifts: list[ListedShift]


class Opening(Asked, frozen=True, kw_only=True):
    float_cents: Fen


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    period: str
    till: str
    float_cents: int
    at_ms: int


class CashMove(Asked, frozen=True, kw_only=True):
    """Cash put in (positive) or taken out (negative)."""

    amount_cents: SignedFen
    reason: ShortText


class CashMoved(msgspec.Struct, frozen=True, kw_only=True):
    move: str
    period: str
    amount_cents: int
    at_ms: int


class DrawerReason(Asked, frozen=True, kw_only=True):
    reason: ShortText


class CountAsked(Asked, frozen=True, kw_only=True):
    """What lay in the drawer; the note explains a difference.

    With `period` and `seen`, as the shift said before the count, it is refused where another
    shift is open by now or money was booked since.
    """

    counted_cents: Fen
    note: ShortText = ""
    period: Id | None = None
    seen: Seen | None = None


@api.get("/shifts/current")
@Endpoint(permission="shift.close_blind", answer=Shift, refusals=("no_period",))
def show_current_shift() -> Answer:
    """Return the open shift of the caller's till."""
    place, expected = till(), _sees_expected()

    def look(tx: Writer, act: Act) -> Answer:
        held = find_open_period(tx, act.store, place)
        if held is None:
            raise Refused("no_period")
        return report_facts(read_report(tx, act, held["id"]), expected=expected)

    return write(look)


@api.post("/shifts")
@Endpoint(
    permission="shift.open",
    body=Opening,
    answer=Opened,
    status=201,
    keyed=True,
    refusals=("period_open", "amount_wrong"),
)
def open_shift(asked: Opening, key: str) -> Answer:
    """Take over the caller's till with a float in its drawer."""
    place = till()
    return write(
        lambda tx, act: open_till(tx, act, till=place, float_cents=asked.float_cents, key=key)
    )


@api.post("/shifts/current/cash")
@Endpoint(
    permission="cash.in_out",
    body=CashMove,
    answer=CashMoved,
    status=201,
    keyed=True,
    refusals=("no_period", "amount_wrong", "reason_missing", "over_limit", "drawer_short"),
)
def move_cash(asked: CashMove, key: str) -> Answer:
    """Put cash into the drawer or take it out."""
    place = till()
    return write(
        lambda tx, act: move_till_cash(
            tx, act, till=place, amount=asked.amount_cents, reason=asked.reason, key=key
        )
    )


@api.post("/shifts/current/drawer")
@Endpoint(
    permission="drawer.open_no_sale",
    body=DrawerReason,
    answer=Printing,
    status=201,
    keyed=True,
    refusals=("no_period", "reason_missing"),
)
def open_drawer(asked: DrawerReason, key: str) -> Answer:
    """Open the drawer without a sale, and write it down."""
    place = till()
    return write(lambda tx, act: kick_drawer(tx, act, till=place, reason=asked.reason, key=key))


@api.post("/shifts/current/close")
@Endpoint(
    permission="shift.close_blind",
    body=CountAsked,
    answer=Closed,
    keyed=True,
    refusals=("no_period", "amount_wrong", "no_company", "period_closed", "period_changed"),
)
def close_shift(asked: CountAsked, key: str) -> Answer:
    """Close the caller's till on a blind count, and print the Z report."""
    place = till()
    count = Count(
        counted=asked.counted_cents, note=asked.note, period=asked.period, seen=asked.seen
    )
    return write(lambda tx, act: close_till(tx, act, till=place, count=count, key=key))


@api.get("/shifts")
@Endpoint(permission="shift.close_blind", answer=ListedShifts)
def list_shifts() -> Answer:
    """Return the closed shifts, newest first."""
    with read() as db:
        rows = closed_periods(db, reading_act(db).store)
    return {"shifts": [_listed(row) for row in rows]}


@api.get("/shifts/<period_id>")
@Endpoint(permission="shift.close_blind", answer=Shift, refusals=("no_period",))
def show_shift(period_id: str) -> Answer:
    """Return one shift: an X report while it is open, its Z report after."""
    expected = _sees_expected()

    def look(tx: Writer, act: Act) -> Answer:
        report = read_report(tx, act, period_id)
        closed = report.period["state"] == "closed"
        return report_facts(report, expected=expected or closed)

    return write(look)


@api.post("/shifts/<period_id>/prints")
@Endpoint(
    permission="sale.reprint",
    answer=Printing,
    status=201,
    refusals=("no_period", "no_company"),
)
def print_shift_again(period_id: str) -> Answer:
    """Print a Z report again, marked as a copy."""
    return write(lambda tx, act: reprint_report(tx, act, period=period_id))


def _sees_expected() -> bool:
    with read() as db:
        return EXPECTED in grants_of(db, caller().role or "")


def _listed(row: Row) -> dict[str, Any]:
    return {
        "period": row["id"],
        "till": row["till"],
        "z_number": row["z_number"],
        "date": row["date"],
        "cashier": row["cashier_name"],
        "opened_at_ms": row["opened_at"],
        "closed_at_ms": row["closed_at"],
        "float_cents": row["float_cents"],
        "counted_cents": row["counted"],
        "expected_cents": row["expected"],
        "difference_cents": row["counted"] - row["expected"],
    }

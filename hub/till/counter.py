"""What the counter does with a till: each once only, with its paper and its drawer.

Pages and the API call the same verbs, so neither can pay, print or allow differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import Refused
from core.journal import Act
from core.organisation import settings
from core.sqlite import Reader, Writer
from core.till import ReceiptReprinted
from core.web import gettext as _
from hub.attempts import Answer, once
from hub.devices import Kick, printers, spool
from hub.receipts import cash_up_slip, newest, printed, proof
from hub.till import sql
from hub.till.service import (
    Report,
    check_count,
    close_period,
    move_cash,
    note_drawer,
    open_period,
    read_report,
    require_period,
)

CASH = "cash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What was counted (fen), of which period, and how much was booked to it by then.

    A count that does not name them is taken for whatever is open.
    """

    counted: int
    note: str = ""
    period: str | None = None
    seen: int | None = None


def open_till(tx: Writer, act: Act, *, till: str, float_cents: int, key: str) -> Answer:
    """Take over a till with cash in its drawer.

    Refused: what `open_period` and `once` refuse.
    """

    def run() -> Answer:
        period = open_period(tx, act, till=till, float_cents=float_cents)
        return {"period": period, "till": till, "float_cents": float_cents, "at_ms": act.at}

    return once(tx, act, key=key, verb="till.open", content=[till, float_cents], run=run)


def move_till_cash(
    tx: Writer, act: Act, *, till: str, amount: int, reason: str, key: str
) -> Answer:
    """Put cash in (positive fen) or take it out (negative); the drawer opens.

    Refused: what `move_cash` and `once` refuse.
    """

    def run() -> Answer:
        move = act.new_id()
        move_cash(tx, act, till=till, move=move, amount=amount, reason=reason)
        open_drawer(tx, act, subject=move)
        period = require_period(tx, act, till)
        return {"move": move, "period": period, "amount_cents": amount, "at_ms": act.at}

    return once(tx, act, key=key, verb="till.cash", content=[till, amount, reason], run=run)


def kick_drawer(tx: Writer, act: Act, *, till: str, reason: str, key: str) -> Answer:
    """Open the drawer without a sale and write it down.

    Refused: what `note_drawer` and `once` refuse.
    """

    def run() -> Answer:
        note_drawer(tx, act, till=till, reason=reason)
        return {"print_job": open_drawer(tx, act, subject=till), "at_ms": act.at}

    return once(tx, act, key=key, verb="till.drawer", content=[till, reason], run=run)


def close_till(tx: Writer, act: Act, *, till: str, count: Count, key: str) -> Answer:
    """Close a till on a blind count and print the numbered Z report.

    Refused: what `check_count`, `close_period` and `once` refuse.
    """

    def run() -> Answer:
        check_count(tx, act, till=till, period=count.period, seen=count.seen)
        report = close_period(tx, act, till=till, counted=count.counted, note=count.note)
        return report_facts(report) | {"print_job": print_report(tx, act, report)}

    content = [till, count.counted, count.note, count.period, count.seen]
    return once(tx, act, key=key, verb="till.close", content=content, run=run)


def print_report(tx: Writer, act: Act, report: Report) -> str:
    """Spool a Z report and return the print job's id."""
    about = printed(tx, newest(tx, act))
    slip = cash_up_slip(
        report.period, report.totals, report.exceptions, expected=report.expected, about=about
    )
    return spool(tx, act, slip, kind="report", subject=report.period["id"])


def reprint_report(tx: Writer, act: Act, *, period: str) -> Answer:
    """Spool a copy of a Z report, marked as one, and write that down.

    Refused: no_period, also of one that is still open.
    """
    report = read_report(tx, act, period)
    recorded = sql.recorded(tx, period)
    if recorded is None:
        raise Refused("no_period")
    proven = proof(tx, origin=recorded.origin, epoch=recorded.epoch, seq=recorded.seq)
    slip = cash_up_slip(
        report.period,
        report.totals,
        report.exceptions,
        expected=report.expected,
        about=printed(tx, proven, copy_mark=_("补打")),
    )
    number = f"Z{report.period['z_number']}"
    act.append(tx, ReceiptReprinted(subject=period, number=number))
    job = spool(tx, act, slip, kind="report", subject=period, is_copy=True)
    return {"print_job": job, "number": number, "at_ms": act.at}


def open_drawer(tx: Writer, act: Act, *, subject: str) -> str | None:
    """Spool the kick of the drawer at the default printer, if there is one.

    A kick that waited for a printer to be set up would open the drawer when nobody expects it.
    """
    known = printers(tx)
    if not known:
        return None
    return spool(tx, act, Kick(pin=known[0]["drawer_pin"]), kind="kick", subject=subject)


def opens_drawer(db: Reader, tenders: list[str]) -> bool:
    """Say whether one of these tenders is kept in the drawer."""
    rules = settings(db)
    known = [rules.tender(tender) for tender in tenders]
    return any(tender is not None and tender.opens_drawer for tender in known)


def report_facts(report: Report, *, expected: bool = True) -> dict[str, Any]:
    """Return an X or Z report as plain facts, money in fen.

    A count is blind only if what should lie in the drawer stays hidden: without `expected`
    there are no cash figures.
    """
    period = report.period
    totals = [row for row in report.totals if expected or row["tender"] != CASH]
    return {
        "period": period["id"],
        "till": period["till"],
        "state": period["state"],
        "z_number": period["z_number"],
        "date": period["date"],
        "cashier": period["cashier_name"],
        "opened_at_ms": period["opened_at"],
        "closed_at_ms": period["closed_at"],
        "float_cents": period["float_cents"],
        "counted_cents": period["counted"],
        "expected_cents": report.expected if expected else None,
        "difference_cents": report.difference,
        "seen": report.seen,
        "totals": [
            {
                "kind": row["kind"],
                "tender": row["tender"],
                "count": row["count"],
                "amount_cents": row["amount"],
            }
            for row in totals
        ],
        "exceptions": [{"code": code, "count": count} for code, count in report.exceptions],
    }

"""Queries on till periods."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from core.errors import Refused
from core.sqlite import Reader, Row

_PERIOD = """SELECT p.*, s.name AS cashier_name FROM till_period p
               LEFT JOIN staff s ON s.id = p.cashier"""


def open_period(db: Reader, store: str, till: str) -> Row | None:
    return db.one(
        f"{_PERIOD} WHERE p.store = :store AND p.till = :till AND p.state = 'open'",
        store=store,
        till=till,
    )


def period(db: Reader, period_id: str) -> Row:
    """Return a period. Refused: no_period."""
    row = db.one(f"{_PERIOD} WHERE p.id = :id", id=period_id)
    if row is None:
        raise Refused("no_period")
    return row


def closed_periods(db: Reader, store: str, *, limit: int = 30) -> list[Row]:
    """Return the closed periods, newest first."""
    return db.all(
        f"{_PERIOD} WHERE p.store = :store AND p.state = 'closed'"
        " ORDER BY p.z_number DESC LIMIT :limit",
        store=store,
        limit=limit,
    )


def last_z(db: Reader, store: str) -> int:
    return (
        db.value("SELECT MAX(z_number) FROM till_period WHERE store = :store", store=store) or 0
    )


def exceptions(db: Reader, period_row: Row) -> list[tuple[str, int]]:
    """Return what somebody should look at before the drawer is handed over, with counts."""
    found = {
        "open_tickets": db.value(
            "SELECT count(*) FROM ticket WHERE state = 'open' AND EXISTS"
            " (SELECT 1 FROM ticket_line l WHERE l.ticket = ticket.id AND l.quantity > 0)"
        ),
        "reversals": db.value(
            "SELECT count(*) FROM sale WHERE period = :period AND sign = -1",
            period=period_row["id"],
        ),
        "drawer_opened": db.value(
            "SELECT COALESCE(SUM(count), 0) FROM till_total"
            " WHERE period = :period AND kind = 'no_sale'",
            period=period_row["id"],
        ),
        "quarantined": db.value("SELECT count(*) FROM quarantine"),
    }
    return [(name, count) for name, count in found.items() if count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a closed period's report said, and the event that proves it."""

    note: str
    exceptions: list[tuple[str, int]]
    origin: str
    epoch: int
    seq: int


def recorded(db: Reader, period_id: str) -> Recorded | None:
    """Return what was written down when a period was closed. Drain history first."""
    row = db.one("SELECT * FROM z_report WHERE period = :id", id=period_id)
    if row is None:
        return None
    return Recorded(
        note=row["note"],
        exceptions=msgspec.json.decode(row["exceptions"], type=list[tuple[str, int]]),
        origin=row["origin"],
        epoch=row["epoch"],
        seq=row["seq"],
    )


def cash_moves(db: Reader, period_id: str) -> list[Row]:
    """Return the cash put in and taken out of a period. Drain history first."""
    return db.all(
        """SELECT m.*, s.name AS staff_name FROM cash_move m
             LEFT JOIN staff s ON s.id = m.actor
            WHERE m.period = :period ORDER BY m.at, m.id""",
        period=period_id,
    )


def cash_taken(db: Reader, period_id: str, actor: str | None) -> int:
    """Return what somebody took out of a period by cash moves (fen). Drain history first."""
    taken: int = db.value(
        "SELECT COALESCE(-SUM(amount), 0) FROM cash_move"
        " WHERE period = :period AND actor = :actor AND amount < 0",
        period=period_id,
        actor=actor,
    )
    return taken

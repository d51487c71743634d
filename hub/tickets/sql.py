"""Queries on open bills."""

from __future__ import annotations

from core.errors import Refused
from core.sqlite import Reader, Row

OPEN_SHOWN_MAX = 60


def ticket(db: Reader, ticket_id: str) -> Row:
    """Return a bill. Refused: no_ticket."""
    row = db.one("SELECT * FROM ticket WHERE id = :id", id=ticket_id)
    if row is None:
        raise Refused("no_ticket")
    return row


def lines(db: Reader, ticket_id: str) -> list[Row]:
    """Return the lines that are on a bill now, in the order they came."""
    return db.all(
        """SELECT l.*, s.name AS staff_name FROM ticket_line l
             LEFT JOIN staff s ON s.id = l.staff
            WHERE l.ticket = :ticket AND l.quantity > 0 ORDER BY l.position""",
        ticket=ticket_id,
    )


def line(db: Reader, ticket_id: str, line_id: str) -> Row:
    """Return a line that is on the bill. Refused: no_line."""
    row = db.one(
        "SELECT * FROM ticket_line WHERE id = :line AND ticket = :ticket AND quantity > 0",
        line=line_id,
        ticket=ticket_id,
    )
    if row is None:
        raise Refused("no_line")
    return row


def open_tickets(db: Reader) -> list[Row]:
    """Return the bills that are being written, newest first, with count and member's name."""
    return db.all(
        """SELECT t.*, m.name AS member_name,
                  (SELECT count(*) FROM ticket_line l
                    WHERE l.ticket = t.id AND l.quantity > 0) AS lines
             FROM ticket t LEFT JOIN member m ON m.id = t.member
            WHERE t.state = 'open' ORDER BY t.opened_at DESC LIMIT :limit""",
        limit=OPEN_SHOWN_MAX,
    )


def issued(db: Reader, store: str, date: str) -> int:
    """Return how many bill numbers the store has given out on a business date."""
    return (
        db.value(
            "SELECT issued FROM ticket_number WHERE store = :store AND date = :date",
            store=store,
            date=date,
        )
        or 0
    )

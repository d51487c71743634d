"""Settled bills and reversals as history, with the names of those who had to do with them.

Drain history first: it is projected a moment after the fact.
"""

from __future__ import annotations

from core.members import ALIASES
from core.organisation import true_time, true_times
from core.sqlite import Reader, Row


def sale(db: Reader, sale_id: str) -> Row | None:
    """Return a settled bill or a reversal."""
    row = db.one(
        """SELECT s.*, m.name AS member_name, m.number AS member_number, w.name AS staff_name,
                  p.name AS payer_name
             FROM sale s LEFT JOIN member m ON m.id = s.member
             LEFT JOIN member p ON p.id = s.payer
             LEFT JOIN staff w ON w.id = s.actor
            WHERE s.id = :id""",
        id=sale_id,
    )
    return None if row is None else true_time(db, row)


def sale_lines(db: Reader, sale_id: str) -> list[Row]:
    return db.all(
        """SELECT l.*, w.name AS staff_name FROM sale_line l
             LEFT JOIN staff w ON w.id = l.staff
            WHERE l.sale = :sale ORDER BY l.position""",
        sale=sale_id,
    )


def sale_payments(db: Reader, sale_id: str) -> list[Row]:
    return db.all(
        "SELECT * FROM sale_payment WHERE sale = :sale ORDER BY position", sale=sale_id
    )


def sales_of_member(db: Reader, member: str, *, limit: int = 100) -> list[Row]:
    """Return a member's bills, newest first, with lines and tenders to be read apart.

    Also those of merged duplicates, and those that relatives paid out of this account.
    """
    rows = db.all(
        f"""{ALIASES} SELECT s.*, w.name AS staff_name, m.name AS member_name
              FROM sale s LEFT JOIN staff w ON w.id = s.actor
              LEFT JOIN member m ON m.id = s.member
             WHERE s.id IN (
                SELECT id FROM sale WHERE member IN (SELECT id FROM alias)
                UNION SELECT id FROM sale
                 WHERE payer IN (SELECT id FROM alias) AND payer <> '')
             ORDER BY s.at DESC, s.seq DESC LIMIT :limit""",  # noqa: S608 - own text
        member=member,
        limit=limit,
    )
    return true_times(db, rows)


def reversal_of(db: Reader, ticket: str) -> Row | None:
    """Return the reversal that answered a bill whole, or None."""
    return db.one(
        "SELECT id, at, reason FROM sale WHERE ticket = :ticket AND sign = -1 AND part = 0",
        ticket=ticket,
    )


def part_reversals_of(db: Reader, ticket: str) -> list[Row]:
    """Return the reversals of single lines of a bill, oldest first."""
    return db.all(
        "SELECT id, at, reason, total FROM sale"
        " WHERE ticket = :ticket AND sign = -1 AND part = 1 ORDER BY at, seq",
        ticket=ticket,
    )

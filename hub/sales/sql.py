"""What the day's pages ask."""

from __future__ import annotations

from core.errors import Refused
from core.organisation import true_times
from core.sqlite import Reader, Row

DAY_SHOWN_MAX = 500


def topups_of_day(db: Reader, date: str, *, limit: int = DAY_SHOWN_MAX) -> list[Row]:
    """Return a business date's top-ups, newest first. Drain history first."""
    rows = db.all(
        """SELECT t.*, m.name AS member_name, w.name AS staff_name FROM topup t
             LEFT JOIN member m ON m.id = t.member LEFT JOIN staff w ON w.id = t.actor
            WHERE t.date = :date ORDER BY t.at DESC, t.seq DESC LIMIT :limit""",
        date=date,
        limit=limit,
    )
    return true_times(db, rows)


def day_sums(db: Reader, date: str) -> Row:
    """Return how many bills, reversals and top-ups a date has, and their fen."""
    row = db.one(
        """SELECT COALESCE(SUM(sign = 1), 0) AS bills,
                  COALESCE(SUM(CASE sign WHEN 1 THEN total END), 0) AS sold,
                  COALESCE(SUM(sign = -1), 0) AS reversals,
                  COALESCE(SUM(CASE sign WHEN -1 THEN total END), 0) AS returned,
                  (SELECT count(*) FROM topup WHERE date = :date) AS topups,
                  (SELECT COALESCE(SUM(price), 0) FROM topup WHERE date = :date) AS topped_up
             FROM sale WHERE date = :date""",
        date=date,
    )
    assert row is not None
    return row


def day_tenders(db: Reader, date: str) -> list[Row]:
    """Return what a date's bills were paid with, less what went back, in fen."""
    return db.all(
        """SELECT p.tender, SUM(s.sign) AS count, SUM(s.sign * p.amount) AS amount
             FROM sale s JOIN sale_payment p ON p.sale = s.id
            WHERE s.date = :date GROUP BY p.tender ORDER BY amount DESC""",
        date=date,
    )


def items_of(db: Reader, date: str) -> dict[str, list[str]]:
    """Return what stood on each of a date's bills, with how many."""
    rows = db.all(
        """SELECT l.sale, l.name, l.quantity FROM sale_line l JOIN sale s ON s.id = l.sale
            WHERE s.date = :date ORDER BY l.sale, l.position""",
        date=date,
    )
    words: dict[str, list[str]] = {}
    for row in rows:
        many = f" ×{row['quantity']}" if row["quantity"] > 1 else ""
        words.setdefault(row["sale"], []).append(f"{row['name']}{many}")
    return words


def is_topup(db: Reader, subject: str) -> bool:
    return db.one("SELECT 1 FROM topup WHERE id = :id", id=subject) is not None


def print_job(db: Reader, job: str) -> Row:
    """Return a print job. Refused: no_job."""
    row = db.one(
        "SELECT id, printer, kind, subject, state FROM print_job WHERE id = :id", id=job
    )
    if row is None:
        raise Refused("no_job")
    return row


def subjects(db: Reader, ids: list[str]) -> dict[str, str]:
    """Return the numbers that people call bills, top-ups and reports by."""
    known: dict[str, str] = {}
    for subject in ids:
        number = db.value(
            """SELECT number FROM sale WHERE id = :id
               UNION ALL SELECT number FROM topup WHERE id = :id
               UNION ALL SELECT 'Z' || z_number FROM till_period
                          WHERE id = :id AND z_number IS NOT NULL LIMIT 1""",
            id=subject,
        )
        if number:
            known[subject] = number
    return known


def bill_numbered(db: Reader, number: str) -> str | None:
    """Return the id of the bill that people call by this number."""
    found: str | None = db.value(
        "SELECT id FROM sale WHERE number = :number AND sign = 1", number=number
    )
    return found

"""What the pages about takings ask. Drain history first."""

from __future__ import annotations

from core.organisation import true_times
from core.sqlite import Reader, Row

SHOWN_MAX = 200


def bills(
    db: Reader, date: str, *, since: str = "", store: str = "", limit: int = SHOWN_MAX
) -> list[Row]:
    """Return a business date's bills and reversals, newest first; `store` '' is every store.

    `since` is an earlier date to begin with, where stores are not all in the same one.
    """
    rows = db.all(
        """SELECT s.*, m.name AS member_name, w.name AS staff_name FROM sale s
             LEFT JOIN member m ON m.id = s.member LEFT JOIN staff w ON w.id = s.actor
            WHERE s.date BETWEEN :since AND :date AND (:store = '' OR s.store = :store)
            ORDER BY s.at DESC, s.id DESC LIMIT :limit""",
        since=since or date,
        date=date,
        store=store,
        limit=limit,
    )
    return true_times(db, rows)


def topups(db: Reader, date: str, *, store: str = "", limit: int = SHOWN_MAX) -> list[Row]:
    """Return a business date's top-ups, newest first."""
    rows = db.all(
        """SELECT t.*, m.name AS member_name, w.name AS staff_name FROM topup t
             LEFT JOIN member m ON m.id = t.member LEFT JOIN staff w ON w.id = t.actor
            WHERE t.date = :date AND (:store = '' OR t.store = :store)
            ORDER BY t.at DESC, t.id DESC LIMIT :limit""",
        date=date,
        store=store,
        limit=limit,
    )
    return true_times(db, rows)


def items_of(db: Reader, sales: list[str]) -> dict[str, list[str]]:
    """Return what stood on each of these bills, with how many."""
    words: dict[str, list[str]] = {}
    for sale in sales:
        rows = db.all(
            "SELECT name, quantity FROM sale_line WHERE sale = :sale ORDER BY position",
            sale=sale,
        )
        words[sale] = [
            f"{row['name']} ×{row['quantity']}" if row["quantity"] > 1 else row["name"]
            for row in rows
        ]
    return words


def held(db: Reader) -> dict[str, int]:
    """Return what members hold of each asset, at all places and under way."""
    rows = db.all(
        """SELECT asset, SUM(amount) AS amount
             FROM (SELECT asset, amount FROM holding
                   UNION ALL SELECT asset, amount FROM transit)
            GROUP BY asset"""
    )
    return {row["asset"]: row["amount"] for row in rows}


def members_count(db: Reader, *, joined_on: str = "") -> int:
    """Return how many members there are, or how many joined on a date."""
    count: int = db.value(
        "SELECT count(*) FROM member WHERE standing = 'member'"
        " AND (:on = '' OR joined_on = :on)",
        on=joined_on,
    )
    return count


def heads(db: Reader) -> list[Row]:
    """Return the newest event of each stream: it moves when anything arrived."""
    return db.all(
        """SELECT o.origin, o.epoch,
                  (SELECT MAX(seq) FROM journal j
                    WHERE j.origin = o.origin AND j.epoch = o.epoch) AS seq
             FROM origin o ORDER BY o.origin, o.epoch"""
    )

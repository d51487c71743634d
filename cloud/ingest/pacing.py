"""How many members' money a box calls to itself in an hour, against what its store is used to.

A box that was taken over could ask for everybody's. Nothing is held up for it: a store may be
busy as never before, and whoever looks can shut the box out.
"""

from __future__ import annotations

from datetime import date as calendar_date
from datetime import timedelta
from statistics import median

from core.clock import HOUR_MS
from core.sqlite import Reader, Writer

FREE_AN_HOUR = 50
DAYS_WORTH = 5
"""The members of so many usual days in one hour are too many."""
DAYS_LOOKED_AT = 28


def too_many_calls(
    tx: Writer, *, hub: str, store: str, member: str, at: int, today: str
) -> str:
    """Count a box's ask for a member's money; say what is unusual, once in an hour.

    The same member within the hour counts once.
    """
    hour = at // HOUR_MS
    tx.run("DELETE FROM called_to WHERE hour < :hour", hour=hour - 1)
    fresh = tx.run(
        "INSERT INTO called_to (hub, hour, member) VALUES (:hub, :hour, :member)"
        " ON CONFLICT DO NOTHING",
        hub=hub,
        hour=hour,
        member=member,
    )
    count: int = tx.value(
        "SELECT count(*) FROM called_to WHERE hub = :hub AND hour = :hour", hub=hub, hour=hour
    )
    if not fresh or count <= FREE_AN_HOUR:
        return ""
    bound = usual_calls(tx, store, today=today)
    return f"{bound + 1} members in an hour" if count == bound + 1 else ""


def usual_calls(db: Reader, store: str, *, today: str) -> int:
    """Return how many members' money a store's box may call to itself in an hour unnoticed."""
    since = calendar_date.fromisoformat(today) - timedelta(days=DAYS_LOOKED_AT)
    rows = db.all(
        "SELECT count(DISTINCT member) AS members FROM sale"
        " WHERE date >= :since AND store = :store AND sign = 1 AND member IS NOT NULL"
        " GROUP BY date",
        since=since.isoformat(),
        store=store,
    )
    usual = median(row["members"] for row in rows) if rows else 0
    return max(FREE_AN_HOUR, int(DAYS_WORTH * usual))

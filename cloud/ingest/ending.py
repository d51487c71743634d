"""Points in the pool end, or move on, once a business day of head office has closed."""

from __future__ import annotations

from core.clock import Quality
from core.journal import Act
from core.organisation import settings
from core.sqlite import Reader, Writer
from core.wallet import CLOUD, end_points

MEMBERS_AT_ONCE = 40


def day_to_close(db: Reader, act: Act, *, closed: str) -> str:
    """Return the date on which points are to be looked at; empty where they were, on `closed`.

    A clock that is not sure ends nothing.
    """
    if act.reading.quality is not Quality.GOOD or act.date == closed:
        return ""
    return act.date if settings(db).points.ends else ""


def end_some(tx: Writer, act: Act) -> int:
    """End what is over in the pool of some members; return of how many."""
    rule = settings(tx).points
    return end_points(tx, act, place=CLOUD, rule=rule, limit=MEMBERS_AT_ONCE)

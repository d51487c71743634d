"""Points that are over end at this store once its business day has closed."""

from __future__ import annotations

from core.clock import Quality
from core.journal import Act
from core.organisation import settings
from core.sqlite import Writer
from core.wallet import end_points

MEMBERS_AT_ONCE = 100
"""In one transaction; a till that sells meanwhile waits for no more."""


def end_some(tx: Writer, act: Act) -> int:
    """End what is over here of some members; return of how many.

    A clock that is not sure ends nothing.
    """
    if act.reading.quality is not Quality.GOOD:
        return 0
    rule = settings(tx).points
    place = act.journal.identity.place
    return end_points(tx, act, place=place, rule=rule, limit=MEMBERS_AT_ONCE)

"""Points that are over end at this store once its business day has closed."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field

from core.clock import Quality
from core.errors import Refused
from core.journal import Act, drain_all
from core.organisation import settings
from core.sqlite import Writer
from core.wallet import end_points
from hub.box import Box

LOOK_EVERY_S = 60.0
MEMBERS_AT_ONCE = 100
"""In one transaction; a till that sells meanwhile waits for no more."""
log = logging.getLogger(__name__)


def end_some(tx: Writer, act: Act) -> int:
    """End what is over here of some members; return of how many.

    A clock that is not sure ends nothing.
    """
    if act.reading.quality is not Quality.GOOD:
        return 0
    rule = settings(tx).points
    place = act.journal.identity.place
    return end_points(tx, act, place=place, rule=rule, limit=MEMBERS_AT_ONCE)


@dataclass(slots=True)
class DayEnds:
    """Looks now and then whether a business day has closed, and ends points after it.

    Again does nothing, so nobody has to remember what was done.
    """

    box: Box
    _looked_s: float = field(default=-LOOK_EVERY_S)
    _date: str = ""

    def look(self, *, reached: bool) -> None:
        """Close the day if a new one has begun; `reached` where no word can be missed.

        A store that is off the line, or does not know the time, lets all points count.
        """
        now = time.monotonic()
        if now - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now
        if not reached:
            return
        with suppress(Refused):  # It stands in no store yet, or may not write now.
            self._close()

    def _close(self) -> None:
        with self.box.door.read() as db:
            act = self.box.act(db)
        if act.reading.quality is not Quality.GOOD or act.date == self._date:
            return
        drain_all(self.box.door, self.box.parts)
        ended = MEMBERS_AT_ONCE
        while ended == MEMBERS_AT_ONCE:
            ended = self.box.door.write(lambda tx: end_some(tx, self.box.act(tx)))
            if ended:
                self.box.written()
        self._date = act.date

"""What a box still does whose epoch head office has closed: it asks, and brings what it has.

It stays off the broker, where another box may bear its name by now. Whoever has put things
right at head office is heard at the next question.
"""

from __future__ import annotations

import logging

from core.enrolment import StandingAnswer
from core.wire import SendSegments
from hub.fence import FENCED
from hub.sync.conversation import Bar
from hub.sync.disk import Disk
from hub.sync.line import BrokerLine
from hub.sync.past import Brought, Past, Stood
from hub.sync.step import REPLACED
from hub.sync.tail import Tail, answered, begin

ASK_AFTER_S = 30.0
ASK_AFTER_MAX_S = 3600.0
AGAIN_AFTER_S = 5.0
REFUSED = {"hub_stolen": "stolen", "hub_revoked": "retired"}
"""What the gate says to a certificate that is good for nothing any more, and what that is."""

log = logging.getLogger(__name__)


class Shut:
    """Whether head office has shut this box out, and what follows from it.

    Times are seconds of a clock that only goes forward.
    """

    def __init__(self, disk: Disk, past: Past, line: BrokerLine) -> None:
        self._disk, self._past, self._line = disk, past, line
        self._tail: Tail | None = None
        self._busy = False
        self._unheard = False
        self._due_s = 0.0
        self._wait_s = ASK_AFTER_S
        self._asked_s = 0.0
        self._turned_away_s = 0.0
        held = disk.fence()
        self.out = held is not None and held.state == FENCED

    def begin(self) -> None:
        """Keep off the line until head office was asked whether we may be on it."""
        self._line.hold(on=True)
        self._stand()

    def shut(self, reason: str) -> None:
        """Head office has said on the line that this box is out."""
        self._disk.bar(Bar(state=FENCED, reason=reason))
        self._line.hold(on=True)
        self.out, self._tail, self._due_s = True, None, 0.0

    def line_ended(self, now_s: float, *, turned_away: bool) -> None:
        """Ask soon: a broker that lets us in no more cannot tell us that we are shut out."""
        if turned_away and not self.out and now_s >= self._turned_away_s:
            self._turned_away_s = now_s + ASK_AFTER_S
            self._unheard, self._due_s, self._wait_s = True, now_s, ASK_AFTER_S

    def look(self, now_s: float) -> None:
        """Do what is due while the box is out, or may be."""
        if self._busy or now_s < self._due_s or not (self.out or self._unheard):
            return
        if self._tail is None or now_s >= self._asked_s:
            self._stand()
            return
        tail, total = self._tail, self._disk.standing().n
        if tail.is_done(total):
            return
        segments = self._disk.segments(SendSegments(first=tail.following, limit=1))
        if segments:
            self._busy = True
            self._past.bring(segments[0])

    def stood(self, news: Stood, now_s: float) -> None:
        """Take in how head office sees this box."""
        self._busy = False
        answer = news.answer
        self._unheard = answer is None
        if news.refused in REFUSED and not self.out:
            self.shut(REFUSED[news.refused])
        if answer is None:
            self._line.hold(on=self.out)
            self._due_s = now_s + self._wait_s
            self._wait_s = min(self._wait_s * 2, ASK_AFTER_MAX_S)
            return
        reason = REPLACED if answer.newest > answer.epoch else answer.closed
        if not reason:
            self._open()
            return
        self._disk.bar(Bar(state=FENCED, reason=reason))
        self._line.hold(on=True)
        self.out = True
        self._asked_s = now_s + self._wait_s
        self._wait_s = min(self._wait_s * 2, ASK_AFTER_MAX_S)
        if self._tail is None:
            self._tail = self._begun(answer)

    def brought(self, news: Brought, now_s: float) -> None:
        """Take in what became of a segment."""
        self._busy = False
        if self._tail is None:
            return
        if news.answer is None:
            self._due_s = now_s + AGAIN_AFTER_S
            return
        self._tail = answered(self._tail, first=news.first, last=news.last, answer=news.answer)
        if self._tail.stuck:
            log.error("head office does not take events from %s on", news.first)
        self._disk.note_held(self._tail.following - 1, 0)

    def _stand(self) -> None:
        self._busy = True
        self._past.stand(self._disk.me.epoch)

    def _open(self) -> None:
        if self.out:
            log.info("head office lets this box in again")
        self._disk.unbar(FENCED)
        self.out, self._tail, self._wait_s = False, None, ASK_AFTER_S
        self._line.hold(on=False)

    def _begun(self, answer: StandingAnswer) -> Tail:
        total = self._disk.standing().n
        return begin(answer, total=total, held=self._disk.own_head(answer.have))

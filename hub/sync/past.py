"""Errands about a box's past and standing, by a thread of their own: they may take their time.

They are apart from the gate's others, so that a long tail holds up no feed.
"""

from __future__ import annotations

import logging
import queue
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from core.enrolment import LateAnswer, RenewLateRequest, StandingAnswer
from core.wire import Segment, pack
from hub.sync.archive import bring_late, kept_segments, renew_late, standing_of
from hub.sync.gate import Renewed
from hub.sync.head_office import (
    Declined,
    Ended,
    Unreachable,
    has_ended,
    parse_url,
    public_context,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GotOwn:
    """Some of this box's own events; None when they could not be had."""

    segments: list[Segment] | None


@dataclass(frozen=True, slots=True)
class Stood:
    """How head office sees this box; None when it could not be asked.

    `ended`: the certificate is over. `refused`: head office lets it in for nothing, and why.
    """

    answer: StandingAnswer | None
    ended: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a segment that was brought late; None when it could not be."""

    first: int
    last: int
    answer: LateAnswer | None


PastNews: TypeAlias = GotOwn | Stood | Brought | Renewed
_TROUBLES = (Unreachable, Declined, ValueError)


class Past:
    """Runs errands one after the other and tells what came of each."""

    def __init__(
        self, url: str, context: ssl.SSLContext, tell: Callable[[PastNews], None]
    ) -> None:
        self._url = url
        self._context = context
        self._tell = tell
        self._errands: queue.SimpleQueue[Callable[[], PastNews] | None] = queue.SimpleQueue()
        # A daemon: an answer that hangs must not hold up the program's end.
        self._thread = threading.Thread(target=self._run, name="past", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def fetch_own(self, origin: str, *, epoch: int, after: int) -> None:
        """Get this box's own events behind one."""
        self._errands.put(lambda: self._fetch_own(origin, epoch, after))

    def stand(self, epoch: int) -> None:
        """Ask how head office sees this box."""
        self._errands.put(lambda: self._stand(epoch))

    def bring(self, segment: Segment) -> None:
        """Bring a segment of a closed epoch."""
        self._errands.put(lambda: self._bring(segment))

    def renew_late(self, url: str, request: RenewLateRequest, *, ca: str) -> None:
        """Get the next certificate after the last one has ended, from the public address."""
        self._errands.put(lambda: self._renew_late(url, request, ca))

    def close(self) -> None:
        self._errands.put(None)

    def _run(self) -> None:
        while (errand := self._errands.get()) is not None:
            self._tell(errand())

    def _fetch_own(self, origin: str, epoch: int, after: int) -> GotOwn:
        try:
            segments = kept_segments(
                self._url, origin=origin, epoch=epoch, after=after, context=self._context
            )
        except _TROUBLES as error:
            log.warning("own events behind %s could not be fetched: %s", after, error)
            return GotOwn(None)
        return GotOwn(segments)

    def _stand(self, epoch: int) -> Stood:
        try:
            return Stood(standing_of(self._url, epoch=epoch, context=self._context))
        except Declined as declined:
            return Stood(None, refused=declined.code)
        except (Unreachable, ValueError) as error:
            log.info("head office was not asked how this box stands: %s", error)
            return Stood(None, ended=isinstance(error, Ended) or self._has_ended())

    def _has_ended(self) -> bool:
        return has_ended(parse_url(self._url), self._context)

    def _bring(self, segment: Segment) -> Brought:
        answer = None
        try:
            answer = bring_late(
                self._url, pack(segment), epoch=segment.epoch, context=self._context
            )
        except _TROUBLES as error:
            log.warning("events from %s could not be brought: %s", segment.first, error)
        return Brought(segment.first, segment.last, answer)

    def _renew_late(self, url: str, request: RenewLateRequest, ca: str) -> Renewed:
        try:
            return Renewed(renew_late(url, request, context=public_context(ca)))
        except _TROUBLES as error:
            log.warning("the certificate that has ended could not be renewed: %s", error)
            return Renewed(None)

"""Errands to head office over HTTPS, by a thread of its own: they may take their time."""

from __future__ import annotations

import logging
import queue
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from core.enrolment import RenewAnswer
from core.wire import FeedBatch
from hub.sync.head_office import Declined, Unreachable, fetch_feed, renew
from hub.sync.returning import Memory, give_back

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Got:
    """What came of fetching the feed; None when it could not be had."""

    batch: FeedBatch | None


@dataclass(frozen=True, slots=True)
class Renewed:
    """The next certificate; None when it could not be had."""

    answer: RenewAnswer | None


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Whether head office has all again that it forgot."""

    done: bool


GateNews: TypeAlias = Got | Renewed | GivenBack


class Gate:
    """Runs errands one after the other and tells what came of each."""

    def __init__(
        self, url: str, context: ssl.SSLContext, tell: Callable[[GateNews], None]
    ) -> None:
        self._url = url
        self._context = context
        self._tell = tell
        self._errands: queue.SimpleQueue[Callable[[], GateNews] | None] = queue.SimpleQueue()
        # A daemon: an answer that hangs must not hold up the program's end.
        self._thread = threading.Thread(target=self._run, name="gate", daemon=True)
        self._thread.start()

    def fetch(self, after: int) -> None:
        """Get what comes after a position of the feed."""
        self._errands.put(lambda: self._fetch(after))

    def renew(self, request: str) -> None:
        """Get the next certificate for a request."""
        self._errands.put(lambda: self._renew(request))

    def give_back(self, memory: Memory) -> None:
        """Give head office back what it forgot."""
        self._errands.put(lambda: self._give_back(memory))

    def close(self) -> None:
        self._errands.put(None)

    def _run(self) -> None:
        while (errand := self._errands.get()) is not None:
            self._tell(errand())

    def _fetch(self, after: int) -> Got:
        try:
            return Got(fetch_feed(self._url, after=after, context=self._context))
        except (Unreachable, ValueError) as error:
            log.warning("the feed after %s could not be fetched: %s", after, error)
            return Got(None)

    def _renew(self, request: str) -> Renewed:
        try:
            return Renewed(renew(self._url, request, context=self._context))
        except (Unreachable, ValueError) as error:
            log.warning("the certificate could not be renewed: %s", error)
            return Renewed(None)

    def _give_back(self, memory: Memory) -> GivenBack:
        try:
            give_back(self._url, memory, context=self._context)
        except (Unreachable, Declined, ValueError) as error:
            log.warning("what head office forgot could not be given back: %s", error)
            return GivenBack(done=False)
        return GivenBack(done=True)

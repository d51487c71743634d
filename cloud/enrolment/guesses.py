"""Guesses at codes are counted by where they come from; what is guessed right is not."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from cloud.access import neighbourhood
from core.clock import MINUTE_MS
from core.errors import Refused

GUESSES_MAX = 20
WINDOW_MS = 15 * MINUTE_MS
ADDRESSES_MAX = 10_000


@dataclass(slots=True)
class _Count:
    began_at: int
    wrong: int = 0


@dataclass(slots=True)
class Guesses:
    """Wrong guesses of the last minutes; one web process holds them, a restart forgets them.

    That is enough: each code dies by its own five tries, wherever they come from.
    """

    _counts: OrderedDict[str, _Count] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, address: str, *, at: int) -> None:
        """Refuse who guessed too often. Refused: too_many_guesses."""
        with self._lock:
            count = self._counts.get(neighbourhood(address))
            if count is None or at - count.began_at >= WINDOW_MS:
                return
            if count.wrong >= GUESSES_MAX:
                raise Refused("too_many_guesses", minutes=WINDOW_MS // MINUTE_MS)

    def note_wrong(self, address: str, *, at: int) -> None:
        """Count a wrong guess."""
        who = neighbourhood(address)
        with self._lock:
            count = self._counts.get(who)
            if count is None or at - count.began_at >= WINDOW_MS:
                count = self._counts[who] = _Count(at)
            count.wrong += 1
            self._counts.move_to_end(who)
            while len(self._counts) > ADDRESSES_MAX:
                self._counts.popitem(last=False)

"""The thread that keeps merchants' books: asks first, then what was kept, then history."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial

from cloud.ingest.books import (
    Outcome,
    carry,
    close_day,
    handle,
    place,
    try_aside,
    write_history,
)
from cloud.platform import Merchant, Platform
from core.journal import make_up_all
from core.sqlite import Door
from core.wire import Ask

STUMBLE_PAUSE_S = 10.0
"""A merchant whose books cannot be written waits so long, and holds up no other."""
CHECKPOINT_BYTES = 4 * 1024 * 1024
CHECKPOINT_EVERY_S = 300.0
IDLE_S = 5.0
HUSH_S = 0.005
"""So long after an answer nothing else is begun: whoever sends it needs the interpreter."""
log = logging.getLogger(__name__)


class Clerk:
    """Does one piece of work at a time; what is asked for twice is done once."""

    def __init__(self, platform: Platform, tell: Callable[[Outcome], None]) -> None:
        self._platform = platform
        self._tell = tell
        self._wake = threading.Condition()
        self._asks: deque[tuple[str, str, Ask]] = deque()
        self._carry: dict[str, None] = {}
        """Merchants, in the order in which they came."""
        self._history: dict[str, None] = {}
        self._later: dict[str, float] = {}
        self._moved_at: dict[str, float] = defaultdict(time.monotonic)
        self._mended: set[str] = set()
        self._closed: dict[str, str] = {}
        """Up to which business date a merchant's points were looked at."""
        self._hushed_until = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="clerk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the piece at hand and leave the rest for the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def carry(self, merchant: str) -> None:
        """Bring a merchant's tables up to what is kept."""
        with self._wake:
            self._carry[merchant] = None
            self._wake.notify()

    def ask(self, merchant: str, hub: str, ask: Ask) -> None:
        """Handle a hub's ask before anything else."""
        with self._wake:
            self._asks.append((merchant, hub, ask))
            self._wake.notify()

    def _work(self) -> None:
        while (piece := self._next()) is not None:
            merchant, work = piece
            try:
                work()
            except Exception:
                # Whatever it is, the other merchants' money goes on moving.
                log.exception("the books of %s cannot be written now", merchant)
                with self._wake:
                    self._later[merchant] = time.monotonic() + STUMBLE_PAUSE_S

    def _next(self) -> tuple[str, Callable[[], None]] | None:
        """Return the next piece of work, once there is one; None at the end."""
        with self._wake:
            while not self._stopping:
                self._give_another_try()
                if self._asks:
                    merchant = self._asks[0][0]
                    return merchant, partial(self._handle, merchant, self._asks_of(merchant))
                if (hush_s := self._hushed_until - time.monotonic()) > 0:
                    self._wake.wait(hush_s)
                    continue
                if self._carry:
                    merchant = _first(self._carry)
                    return merchant, partial(self._bring_up, merchant)
                if self._history:
                    merchant = _first(self._history)
                    return merchant, partial(self._write_history, merchant)
                self._wake.wait(IDLE_S)
        return None

    def _is_asked(self) -> bool:
        return bool(self._asks)

    def _asks_of(self, merchant: str) -> list[tuple[str, Ask]]:
        asks = [(hub, ask) for whose, hub, ask in self._asks if whose == merchant]
        self._asks = deque(one for one in self._asks if one[0] != merchant)
        return asks

    def _give_another_try(self) -> None:
        now = time.monotonic()
        for merchant, at in tuple(self._later.items()):
            if now >= at:
                del self._later[merchant]
                self._carry[merchant] = None

    def _handle(self, merchant_id: str, asks: list[tuple[str, Ask]]) -> None:
        merchant = self._platform.merchant(merchant_id)
        outcome = handle(self._platform, merchant, asks)
        self._tell(outcome)
        with self._wake:
            self._hushed_until = time.monotonic() + HUSH_S
            if outcome.more:
                self._carry[merchant_id] = None
            self._history[merchant_id] = None

    def _bring_up(self, merchant_id: str) -> None:
        merchant = self._platform.merchant(merchant_id)
        if merchant_id not in self._mended:
            # An update may have taught the projectors what they could not read before.
            make_up_all(merchant.door, merchant.parts)
            self._mended.add(merchant_id)
        outcome = carry(self._platform, merchant, hurry=self._is_asked)
        self._tell(outcome)
        with self._wake:
            if outcome.more:
                self._carry[merchant_id] = None
            self._history[merchant_id] = None

    def _write_history(self, merchant_id: str) -> None:
        merchant = self._platform.merchant(merchant_id)
        if write_history(merchant, hurry=self._is_asked):
            self._platform.ring("web")
            with self._wake:
                self._history[merchant_id] = None
        elif (tried := try_aside(self._platform, merchant)) is not None:
            self._tell(tried)
            self._platform.ring("web")
            with self._wake:
                self._carry[merchant_id] = None
        elif (day := self._close_day(merchant)) is not None:
            self._tell(day)
            with self._wake:
                self._history[merchant_id] = None
        elif (placed := place(self._platform, merchant)) is not None:
            self._tell(placed)
            if placed.more:
                with self._wake:
                    self._history[merchant_id] = None
        self._care_for(merchant)

    def _close_day(self, merchant: Merchant) -> Outcome | None:
        closed = self._closed.get(merchant.id, "")
        done = close_day(self._platform, merchant, closed=closed)
        if done is None:
            return None
        date, outcome = done
        if not outcome.more:
            self._closed[merchant.id] = date
        return outcome

    def _care_for(self, merchant: Merchant) -> None:
        """Move logs into their files: of all head office's programs only this one does."""
        for name, door in ((merchant.id, merchant.door), ("", self._platform.door)):
            since = time.monotonic() - self._moved_at[name]
            if _log_bytes(door) > CHECKPOINT_BYTES or since >= CHECKPOINT_EVERY_S:
                door.checkpoint()
                self._moved_at[name] = time.monotonic()


def _first(waiting: dict[str, None]) -> str:
    merchant = next(iter(waiting))
    del waiting[merchant]
    return merchant


def _log_bytes(door: Door) -> int:
    wal = door.path.with_name(f"{door.path.name}-wal")
    return wal.stat().st_size if wal.exists() else 0

"""The program `dianshu cloud ingest`: line, exchange and clerk, until told to stop."""

from __future__ import annotations

import logging
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cloud.app import open_cloud
from cloud.epochs import take_up_forks
from cloud.ingest.books import Outcome
from cloud.ingest.clerk import Clerk
from cloud.ingest.exchange import Exchange
from cloud.ingest.line import Line
from cloud.platform import INGEST, Platform, places, program_pair
from core import sdnotify
from core.catalog import syllables
from core.doorbell import Doorbell
from core.enrolment import Broker
from core.wire import Ask, Channel

GATHER_MAX = 64
"""Messages that are kept in one transaction; those that come meanwhile are the next."""
IDLE_S = 1.0
LOOK_EVERY_S = 1.0
SWITCH_S = 0.0005
"""How long a busy thread keeps the interpreter from one that waits for it. By Python's own 5 ms
an ask would lose that time at each of its five changes of thread while a store catches up."""
RUNS_EVERY_S = 30.0
"""A bell may be lost; so often every merchant is looked after all the same."""
log = logging.getLogger(__name__)

Happening = Callable[[Exchange, int], None]
Message = tuple[str, bytes]


@dataclass(slots=True)
class _Hands:
    """What the exchange sets in motion, before the line is there too."""

    clerk: Clerk
    line: Line | None = None

    def publish(self, topic: str, payload: bytes) -> None:
        if self.line is not None:
            self.line.publish(topic, payload)

    def carry(self, merchant: str) -> None:
        self.clerk.carry(merchant)

    def ask(self, merchant: str, hub: str, ask: Ask) -> None:
        self.clerk.ask(merchant, hub, ask)


@dataclass(slots=True)
class _Desk:
    """Where everything that happens comes in, from whatever thread."""

    inbox: queue.SimpleQueue[Message | Happening | None] = field(
        default_factory=queue.SimpleQueue
    )

    def gather(self, timeout_s: float) -> tuple[list[Message], list[Happening]]:
        """Wait for something; return messages up to a bound, and what else happened."""
        messages: list[Message] = []
        happened: list[Happening] = []
        try:
            one = self.inbox.get(timeout=timeout_s)
            while one is not None:
                if callable(one):
                    happened.append(one)
                else:
                    messages.append(one)
                if happened or len(messages) >= GATHER_MAX:
                    break
                one = self.inbox.get_nowait()
        except queue.Empty:
            pass
        # An ask takes a moment and a till waits for it; a segment takes longer, and none does.
        messages.sort(key=_waits_long)
        return messages, happened


def run_ingest(folder: Path, *, broker: Broker | None = None) -> None:
    """Take in what hubs send until told to stop; `broker` is where hubs find it if not given.

    Refused: no_places.
    """
    stopping = threading.Event()
    desk = _Desk()

    def stop(*_: object) -> None:
        stopping.set()
        desk.inbox.put(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    sys.setswitchinterval(SWITCH_S)
    # The first name of a member loads the dictionary for half a second: not before a till.
    syllables("店")
    platform = open_cloud(folder)
    try:
        if broker is None:
            with platform.door.read() as db:
                broker = places(db).broker
        serve_hubs(platform, broker, stopping=stopping, desk=desk)
    finally:
        platform.close()


def serve_hubs(
    platform: Platform,
    broker: Broker,
    *,
    stopping: threading.Event,
    desk: _Desk | None = None,
) -> None:
    """Serve hubs over a broker until `stopping` is set."""
    desk = desk or _Desk()
    take_up_forks(platform)

    def tell(outcome: Outcome) -> None:
        desk.inbox.put(lambda exchange, now: exchange.told(outcome, now))

    clerk = Clerk(platform, tell)
    hands = _Hands(clerk)
    exchange = Exchange(platform, hands)
    hands.line = Line(
        broker,
        lambda: program_pair(platform, INGEST),
        up=lambda: desk.inbox.put(lambda exchange, _now: exchange.line_up()),
        down=lambda: desk.inbox.put(lambda exchange, now: exchange.line_down(now)),
        message=lambda topic, payload: desk.inbox.put((topic, payload)),
    )
    ear = Doorbell(platform.bells, "ingest")
    clerk.start()
    hands.line.open()
    listening = threading.Thread(
        target=_listen, args=(platform, ear, clerk, desk, stopping), name="ear", daemon=True
    )
    listening.start()
    sdnotify.ready()
    try:
        _serve(exchange, desk, stopping)
    finally:
        sdnotify.stopping()
        hands.line.close()
        clerk.stop()
        listening.join()
        ear.close()


def _serve(exchange: Exchange, desk: _Desk, stopping: threading.Event) -> None:
    while not stopping.is_set():
        now = _now_ms()
        due = exchange.wake_at(now)
        wait_s = IDLE_S if due is None else min(max((due - now) / 1000, 0), IDLE_S)
        messages, happened = desk.gather(wait_s)
        try:
            if messages:
                exchange.take(messages, _now_ms())
            for happening in happened:
                happening(exchange, _now_ms())
            exchange.tick(_now_ms())
        except Exception:
            # What was not kept is not acknowledged, and is sent again.
            log.exception("a round came to nothing")
            stopping.wait(IDLE_S)


def _listen(
    platform: Platform,
    ear: Doorbell,
    clerk: Clerk,
    desk: _Desk,
    stopping: threading.Event,
) -> None:
    """Hear the bell, and now and then look without one."""
    looked_at = ran_at = -RUNS_EVERY_S
    look = False
    while not stopping.is_set():
        rang = ear.wait(IDLE_S / 4)
        now = time.monotonic()
        if rang or now - ran_at >= RUNS_EVERY_S:
            look, ran_at = True, now
            for merchant in platform.merchant_ids():
                clerk.carry(merchant)
        # Most rings are a sale or a price; who is let in changes seldom.
        if look and now - looked_at >= LOOK_EVERY_S:
            look, looked_at = False, now
            desk.inbox.put(lambda exchange, now_ms: exchange.look_again(now_ms))


def _waits_long(message: Message) -> bool:
    return message[0].endswith(Channel.UP_LOG)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000

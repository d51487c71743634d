"""A process in the simulated world: it dies between any two outputs, and starts from its disk."""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.ids import Ids
from core.wallet import Leg
from core.wire import Channel
from tests.simulation.disks import START_MS

STEPS_MAX = 200_000
"""A history takes about a thousand; one that never comes to rest is found by this."""
SIGNED = {Channel.UP_LOG, Channel.DOWN_LOG, Channel.DOWN_FEED}
"""What is spoilt on the way: nothing but TLS vouches for the other channels."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How a world breaks; shares are of messages, or of outputs for a crash."""

    name: str
    loss: float = 0.0
    twice: float = 0.0
    late: float = 0.0
    """Messages that wait up to three seconds and so overtake one another."""
    spoilt: float = 0.0
    """Messages of which one bit is turned round."""
    crash: float = 0.0
    cut: float = 0.0
    """Of the actions: a store's line is pulled or put back."""
    wipe: float = 0.0
    """Of the actions: the broker dies with all that it carries."""
    forget: float = 0.0
    """Of head office's crashes: its disk has lost what it had acked and not yet unpacked."""
    pause: float = 0.0
    """Of the actions: a program is ended, and started a while later."""
    actions: int = 40


@dataclass(frozen=True, slots=True)
class Life:
    """One run of a process; work that was planned in an earlier one is never done."""

    name: str
    number: int


class Node:
    """What hub and head office have in common."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.life: Life | None = None
        self.lives = 0
        self.alarm: int | None = None

    def awake(self) -> None:
        self.lives += 1
        self.life = Life(self.name, self.lives)
        self.world.living.add(self.life)
        self.alarm = None

    def die(self) -> None:
        if self.life is not None:
            self.world.living.discard(self.life)
        self.life = None

    def feed(self, happened: Any, *about: Any) -> None:
        """Give the step function an input and carry out what comes of it, unless it dies."""
        life = self.life
        if life is None:
            return
        for output in self.step(happened, *about):
            if self.world.strikes(self.world.profile.crash):
                self.world.crash(self)
            if self.life is not life:
                return
            self.perform(output, *about)
            if self.life is not life:
                return
        self.set_alarm()

    def set_alarm(self) -> None:
        at = self.wake_at()
        if at is None or (self.alarm is not None and self.world.now <= self.alarm <= at):
            return
        self.alarm = at
        self.world.later(max(0, at - self.world.now), self.life, self.ring)

    def ring(self) -> None:
        if self.alarm is not None and self.world.now >= self.alarm:
            self.alarm = None
        self.tick_all()

    def tick_all(self) -> None:
        self.feed(self.tick())

    def step(self, happened: Any, *about: Any) -> Iterable[Any]:
        raise NotImplementedError

    def perform(self, output: Any, *about: Any) -> None:
        raise NotImplementedError

    def wake_at(self) -> int | None:
        raise NotImplementedError

    def tick(self) -> Any:
        raise NotImplementedError


@dataclass
class World:
    """Time, the network and the dice; the same seed and profile give the same history."""

    profile: Profile
    seed: int
    chance: random.Random = field(init=False)
    now: int = 0
    merchant: str = "shop0001"
    merchant_key: bytes = b"merchant"
    healed: bool = False

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.profile.name} {self.seed}")
        self.ids = Ids(self.chance.randbytes)
        self.segment_size = self.chance.choice([1, 2, 5, 200])
        self.living: set[Life] = set()
        self.cut: set[str] = set()
        self.notes: list[tuple[str, str, str]] = []
        self.truth: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self.steps = 0
        self.happened: Counter[str] = Counter()
        self.hubs: dict[str, Any] = {}
        self.cloud: Any = None
        self._queue: list[tuple[int, int, Life | None, Callable[[], None]]] = []
        self._number = 0

    @property
    def wall(self) -> int:
        return START_MS + self.now

    # Time.

    def later(self, delay: int, life: Life | None, work: Callable[[], None]) -> None:
        """Do it after a while, if that run of the process still lives then."""
        self._number += 1
        heapq.heappush(self._queue, (self.now + delay, self._number, life, work))

    def run(self, until: int) -> None:
        while self._queue and self._queue[0][0] <= until:
            at, _, life, work = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            if life is None or life in self.living:
                self.steps += 1
                assert self.steps < STEPS_MAX, (
                    f"{self.profile.name!r}, seed {self.seed}: a livelock"
                )
                work()
        self.now = until

    # The dice.

    def strikes(self, share: float) -> bool:
        return not self.healed and share > 0 and self.chance.random() < share

    def crash(self, node: Any) -> None:
        self.happened["crash"] += 1
        node.crash()
        self.later(self.chance.randrange(10, 5_000), None, node.rise)

    # The network.

    def send_up(self, hub: Any, channel: Channel, payload: bytes) -> None:
        line = hub.line
        self._carry(channel, payload, partial(self._arrive_up, hub, line, channel))

    def send_down(self, hub: Any, channel: Channel, payload: bytes) -> None:
        line = hub.line
        self._carry(channel, payload, partial(self._arrive_down, hub, line, channel))

    def _carry(
        self, channel: Channel, payload: bytes, deliver: Callable[[bytes], None]
    ) -> None:
        if self.strikes(self.profile.loss):
            return
        for _ in range(2 if self.strikes(self.profile.twice) else 1):
            delay = self.chance.randrange(1, 30)
            if self.strikes(self.profile.late):
                delay = self.chance.randrange(3_000)
            sent = payload
            if channel in SIGNED and self.strikes(self.profile.spoilt):
                spoilt = bytearray(payload)
                spoilt[self.chance.randrange(len(spoilt))] ^= 1 << self.chance.randrange(8)
                sent = bytes(spoilt)
            self.later(delay, None, partial(deliver, sent))

    def _arrive_up(self, hub: Any, line: int, channel: Channel, payload: bytes) -> None:
        if hub.up and hub.line == line and self.cloud.life is not None:
            self.cloud.receive(hub.hub, channel, payload)

    def _arrive_down(self, hub: Any, line: int, channel: Channel, payload: bytes) -> None:
        if hub.up and hub.line == line and hub.life is not None:
            hub.receive(channel, payload)

    def hang_up(self, hub: Any) -> None:
        """The broker finds a hub gone and speaks its last will, or dies before it does."""
        if self.strikes(self.profile.wipe * 5):
            return
        delay = self.chance.randrange(50, 20_000)
        line = hub.line
        self.later(delay, None, lambda: self._last_will(hub, line))

    def _last_will(self, hub: Any, line: int) -> None:
        # Another connection of the same name takes the place of the old one and its will.
        if self.cloud.life is not None and (hub.line == line):
            self.cloud.hear_presence_off(hub.hub)

    def fetch(self, hub: Any, after: int) -> None:
        """HTTPS to the gate: it answers, fails, or never ends."""
        life, line = hub.life, hub.line
        if self.strikes(self.profile.loss / 2):
            return

        def answer() -> None:
            reached = hub.up and hub.line == line and self.cloud.life is not None
            hub.fetched(self.cloud.batch(after) if reached else None)

        self.later(self.chance.randrange(5, 200), life, answer)

    # What is known from outside.

    def note(self, who: str, kind: str, detail: str) -> None:
        self.notes.append((who, kind, detail))

    def witness(self, member: str, legs: Iterable[Leg], sign: int) -> None:
        """Remember what a person was told at a till: nothing in the world may contradict it."""
        for leg in legs:
            self.truth[member][leg.asset.value, leg.lot] += sign * leg.amount

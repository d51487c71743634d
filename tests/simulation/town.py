"""The world of the real programs: who is on the line, what the disks and the clocks do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.clock import DAY_MS, HOUR_MS, Quality, Reading
from core.errors import Refused
from core.wire import Channel
from tests.simulation.memory import Platter
from tests.simulation.node import Profile, World

CLOCK_JUMPS_MS = (-30 * DAY_MS, -HOUR_MS, -90_000, 40_000, 2 * HOUR_MS, 400 * DAY_MS)
KEEPALIVE_MS = 45_000
"""A line that is open at one end only is given up after so long."""


class Died(BaseException):
    """The process ends here, between two effects."""


@dataclass(frozen=True, kw_only=True)
class TownProfile(Profile):
    """What breaks beside messages and processes. Shares are of the actions, but of commits
    for `crash_commit`."""

    actions: int = 70
    stores: int = 3
    crash_commit: float = 0.0
    """Of the commits: the process dies just before or just after it."""
    half_open: float = 0.0
    clock: float = 0.0
    """A hub's clock is set wrong, and jumps."""
    full: float = 0.0
    """A disk is full for a while: nothing can be written."""
    unknown: float = 0.0
    """A hub writes what no other version knows yet."""
    family: float = 0.0
    """Of the actions: somebody begins to pay from another's account, or does so no longer."""
    merge: float = 0.0
    """Of the actions: head office takes two members for one, or apart again."""
    deal: float = 0.0
    """Of the actions: passes, returns, advances and whatever else is in `dealings`."""

    amnesia: float = 0.0
    """A hub's disk comes back as it was a while ago, on the same box."""
    dead: float = 0.0
    """A hub's disk is lost; another box takes its place."""
    clone: float = 0.0
    """A copy of a hub starts and runs beside it."""
    restore: float = 0.0
    """Head office is put back from a backup that was made a while ago."""
    rollback: float = 0.0
    """Head office's databases come back as they were a while ago, and nobody told it."""

    tray: bool = False
    """So much goes wrong at once that head office may not know what it sent: then a fact may
    end in the tray, where a person decides."""
    alarms: frozenset[str] = frozenset()
    """What head office may notice in such a world."""

    @property
    def destructive(self) -> bool:
        return any((self.amnesia, self.dead, self.clone, self.restore, self.rollback))


class NodeClock:
    """One box's clock: the world's time and an error, above the floor that the box knows."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.off_ms = 0
        self.floor = 0

    def read(self) -> Reading:
        wall = self.town.wall + self.off_ms
        if wall < self.floor:
            return Reading(self.floor, Quality.UNSURE)
        self.floor = wall
        return Reading(wall, Quality.GOOD)

    def raise_floor(self, at: int) -> None:
        self.floor = max(self.floor, at)


@dataclass
class Fact:
    """Something that happened at a counter: what it moved, and whether anybody was told.

    The amounts are what a person was told, in fen and points; `id` stands in the event.
    """

    id: str
    member: str
    stored: int
    points: int
    hub: str
    told: bool = False
    units: Counter[str] = field(default_factory=Counter)
    """Of passes, by asset."""


@dataclass
class Town(World):
    """Hubs by their names on the line, one connection each, as a broker has it."""

    facts: dict[str, Fact] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """Facts that a disaster destroyed before head office had them."""
    gone: list[str] = field(default_factory=list)
    """What disasters took away, for whoever reads a violation."""

    merged: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of members that were ever one: what lies with them is looked at together."""

    digest: str = ""
    """What became of it, in a few characters."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.https: Any = None
        self.slept_ms = 0
        """How much time went by in which nothing happened."""
        self.connected: dict[str, Any] = {}
        self.deaf: set[tuple[Any, str]] = set()
        """Lines that carry nothing one way although both ends take them for whole."""
        self.full: set[Any] = set()

    # The broker.

    def enter(self, hub: Any) -> None:
        """A box connects: another one of the same name is thrown out."""
        other = self.connected.get(hub.hub)
        self.connected[hub.hub] = hub
        if other is not None and other is not hub and other.up:
            self.happened["take-over"] += 1
            other.disconnect()

    def is_on(self, hub: Any) -> bool:
        return hub.up and self.connected.get(hub.hub) is hub

    def send_up(self, hub: Any, channel: Channel, payload: bytes) -> None:
        if (hub, "up") not in self.deaf:
            super().send_up(hub, channel, payload)

    def send_to(self, name: str, channel: Channel, payload: bytes) -> None:
        hub = self.connected.get(name)
        if hub is not None and (hub, "down") not in self.deaf:
            self.send_down(hub, channel, payload)

    def _last_will(self, hub: Any, line: int) -> None:
        if self.cloud.life is not None and hub.line == line and not self.is_on(hub):
            self.cloud.hear_presence_off(hub.hub)

    def half_open(self, hub: Any) -> None:
        """One way is dead and nobody notices, until keepalive does."""
        ways = self.chance.choice([("up",), ("down",), ("up", "down")])
        self.deaf |= {(hub, way) for way in ways}
        self.happened["half-open"] += 1
        line = hub.line

        def noticed() -> None:
            self.deaf -= {(hub, "up"), (hub, "down")}
            if hub.up and hub.line == line and hub.life is not None:
                hub.disconnect()

        self.later(self.chance.randrange(2_000, KEEPALIVE_MS), None, noticed)

    @property
    def wall(self) -> int:
        return super().wall + self.slept_ms

    # Disks.

    def watch(self, platter: Platter, node: Any) -> None:
        """Let what this world does to disks happen to one."""
        platter.before_commit = partial(self._before_commit, node)
        platter.after_commit = partial(self._after_commit, node)

    def _before_commit(self, node: Any) -> None:
        if node in self.full:
            self.happened["disk full"] += 1
            raise Refused("disk_full")
        self._after_commit(node)

    def _after_commit(self, node: Any) -> None:
        if node.mortal and self.strikes(self.profile.crash_commit):
            raise Died

    def fill_up(self, node: Any) -> None:
        """A disk is full, until somebody clears it."""
        self.full.add(node)
        delay = self.chance.randrange(200, 20_000)
        self.later(delay, None, lambda: self.full.discard(node))

    def heal(self) -> None:
        self.healed = True
        self.cut.clear()
        self.full.clear()
        self.deaf.clear()

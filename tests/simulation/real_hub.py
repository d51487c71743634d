"""A store's box in the simulated world: the product's database, verbs and sending program.

What is ours to break stands in for the line, the gate and the clock; everything between is the
product's: `hub.sync.runtime` over a box that `hub.app` opened. A crash forgets all but the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from core.errors import Refused
from core.ids import Ids
from core.wire import Channel
from hub.app import open_hub
from hub.box import Born, Box
from hub.sync import join, load_link
from hub.sync.line import Came, Down, Up
from hub.sync.runtime import Options, Rung, Sending
from hub.sync.step import Line, Tick, wake_at
from tests.simulation.node import Node
from tests.simulation.town import Died, NodeClock, Town

T = TypeVar("T")
RETRY_MS = 3_000
TURN_MS = 1_000


class SimulatedLine:
    """Stands in for the connection to the broker."""

    def __init__(self, node: RealHub) -> None:
        self.node = node

    def say(self, channel: Channel, payload: bytes) -> bool:
        world = self.node.world
        if world.strikes(world.profile.crash):
            raise Died
        if not self.node.up:
            return False
        world.send_up(self.node, channel, payload)
        return True

    def drop(self, _reason: str, *, hold_back: bool = False) -> None:
        self.node.world.later(0, self.node.life, self.node.disconnect)

    def hold(self, *, on: bool) -> None:
        """Keep off the line, or let it be tried again."""
        node = self.node
        node.held_back = on
        if on:
            node.world.later(0, node.life, node.disconnect)

    def look(self) -> None:
        pass


class RealHub(Node):
    """A store's box with its database and the sending program's runtime."""

    world: Town
    gone = False
    """Its box was thrown away."""
    is_clone = False
    """It is a copy of another box, and runs beside it."""

    def __init__(self, world: Town, folder: Path, store: str) -> None:
        self.folder, self.store = folder, store
        self.clock = NodeClock(world)
        self.world = world
        self.box: Any = None
        self.hub = ""
        self.up = False
        self.line = 0
        self.mortal = False
        self.held_back = False
        self.sending: Any = None
        super().__init__(world, store)

    def join(self, code: str) -> None:
        self.open()
        self.asking(
            lambda: join(
                self.box, url="https://gate", code=code, bring=False, version="1", context=None
            )
        )
        self.close()

    def asking(self, errand: Callable[[], T]) -> T:
        """Do an errand over HTTPS as this box."""
        self.world.https.asking = self
        return errand()

    def open(self, born: Born | None = None) -> Box:
        """Open the box's databases, as each of its programs does."""
        ids = Ids(self.world.chance.randbytes)
        self.box = open_hub(self.folder, clock=self.clock, ids=ids, born=born)
        self.hub = self.box.journal.identity.origin
        return self.box

    def close(self) -> None:
        self.box.door.close()

    # The process.

    def rise(self) -> None:
        """Start the programs: everything that is known comes from the disk."""
        if self.life is not None or self.gone:
            return
        self.mortal = True
        try:
            self.open()
            self.sending = Sending(self.box, load_link(self.folder), Options())
        except (Died, Refused):
            self.die_in_the_cradle()
            return
        self.awake()
        self.guarded(self.sending._shut.begin)
        if self.life is None:
            return
        self.world.later(self.world.chance.randrange(50, 1_500), self.life, self.connect)
        self.world.later(TURN_MS, self.life, self.look)

    def die_in_the_cradle(self) -> None:
        self.mortal = False
        if self.box is not None:
            self.close()
        self.world.later(self.world.chance.randrange(10, 5_000), None, self.rise)

    def crash(self) -> None:
        self.die()
        self.mortal = False
        if self.up:
            self.world.hang_up(self)
        self.up = False
        self.close()

    def connect(self) -> None:
        if self.up or self.life is None:
            return
        if self.gone:
            return
        if self.hub in self.world.cut or self.held_back:
            wait = self.world.chance.randrange(200, RETRY_MS)
            self.world.later(wait, self.life, self.connect)
            return
        self.up = True
        self.line += 1
        self.world.enter(self)
        self.turn(Up())

    def disconnect(self) -> None:
        if not self.up:
            return
        self.up = False
        self.world.hang_up(self)
        self.turn(Down("the line was cut"))
        if self.life is not None:
            wait = self.world.chance.randrange(100, RETRY_MS)
            self.world.later(wait, self.life, self.connect)

    def look(self) -> None:
        """Wake as the program does when nothing rings."""
        self.world.later(TURN_MS, self.life, self.look)
        self.turn(Rung())

    def turn(self, news: object) -> None:
        """Do one turn of the program's loop, as its own thread would."""
        life = self.life

        def work() -> None:
            # Of what the program would pass over only a full disk is expected here.
            with suppress(Refused):
                self.sending._take(news)
            due = wake_at(self.sending._state)
            if due is not None and self.world.now >= due:
                self.sending._happened(Tick())
            self.sending._shut.look(self.world.now / 1000)
            self.sending._ask()
            # It notes how fresh what it knows is, which only what is laid out is measured by.
            if self.world.profile.deal:
                self.sending._tell()

        self.guarded(work)
        if self.life is life and life is not None:
            self.set_alarm()

    def guarded(self, work: Callable[[], T]) -> T | None:
        """Do a piece of work unless the process dies in it; a full disk only stops it."""
        try:
            return work()
        except Died:
            self.world.crash(self)
        except Refused as no:
            if no.code != "disk_full":
                raise
        return None

    def wake_at(self) -> int | None:
        return wake_at(self.sending._state)

    def tick_all(self) -> None:
        self.turn(Rung())

    def receive(self, channel: Channel, payload: bytes) -> None:
        self.turn(Came(channel, payload))

    @property
    def live(self) -> bool:
        return self.life is not None and self.sending._state.line is Line.LIVE

    # What its other programs do.

    def write(self, verb: Callable[[Any, Any], T], *, actor: str = "m1") -> T | None:
        """Run a verb as a page would; None where the process died over it."""
        life = self.life
        done = self.guarded(
            lambda: self.box.door.write(lambda tx: verb(tx, self.box.act(tx, actor=actor)))
        )
        if self.life is life and life is not None:
            delay = self.world.chance.randrange(200)
            self.world.later(delay, life, lambda: self.turn(Rung()))
        return done

    def settled(self) -> bool:
        """Say whether the box knows its store yet; before that it sells nothing."""
        try:
            with self.box.door.read() as db:
                self.box.act(db)
        except Refused:
            return False
        return True

    def knows(self, member: str) -> bool:
        with self.box.door.read() as db:
            return db.one("SELECT 1 FROM member WHERE id = :member", member=member) is not None

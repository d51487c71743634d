"""Head office in the simulated world: its databases, exchange and books are the product's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cloud.app import open_cloud
from cloud.ingest.books import carry, handle, place, write_history
from cloud.ingest.exchange import Exchange
from cloud.platform import Merchant
from core.errors import Refused
from core.feed import publish
from core.ids import Ids
from core.wallet import CLOUD
from core.wire import OFFLINE, Ask, Channel, encode, parse_topic, topic
from tests.simulation.node import Node
from tests.simulation.town import Died, NodeClock, Town

T = TypeVar("T")
LOOK_MS = 5_000


class RealCloud(Node):
    """Head office with its databases, its exchange and its books."""

    world: Town

    def __init__(self, world: Town, folder: Path, merchant: str) -> None:
        super().__init__(world, CLOUD)
        self.folder = folder
        self.merchant = merchant
        self.clock = NodeClock(world)
        self.platform: Any = None
        self.mortal = False
        self.gate: Any = None
        """A client of its pages for hubs, once somebody asked for one."""
        self.inbox: list[tuple[str, bytes]] = []
        self.planned: set[str] = set()

    # The process.

    def opened(self) -> Any:
        """Open head office's databases, as each of its programs does."""
        return open_cloud(self.folder, clock=self.clock, ids=Ids(self.world.chance.randbytes))

    def open(self) -> None:
        self.platform = self.opened()

    def rise(self) -> None:
        """Start the program: everything that is known comes from the disk."""
        if self.life is not None:
            return
        self.mortal = True
        self.gate = None
        self.inbox, self.planned = [], set()
        try:
            self.open()
            self.exchange = Exchange(self.platform, self, chance=self.world.chance.random)
        except (Died, Refused):
            self.mortal = False
            self.platform.close()
            self.world.later(self.world.chance.randrange(10, 5_000), None, self.rise)
            return
        self.awake()
        self.guarded(self.begin)

    def begin(self) -> None:
        self.exchange.line_up()
        self.carry(self.merchant)
        self.world.later(LOOK_MS, self.life, self.look)

    def look(self) -> None:
        """Read again who is let in, and look after what waits, as the program does."""
        self.world.later(LOOK_MS, self.life, self.look)
        self.guarded(lambda: self.exchange.look_again(self.world.now))
        if self.life is not None:
            self.carry(self.merchant)

    def crash(self) -> None:
        self.die()
        self.mortal = False
        self.platform.close()

    def guarded(self, work: Callable[[], T]) -> T | None:
        """Do a piece of work unless the process dies in it; a full disk only stops it."""
        done = None
        try:
            done = work()
        except Died:
            self.world.crash(self)
            return None
        except Refused as no:
            if no.code != "disk_full":
                raise
            self.carry(self.merchant)
        if self.life is not None:
            self.set_alarm()
        return done

    def wake_at(self) -> int | None:
        return self.exchange.wake_at(self.world.now)

    def tick_all(self) -> None:
        self.guarded(lambda: self.exchange.tick(self.world.now))

    @property
    def books(self) -> Merchant:
        return self.platform.merchant(self.merchant)

    # The line.

    def receive(self, hub: str, channel: Channel, payload: bytes) -> None:
        self.inbox.append((topic(self.merchant, hub, channel), payload))
        if len(self.inbox) == 1:
            self.world.later(self.world.chance.randrange(20), self.life, self.take)

    def take(self) -> None:
        gathered, self.inbox = self.inbox, []
        self.guarded(lambda: self.exchange.take(gathered, self.world.now))

    def hear_presence_off(self, hub: str) -> None:
        self.receive(hub, Channel.UP_PRESENCE, encode(OFFLINE))

    def asked(self, ask: Callable[[], Any]) -> Any:
        """Answer over HTTPS; None where the gate's process dies over it."""
        return self.guarded(ask)

    # The exchange's hands.

    def publish(self, name: str, payload: bytes) -> None:
        if self.mortal and self.world.strikes(self.world.profile.crash):
            raise Died
        heading = parse_topic(name)
        assert heading is not None
        self.world.send_to(heading.hub, heading.channel, payload)

    def carry(self, merchant: str) -> None:
        if merchant in self.planned:
            return
        self.planned.add(merchant)
        delay = self.world.chance.choice([0, 5, 50, 1_000])
        self.world.later(delay, self.life, partial(self.guarded, self.keep_books))

    def keep_books(self) -> None:
        self.planned.clear()
        outcome = carry(self.platform, self.books)
        self.exchange.told(outcome, self.world.now)
        if outcome.more:
            self.carry(self.merchant)
        # As the clerk does: history where there is some, and else value comes to rest.
        elif not write_history(self.books):
            placed = place(self.platform, self.books)
            if placed is not None:
                self.exchange.told(placed, self.world.now)
                self.carry(self.merchant)

    def ask(self, merchant: str, hub: str, ask: Ask) -> None:
        self.world.happened["ask"] += 1
        work = partial(self.answer, hub, ask)
        delay = self.world.chance.randrange(10)
        self.world.later(delay, self.life, partial(self.guarded, work))

    def answer(self, hub: str, ask: Ask) -> None:
        outcome = handle(self.platform, self.books, [(hub, ask)])
        self.exchange.told(outcome, self.world.now)

    # What people do there.

    def publish_item(self, key: str, content: dict[str, Any]) -> None:
        merchant = self.books
        merchant.door.write(
            lambda tx: publish(tx, merchant.act(tx), topic="item", key=key, content=content)
        )
        self.carry(self.merchant)

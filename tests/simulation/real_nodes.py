"""The programs themselves in the simulated world: their runtimes, their databases, their books.

What is ours to break stands in for the line, the gate and the clock; everything between is the
product's: `hub.sync.runtime` over a hub's box, `cloud.ingest.exchange` and the books over head
office's databases. A crash closes the databases and forgets the rest.
"""

from __future__ import annotations

from functools import partial

from cloud.app import open_cloud
from cloud.feed import publish
from cloud.ingest.books import carry, handle, write_history
from cloud.ingest.exchange import Exchange
from cloud.platform import new_code
from cloud.platform.tests.office import merchant_in, office_in
from core.clock import Quality, Reading
from core.errors import Refused
from core.ids import Ids
from core.members import Application, Profile
from core.wallet import CLOUD, holdings, plan_spend, spend
from core.wallet.events import Adjusted
from core.wallet.opening import Brought, open_balance
from core.wire import OFFLINE, Channel, encode, parse_topic, topic
from hub.app import open_hub
from hub.members import register
from hub.sync import join, load_link
from hub.sync.gate import Got
from hub.sync.line import Came, Down, Up
from hub.sync.runtime import Options, Rung, Sending
from hub.sync.step import Tick, wake_at
from hub.wallet import follow
from tests.simulation.node import Node, World

RETRY_MS = 3_000
TURN_MS = 1_000


class Died(BaseException):
    """The process ends here, between two outputs."""


class WorldClock:
    """Everybody's clock; it stands still while something is done."""

    def __init__(self, world: World) -> None:
        self.world = world

    def read(self) -> Reading:
        return Reading(self.world.wall, Quality.GOOD)

    def raise_floor(self, at: int) -> None:
        pass


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


class SimulatedGate:
    """Stands in for HTTPS to head office."""

    def __init__(self, node: RealHub) -> None:
        self.node = node

    def fetch(self, after: int) -> None:
        self.node.world.happened["fetch"] += 1
        self.node.world.fetch(self.node, after)


class RealHub(Node):
    """A store's box with its database and the sending program's runtime."""

    def __init__(self, world: World, folder, store: str) -> None:
        self.folder, self.store = folder, store
        self.box = self.open()
        self.hub = self.box.journal.identity.origin
        super().__init__(world, self.hub)
        self.up = False
        self.line = 0
        self.sending: Sending | None = None

    @classmethod
    def joined(cls, world: World, folder, store: str, code: str) -> RealHub:
        cls.now_opening = world
        node = cls(world, folder, store)
        join(node.box, url="https://gate", code=code, bring=False, version="1", context=None)
        node.close()
        return node

    def open(self):
        world = type(self).now_opening
        return open_hub(self.folder, clock=WorldClock(world), ids=Ids(world.chance.randbytes))

    def close(self) -> None:
        self.box.door.close()

    # The process.

    def rise(self) -> None:
        if self.life is not None:
            return
        self.box = self.open()
        type(self).now_rising = self
        self.sending = Sending(self.box, load_link(self.folder), Options())
        self.awake()
        self.world.later(self.world.chance.randrange(50, 1_500), self.life, self.connect)
        self.world.later(TURN_MS, self.life, self.look)

    def crash(self) -> None:
        self.die()
        if self.up:
            self.world.hang_up(self)
        self.up = False
        self.close()

    def connect(self) -> None:
        if self.up:
            return
        if self.hub in self.world.cut:
            wait = self.world.chance.randrange(200, RETRY_MS)
            self.world.later(wait, self.life, self.connect)
            return
        self.up = True
        self.line += 1
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
        try:
            self.sending._take(news)
            due = wake_at(self.sending._state)
            if due is not None and self.world.now >= due:
                self.sending._happened(Tick())
            self.sending._ask()
        except Died:
            self.world.crash(self)
            return
        self.set_alarm()

    def wake_at(self) -> int | None:
        return wake_at(self.sending._state)

    def tick_all(self) -> None:
        self.turn(Rung())

    def receive(self, channel: Channel, payload: bytes) -> None:
        self.turn(Came(channel, payload))

    def fetched(self, batch) -> None:
        self.turn(Got(batch))

    # What people do.

    def write(self, verb):
        done = self.box.door.write(lambda tx: verb(tx, self.box.act(tx, actor="w1")))
        delay = self.world.chance.randrange(200)
        self.world.later(delay, self.life, lambda: self.turn(Rung()))
        return done

    def settled(self) -> bool:
        """Say whether the box knows its store yet; before that it sells nothing."""
        try:
            with self.box.door.read() as db:
                self.box.act(db)
        except Refused:
            return False
        return True

    def known(self, member: str) -> bool:
        with self.box.door.read() as db:
            return db.one("SELECT 1 FROM member WHERE id = :member", member=member) is not None

    def register(self, name: str) -> str:
        known = Application(profile=Profile(name=name))
        return self.write(lambda tx, act: register(tx, act, known))

    def top_up(self, member: str, amount: int) -> None:
        brought = Brought(principal=amount, bonus=amount // 10)
        self.write(
            lambda tx, act: open_balance(
                tx, act, member=member, brought=brought, source="", place=self.hub
            )
        )
        self.world.truth[member]["all", ""] += amount + amount // 10

    def pay(self, member: str, amount: int) -> None:
        """Spend what is here, and wish for what is elsewhere."""

        def out(tx, act) -> bool:
            try:
                legs = plan_spend(
                    holdings(tx, member, self.hub), amount, store=self.store, date=act.date
                )
            except Refused:
                if follow(tx, act, member=member, why="till") is not None:
                    self.world.happened["wish"] += 1
                return False
            body = Adjusted(
                member=member, lot="", asset="principal", amount=-amount, reason="x"
            )
            act.append(tx, body, postings=spend(member, self.hub, legs))
            return True

        if self.write(out):
            self.world.truth[member]["all", ""] -= amount


class RealCloud(Node):
    """Head office with its databases, its exchange and its books."""

    def __init__(self, world: World, folder, stores: tuple[str, ...]) -> None:
        super().__init__(world, CLOUD)
        self.folder = folder
        self.platform = office_in(folder)
        self.merchant = merchant_in(self.platform, stores=stores).id
        self.codes = {
            store: new_code(self.platform, merchant=self.merchant, store=store)
            for store in stores
        }

    # The process.

    def rise(self) -> None:
        if self.life is not None:
            return
        if self.platform is None:
            ids = Ids(self.world.chance.randbytes)
            self.platform = open_cloud(self.folder, clock=WorldClock(self.world), ids=ids)
        self.inbox: list[tuple[str, bytes]] = []
        self.planned: set[str] = set()
        self.awake()
        self.guarded(self.begin)

    def begin(self) -> None:
        self.exchange = Exchange(self.platform, self, chance=self.world.chance.random)
        self.exchange.line_up()
        self.carry(self.merchant)

    def crash(self) -> None:
        self.die()
        self.platform.close()
        self.platform = None

    def guarded(self, work) -> None:
        """Do a piece of work unless the process dies in it."""
        try:
            work()
        except Died:
            self.world.crash(self)
            return
        if self.life is not None:
            self.set_alarm()

    def wake_at(self) -> int | None:
        return self.exchange.wake_at(self.world.now)

    def tick_all(self) -> None:
        self.guarded(lambda: self.exchange.tick(self.world.now))

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

    def batch(self, after: int):
        return self.exchange._live_batch(self.merchant, after)

    # The exchange's hands.

    def publish(self, name: str, payload: bytes) -> None:
        if self.world.strikes(self.world.profile.crash):
            raise Died
        heading = parse_topic(name)
        self.world.send_down(self.world.hubs[heading.hub], heading.channel, payload)

    def carry(self, merchant: str) -> None:
        if merchant in self.planned:
            return
        self.planned.add(merchant)
        delay = self.world.chance.choice([0, 5, 50, 1_000])
        self.world.later(delay, self.life, partial(self.guarded, self.keep_books))

    def keep_books(self) -> None:
        self.planned.clear()
        merchant = self.platform.merchant(self.merchant)
        outcome = carry(self.platform, merchant)
        self.die_between()
        self.exchange.told(outcome, self.world.now)
        write_history(merchant)
        if outcome.more:
            self.carry(self.merchant)

    def ask(self, merchant: str, hub: str, ask) -> None:
        self.world.happened["ask"] += 1
        work = partial(self.answer, hub, ask)
        self.world.later(
            self.world.chance.randrange(10), self.life, partial(self.guarded, work)
        )

    def answer(self, hub: str, ask) -> None:
        merchant = self.platform.merchant(self.merchant)
        outcome = handle(self.platform, merchant, [(hub, ask)])
        self.die_between()
        self.exchange.told(outcome, self.world.now)

    def die_between(self) -> None:
        """Die after a commit and before anybody hears of it."""
        if self.world.strikes(self.world.profile.crash * 5):
            raise Died

    # What people do there.

    def publish_item(self, key: str, price: int) -> None:
        merchant = self.platform.merchant(self.merchant)
        content = {"code": key, "name": key, "price": price, "category": "c1"}
        merchant.door.write(
            lambda tx: publish(tx, merchant.act(tx), topic="item", key=key, content=content)
        )
        self.carry(self.merchant)

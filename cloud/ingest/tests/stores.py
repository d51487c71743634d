"""Stores' boxes as head office meets them: real journals, sealed with their own keys."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from cloud.app import CORE_PARTS
from cloud.feed import batch
from cloud.ingest.books import carry, handle, write_history
from cloud.ingest.exchange import Exchange
from cloud.platform import new_code
from cloud.platform.tests.office import NOW, STORE, Hub, join
from core.clock import BusinessDay, ManualClock
from core.feed import follow, publish, take_batch
from core.feed.documents import FeedDocument
from core.ids import seeded
from core.journal import (
    MIGRATIONS,
    Act,
    Identity,
    Journal,
    Parts,
    birth_head,
    chain,
    decode,
    kind_of,
    receive_now,
    seal,
)
from core.members import SEARCH, Application, Profile, register
from core.sqlite import Door
from core.wallet import (
    STORED_VALUE,
    Granted,
    Recalled,
    holdings,
    move_merged,
    plan_spend,
    send_release,
    spend,
    take_in,
)
from core.wallet.events import Adjusted
from core.wallet.opening import Brought, open_balance
from core.wire import (
    Ask,
    Channel,
    DownAck,
    Hello,
    Laid,
    Segment,
    encode,
    pack,
    parse_topic,
    read,
    topic,
    unpack,
)

KEY = bytes(range(32))
DAY = BusinessDay("Asia/Shanghai", cutoff_minutes=240)


class Store:
    """One store's box: its journal, and what it would send."""

    def __init__(
        self,
        folder,
        platform,
        merchant,
        *,
        name,
        store=STORE,
        seed=7,
        at=NOW,
        epoch=1,
        code=None,
    ):
        hub = Hub(name, seed, epoch)
        code = code or new_code(platform, merchant=merchant.id, store=store)
        self.answer = join(platform, hub, code)
        self.papers = hub
        self.id, self.store, self.merchant = name, store, merchant.id
        self.key = hub.log_key
        self.clock = ManualClock(at)
        self.parts = Parts((*CORE_PARTS, SEARCH))
        folder.mkdir(parents=True, exist_ok=True)
        self.door_migrations = (*MIGRATIONS, *self.parts.migrations)
        self.door = Door(
            folder / f"{name}.{epoch}.db",
            key=KEY,
            migrations=self.door_migrations,
            synchronous="OFF",
        )
        self.identity = Identity(origin=name, epoch=epoch, birth=hub.birth, boot=1)
        self.journal = Journal(
            identity=self.identity, parts=self.parts, clock=self.clock, ids=seeded(seed)
        )
        self.door.write(self.journal.begin)
        self.door.write(follow)
        self.kinds: tuple[str, ...] = ()
        self.down: list[bytes] = []
        self.down_seq = 0
        self.feed_pos = 0
        self.fetch(merchant)

    def fetch(self, merchant):
        """Catch up with the feed, as over HTTPS."""
        more = True
        while more:
            with merchant.door.read() as db:
                stretch = batch(db, self.feed_pos, 500)
            self.take_documents(stretch.after, stretch.pos, stretch.documents)
            more = stretch.more

    def close(self):
        self.door.close()

    def act(self, actor="w1"):
        reading = self.clock.read()
        return Act(
            journal=self.journal,
            reading=reading,
            store=self.store,
            date=DAY.date(reading.at),
            actor=actor,
        )

    def do(self, verb):
        self.clock.advance(1000)
        return self.door.write(lambda tx: verb(tx, self.act()))

    def append(self, body, **more):
        return self.do(lambda tx, act: act.append(tx, body, **more))

    def member(self, name="李慧敏", phone=""):
        known = Application(profile=Profile(name=name, phone=phone))
        return self.do(lambda tx, act: register(tx, act, known))

    def top_up(self, member, principal=10_000, bonus=0):
        brought = Brought(principal=principal, bonus=bonus)
        self.do(
            lambda tx, act: open_balance(
                tx, act, member=member, brought=brought, source="", place=self.identity.place
            )
        )

    def pay(self, member, amount):
        """Take stored value out of the wallet, with the line cut or not."""

        def out(tx, act):
            held = holdings(tx, member, self.identity.place)
            legs = plan_spend(held, amount, store=self.store, date=act.date)
            body = Adjusted(
                member=member, lot="", asset="principal", amount=-amount, reason="x"
            )
            act.append(tx, body, postings=spend(member, self.identity.place, legs))

        self.do(out)

    def edit(self, topic_, key, content):
        self.do(lambda tx, act: publish(tx, act, topic=topic_, key=key, content=content))

    def held(self, member):
        with self.door.read() as db:
            return sum(h.amount for h in holdings(db, member, self.identity.place))

    def held_stored(self, member):
        """Return the stored value here, in fen."""
        with self.door.read() as db:
            held = holdings(db, member, self.identity.place)
        return sum(h.amount for h in held if h.asset in STORED_VALUE)

    # -- what it sends ---------------------------------------------------------------------

    def seal(self):
        self.door.write(lambda tx: seal(tx, self.identity, self.key.sign))

    def segments(self, after=0):
        """Seal, and return the segments behind an event, packed."""
        self.seal()
        with self.door.read() as db:
            rows = db.all(
                "SELECT * FROM segment WHERE origin = :o AND last_seq > :after"
                " ORDER BY first_seq",
                o=self.id,
                after=after,
            )
            return [self._packed(db, row) for row in rows]

    def _packed(self, db, row):
        events = tuple(
            one["raw"]
            for one in db.all(
                "SELECT raw FROM journal WHERE origin = :o AND seq BETWEEN :a AND :b"
                " ORDER BY seq",
                o=self.id,
                a=row["first_seq"],
                b=row["last_seq"],
            )
        )
        laid = [
            Laid(event=d["event"], name=d["name"], salt=d["salt"], content=d["content"])
            for event in events
            for d in db.all(
                "SELECT * FROM document WHERE event = :id ORDER BY name", id=decode(event).id
            )
        ]
        return pack(
            Segment(
                epoch=row["epoch"],
                boot=row["boot"],
                first=row["first_seq"],
                events=events,
                documents=tuple(laid),
                signature=row["signature"],
            )
        )

    def hello(self, **changes):
        self.seal()
        with self.door.read() as db:
            head = self.journal.head(db)
        said = Hello(
            epoch=self.identity.epoch,
            boot=self.identity.boot,
            n=head.seq,
            head=head.head,
            down_n=self.down_seq,
            down_head=self.down_head(),
            feed_pos=self.feed_pos,
            version="0.1",
            kinds=self.kinds,
            clock_at=self.clock.at,
        )
        return msgspec.structs.replace(said, **changes)

    def topic(self, channel):
        return topic(self.merchant, self.id, channel)

    # -- what comes down -------------------------------------------------------------------

    def down_head(self):
        head = birth_head(self.answer.downlink_birth)
        for raw in self.down:
            for event in unpack(raw).events:
                head = chain(head, event)
        return head

    def take_down(self, raw):
        """Apply a segment of the downlink and answer it, as a box does; known ones are not."""
        segment = unpack(raw)
        if segment.last <= self.down_seq:
            return
        assert segment.first == self.down_seq + 1
        self.down.append(raw)
        for event in segment.events:
            self._follow(decode(event))
        self.down_seq = segment.last

    def _follow(self, event):
        def answer(tx):
            self.clock.advance(1)
            receive_now(tx, self.parts, event, {})
            body = self.parts.entry(event, {}).body
            match body:
                case Granted():
                    take_in(tx, self.act(None), body, place=self.identity.place)
                case Recalled():
                    act = self.act(None)
                    send_release(
                        tx,
                        act,
                        transfer=act.new_id(),
                        member=body.member,
                        request=body.request,
                        wanted=body.legs,
                    )

        self.door.write(answer)

    def take_feed(self, batch_):
        documents = [msgspec.json.decode(d, type=FeedDocument) for d in batch_.documents]
        return self.take_documents(batch_.after, batch_.pos, documents)

    def take_documents(self, after, pos, documents):
        def take(tx):
            took = take_batch(tx, self.parts, after=after, pos=pos, documents=documents)
            if took and tx.value("SELECT 1 FROM member WHERE merge <> ''"):
                self.clock.advance(1)
                move_merged(tx, self.act(None), place=self.identity.place)
            return took

        took = self.door.write(take)
        if took:
            self.feed_pos = max(self.feed_pos, pos)
        return took


class Desk:
    """An exchange without a line: what is published waits here, and books are kept at once."""

    def __init__(self, platform):
        self.platform = platform
        self.said: list[tuple[str, bytes]] = []
        self.dirty: dict[str, None] = {}
        self.asks: list[tuple[str, str, Ask]] = []
        self.now = 1_000
        self.exchange = Exchange(platform, self, chance=lambda: 0.0)

    # The hands of the exchange.

    def publish(self, name, payload):
        self.said.append((name, payload))

    def carry(self, merchant):
        self.dirty[merchant] = None

    def ask(self, merchant, hub, ask):
        self.asks.append((merchant, hub, ask))

    # What a test does.

    def hear(self, store, channel, payload):
        self.exchange.take([(store.topic(channel), payload)], self.now)

    def greet(self, store, **changes):
        self.hear(store, Channel.UP_CONTROL, encode(store.hello(**changes)))

    def work(self):
        """Keep books until there is nothing to do."""
        while self.dirty or self.asks:
            for merchant, hub, ask in self.asks:
                books = self.platform.merchant(merchant)
                outcome = handle(self.platform, books, [(hub, ask)])
                self.exchange.told(outcome, self.now)
                if outcome.more:
                    self.dirty[merchant] = None
            self.asks.clear()
            for merchant in list(self.dirty):
                del self.dirty[merchant]
                outcome = carry(self.platform, self.platform.merchant(merchant))
                self.exchange.told(outcome, self.now)
                if outcome.more:
                    self.dirty[merchant] = None
                while write_history(self.platform.merchant(merchant)):
                    pass

    def heard_by(self, store):
        """Return and forget what was said to a store, as (channel, message or raw segment)."""
        mine = [
            (parse_topic(name).channel, payload)
            for name, payload in self.said
            if parse_topic(name).hub == store.id
        ]
        self.said = [one for one in self.said if parse_topic(one[0]).hub != store.id]
        return [
            (channel, payload if channel is Channel.DOWN_LOG else read(channel, payload))
            for channel, payload in mine
        ]

    def sync(self, *stores, rounds=6):
        """Let stores and head office talk until nobody has anything new to say."""
        for _ in range(rounds):
            self.now += 10_000
            for store in stores:
                self.greet(store)
                for raw in store.segments():
                    self.hear(store, Channel.UP_LOG, raw)
            self.work()
            for store in stores:
                for channel, said in self.heard_by(store):
                    if channel is Channel.DOWN_LOG:
                        store.take_down(said)
                        ack = DownAck(
                            epoch=store.identity.epoch,
                            acked=store.down_seq,
                            feed_pos=store.feed_pos,
                        )
                        self.hear(store, Channel.UP_CONTROL, encode(ack))
                    elif channel is Channel.DOWN_FEED:
                        store.take_feed(said)

    def alarms(self):
        with self.platform.door.read() as db:
            return [(r["kind"], r["detail"]) for r in db.all("SELECT * FROM alarm ORDER BY id")]


def forged(store, raw, change):
    """Return a segment with its events changed and the signature as it was."""
    segment = unpack(raw)
    return pack(replace(segment, events=tuple(change(e) for e in segment.events)))


def kinds_in(merchant, origin):
    with merchant.door.read() as db:
        rows = db.all("SELECT raw FROM journal WHERE origin = :o ORDER BY epoch, seq", o=origin)
        return [kind_of(decode(row["raw"])) for row in rows]

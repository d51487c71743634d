"""Stores' boxes with all that a hub knows, at a head office's desk."""

from __future__ import annotations

from dataclasses import replace

from cloud.app import CORE_PARTS
from cloud.ingest.tests.stores import DAY, KEY, Desk, Store
from core.feed import follow, publish
from core.journal import MIGRATIONS, Act, Journal, Parts, decode, drain_all, receive_now
from core.sqlite import Door
from core.till import STORED_VALUE, Offered
from core.wire import Answer, Channel, DownAck, encode
from hub import checkout, members, tickets, till, wallet
from hub.app import CAPABILITIES
from hub.members import note_list
from hub.sync.asks import due_asks, note
from hub.sync.downlink import _answer

TILL = "前台"
STAFF = {"number": "01", "name": "王芳", "role": "owner", "pin_hash": "-"}
ITEMS = {
    "i1": {"code": "101", "name": "足疗", "price": 9_900},
    "i2": {"code": "201", "name": "茶", "price": 3_800, "kind": "product"},
}
OFFERS = {
    "week": {
        "name": "周卡",
        "price": 10_000,
        "principal": 10_000,
        "bonus": 2_000,
        "term_days": 7,
    }
}


def furnish(merchant):
    """Give a merchant people, items and offers."""

    def write(tx):
        act = merchant.act(tx)
        publish(tx, act, topic="staff", key="w1", content=STAFF)
        for topic, contents in (("item", ITEMS), ("offer", OFFERS)):
            for key, content in contents.items():
                publish(tx, act, topic=topic, key=key, content=content)

    merchant.door.write(write)


def allow(merchant, **rights):
    """Set what stores may do on their own."""
    merchant.door.write(
        lambda tx: publish(tx, merchant.act(tx), topic="rights", key="-", content=rights)
    )


class Shop(Store):
    """A box that knows all that a hub does, with an open till."""

    def __init__(self, folder, platform, merchant, **more):
        super().__init__(folder, platform, merchant, **more)
        self.door.close()
        local = (part for one in CAPABILITIES for part in one.parts)
        self.parts = Parts((*CORE_PARTS, *local))
        name = f"{self.id}.{self.identity.epoch}.hub.db"
        self.path = folder / name
        self.door = Door(
            self.path,
            key=KEY,
            migrations=(*MIGRATIONS, *self.parts.migrations),
            synchronous="OFF",
        )
        self.journal = Journal(
            identity=self.identity,
            parts=self.parts,
            clock=self.clock,
            ids=self.journal.ids,
        )
        self.door.write(self.journal.begin)
        self.door.write(follow)
        self.said: dict[str, int] = {}
        self.feed_pos = 0
        self.fetch(merchant)
        self.do(lambda tx, act: till.open_period(tx, act, till=TILL, float_cents=0))

    @property
    def place(self):
        return self.identity.place

    # -- what people do --------------------------------------------------------------------

    def register(self, name="李慧敏"):
        application = members.Application(profile=members.Profile(name=name))
        return self.do(lambda tx, act: members.register(tx, act, application))

    def fill(self, member, amount=None, offer=None):
        price = amount if offer is None else OFFERS[offer]["price"]
        wanted = wallet.TopUp(
            member=member,
            offer=offer,
            amount=amount or 0,
            payments=(Offered(tender="cash", amount=price),),
        )
        return self.do(
            lambda tx, act: wallet.top_up(tx, act, wanted, topup=act.new_id(), till=TILL)
        )

    def sell(self, member=None, *, item="i1", tender="cash", ahead=0):
        """Settle a bill by one tender; `ahead` fen of it are laid out. Return its id."""

        def settle(tx, act):
            ticket = act.new_id()
            tickets.open_ticket(tx, act, ticket=ticket, member=member)
            tickets.add_line(tx, act, ticket=ticket, line=act.new_id(), item=item)
            found = tickets.read_ticket(tx, ticket)
            checkout.settle(
                tx,
                act,
                ticket=ticket,
                version=found.version,
                till=TILL,
                payments=(Offered(tender=tender, amount=found.bill.total),),
                ahead=wallet.Ahead(amount=ahead, connected=False) if ahead else None,
            )
            return ticket

        return self.do(settle)

    def spend(self, member, *, ahead=0, item="i1"):
        return self.sell(member, item=item, tender=STORED_VALUE, ahead=ahead)

    def reverse(self, ticket):
        return self.do(
            lambda tx, act: checkout.reverse(
                tx, act, ticket=ticket, reversal=act.new_id(), till=TILL, reason="退单"
            )
        )

    def number(self, ticket):
        with self.door.read() as db:
            return db.value("SELECT number FROM ticket WHERE id = :t", t=ticket)

    def ask_for(self, number, *, connected=True):
        return self.do(
            lambda tx, act: checkout.ask_for_right(tx, act, number=number, connected=connected)
        )

    def wish(self, number):
        return self.do(lambda tx, act: checkout.wish_of(tx, act, number))

    def balance(self, member):
        return self.do(lambda tx, act: wallet.balance(tx, act, member))

    # -- the line --------------------------------------------------------------------------

    def _follow(self, event):
        def answer(tx):
            self.clock.advance(1)
            receive_now(tx, self.parts, event, {})
            entry = self.parts.entry(event, {})
            if entry is not None:
                _answer(tx, self.quiet(), entry)

        self.door.write(answer)

    def quiet(self):
        return replace(self.act(None), device=None)

    def asks(self):
        with self.door.read() as db:
            return due_asks(db, place=self.place, now=self.clock.at, said=self.said)

    def act(self, actor="w1"):
        reading = self.clock.read()
        return Act(
            journal=self.journal,
            reading=reading,
            store=self.store,
            date=DAY.date(reading.at),
            actor=actor,
        )


def sync(desk: Desk, *shops: Shop, rounds=4):
    """Let stores and head office talk until nobody has anything new to say."""
    for _ in range(rounds):
        desk.now += 10_000
        for shop in shops:
            desk.greet(shop)
            for raw in shop.segments():
                desk.hear(shop, Channel.UP_LOG, raw)
        desk.work()
        for shop in shops:
            _ask(desk, shop)
        desk.work()
        for shop in shops:
            shop.fetch(desk.platform.merchant(shop.merchant))
            for channel, said in desk.heard_by(shop):
                _hear(desk, shop, channel, said)
    for shop in shops:
        shop.fetch(desk.platform.merchant(shop.merchant))
        shop.door.write(lambda tx, shop=shop: note_list(tx, now=shop.clock.at))


def _ask(desk, shop):
    shop.clock.advance(6_000)
    for ask in shop.asks():
        desk.hear(shop, Channel.UP_ASK, encode(ask))


def _hear(desk, shop, channel, said):
    if channel is Channel.DOWN_LOG:
        shop.take_down(said)
        ack = DownAck(epoch=shop.identity.epoch, acked=shop.down_seq, feed_pos=shop.feed_pos)
        desk.hear(shop, Channel.UP_CONTROL, encode(ack))
    elif channel is Channel.DOWN_FEED:
        shop.take_feed(said)
    elif isinstance(said, Answer):
        shop.door.write(lambda tx: note(tx, ask=said.id, state=said.state))


def drained(merchant):
    drain_all(merchant.door, merchant.parts)
    return merchant


def balance_of(merchant, account_start):
    """Return what all postings of head office's journals add up to, by account and asset."""
    sums: dict[tuple[str, str], int] = {}
    with merchant.door.read() as db:
        for row in db.all(
            "SELECT j.raw FROM journal j WHERE NOT EXISTS (SELECT 1 FROM quarantine q"
            " WHERE q.origin = j.origin AND q.epoch = j.epoch AND q.seq = j.seq"
            " AND q.whole = 1)"
        ):
            for posting in decode(row["raw"]).postings:
                if posting.account.startswith(account_start):
                    key = (posting.account, str(posting.asset))
                    sums[key] = sums.get(key, 0) + posting.amount
    return {key: amount for key, amount in sums.items() if amount}

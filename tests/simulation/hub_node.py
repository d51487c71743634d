"""A hub in the simulated world: its disk, and the product's step function in its memory."""

from __future__ import annotations

from functools import partial

import msgspec

from core.errors import Refused
from core.journal import Posting, decode
from core.wallet import (
    Accepted,
    Asset,
    Granted,
    Leg,
    Lot,
    Recalled,
    Released,
    ToppedUp,
    accept,
    issue,
    plan_spend,
    release,
    spend,
)
from core.wallet.accounts import member_account
from core.wire import (
    Ack,
    Arrived,
    Ask,
    BadSegment,
    Channel,
    FeedBatch,
    Segment,
    SendSegments,
    Sent,
    Welcome,
    channel_of,
    encode,
    heads_needed,
    pack,
    read,
    unpack,
)
from hub.sync import step as wire
from tests.simulation.disks import (
    Copy,
    Ledger,
    Log,
    Noted,
    Spent,
    legs_of,
    plain,
    seal_of,
    stream,
)
from tests.simulation.node import Node, World

bodies = msgspec.json.Decoder(Granted | Recalled | Released | Accepted)


class HubDisk:
    """What survives a crash of the hub."""

    def __init__(self, hub: str, key: bytes, merchant_key: bytes) -> None:
        self.log = Log(hub, key)
        self.downlink = stream(f"{hub}.dn", merchant_key)
        self.down = Copy(f"{hub}.dn")
        self.ledger = Ledger()
        self.feed: dict[str, tuple[int, int]] = {}
        self.feed_pos = 0


class HubNode(Node):
    """One store's box: it sells from what it holds, and syncs when it can."""

    def __init__(self, world: World, hub: str) -> None:
        super().__init__(world, hub)
        self.hub = hub
        self.key = hub.encode()
        self.disk = HubDisk(hub, self.key, world.merchant_key)
        self.asked: dict[str, str] = {}
        """What became of each ask, as a till was told."""
        self.up = False
        self.line = 0
        """Counts connections: what was sent on an older one never arrives."""

    # Memory.

    def rise(self) -> None:
        """Start the program: everything that is known comes from the disk."""
        if self.life is not None:
            return
        check = partial(_fits, self.world.merchant_key)
        self.state = wire.start(
            merchant=self.world.merchant,
            epoch=1,
            boot=1,
            downlink=self.disk.downlink,
            feed_check=check,
            standing=self.standing(),
        )
        self.awake()
        self.world.later(self.world.chance.randrange(50, 1_500), self.life, self.connect)

    def crash(self) -> None:
        self.die()
        if self.up:
            self.world.hang_up(self)
        self.up = False
        self.asked = dict.fromkeys(self.asked, "lost") | {
            ask: state for ask, state in self.asked.items() if state in FINAL
        }

    def connect(self) -> None:
        """Try to get on the line; try again in a while."""
        if self.up or self.life is None:
            return
        if self.hub in self.world.cut:
            self.world.later(self.world.chance.randrange(200, 3_000), self.life, self.connect)
            return
        self.up = True
        self.line += 1
        self.feed(self.standing())
        self.feed(wire.LineUp(about=wire.About()))

    def disconnect(self) -> None:
        """The line goes dead under it; it tries again."""
        if not self.up:
            return
        self.up = False
        self.world.hang_up(self)
        self.feed(wire.LineDown())
        if self.life is not None:
            wait = self.world.chance.randrange(100, 4_000)
            self.world.later(wait, self.life, self.connect)

    def standing(self, *, lost: bool = False) -> wire.Standing:
        disk = self.disk
        return wire.Standing(
            n=disk.log.sealed,
            head=disk.log.heads[disk.log.sealed],
            down_n=disk.down.cursor.have,
            down_head=disk.down.cursor.head,
            feed_pos=disk.feed_pos,
            lost=lost,
        )

    def step(self, happened: object) -> list[object]:
        self.state, outputs = wire.step(
            self.state, happened, self.world.now, self.world.chance.random()
        )
        return outputs

    def wake_at(self) -> int | None:
        return wire.wake_at(self.state)

    def tick(self) -> object:
        return wire.Tick()

    # The line.

    def receive(self, channel: Channel, payload: bytes) -> None:
        if channel is Channel.DOWN_LOG:
            self.receive_segment(payload)
            return
        message = read(channel, payload)
        if message is None:
            return
        held = None
        if isinstance(message, Welcome | Ack):
            held = self.disk.log.head_at(message.acked)
        self.feed(wire.Heard(message=message, held=held))

    def receive_segment(self, raw: bytes) -> None:
        try:
            segment = unpack(raw)
        except BadSegment:
            return
        needed = heads_needed(self.state.cursor.have, segment)
        before, held = needed or (0, 0)
        self.feed(
            Arrived(
                segment=segment,
                raw=raw,
                before=None if needed is None else self.disk.down.head_at(before),
                held=None if needed is None else self.disk.down.head_at(held),
            )
        )

    def perform(self, output: object) -> None:
        match output:
            case wire.Say(message=message):
                self.world.send_up(self, channel_of(message), encode(message))
            case SendSegments(first=first, limit=limit):
                segments = self.disk.log.segments(first, limit)
                for segment in segments:
                    self.world.send_up(self, Channel.UP_LOG, pack(segment))
                self.feed(Sent(first=first, lasts=tuple(s.last for s in segments)))
            case wire.TakeDownlink(segment=segment, after=after):
                work = partial(self.flush_downlink, segment, after)
                self.world.later(self.world.chance.randrange(20), self.life, work)
            case wire.TakeFeed(batch=batch):
                work = partial(self.flush_feed, batch)
                self.world.later(self.world.chance.randrange(20), self.life, work)
            case wire.FetchFeed(after=after):
                self.world.happened["fetch"] += 1
                self.world.fetch(self, after)
            case _:
                self.hear_of(output)

    def hear_of(self, output: object) -> None:
        match output:
            case wire.AskMoved(id=ask, state=state):
                self.asked[ask] = state
            case wire.Trouble(kind=kind, detail=detail):
                self.world.note(self.hub, kind, detail)

    # The disk: each of these is one transaction.

    def flush_downlink(self, segment: Segment, after: int) -> None:
        lost = self.disk.down.cursor.have != after
        if not lost:
            self.take_downlink(segment.events[after + 1 - segment.first :])
        self.feed(self.standing(lost=lost))
        self.seal_soon()

    def take_downlink(self, events: tuple[bytes, ...]) -> None:
        self.disk.down.extend(events)
        for raw in events:
            body = bodies.decode(decode(raw).body)
            match body:
                case Granted():
                    self.take_in(body)
                case Recalled():
                    self.give_back(body)

    def take_in(self, granted: Granted) -> None:
        legs = legs_of(granted.legs)
        accepted = Accepted(
            transfer=granted.transfer,
            member=granted.member,
            legs=granted.legs,
            lots=granted.lots,
        )
        postings = accept(granted.member, self.hub, granted.transfer, legs)
        self.append(accepted, postings, granted.lots)

    def give_back(self, asked: Recalled) -> None:
        held = self.disk.ledger.holdings(member_account(asked.member, self.hub))
        legs = [Leg(h.asset, h.lot, h.amount) for h in held]
        transfer = self.world.ids.new(self.world.wall)
        released = Released(
            transfer=transfer,
            member=asked.member,
            legs=plain(legs),
            lots=self.disk.ledger.known(legs),
            request=asked.request,
        )
        self.append(released, release(asked.member, self.hub, transfer, legs))

    def fetched(self, batch: FeedBatch | None) -> None:
        self.feed(wire.Fetched(batch=batch))

    def flush_feed(self, batch: FeedBatch) -> None:
        lost = batch.after > self.disk.feed_pos
        if not lost:
            for raw in batch.documents:
                read_one = msgspec.json.decode(raw)
                held = self.disk.feed.get(read_one["key"], (0, 0))
                if read_one["pos"] > held[0]:
                    value = (read_one["pos"], read_one["content"]["v"])
                    self.disk.feed[read_one["key"]] = value
            self.disk.feed_pos = max(self.disk.feed_pos, batch.pos)
        self.feed(self.standing(lost=lost))

    def append(
        self, body: msgspec.Struct, postings: list[Posting], lots: tuple[Lot, ...] = ()
    ) -> None:
        self.disk.ledger.move(postings, lots)
        assert not self.disk.ledger.negative(), self.disk.ledger.negative()
        self.disk.log.append(self.world.ids, self.world.wall, body, postings)

    def seal_soon(self) -> None:
        self.world.later(self.world.chance.randrange(200), self.life, self.seal)

    def seal(self) -> None:
        before = self.disk.log.sealed
        self.disk.log.seal(self.world.segment_size)
        if self.disk.log.sealed != before:
            self.feed(self.standing())

    # What people do at the till. They are told only what is on the disk.

    def top_up(self, member: str, amount: int) -> None:
        at = self.world.wall
        lot = self.world.ids.new(at)
        bonus = amount // 10
        legs = [Leg(Asset.PRINCIPAL, lot, amount)]
        legs += [Leg(Asset.BONUS, lot, bonus)] if bonus else []
        known = Lot(lot=lot, opened_at=at, paid=amount, principal=amount, bonus=bonus)
        body = ToppedUp(
            topup=self.world.ids.new(at),
            number="T1",
            member=member,
            lot=lot,
            offer=None,
            offer_name="",
            price=amount,
            principal=amount,
            bonus=bonus,
            points=0,
            period="P1",
            payments=(),
        )
        self.append(body, issue(member, self.hub, legs), (known,))
        self.world.witness(member, legs, 1)
        self.seal_soon()

    def spend(self, member: str, amount: int) -> None:
        """Sell for at most what is here; ask for the rest where the till would."""
        held = self.disk.ledger.holdings(member_account(member, self.hub))
        try:
            legs = plan_spend(held, amount, store="S1", date="2026-03-02")
        except Refused:
            self.ask(member, amount)
            return
        self.append(Spent(member=member, amount=amount), spend(member, self.hub, legs))
        self.world.witness(member, legs, -1)
        self.seal_soon()

    def note(self) -> None:
        for number in range(self.world.chance.randrange(1, 6)):
            self.append(Noted(text="茶" * number), [])
        self.seal_soon()

    def ask(self, member: str, want: int) -> None:
        ask = Ask(id=self.world.ids.new(self.world.wall), member=member, why="till", want=want)
        self.asked[ask.id] = "asked"
        self.feed(wire.Want(ask=ask))


FINAL = {"granted", "nothing", "expired", "offline", "lost"}


def _fits(key: bytes, message: bytes, signature: bytes) -> bool:
    return seal_of(key, message) == signature

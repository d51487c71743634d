"""Head office in the simulated world: disk, reactions, and the product's step for each hub."""

from __future__ import annotations

from functools import partial

import msgspec

from cloud.ingest import step as wire
from core.journal import decode, kind_of
from core.wallet import (
    Accepted,
    Granted,
    Holding,
    Leg,
    Lot,
    Recalled,
    Released,
    ToppedUp,
    accept,
    grant,
    spend_order,
    take,
)
from core.wallet.accounts import CLOUD, member_account
from core.wire import (
    GRANTED,
    NOTHING,
    OFFLINE,
    RECALLING,
    Answer,
    Arrived,
    Ask,
    BadSegment,
    Channel,
    FeedBatch,
    Hello,
    SendSegments,
    Sent,
    channel_of,
    encode,
    heads_needed,
    pack,
    read,
    sign_batch,
    unpack,
)
from tests.simulation.disks import (
    Copy,
    Ledger,
    Log,
    document,
    legs_of,
    plain,
    seal_of,
    stream,
)
from tests.simulation.node import Node, World

BATCH_DOCUMENTS = 3
EVERYTHING = 1 << 60
with_lots = msgspec.json.Decoder(Released | Accepted)
topped_up = msgspec.json.Decoder(ToppedUp)


class HubAtCloud:
    """What head office has on disk about one hub."""

    def __init__(self, hub: str, merchant_key: bytes) -> None:
        self.uplink = stream(hub, hub.encode())
        self.copy = Copy(hub)
        self.unpacked = 0
        """How many of the copy's events are in the tables; the rest waits."""
        self.down = Log(f"{hub}.dn", merchant_key)


class CloudDisk:
    """What survives a crash of head office."""

    def __init__(self, hubs: list[str], merchant: str, merchant_key: bytes) -> None:
        self.hubs = {hub: HubAtCloud(hub, merchant_key) for hub in hubs}
        self.own = Log(merchant, merchant_key)
        self.ledger = Ledger()
        self.answers: dict[str, Answer] = {}
        self.recalls: dict[str, tuple[Ask, str]] = {}
        """By the recall's id: the ask that it is for, and which hub asked."""
        self.feed: dict[str, tuple[int, int]] = {}
        self.feed_pos = 0


class CloudNode(Node):
    """Takes in, reacts, sends on."""

    def __init__(self, world: World, hubs: list[str]) -> None:
        super().__init__(world, CLOUD)
        self.disk = CloudDisk(hubs, world.merchant, world.merchant_key)
        self.granted_at_once: list[str] = []
        """The asks that were answered out of the pool, for the checks from outside."""

    # Memory.

    def rise(self) -> None:
        """Start the program: everything that is known comes from the disk."""
        if self.life is not None:
            return
        self.states = {
            hub: wire.start(kept.uplink, self.standing(hub))
            for hub, kept in self.disk.hubs.items()
        }
        self.kept: list[tuple[str, wire.Keep]] = []
        self.awake()
        for hub in self.disk.hubs:
            self.unpack_soon(hub)

    def crash(self) -> None:
        self.die()
        if self.world.strikes(self.world.profile.forget):
            for kept in self.disk.hubs.values():
                self.world.happened["forgot"] += len(kept.copy.raws) > kept.unpacked
                kept.copy.forget(kept.unpacked)

    def standing(self, hub: str, *, lost: bool = False) -> wire.Standing:
        kept = self.disk.hubs[hub]
        return wire.Standing(
            have=kept.copy.cursor.have,
            head=kept.copy.cursor.head,
            down_len=kept.down.sealed,
            feed_pos=self.disk.feed_pos,
            boot=1,
            lost=lost,
        )

    def step(self, happened: object, hub: str) -> list[object]:
        self.states[hub], outputs = wire.step(
            self.states[hub], happened, self.world.now, self.world.chance.random()
        )
        return outputs

    def wake_at(self) -> int | None:
        times = (wire.wake_at(state) for state in self.states.values())
        return min((at for at in times if at is not None), default=None)

    def tick_all(self) -> None:
        for hub in self.disk.hubs:
            self.feed(wire.Tick(), hub)

    # The line.

    def receive(self, hub: str, channel: Channel, payload: bytes) -> None:
        if channel is Channel.UP_LOG:
            self.receive_segment(hub, payload)
            return
        message = read(channel, payload)
        if message is None:
            self.feed(wire.Garbled(what=channel), hub)
            return
        up = down = None
        if isinstance(message, Hello):
            up = self.disk.hubs[hub].copy.head_at(message.n)
            down = self.disk.hubs[hub].down.head_at(message.down_n)
        self.feed(
            wire.Heard(message=message, wall_at=self.world.wall, up_head=up, down_head=down),
            hub,
        )

    def hear_presence_off(self, hub: str) -> None:
        self.feed(wire.Heard(message=OFFLINE), hub)

    def receive_segment(self, hub: str, raw: bytes) -> None:
        try:
            segment = unpack(raw)
        except BadSegment:
            self.feed(wire.Garbled(what=Channel.UP_LOG), hub)
            return
        copy = self.disk.hubs[hub].copy
        needed = heads_needed(self.states[hub].cursor.have, segment)
        before, held = needed or (0, 0)
        arrived = Arrived(
            segment=segment,
            raw=raw,
            before=None if needed is None else copy.head_at(before),
            held=None if needed is None else copy.head_at(held),
        )
        self.feed(arrived, hub)

    def perform(self, output: object, hub: str) -> None:
        match output:
            case wire.Say(message=message):
                self.say(hub, channel_of(message), encode(message))
            case wire.Keep():
                self.kept.append((hub, output))
                if len(self.kept) == 1:
                    self.world.later(self.world.chance.randrange(20), self.life, self.flush)
            case SendSegments(first=first, limit=limit):
                segments = self.disk.hubs[hub].down.segments(first, limit)
                for segment in segments:
                    self.say(hub, Channel.DOWN_LOG, pack(segment))
                self.feed(Sent(first=first, lasts=tuple(s.last for s in segments)), hub)
            case wire.Handle(ask=ask):
                self.world.happened["ask"] += 1
                self.handle(hub, ask)
            case wire.Alarm(kind=kind, detail=detail):
                self.world.note(CLOUD, kind, f"{hub}: {detail}")

    def say(self, hub: str, channel: Channel, payload: bytes) -> None:
        self.world.send_down(self.world.hubs[hub], channel, payload)

    # The disk: each of these is one transaction, and what is said comes after it.

    def flush(self) -> None:
        """Commit what was gathered of all hubs at once, each at its own cursor."""
        gathered, self.kept = self.kept, []
        lost: dict[str, bool] = {}
        for hub, keep in gathered:
            copy = self.disk.hubs[hub].copy
            fits = copy.cursor.have == keep.after
            lost[hub] = lost.get(hub, False) or not fits
            if fits:
                copy.extend(keep.segment.events[keep.after + 1 - keep.segment.first :])
        for hub, failed in lost.items():
            self.feed(self.standing(hub, lost=failed), hub)
            self.unpack_soon(hub)

    def unpack_soon(self, hub: str) -> None:
        delay = self.world.chance.choice([0, 5, 50, 1_000])
        self.world.later(delay, self.life, partial(self.unpack, hub))

    def unpack(self, hub: str) -> None:
        """Bring what was kept into the tables and react, whole or not at all."""
        kept = self.disk.hubs[hub]
        for raw in kept.copy.raws[kept.unpacked :]:
            self.apply(raw)
        kept.unpacked = len(kept.copy.raws)
        self.tell_hubs()

    def apply(self, raw: bytes) -> None:
        event = decode(raw)
        match kind_of(event):
            case "wallet.topped_up":
                body = topped_up.decode(event.body)
                self.disk.ledger.move(event.postings, (_lot_of(body, event.at),))
            case "wallet.released":
                self.disk.ledger.move(event.postings)
                self.arrive(with_lots.decode(event.body))
            case _:
                self.disk.ledger.move(event.postings)

    def arrive(self, released: Released) -> None:
        """Take what a hub sent into the pool, and send it on to whoever asked."""
        legs = legs_of(released.legs)
        if legs:
            accepted = Accepted(
                transfer=released.transfer,
                member=released.member,
                legs=released.legs,
                lots=released.lots,
            )
            postings = accept(released.member, CLOUD, released.transfer, legs)
            self.disk.own.append(self.world.ids, self.world.wall, accepted, postings)
            self.disk.ledger.move(postings)
        wanted = self.disk.recalls.pop(released.request, None)
        if wanted is not None and legs:
            ask, hub = wanted
            self.world.happened["sent on"] += 1
            # What was not wanted stays in the pool, for whoever asks next.
            ordered = spend_order(self.pool(ask.member), bonus_first=False)
            self.send(hub, ask, take(ordered, ask.want or EVERYTHING))

    def send(self, hub: str, ask: Ask, legs: list[Leg]) -> None:
        transfer = self.world.ids.new(self.world.wall)
        granted = Granted(
            transfer=transfer,
            member=ask.member,
            hub=hub,
            hub_epoch=1,
            legs=plain(legs),
            lots=self.disk.ledger.known(legs),
            request=ask.id,
        )
        postings = grant(ask.member, transfer, legs)
        self.disk.hubs[hub].down.append(self.world.ids, self.world.wall, granted, postings)
        self.disk.ledger.move(postings)

    def handle(self, hub: str, ask: Ask) -> None:
        answer = self.disk.answers.get(ask.id)
        if answer is None:
            answer = self.decide(hub, ask)
            self.disk.answers[ask.id] = answer
        self.tell_hubs()
        self.feed(wire.Reply(answer=answer), hub)

    def decide(self, hub: str, ask: Ask) -> Answer:
        """Grant from the pool up to what is wanted; recall the rest from the other hubs."""
        ordered = spend_order(self.pool(ask.member), bonus_first=False)
        legs = take(ordered, ask.want or EVERYTHING)
        if legs:
            self.send(hub, ask, legs)
            self.granted_at_once.append(ask.id)
            return Answer(id=ask.id, state=GRANTED)
        others = [
            other
            for other in self.disk.hubs
            if other != hub and self.disk.ledger.holdings(member_account(ask.member, other))
        ]
        for other in others:
            recall = self.world.ids.new(self.world.wall)
            self.disk.recalls[recall] = (ask, hub)
            body = Recalled(request=recall, member=ask.member, hub=other, hub_epoch=1)
            self.disk.hubs[other].down.append(self.world.ids, self.world.wall, body)
        return Answer(id=ask.id, state=RECALLING if others else NOTHING)

    def pool(self, member: str) -> list[Holding]:
        return self.disk.ledger.holdings(member_account(member, CLOUD))

    def tell_hubs(self) -> None:
        """Seal what was written for hubs and let the conversations know."""
        for hub, kept in self.disk.hubs.items():
            if kept.down.sealed < len(kept.down.raws):
                kept.down.seal(self.world.segment_size)
                self.feed(self.standing(hub), hub)

    # The feed.

    def publish(self, key: str, value: int) -> None:
        self.disk.feed_pos += 1
        self.disk.feed[key] = (self.disk.feed_pos, value)
        batch = self.batch(self.disk.feed_pos - 1)
        for hub in self.disk.hubs:
            self.feed(self.standing(hub), hub)
            self.feed(wire.Fresh(batch=batch), hub)

    def batch(self, after: int) -> FeedBatch:
        newer = sorted(
            (pos, key, value) for key, (pos, value) in self.disk.feed.items() if pos > after
        )
        now, rest = newer[:BATCH_DOCUMENTS], newer[BATCH_DOCUMENTS:]
        pos = now[-1][0] if rest else max(after, self.disk.feed_pos)
        return sign_batch(
            self.world.merchant,
            [document(key, pos, value) for pos, key, value in now],
            partial(seal_of, self.world.merchant_key),
            after=after,
            pos=pos,
            more=bool(rest),
        )


def _lot_of(body: ToppedUp, at: int) -> Lot:
    return Lot(
        lot=body.lot, opened_at=at, paid=body.price, principal=body.principal, bonus=body.bonus
    )

"""Head office's side of the wire for one hub: (state, input, now) -> (state, outputs). Pure.

The runtime keeps one state for each hub, gives it what happens and carries out the outputs in
order. Its duties:

- `Standing` is given after every commit that changed what stands in it: a segment kept, the
  downlink sealed, the feed moved on. It is what acks are made of, so only what is committed.
- A `Keep` may wait to be committed together with others. One that fails, or finds the cursor
  elsewhere, changes nothing, and `Standing(lost=True)` then says so.
- Every `SendSegments` is answered by one `Sent`. A `Handle` is idempotent by the ask's id.

`now_ms` is any clock that only goes forward; `chance` a fresh number in [0, 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from core.wire import (
    WINDOW_SEGMENTS,
    Ack,
    Answer,
    Arrived,
    Ask,
    Cursor,
    DownAck,
    FeedBatch,
    Fence,
    Greet,
    Hello,
    Message,
    Presence,
    Segment,
    Sender,
    SendSegments,
    Sent,
    Stream,
    Verdict,
    Welcome,
    judge,
)

ACK_EVERY_MS = 30_000
GREET_PAUSE_MS = 2_000
QUIET_MS = 100_000
"""A hub of which nothing was heard for so long is off the line, whatever the broker says."""


# Inputs beside `Sent` and `Arrived` (a segment of the hub's journal) of core.wire.


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is committed: the hub's journal, its downlink's sealed length, the feed's newest.

    `lost` says that a Keep was not carried out. `closed` is why the hub may not write, if so;
    `boot` the highest boot that it has said hello with.
    """

    have: int
    head: bytes
    down_len: int
    feed_pos: int
    boot: int = 0
    safe: int = 0
    closed: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message from the hub; `wall_at` is the time of day in ms UTC.

    For a Hello: `up_head` is the head held of its journal at `hello.n`, `down_head` that of
    its downlink at `hello.down_n`; None where the disk does not reach that far.
    """

    message: Message
    wall_at: int = 0
    up_head: bytes | None = None
    down_head: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbled:
    """Something came on the hub's topics that nobody can read."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The feed has moved: a batch for those who are on the line."""

    batch: FeedBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of an ask that was handled."""

    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """The hub's rights were taken away."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time went by; `wake_at` says when one is due."""


# Outputs beside `SendSegments` (of the downlink) of core.wire.


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Publish a message, on the channel of its type (`core.wire.channel_of`)."""

    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Commit a segment and the cursor, if the cursor stands at `after`; then give Standing.

    The events are to be taken from number `after + 1` on: a segment may begin before it.
    """

    segment: Segment
    raw: bytes
    after: int
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """Somebody at the hub recognised a member: do what the policy says, then give Reply."""

    ask: Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The hub said hello; for the page of stores."""

    hello: Hello


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The hub is off the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """How far the hub holds its downlink and the feed."""

    down_n: int
    feed_pos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that somebody has to look at.

    Kinds: forged, forked, other_epoch, lost_tail, boot_back, downlink_forked, downlink_ahead,
    garbled.
    """

    kind: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Write down that this hub may not write on, and why; `Standing.closed` says so then."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kick:
    """End the hub's connection where the broker can."""

    reason: str


Input: TypeAlias = Standing | Heard | Arrived | Garbled | Sent | Fresh | Reply | Shut | Tick
Output: TypeAlias = (
    Say | Keep | SendSegments | Handle | Seen | Gone | Reported | Alarm | Close | Kick
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudState:
    """Everything remembered of one hub's conversation; lost in a crash without harm."""

    uplink: Stream
    standing: Standing
    cursor: Cursor
    """How far the journal was handed to the disk; `standing` says how far it got."""
    greeted: bool = False
    """The hub said hello on this line, so it is known where its downlink stands."""
    sender: Sender = field(default_factory=Sender)
    ack_at: int | None = None
    quiet_at: int | None = None
    greet_at: int = 0
    """Before this moment the hub is not asked again who it is."""


def start(uplink: Stream, standing: Standing) -> CloudState:
    """Return the state of a program that has just started."""
    return CloudState(
        uplink=uplink,
        standing=standing,
        cursor=Cursor(have=standing.have, head=standing.head),
        sender=Sender(total=standing.down_len),
    )


def step(
    state: CloudState, happened: Input, now_ms: int, chance: float = 0.0
) -> tuple[CloudState, list[Output]]:
    """Take one input; return the new state and what is to be done, in this order."""
    outputs: list[Output]
    match happened:
        case Heard():
            state, outputs = _hear(state, happened, now_ms, chance)
        case Arrived():
            state, outputs = _arrive(state, happened, now_ms)
        case Garbled():
            outputs = [Alarm(kind="garbled", detail=happened.what)]
        case Tick():
            state, outputs = _tick(state, now_ms)
        case _:
            state, outputs = _from_here(state, happened, now_ms, chance)
    if isinstance(happened, Sent) and not happened.lasts:
        # What could not be sent would be ordered again at once, and for ever.
        return state, outputs
    state, more = _send(state)
    return state, [*outputs, *more]


def _from_here(
    state: CloudState,
    happened: Standing | Sent | Fresh | Reply | Shut,
    now_ms: int,
    chance: float,
) -> tuple[CloudState, list[Output]]:
    match happened:
        case Standing():
            return _stand(state, happened, now_ms)
        case Sent():
            return replace(state, sender=state.sender.note(happened, now_ms, chance)), []
        case Fresh():
            return state, [Say(message=happened.batch)] if state.greeted else []
        case Reply():
            return state, [Say(message=happened.answer)]
        case Shut():
            return _shut(state, happened.reason)


def wake_at(state: CloudState) -> int | None:
    """Return when the next Tick is due; None where only an input changes anything."""
    times = (state.ack_at, state.quiet_at, state.sender.due_at)
    return min((at for at in times if at is not None), default=None)


def _send(state: CloudState) -> tuple[CloudState, list[Output]]:
    if not state.greeted or state.standing.closed:
        return state, []
    sender, ordered = state.sender.order()
    if ordered is None:
        return state, []
    return replace(state, sender=sender), [ordered]


# What the disk says.


def _stand(
    state: CloudState, standing: Standing, now_ms: int
) -> tuple[CloudState, list[Output]]:
    moved = standing.have != state.standing.have
    closing = bool(standing.closed) and not state.standing.closed
    cursor = state.cursor
    if standing.lost or standing.have > cursor.have:
        cursor = Cursor(have=standing.have, head=standing.head)
    state = replace(
        state,
        # A runtime that gives only what differs must be heard when it loses twice.
        standing=replace(standing, lost=False),
        cursor=cursor,
        sender=state.sender.extend(standing.down_len),
    )
    if closing:
        return _shut(state, standing.closed)
    if moved or standing.lost:
        return _ack(state, now_ms)
    return state, []


def _ack(state: CloudState, now_ms: int) -> tuple[CloudState, list[Output]]:
    standing = state.standing
    ack = Ack(
        epoch=state.uplink.epoch,
        acked=standing.have,
        head=standing.head,
        credits=WINDOW_SEGMENTS,
        safe=standing.safe,
        feed_pos=standing.feed_pos,
    )
    ack_at = now_ms + ACK_EVERY_MS if state.greeted else None
    return replace(state, ack_at=ack_at), [Say(message=ack)]


# What the hub says.


def _hear(
    state: CloudState, heard: Heard, now_ms: int, chance: float
) -> tuple[CloudState, list[Output]]:
    message = heard.message
    if isinstance(message, Presence) and not message.online:
        return _gone(state)
    if state.standing.closed:
        return state, [_fence(state, state.standing.closed)]
    state = replace(state, quiet_at=now_ms + QUIET_MS)
    if isinstance(message, Hello):
        return _greeted(state, heard, message, now_ms)
    state, outputs = _who_are_you(state, now_ms)
    match message:
        case DownAck() as ack if state.greeted:
            return _down_acked(state, ack, now_ms, chance)
        case Ask() as ask:
            return state, [*outputs, Handle(ask=ask)]
        case _:
            return state, outputs


def _greeted(
    state: CloudState, heard: Heard, hello: Hello, now_ms: int
) -> tuple[CloudState, list[Output]]:
    standing = state.standing
    if hello.epoch != state.uplink.epoch:
        alarm = Alarm(kind="other_epoch", detail=f"hello of epoch {hello.epoch}")
        return state, [alarm, _fence(state, "other_epoch")]
    if heard.up_head is not None and heard.up_head != hello.head:
        return _fork(state, "forked", f"event {hello.n} of the hub is another one")
    if heard.down_head is not None and heard.down_head != hello.down_head:
        return _fork(state, "downlink_forked", f"event {hello.down_n} is another one there")
    outputs = _doubts(standing, hello)
    ahead = hello.down_n > standing.down_len
    state = replace(
        state,
        greeted=True,
        cursor=Cursor(have=standing.have, head=standing.head),
        sender=(
            state.sender.pause() if ahead else state.sender.begin(hello.down_n, WINDOW_SEGMENTS)
        ),
        ack_at=now_ms + ACK_EVERY_MS,
    )
    welcome = Welcome(
        epoch=state.uplink.epoch,
        acked=standing.have,
        head=standing.head,
        down_len=standing.down_len,
        feed_pos=standing.feed_pos,
        credits=WINDOW_SEGMENTS,
        time=heard.wall_at,
        safe=standing.safe,
    )
    reported = Reported(down_n=hello.down_n, feed_pos=hello.feed_pos)
    return state, [*outputs, Seen(hello=hello), reported, Say(message=welcome)]


def _doubts(standing: Standing, hello: Hello) -> list[Output]:
    """Say what a hello makes one wonder about, without holding it up."""
    doubts: list[Output] = []
    if hello.boot < standing.boot:
        what = f"boot {hello.boot} after boot {standing.boot}: an old image or a second box"
        doubts.append(Alarm(kind="boot_back", detail=what))
    elif hello.n < standing.have and hello.boot > standing.boot:
        what = f"the hub has {hello.n} events of the {standing.have} that it sent"
        doubts.append(Alarm(kind="lost_tail", detail=what))
    if hello.down_n > standing.down_len:
        what = f"the hub has {hello.down_n} events of a downlink of {standing.down_len}"
        doubts.append(Alarm(kind="downlink_ahead", detail=what))
    return doubts


def _down_acked(
    state: CloudState, ack: DownAck, now_ms: int, chance: float
) -> tuple[CloudState, list[Output]]:
    if ack.epoch != state.uplink.epoch or ack.acked > state.standing.down_len:
        what = f"epoch {ack.epoch}, event {ack.acked} of {state.standing.down_len}"
        return state, [Alarm(kind="downlink_ahead", detail=what)]
    sender = state.sender.acknowledge(ack.acked, WINDOW_SEGMENTS, now_ms, chance)
    reported = Reported(down_n=ack.acked, feed_pos=ack.feed_pos)
    return replace(state, sender=sender), [reported]


def _who_are_you(state: CloudState, now_ms: int) -> tuple[CloudState, list[Output]]:
    if state.greeted or now_ms < state.greet_at:
        return state, []
    return replace(state, greet_at=now_ms + GREET_PAUSE_MS), [Say(message=Greet())]


def _gone(state: CloudState) -> tuple[CloudState, list[Output]]:
    state = replace(
        state, greeted=False, sender=state.sender.pause(), ack_at=None, quiet_at=None
    )
    return state, [Gone()]


# The hub's journal.


def _arrive(
    state: CloudState, arrived: Arrived, now_ms: int
) -> tuple[CloudState, list[Output]]:
    if state.standing.closed:
        return state, [_fence(state, state.standing.closed)]
    state = replace(state, quiet_at=now_ms + QUIET_MS)
    state, outputs = _who_are_you(state, now_ms)
    segment = arrived.segment
    where = f"events {segment.first} to {segment.last} of epoch {segment.epoch}"
    judged = judge(state.uplink, state.cursor, arrived)
    more: list[Output]
    match judged.verdict:
        case Verdict.NEXT:
            after, cursor = state.cursor.have, judged.cursor
            more = [Keep(segment=segment, raw=arrived.raw, after=after, head=cursor.head)]
            state = replace(state, cursor=cursor)
        case Verdict.KNOWN | Verdict.GAP:
            state, more = _ack(state, now_ms)
        case Verdict.FORKED:
            state, more = _fork(state, "forked", where)
        case Verdict.OTHER_EPOCH:
            alarm = Alarm(kind="other_epoch", detail=where)
            more = [alarm, _fence(state, "other_epoch")]
        case Verdict.FORGED:
            more = [Alarm(kind="forged", detail=where)]
    return state, [*outputs, *more]


# Ends.


def _fence(state: CloudState, reason: str) -> Say:
    return Say(message=Fence(epoch=state.uplink.epoch, reason=reason))


def _fork(state: CloudState, kind: str, detail: str) -> tuple[CloudState, list[Output]]:
    state, outputs = _shut(state, kind)
    return state, [Alarm(kind=kind, detail=detail), Close(reason=kind), *outputs]


def _shut(state: CloudState, reason: str) -> tuple[CloudState, list[Output]]:
    state, outputs = _gone(replace(state, standing=replace(state.standing, closed=reason)))
    return state, [_fence(state, reason), Kick(reason=reason), *outputs]


def _tick(state: CloudState, now_ms: int) -> tuple[CloudState, list[Output]]:
    if state.quiet_at is not None and now_ms >= state.quiet_at:
        return _gone(state)
    state = replace(state, sender=state.sender.tick(now_ms))
    if state.ack_at is not None and now_ms >= state.ack_at:
        return _ack(state, now_ms)
    return state, []

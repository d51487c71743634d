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

from dataclasses import replace

from cloud.ingest.conversation import (
    Alarm,
    Close,
    CloudState,
    Fresh,
    Garbled,
    Gone,
    Handle,
    Heard,
    Input,
    Keep,
    Kick,
    Output,
    Reply,
    Reported,
    Say,
    Seen,
    Shut,
    Standing,
    Tick,
)
from core.wire import (
    WINDOW_SEGMENTS,
    Ack,
    Arrived,
    Ask,
    Cursor,
    DownAck,
    Fence,
    Greet,
    Hello,
    Presence,
    Recover,
    Sender,
    Sent,
    Stream,
    Verdict,
    Welcome,
    judge,
)

__all__ = [
    "Alarm",
    "Close",
    "CloudState",
    "Fresh",
    "Garbled",
    "Gone",
    "Handle",
    "Heard",
    "Input",
    "Keep",
    "Kick",
    "Output",
    "Reply",
    "Reported",
    "Say",
    "Seen",
    "Shut",
    "Standing",
    "Tick",
    "start",
    "step",
    "wake_at",
]

ACK_EVERY_MS = 30_000
GREET_PAUSE_MS = 2_000
QUIET_MS = 100_000
"""A hub of which nothing was heard for so long is off the line, whatever the broker says."""


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
            told = state.greeted and not state.standing.recover
            return state, [Say(message=happened.batch)] if told else []
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
    before = state.standing
    moved = standing.have != before.have or standing.safe != before.safe
    recovering = state.greeted and standing.recover not in {0, before.recover}
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
    outputs = _recover(standing) if recovering else []
    if moved or standing.lost:
        state, acked = _ack(state, now_ms)
        outputs += acked
    return state, outputs


def _recover(standing: Standing) -> list[Output]:
    """Ask for what was forgotten, before the hub is told anything that could replace it."""
    asked = Recover(
        incarnation=standing.recover,
        down_after=standing.down_len,
        feed_after=standing.feed_after,
    )
    return [Say(message=asked)]


def _told_feed(standing: Standing) -> int:
    """Return up to where the hub may fetch the feed: not before it gave back what it has."""
    return 0 if standing.recover else standing.feed_pos


def _ack(state: CloudState, now_ms: int) -> tuple[CloudState, list[Output]]:
    standing = state.standing
    ack = Ack(
        epoch=state.uplink.epoch,
        acked=standing.have,
        head=standing.head,
        credits=WINDOW_SEGMENTS,
        safe=standing.safe,
        feed_pos=_told_feed(standing),
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
    if isinstance(message, Hello) and message.epoch > state.uplink.epoch:
        # Only head office certifies an epoch: it may have forgotten that it did, and that the
        # box which it remembers as shut out was followed by this one.
        alarm = Alarm(kind="epoch_ahead", detail=f"hello of epoch {message.epoch}")
        return state, [alarm, *_recover(state.standing)]
    if isinstance(message, Hello) and heard.forgotten:
        # A box in another's place, which a later one followed once it was forgotten.
        alarm = Alarm(kind="other_epoch", detail=f"hello of epoch {message.epoch}")
        return state, [alarm, *_recover(state.standing)]
    if state.standing.closed:
        return state, [_fence(state, state.standing.closed)]
    state = replace(state, quiet_at=now_ms + QUIET_MS)
    if isinstance(message, Hello):
        return _greeted(state, heard, message, now_ms)
    if isinstance(message, DownAck) and state.greeted:
        return _down_acked(state, message, now_ms, chance)
    if isinstance(message, Presence):
        # Its hello follows unasked, and again until it is answered: of a thousand that come
        # back at once each would say it twice.
        return state, []
    state, outputs = _who_are_you(state, now_ms)
    handled = [Handle(ask=message)] if isinstance(message, Ask) else []
    return state, [*outputs, *handled]


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
    outputs = _doubts(standing, hello, heard.remembers)
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
        feed_pos=_told_feed(standing),
        credits=WINDOW_SEGMENTS,
        time=heard.wall_at,
        safe=standing.safe,
    )
    reported = Reported(down_n=hello.down_n, feed_pos=hello.feed_pos)
    asked = _recover(standing) if standing.recover else []
    return state, [*outputs, Seen(hello=hello), reported, *asked, Say(message=welcome)]


def _doubts(standing: Standing, hello: Hello, remembers: str) -> list[Output]:
    """Say what a hello makes one wonder about, without holding it up."""
    doubts: list[Output] = []
    if hello.boot < standing.boot:
        what = f"boot {hello.boot} after boot {standing.boot}: an old image or a second box"
        doubts.append(Alarm(kind="boot_back", detail=what))
    elif hello.n < standing.have and hello.boot > standing.boot:
        what = f"the hub has {hello.n} events of the {standing.have} that it sent"
        doubts.append(Alarm(kind="lost_tail", detail=what))
    if hello.down_n > standing.down_len and not standing.recover:
        what = f"the hub has {hello.down_n} events of a downlink of {standing.down_len}"
        doubts.append(Alarm(kind="downlink_ahead", detail=what))
    elif remembers and not standing.recover:
        doubts.append(Alarm(kind="rolled_back", detail=remembers))
    return doubts


def _down_acked(
    state: CloudState, ack: DownAck, now_ms: int, chance: float
) -> tuple[CloudState, list[Output]]:
    if ack.epoch != state.uplink.epoch or ack.acked > state.standing.down_len:
        what = f"epoch {ack.epoch}, event {ack.acked} of {state.standing.down_len}"
        if state.standing.recover:
            return state, []
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
        # Nothing else would say it again to a hub that heard the welcome and not this.
        asked = _recover(state.standing) if state.standing.recover else []
        state, said = _ack(state, now_ms)
        return state, [*asked, *said]
    return state, []

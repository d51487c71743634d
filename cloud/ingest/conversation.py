"""What head office's side of the wire takes in, gives out and remembers of one hub."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from core.wire import (
    Answer,
    Arrived,
    Ask,
    Cursor,
    FeedBatch,
    Hello,
    Message,
    Segment,
    Sender,
    SendSegments,
    Sent,
    Stream,
)

# Inputs beside `Sent` and `Arrived` (a segment of the hub's journal) of core.wire.


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is committed: the hub's journal, its downlink's sealed length, the feed's newest.

    `recover` is the incarnation of a head office that was put back and waits for this hub to
    give back what it forgot, of the feed what lies behind `feed_after`; 0 where nothing is due.
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
    recover: int = 0
    feed_after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message from the hub; `wall_at` is the time of day in ms UTC.

    For a Hello: `up_head` is the head held of its journal at `hello.n`, `down_head` that of
    its downlink at `hello.down_n`; None where the disk does not reach that far. `forgotten`:
    of the epoch that it names nothing is known here, although a newer one is. `remembers`: what
    it remembers and head office does not, in words; empty where there is nothing.
    """

    message: Message
    wall_at: int = 0
    up_head: bytes | None = None
    down_head: bytes | None = None
    forgotten: bool = False
    remembers: str = ""


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

    Kinds: forged, forked, other_epoch, epoch_ahead, lost_tail, boot_back, downlink_forked,
    downlink_ahead, garbled.
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

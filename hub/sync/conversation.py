"""What the hub's side of the wire takes in, gives out and remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import msgspec

from core.wire import (
    RTO_MIN_MS,
    Arrived,
    Ask,
    Check,
    Cursor,
    FeedBatch,
    Hello,
    Message,
    Recover,
    Segment,
    Sender,
    SendSegments,
    Sent,
    Stream,
)


class Line(StrEnum):
    """Where the conversation stands."""

    DOWN = "down"
    GREETING = "greeting"
    LIVE = "live"
    FENCED = "fenced"
    TAKING_UP = "taking_up"
    """Head office has events of this box that its own disk has forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a hello says of the box beside its cursors."""

    kinds: tuple[str, ...] = ()
    version: str = ""
    clock_at: int = 0
    clock_unsure: bool = False
    free_bytes: int = 0


def as_of_now(message: Message, about: Callable[[], About]) -> Message:
    """Return a message with what changes by the minute: a hello may be said anew after days."""
    if not isinstance(message, Hello):
        return message
    now = about()
    return msgspec.structs.replace(
        message,
        clock_at=now.clock_at,
        clock_unsure=now.clock_unsure,
        free_bytes=now.free_bytes,
    )


# Inputs beside `Sent` and `Arrived` (a segment of the downlink) of core.wire.


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is flushed: own journal sealed to `n`, downlink applied to `down_n`, the feed.

    `lost` says that something that was to be taken could not be; `taking_up` that the box is
    kept from writing until it has all of its own events again. `told_acked`, `told_safe` and
    `feed_run` are what head office said and was, as far as it was noted.
    """

    n: int
    head: bytes
    down_n: int
    down_head: bytes
    feed_pos: int
    lost: bool = False
    taking_up: bool = False
    told_acked: int = 0
    told_safe: int = 0
    feed_run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUp:
    """The broker has let us in and the subscriptions stand."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDown:
    """The connection is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message from head office.

    `held`: for a Welcome or Ack the own chain's head at `acked`, None where the journal does
    not reach that far.
    """

    message: Message
    held: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of a FetchFeed; None when it could not be had."""

    batch: FeedBatch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A member was recognised whose money lies elsewhere."""

    ask: Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveBack:
    """What came of a GiveBack: whether head office has all of it now."""

    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time went by; `wake_at` says when one is due."""


# Outputs beside `SendSegments` of core.wire.


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Publish a message, on the channel of its type (`core.wire.channel_of`)."""

    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeDownlink:
    """Apply a segment of the downlink in one transaction, if the disk stands at `after`."""

    segment: Segment
    raw: bytes
    after: int
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFeed:
    """Take the documents and move the cursor to `batch.pos`, in one transaction."""

    batch: FeedBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFeed:
    """Get the next batch over HTTPS and give it back as `Fetched`."""

    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Keep this box from writing, lastingly: `state` fenced or taking_up, and why.

    Where it is taking_up and the disk has events behind `after`, sealed or not, it is not kept
    from writing any more: then it has parted from head office's history already. `Standing`
    says how far it is sealed, whatever came of it.
    """

    state: str
    reason: str
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbar:
    """Let this box write again, if it was taking up its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOwn:
    """Get this box's own events behind `after` from head office, and take some of them.

    Only where `Bar` keeps it from writing. `Standing` says how far the disk is then; where
    nothing could be had, `Standing(lost=True)`.
    """

    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """Give head office over HTTPS what it forgot, then say so by `GaveBack`.

    What is given is read from the disk now: the next thing that comes down may replace it.
    """

    asked: Recover


@dataclass(frozen=True, slots=True, kw_only=True)
class AskMoved:
    """An ask is now: granted, nothing, recalling, slow, expired or offline.

    granted and nothing, expired and offline are the end of it. slow is for the till's page:
    it need not wait, and the answer may still come. `reason` is head office's, if it has one.
    """

    id: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The conversation is in another state: for the chip at the top of the page."""

    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that somebody has to know: a kind for the log and a text with the facts."""

    kind: str
    detail: str


Input: TypeAlias = (
    Standing | LineUp | LineDown | Heard | Arrived | Sent | Fetched | GaveBack | Want | Tick
)
Output: TypeAlias = (
    Say
    | SendSegments
    | TakeDownlink
    | TakeFeed
    | FetchFeed
    | FetchOwn
    | GiveBack
    | Bar
    | Unbar
    | AskMoved
    | Moved
    | Trouble
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An ask on its way."""

    ask: Ask
    since: int
    slow_at: int | None
    ends_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HubState:
    """Everything that the hub remembers of a conversation; lost in a crash without harm."""

    merchant: str
    epoch: int
    boot: int
    downlink: Stream
    feed_check: Check
    standing: Standing
    cursor: Cursor
    """How far the downlink was handed to the disk; `standing` says how far it got."""
    about: About = field(default_factory=About)
    line: Line = Line.DOWN
    sender: Sender = field(default_factory=Sender)
    hello_at: int | None = None
    hello_rto_ms: int = RTO_MIN_MS
    down_ack_at: int | None = None
    quiet_at: int | None = None
    asks: tuple[Waiting, ...] = ()
    feed_goal: int = 0
    """The newest position of the merchant's feed that we were told of."""
    fetching: bool = False
    fetch_at: int | None = None
    fetch_rto_ms: int = RTO_MIN_MS
    safe: int = 0
    """What a backup of head office's has too; shown, not acted on."""
    giving: bool = False
    """A GiveBack is out and its GaveBack has not come yet."""
    own_at: int | None = None
    """When what was forgotten is asked for once more."""
    own_rto_ms: int = RTO_MIN_MS
    exposed: bool = False
    """Head office was shown where the two journals differ, and has not said what it is."""

"""The small messages beside the segments, as tagged JSON.

Both sides may be of different versions: a kind that is not known here is read as None, a field
that is not known is passed over, and a field may be added only with a default.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from core.wire.topics import Channel

PROTOCOL = 1
MESSAGE_BYTES_MAX = 1 << 20
"""No message on the wire is longer; the broker is told the same number."""

Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
"""Of events, positions, bytes or milliseconds: what a database can hold, so that no stranger's
number is found out to be too large only where it is written, beside everybody else's."""
Word = Annotated[str, msgspec.Meta(max_length=200)]
"""A name or version; longer is none of ours."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """One message. Chain heads are raw bytes here and base64 in the JSON."""


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """A hub says where it stands: its sealed journal, what it holds of the downlink, the feed.

    `kinds` are the kinds of event that it knows; `clock_at` is its wall clock in ms UTC.
    `told_acked`, `told_safe` are what head office said last, and `feed_run` the run of head
    office that told it of the feed at `feed_pos`: by these head office learns that it was put
    back to an older state without a word.
    """

    epoch: Count
    boot: Count
    n: Count
    head: bytes
    down_n: Count
    down_head: bytes
    feed_pos: Count
    proto: Count = PROTOCOL
    kinds: Annotated[tuple[Word, ...], msgspec.Meta(max_length=2_000)] = ()
    version: Word = ""
    clock_at: Count = 0
    clock_unsure: bool = False
    free_bytes: Count = 0
    told_acked: Count = 0
    told_safe: Count = 0
    feed_run: Word = ""


class DownAck(Message, frozen=True, kw_only=True, tag="down_ack"):
    """The hub holds its downlink up to and with `acked`, and the feed up to `feed_pos`."""

    epoch: Count
    acked: Count
    feed_pos: Count = 0


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """Head office answers a hello: where it stands, and how many segments may be under way."""

    epoch: Count
    acked: Count
    head: bytes
    down_len: Count
    feed_pos: Count
    credits: Count
    time: Count
    safe: Count = 0


class Ack(Message, frozen=True, kw_only=True, tag="ack"):
    """Head office holds the hub's journal up to and with `acked`.

    Cumulative, safe to lose, and obeyed when it is lower than the one before. `safe` is what
    a backup off site has too; `feed_pos` tells a hub that missed a batch.
    """

    epoch: Count
    acked: Count
    head: bytes
    credits: Count
    safe: Count = 0
    feed_pos: Count = 0


class Fence(Message, frozen=True, kw_only=True, tag="fence"):
    """The hub may not write on: `epoch` is the one that head office takes, if any."""

    epoch: Count
    reason: Word


class Greet(Message, frozen=True, kw_only=True, tag="greet"):
    """Head office has restarted, does not know where the hub stands, asks for a hello."""


class Recover(Message, frozen=True, kw_only=True, tag="recover"):
    """Head office was put back from a backup and asks the hub for what it forgot.

    The hub gives it back over HTTPS: its papers, what it holds of its downlink behind
    `down_after`, and documents of the feed behind `feed_after`. Until then head office sends
    it nothing of value.
    """

    incarnation: Count
    down_after: Count = 0
    feed_after: Count = 0


class Ask(Message, frozen=True, kw_only=True, tag="ask"):
    """Bring this member's money to this hub; `want` in fen, 0 for all of it.

    The same id again is the same request.
    """

    id: Word
    member: str
    why: str = ""
    want: Count = 0


class Answer(Message, frozen=True, kw_only=True, tag="answer"):
    """What became of an ask: granted, recalling or nothing.

    A hint: the money itself comes by the stream. `reason` says why nothing comes, where that
    is not for want of money: RECOVERING.
    """

    id: Word
    state: Word
    reason: Word = ""


class FeedBatch(Message, frozen=True, kw_only=True, tag="feed"):
    """Documents of the merchant's feed between two positions, signed.

    A hub at position p takes it when after <= p and pos > p, and is then at pos. Each document
    is the exact JSON of a core.feed.FeedDocument; `more` says that the feed goes on after pos.
    `run` names the run of head office that says so, and no signature covers it.
    """

    after: Count
    pos: Count
    documents: tuple[msgspec.Raw, ...]
    more: bool = False
    signature: bytes = b""
    run: Word = ""


class Presence(Message, frozen=True, kw_only=True, tag="presence"):
    """Whether the hub is on the line. A convenience: nothing is decided by it."""

    state: Word

    @property
    def online(self) -> bool:
        return self.state == "on"


GRANTED, RECALLING, NOTHING = "granted", "recalling", "nothing"
RECOVERING = "recovering"
"""Head office was put back from a backup and moves no value before it knows where it lies."""
ONLINE, OFFLINE = Presence(state="on"), Presence(state="off")

AnyMessage: TypeAlias = (
    Hello
    | DownAck
    | Welcome
    | Ack
    | Fence
    | Greet
    | Recover
    | Ask
    | Answer
    | FeedBatch
    | Presence
)

_encoder = msgspec.json.Encoder()
_decoders: dict[Channel, msgspec.json.Decoder[AnyMessage]] = {
    Channel.UP_CONTROL: msgspec.json.Decoder(Hello | DownAck),
    Channel.UP_ASK: msgspec.json.Decoder(Ask),
    Channel.UP_PRESENCE: msgspec.json.Decoder(Presence),
    Channel.DOWN_CONTROL: msgspec.json.Decoder(Welcome | Ack | Fence | Greet | Recover),
    Channel.DOWN_ANSWER: msgspec.json.Decoder(Answer),
    Channel.DOWN_FEED: msgspec.json.Decoder(FeedBatch),
}
_channels: dict[type[Message], Channel] = {
    Hello: Channel.UP_CONTROL,
    DownAck: Channel.UP_CONTROL,
    Ask: Channel.UP_ASK,
    Presence: Channel.UP_PRESENCE,
    Welcome: Channel.DOWN_CONTROL,
    Ack: Channel.DOWN_CONTROL,
    Fence: Channel.DOWN_CONTROL,
    Greet: Channel.DOWN_CONTROL,
    Recover: Channel.DOWN_CONTROL,
    Answer: Channel.DOWN_ANSWER,
    FeedBatch: Channel.DOWN_FEED,
}


def channel_of(message: Message) -> Channel:
    """Return the topic's last levels on which a message travels."""
    return _channels[type(message)]


def encode(message: Message) -> bytes:
    return _encoder.encode(message)


def read(channel: Channel, payload: bytes) -> AnyMessage | None:
    """Read what came on a channel; None for what this version cannot read.

    Never raises: a stranger's bytes, a kind from the future and a broken message are the same
    to the receiver, because each of them is answered by the next cumulative message.
    """
    decoder = _decoders.get(channel)
    if decoder is None or len(payload) > MESSAGE_BYTES_MAX:
        return None
    try:
        return decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None

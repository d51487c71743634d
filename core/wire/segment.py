"""A sealed segment as it travels and as it is kept: 88 bytes of header and one zstd frame.

    "H1" version flags dictionary:u16 epoch:u32 boot:u32 first:u64 count:u16 signature:64

The frame holds lines of JSON: `count` events, each in its exact bytes, then the documents that
lie beside them. The chain's head is not sent: the receiver works it out and checks the
signature over it, so a changed byte in any event breaks the seal. Documents stand outside the
chain, because they may be erased; each event vouches for its own by a salted digest.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import msgspec

from core.journal import SEGMENT_EVENTS_MAX, chain
from core.wire.dictionaries import CURRENT, DICTIONARIES
from core.wire.messages import MESSAGE_BYTES_MAX
from core.wire.squeezed import BadFrame, squeeze, unsqueeze

VERSION = 1
RAW_BYTES_MAX = 4 << 20
"""What a segment may hold once it is unpacked; sealing stops long before it."""
DOCUMENTS_MAX = 4 * SEGMENT_EVENTS_MAX
SIGNATURE_BYTES = 64
SALT_BYTES_MAX = 64
SEQ_MAX = (1 << 63) - 1
"""The largest number that SQLite holds."""

_HEADER = struct.Struct(f">2sBBHIIQH{SIGNATURE_BYTES}s")
HEADER_BYTES = _HEADER.size


class BadSegment(Exception):
    """These bytes are no segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A document that lies beside an event; `content` in the exact bytes that were digested."""

    event: str
    name: str
    salt: bytes
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Consecutive events of one epoch under one signature."""

    epoch: int
    boot: int
    first: int
    events: tuple[bytes, ...]
    documents: tuple[Laid, ...] = ()
    signature: bytes

    @property
    def last(self) -> int:
        return self.first + len(self.events) - 1

    def heads(self, before: bytes) -> list[bytes]:
        """Return the chain's head after each event, from the head before the first."""
        heads, head = [], before
        for event in self.events:
            head = chain(head, event)
            heads.append(head)
        return heads


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    event: str
    name: str
    salt: str
    content: msgspec.Raw


_encoder = msgspec.json.Encoder()
_line_decoder = msgspec.json.Decoder(_Line)


def pack(segment: Segment, *, dictionary: int = CURRENT) -> bytes:
    """Return a segment's bytes; the same segment packs to the same bytes.

    Raises ValueError where the bounds were not kept: that is the sealer's mistake.
    """
    lines = [*segment.events, *(_line(laid) for laid in segment.documents)]
    if not 1 <= len(segment.events) <= SEGMENT_EVENTS_MAX:
        raise ValueError(f"{len(segment.events)} events")
    if len(segment.documents) > DOCUMENTS_MAX:
        raise ValueError(f"{len(segment.documents)} documents")
    if any(not line or b"\n" in line for line in lines):
        raise ValueError("an event or document is not one line")
    content = b"\n".join(lines)
    if len(content) > RAW_BYTES_MAX:
        raise ValueError(f"{len(content)} bytes")
    header = _HEADER.pack(
        b"H1",
        VERSION,
        0,
        dictionary,
        segment.epoch,
        segment.boot,
        segment.first,
        len(segment.events),
        segment.signature,
    )
    packed = header + squeeze(content, dictionary=DICTIONARIES[dictionary])
    if len(packed) > MESSAGE_BYTES_MAX:
        raise ValueError(f"{len(packed)} bytes packed")
    return packed


def unpack(raw: bytes) -> Segment:
    """Read a segment; raises BadSegment, and nothing else, for any bytes that are none.

    Says nothing of whose it is: that is for `core.wire.receiver`.
    """
    if not HEADER_BYTES < len(raw) <= MESSAGE_BYTES_MAX:
        raise BadSegment(f"{len(raw)} bytes")
    magic, version, flags, dictionary, epoch, boot, first, count, signature = (
        _HEADER.unpack_from(raw)
    )
    if (magic, version, flags) != (b"H1", VERSION, 0):
        raise BadSegment("not a segment of this version")
    if dictionary not in DICTIONARIES:
        raise BadSegment(f"dictionary {dictionary} is not known here")
    if not 1 <= count <= SEGMENT_EVENTS_MAX or not 1 <= first <= SEQ_MAX - count:
        raise BadSegment(f"{count} events from {first}")
    lines = _lines(raw[HEADER_BYTES:], dictionary)
    events, beside = lines[:count], lines[count:]
    if len(events) < count or not all(events) or len(beside) > DOCUMENTS_MAX:
        raise BadSegment(f"{len(lines)} lines for {count} events")
    return Segment(
        epoch=epoch,
        boot=boot,
        first=first,
        events=tuple(events),
        documents=tuple(_laid(line) for line in beside),
        signature=signature,
    )


def _lines(frame: bytes, dictionary: int) -> list[bytes]:
    try:
        content = unsqueeze(frame, bytes_max=RAW_BYTES_MAX, dictionary=DICTIONARIES[dictionary])
    except BadFrame as error:
        raise BadSegment(str(error)) from error
    return content.split(b"\n")


def _line(laid: Laid) -> bytes:
    return _encoder.encode(
        _Line(
            event=laid.event,
            name=laid.name,
            salt=laid.salt.hex(),
            content=msgspec.Raw(laid.content),
        )
    )


def _laid(line: bytes) -> Laid:
    try:
        read = _line_decoder.decode(line)
        salt = bytes.fromhex(read.salt)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadSegment(f"a document that cannot be read: {error}") from error
    if len(salt) > SALT_BYTES_MAX:
        raise BadSegment(f"a salt of {len(salt)} bytes")
    return Laid(event=read.event, name=read.name, salt=salt, content=bytes(read.content))

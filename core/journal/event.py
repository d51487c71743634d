"""What an event looks like on disk and on the wire.

An event is one JSON object. Its envelope always parses, also when the kind is unknown here:
who wrote it, its number, when and where it happened, what value it moved (postings), and a
digest of each personal document that lies beside it. `body` is the kind's own struct.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

DIGEST_BYTES = 16
SALT_BYTES = 16


class Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """The facts of one kind of event.

    Optional fields may be added; a changed meaning is a new kind.
    """


class Posting(msgspec.Struct, frozen=True, array_like=True):
    """One leg of a movement of value: `amount` of asset (kind, lot) into `account`.

    Fen for principal and bonus, points for points; negative takes out. The legs of an event
    sum to zero for each (asset, lot).
    """

    account: str
    asset: str
    lot: str
    amount: int


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The envelope. `at` is milliseconds UTC, `date` the store's business date."""

    id: str
    origin: str
    epoch: int
    seq: int
    at: int
    boot: int
    store: str
    date: str
    body: msgspec.Raw
    unsure: bool = False
    up: int = 0
    """Where the time is unsure: for how long the machine had been running (ms)."""
    actor: str | None = None
    device: str | None = None
    postings: tuple[Posting, ...] = ()
    documents: dict[str, str] = {}


class _Kind(msgspec.Struct, frozen=True):
    kind: str


_encoder = msgspec.json.Encoder()
_event_decoder = msgspec.json.Decoder(Event)
_kind_decoder = msgspec.json.Decoder(_Kind)


def encode(event: Event) -> bytes:
    """Return the exact bytes that are hashed, stored and shipped; never made a second time."""
    return _encoder.encode(event)


def decode(raw: bytes) -> Event:
    """Read an event; raise msgspec.MsgspecError when it is not one."""
    return _read(_event_decoder, raw)


def decode_as(origin: str, raw: bytes) -> Event:
    """Read an event of the stream that it stands in: a branch has another name than it says."""
    event = decode(raw)
    return event if event.origin == origin else msgspec.structs.replace(event, origin=origin)


def encode_body(body: Body) -> msgspec.Raw:
    return msgspec.Raw(_encoder.encode(body))


def kind_of(event: Event) -> str:
    return _read(_kind_decoder, event.body).kind


def _read(decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(raw)
    except (UnicodeDecodeError, RecursionError) as error:
        # The faults for which msgspec lets Python speak: bytes that are no text, and depth.
        raise msgspec.DecodeError(str(error)) from error


def kind_name(body: type[Body]) -> str:
    """Return the tag of a body struct, for example ticket.settled."""
    return str(body.__struct_config__.tag)


def chain(head: bytes, raw: bytes) -> bytes:
    """Return the head after one more event."""
    return hashlib.sha256(head + raw).digest()


def birth_head(birth: bytes) -> bytes:
    """Return the head before the first event of an epoch, from its birth certificate."""
    return hashlib.sha256(b"H1" + birth).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Personal data that lies beside an event and can be erased while the chain still holds."""

    name: str
    content: dict[str, Any]

    def encoded(self) -> bytes:
        return _encoder.encode(self.content)


def digest(salt: bytes, content: bytes) -> str:
    """Return what the event carries of a document; worthless without the salt."""
    return hmac.new(salt, content, hashlib.sha256).digest()[:DIGEST_BYTES].hex()

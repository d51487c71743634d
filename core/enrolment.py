"""What a hub and head office say over HTTPS: when the hub is joined, renewed or replaced.

Bytes travel as base64, keys and certificates as PEM. The hub proves with its certificate
request that it holds its TLS key, and with the code that somebody at head office wants it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import msgspec

from core.feed import FeedDocument

REQUEST_BYTES_MAX = 4 * 1024 * 1024
SECRET_BYTES = 32

Secret = Annotated[bytes, msgspec.Meta(min_length=SECRET_BYTES, max_length=SECRET_BYTES)]


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop that already runs brings to a merchant that has nothing yet."""

    pin_pepper: Secret
    card_key: Secret
    feed: tuple[FeedDocument, ...] = ()
    store: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """In which of the stores in `feed` the hub stands; may be left out where there is one."""


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A hub asks to be joined."""

    code: Annotated[str, msgspec.Meta(max_length=64)]
    csr: Annotated[str, msgspec.Meta(max_length=8_192)]
    """A certificate request in PEM for the hub's P-256 key; head office chooses the name."""
    birth: Annotated[bytes, msgspec.Meta(max_length=1_024)]
    """The exact bytes of the hub's birth certificate."""
    version: Annotated[str, msgspec.Meta(max_length=60)] = ""
    model: Annotated[str, msgspec.Meta(max_length=120)] = ""
    bring: Brought | None = None
    proof: Annotated[bytes, msgspec.Meta(max_length=64)] = b""
    """The log key's signature over `proven_bytes(csr)`. A hub that is known already, and only
    lost its certificate, must prove itself so; a new one may."""
    waits_for_right: bool = False
    """A box in another's place knows that it may fill no wallet before it has a right to."""


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker listens."""

    host: str
    port: int


class EnrolAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The hub is joined. The same request again brings the same answer while the code lives."""

    merchant: str
    hub_id: str
    store: str
    shard: str
    certificate: str
    """Its common name, `<merchant>.<hub>`, is the hub's name at broker and gate."""
    ca: str
    broker: Broker
    gate: str
    countersignature: bytes
    """The merchant's signature over the birth certificate that the hub sent."""
    merchant_key: str
    """The merchant's Ed25519 public key, base64url: it signs feed and downlink."""
    downlink_birth: bytes
    downlink_signature: bytes
    """The merchant's signature over `downlink_birth`."""
    pin_pepper: Secret
    card_key: Secret


def proven_bytes(csr: str) -> bytes:
    """Return what a hub signs with its log key to show that it asks for this certificate."""
    return b"H1 certificate\0" + hashlib.sha256(csr.encode()).digest()


class RenewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A joined hub asks for its next certificate: POST /renew at the gate."""

    csr: Annotated[str, msgspec.Meta(max_length=8_192)]


class RenewLateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A hub whose certificate has ended asks for the next: POST /enrol/renew."""

    csr: Annotated[str, msgspec.Meta(max_length=8_192)]
    certificate: Annotated[str, msgspec.Meta(max_length=8_192)]
    """The one that ended, in PEM."""
    proof: Annotated[bytes, msgspec.Meta(max_length=64)]
    """The log key's signature over `proven_bytes(csr)`."""


class RenewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The next certificate, and the authority that made it."""

    certificate: str
    ca: str


# -- another box in the place of one that is gone ----------------------------------------------


class LookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which box does a code put another one in the place of? POST /enrol/look."""

    code: Annotated[str, msgspec.Meta(max_length=64)]


class LookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The new box takes this name and this epoch into its birth certificate.

    The code stays good; `POST /enrol` then takes it like any other.
    """

    hub_id: str
    epoch: int
    store: str
    store_name: str
    merchant_name: str


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stream of the caller's hub that head office keeps.

    The origin is the hub's, `<hub>.dn` for what went down to an epoch, or `<hub>~<8 hex>` for a
    second history that branched off. A branch has the birth certificate of its `trunk`, begins
    behind the trunk's event `after` and the chain's head there, and its events and signatures
    name the trunk as their origin.
    """

    origin: str
    epoch: int
    birth: bytes
    countersignature: bytes
    """The merchant's signature over `birth`."""
    last_seq: int
    head: bytes
    """The chain's head after `last_seq`."""
    closed: str = ""
    """Why the epoch was closed; empty while it may write."""
    closed_seq: int = 0
    """What came behind this event came late."""
    trunk: str = ""
    after: int = 0


class StreamsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """GET /streams at the gate: the hub's streams in all epochs, older epochs first."""

    hub_id: str
    merchant_key: str
    """The merchant's Ed25519 public key, base64url; it countersigned the births."""
    streams: tuple[StreamInfo, ...]


JOURNAL_TYPE = "application/octet-stream"
JOURNAL_BYTES_MAX = 1024 * 1024
"""GET /journal?origin=O&epoch=E&after=N at the gate answers with the kept segments that hold
events behind N, as `joined_segments`, up to so many bytes but at least one; the first may begin
before N + 1. An empty body: nothing is behind N. Header X-Sha256: the body's digest, in hex."""
_LENGTH_BYTES = 4


def joined_segments(segments: Iterable[bytes]) -> bytes:
    """Return packed segments in one body, each behind its length in four bytes, big-endian."""
    return b"".join(len(raw).to_bytes(_LENGTH_BYTES, "big") + raw for raw in segments)


def split_segments(body: bytes) -> list[bytes]:
    """Return the packed segments of a body. Raises ValueError where it is cut off."""
    segments, at = [], 0
    while at < len(body):
        length = int.from_bytes(body[at : at + _LENGTH_BYTES], "big")
        begin = at + _LENGTH_BYTES
        at = begin + length
        if not length or at > len(body):
            raise ValueError(f"cut off at byte {begin}")
        segments.append(body[begin:at])
    return segments


class LateState(StrEnum):
    """What a segment is that a box with a closed epoch brings: POST /late?epoch=E."""

    KEPT = "kept"
    """It continues what head office has."""
    KNOWN = "known"
    BRANCH = "branch"
    """It is part of another history than head office has; that is kept too."""
    GAP = "gap"
    """Something before it is missing here, or it does not fit what is here."""


class LateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of the request is one packed segment; the answer says where to go on.

    `acked` is the last event of this box's history that head office has, as far as this segment
    shows. Go on with the segment that holds `acked + 1`. After a gap where that is the one just
    sent, go on with the one before it: its history branched off further back.
    """

    state: LateState
    acked: int


class StandingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """GET /standing?epoch=E at the gate: how head office sees an epoch of the caller's hub.

    A certificate of a closed epoch is let in here and at /late, and nowhere else; where the box
    was reported stolen, nowhere at all.
    """

    hub_id: str
    epoch: int
    newest: int
    """The hub's newest epoch; above `epoch` once another box stands in its place."""
    closed: str
    """Why: lost, broken, stolen, forked, replaced, retired; empty while it may write."""
    closed_at: int | None
    closed_seq: int
    have: int
    """The last event of the epoch that head office keeps, what came late included."""
    head: bytes


# -- what head office forgot -------------------------------------------------------------------


class Papers(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch as head office once certified it: two births, each with its signature."""

    birth: Annotated[bytes, msgspec.Meta(max_length=1_024)]
    countersignature: Annotated[bytes, msgspec.Meta(max_length=64)]
    downlink_birth: Annotated[bytes, msgspec.Meta(max_length=1_024)]
    downlink_signature: Annotated[bytes, msgspec.Meta(max_length=64)]


class ReturnRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A hub shows who it is to a head office that was put back: POST /return/papers."""

    papers: Papers
    store: Annotated[str, msgspec.Meta(max_length=64)]
    proof: Annotated[bytes, msgspec.Meta(max_length=64)]
    """The log key's signature over `returning_bytes(certificate)`."""
    version: Annotated[str, msgspec.Meta(max_length=60)] = ""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How far head office has one of the hub's streams."""

    origin: str
    epoch: int
    have: int


class ReturnAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be given back.

    Segments behind these, by POST /return/segment?origin=O&epoch=E (the body one packed
    segment, the answer a Held), and documents behind `feed_after`, by POST /return/documents
    (a list of feed documents). Then POST /return/done.
    """

    incarnation: int
    feed_after: int
    streams: tuple[Held, ...]


class ReturnDone(msgspec.Struct, frozen=True, kw_only=True):
    """All of it was given back. `n` events of its own the hub has, `down_n` of its downlink.

    `places` are those at which the hub was told that value lies: of a hub that was joined after
    the backup nobody else may know.
    """

    n: Annotated[int, msgspec.Meta(ge=0)]
    down_n: Annotated[int, msgspec.Meta(ge=0)]
    places: Annotated[tuple[str, ...], msgspec.Meta(max_length=2_000)] = ()


RETURN_SEGMENT_BYTES_MAX = 8 * 1024 * 1024
RETURN_DOCUMENTS_MAX = 200
"""In one POST /return/documents."""


def returning_bytes(certificate: bytes) -> bytes:
    """Return what a hub signs with its log key to show that a certificate (DER) is its own."""
    return b"H1 return\0" + hashlib.sha256(certificate).digest()

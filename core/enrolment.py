"""What a hub and head office say to each other once, when the hub is joined: POST /enrol.

Bytes travel as base64, keys and certificates as PEM. The hub proves with its certificate
request that it holds its TLS key, and with the code that somebody at head office wants it.
"""

from __future__ import annotations

import hashlib
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

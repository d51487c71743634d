"""Signing of feed batches: a document means something only if the merchant's key vouches."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from core.wire.messages import FeedBatch
from core.wire.squeezed import BadFrame, squeeze, unsqueeze

SignBytes = Callable[[bytes], bytes]
"""(message) -> signature; `core.crypto.LogKey.sign`."""
CheckBytes = Callable[[bytes, bytes], bool]
"""(message, signature) -> whether the key that is meant made it."""

BATCH_BYTES_MAX = 8 << 20
"""A batch fetched over HTTPS may be this long once it is unpacked."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(FeedBatch)


class BadBatch(Exception):
    """These bytes are no feed batch."""


def covered(merchant: str, batch: FeedBatch) -> bytes:
    """Return what a batch's signature covers: whose it is, its place, and every exact byte."""
    digest = hashlib.sha256()
    for document in batch.documents:
        content = bytes(document)
        digest.update(struct.pack(">I", len(content)))
        digest.update(content)
    numbers = struct.pack(">QQ?I", batch.after, batch.pos, batch.more, len(batch.documents))
    return b"H1 feed " + merchant.encode() + b"\0" + numbers + digest.digest()


def sign_batch(
    merchant: str,
    documents: Sequence[bytes],
    sign: SignBytes,
    *,
    after: int,
    pos: int,
    more: bool = False,
) -> FeedBatch:
    """Make a batch of documents' exact JSON, signed with the merchant's key."""
    held = tuple(msgspec.Raw(document) for document in documents)
    batch = FeedBatch(after=after, pos=pos, documents=held, more=more)
    return replace(batch, signature=sign(covered(merchant, batch)))


def batch_fits(merchant: str, batch: FeedBatch, check: CheckBytes) -> bool:
    """Say whether the merchant vouches for this batch."""
    if not 0 <= batch.after <= batch.pos < 1 << 63:
        return False
    return check(covered(merchant, batch), batch.signature)


def pack_batch(batch: FeedBatch) -> bytes:
    """Return a batch as it goes over HTTPS: its JSON in one zstd frame."""
    return squeeze(_encoder.encode(batch))


def unpack_batch(raw: bytes) -> FeedBatch:
    """Read a batch that was fetched; raises BadBatch and nothing else."""
    try:
        return _decoder.decode(unsqueeze(raw, bytes_max=BATCH_BYTES_MAX))
    except (BadFrame, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadBatch(str(error)) from error

"""Sealed segments: one signature over the chain's head covers every event before it."""

from __future__ import annotations

import struct
from collections.abc import Callable

from core.journal.append import Identity
from core.sqlite import Writer

SEGMENT_EVENTS_MAX = 200

Sign = Callable[[bytes], bytes]


def signed_bytes(identity: Identity, *, first: int, last: int, boot: int, head: bytes) -> bytes:
    """Return what a segment's signature covers (sync.md B2)."""
    origin = identity.origin.encode()
    numbers = struct.pack(">IIQH", identity.epoch, boot, first, last - first + 1)
    return b"H1" + len(origin).to_bytes(1) + origin + numbers + head


def seal(tx: Writer, identity: Identity, sign: Sign) -> int:
    """Seal what is not yet sealed, in segments of a bounded size; return how many were made."""
    made = 0
    while True:
        first = 1 + (
            tx.value(
                # Not MAX(last_seq): that reads every segment ever sealed.
                "SELECT last_seq FROM segment WHERE origin = :origin AND epoch = :epoch"
                " ORDER BY first_seq DESC LIMIT 1",
                origin=identity.origin,
                epoch=identity.epoch,
            )
            or 0
        )
        last = tx.one(
            "SELECT seq, head FROM journal WHERE origin = :origin AND epoch = :epoch"
            " AND seq >= :first AND seq < :after ORDER BY seq DESC LIMIT 1",
            origin=identity.origin,
            epoch=identity.epoch,
            first=first,
            after=first + SEGMENT_EVENTS_MAX,
        )
        if last is None:
            return made
        covered = signed_bytes(
            identity, first=first, last=last["seq"], boot=identity.boot, head=last["head"]
        )
        tx.run(
            "INSERT INTO segment (origin, epoch, first_seq, last_seq, boot, head, signature)"
            " VALUES (:origin, :epoch, :first, :last, :boot, :head, :signature)",
            origin=identity.origin,
            epoch=identity.epoch,
            first=first,
            last=last["seq"],
            boot=identity.boot,
            head=last["head"],
            signature=sign(covered),
        )
        made += 1

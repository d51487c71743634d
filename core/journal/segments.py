"""Sealed segments: one signature over the chain's head covers every event before it."""

from __future__ import annotations

import struct
from collections.abc import Callable

import msgspec

from core.journal.append import Identity
from core.journal.event import decode
from core.sqlite import Row, Writer

SEGMENT_EVENTS_MAX = 200
SEGMENT_BYTES_MAX = 64 << 10
"""Of events and the documents beside them: what a slow line carries in one breath."""

Sign = Callable[[bytes], bytes]


def signed_bytes(identity: Identity, *, first: int, last: int, boot: int, head: bytes) -> bytes:
    """Return what a segment's signature covers."""
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
        last = _last_that_fits(tx, identity, first)
        if last is None:
            return made
        _write(tx, identity, sign, first=first, last=last["seq"], head=last["head"])
        made += 1


def join_seals(tx: Writer, identity: Identity, sign: Sign, *, first: int, limit: int) -> None:
    """Seal anew in up to `limit` full segments what lies under small ones behind `first`.

    Who has sealed each sale by itself for a month would send thousands of segments, of which
    each costs a turn on the line and a signature. The events and their chain stay as they are.
    """
    place = {"origin": identity.origin, "epoch": identity.epoch}
    for _ in range(limit):
        fits = _last_that_fits(tx, identity, first)
        if fits is None:
            return
        seals = tx.all(
            "SELECT first_seq, last_seq, head FROM segment"
            " WHERE origin = :origin AND epoch = :epoch"
            " AND first_seq >= :first AND last_seq <= :fits ORDER BY first_seq",
            first=first,
            fits=fits["seq"],
            **place,
        )
        if not seals:
            return
        if len(seals) > 1:
            begin, end = seals[0]["first_seq"], seals[-1]
            tx.run(
                "DELETE FROM segment WHERE origin = :origin AND epoch = :epoch"
                " AND first_seq BETWEEN :begin AND :last",
                begin=begin,
                last=end["last_seq"],
                **place,
            )
            _write(tx, identity, sign, first=begin, last=end["last_seq"], head=end["head"])
        first = seals[-1]["last_seq"] + 1


def _write(
    tx: Writer, identity: Identity, sign: Sign, *, first: int, last: int, head: bytes
) -> None:
    boot = identity.boot
    tx.run(
        "INSERT INTO segment (origin, epoch, first_seq, last_seq, boot, head, signature)"
        " VALUES (:origin, :epoch, :first, :last, :boot, :head, :signature)",
        origin=identity.origin,
        epoch=identity.epoch,
        first=first,
        last=last,
        boot=boot,
        head=head,
        signature=sign(signed_bytes(identity, first=first, last=last, boot=boot, head=head)),
    )


def _last_that_fits(tx: Writer, identity: Identity, first: int) -> Row | None:
    """Return the last event of a segment from `first` on; None where there is none at all.

    One event that is too large by itself is a segment by itself.
    """
    last: Row | None = None
    room = SEGMENT_BYTES_MAX
    for row in tx.all(
        "SELECT seq, head, raw FROM journal WHERE origin = :origin AND epoch = :epoch"
        " AND seq >= :first AND seq < :after ORDER BY seq",
        origin=identity.origin,
        epoch=identity.epoch,
        first=first,
        after=first + SEGMENT_EVENTS_MAX,
    ):
        room -= len(row["raw"]) + _bytes_beside(tx, row["raw"])
        if last is not None and room < 0:
            break
        last = row
    return last


def _bytes_beside(tx: Writer, raw: bytes) -> int:
    try:
        event = decode(raw)
    except msgspec.MsgspecError:
        return 0  # Sealing does not judge: `verify` names the event that cannot be read.
    if not event.documents:
        return 0
    size: int | None = tx.value(
        "SELECT SUM(LENGTH(content)) FROM document WHERE event = :event", event=event.id
    )
    return size or 0

"""Raw segments: kept exactly as they came, each with its cursor in one step."""

from __future__ import annotations

from dataclasses import dataclass

from core.journal import birth_head
from core.sqlite import Reader, Row, Writer
from core.wire import Cursor, Segment, unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Which stream a segment belongs to, as head office knows it, and when it came (ms)."""

    origin: str
    epoch: int
    merchant: str
    birth: bytes
    at: int


def cursor_of(db: Reader, origin: str, epoch: int, birth: bytes) -> Cursor:
    """Return how far a stream is kept."""
    row = db.one(
        "SELECT seq, head FROM stream_cursor WHERE origin = :origin AND epoch = :epoch",
        origin=origin,
        epoch=epoch,
    )
    if row is None:
        return Cursor(have=0, head=birth_head(birth))
    return Cursor(have=row["seq"], head=row["head"])


def keep(
    tx: Writer, stream: Kept, segment: Segment, raw: bytes, *, after: int, head: bytes
) -> bool:
    """Keep a segment that continues the stream behind event `after` up to the chain's `head`.

    False, and nothing is changed, when the stream does not stand there or the segment does not
    lead there from what is kept: another process was first, and the sender learns from the
    next acknowledgement where the stream stands.
    """
    place = {"origin": stream.origin, "epoch": stream.epoch}
    have = cursor_of(tx, stream.origin, stream.epoch, stream.birth).have
    before = head_at(tx, stream.origin, stream.epoch, segment.first - 1, stream.birth)
    if have != after or segment.last <= have:
        return False
    if before is None or segment.heads(before)[-1] != head:
        return False
    tx.run(
        "INSERT INTO stream_cursor (origin, epoch, merchant, birth, seq, head)"
        " VALUES (:origin, :epoch, :merchant, :birth, :last, :head)"
        " ON CONFLICT (origin, epoch) DO UPDATE SET seq = excluded.seq, head = excluded.head",
        merchant=stream.merchant,
        birth=stream.birth,
        last=segment.last,
        head=head,
        **place,
    )
    tx.run(
        "INSERT INTO segment (origin, epoch, first_seq, last_seq, head, raw, received_at)"
        " VALUES (:origin, :epoch, :first, :last, :head, :raw, :at)",
        # It may begin with events that are kept already; its own header says so.
        first=have + 1,
        last=segment.last,
        head=head,
        raw=raw,
        at=stream.at,
        **place,
    )
    return True


def head_at(db: Reader, origin: str, epoch: int, seq: int, birth: bytes) -> bytes | None:
    """Return the chain's head after one kept event; None where it is not kept.

    At a segment's end it is at hand; within one it is worked out from the raw bytes.
    """
    if seq == 0:
        return birth_head(birth)
    row = db.one(
        "SELECT first_seq, last_seq, head, raw FROM segment"
        " WHERE origin = :origin AND epoch = :epoch AND first_seq <= :seq"
        " ORDER BY first_seq DESC LIMIT 1",
        origin=origin,
        epoch=epoch,
        seq=seq,
    )
    if row is None or row["last_seq"] < seq:
        return None
    if row["last_seq"] == seq:
        return bytes(row["head"])
    segment = unpack(row["raw"])
    before = head_at(db, origin, epoch, segment.first - 1, birth)
    return None if before is None else segment.heads(before)[seq - segment.first]


def segments_after(db: Reader, origin: str, epoch: int, seq: int, *, limit: int) -> list[Row]:
    """Return kept segments that hold events behind `seq`: first_seq, last_seq, head, raw."""
    return db.all(
        "SELECT first_seq, last_seq, head, raw FROM segment"
        " WHERE origin = :origin AND epoch = :epoch AND last_seq > :seq"
        # No index orders by the last number; both orders are the same one here.
        " AND first_seq >= COALESCE((SELECT MAX(first_seq) FROM segment WHERE origin = :origin"
        " AND epoch = :epoch AND first_seq <= :seq + 1), 1)"
        " ORDER BY first_seq LIMIT :limit",
        origin=origin,
        epoch=epoch,
        seq=seq,
        limit=limit,
    )

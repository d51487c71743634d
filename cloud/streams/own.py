"""Head office's own streams: sealed, and kept where the hubs' are before anybody is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from cloud.platform import Merchant
from cloud.streams.keeping import Kept, cursor_of, keep
from core.journal import Identity, decode, seal
from core.sqlite import Reader, Row, Writer
from core.wire import Laid, Segment, pack

SEGMENTS_AT_ONCE = 32

# By the newest row of each: one look for all streams, however many stores there are.
_OWN = """
    SELECT * FROM (
      SELECT o.origin, o.epoch, o.birth,
             (SELECT j.seq FROM journal j
               WHERE j.origin = o.origin AND j.epoch = o.epoch
               ORDER BY j.seq DESC LIMIT 1) AS written,
             (SELECT s.last_seq FROM segment s
               WHERE s.origin = o.origin AND s.epoch = o.epoch
               ORDER BY s.first_seq DESC LIMIT 1) AS sealed
        FROM origin o WHERE o.own = 1 ORDER BY o.origin, o.epoch)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    """A sealed segment, packed, with the place it continues."""

    stream: Kept
    segment: Segment
    raw: bytes
    head: bytes


def own_streams(db: Reader) -> list[Row]:
    """Return the streams that head office writes for a merchant: origin, epoch, birth."""
    return db.all(
        "SELECT origin, epoch, birth FROM origin WHERE own = 1 ORDER BY origin, epoch"
    )


def seal_own(tx: Writer, merchant: Merchant) -> int:
    """Seal what head office wrote since; return how many seals were made."""
    made = 0
    for stream in tx.all(f"{_OWN} WHERE COALESCE(written, 0) > COALESCE(sealed, 0)"):
        identity = Identity(
            origin=stream["origin"],
            epoch=stream["epoch"],
            birth=stream["birth"],
            boot=merchant.journal.identity.boot,
        )
        made += seal(tx, identity, merchant.signing.sign)
    return made


def keep_own(merchant: Merchant, *, at: int) -> int:
    """Keep what was sealed and is not kept yet; return how many segments.

    The merchant's stream goes first: what was accepted into the pool stands in it, and a grant
    out of the pool in another stream.
    """
    kept, more = 0, True
    while more:
        sealed, more = _not_kept(merchant, at=at)
        if sealed:
            merchant.shared.write(partial(_keep_all, sealed=sealed))
            kept += len(sealed)
    return kept


def keep_theirs(merchant: Merchant, *, at: int) -> int:
    """Keep of hubs' journals what the merchant's database has beyond what is kept.

    Only after a backup was put back: its copy of the shared database is the older of the two.
    """
    kept = 0
    while sealed := list(_theirs(merchant, at=at)):
        merchant.shared.write(partial(_keep_all, sealed=sealed))
        kept += len(sealed)
    return kept


def _theirs(merchant: Merchant, *, at: int) -> Iterator[_Sealed]:
    with merchant.door.read() as db, merchant.shared.read() as shared:
        for row in shared.all(
            "SELECT e.hub AS origin, e.epoch, e.birth FROM epoch e JOIN hub h ON h.id = e.hub"
            " WHERE h.merchant = :merchant ORDER BY e.hub, e.epoch",
            merchant=merchant.id,
        ):
            stream = Kept(merchant=merchant.id, at=at, **dict(row))
            have = cursor_of(shared, stream.origin, stream.epoch, stream.birth).have
            yield from _sealed_after(db, stream, have)


def _keep_all(tx: Writer, sealed: list[_Sealed]) -> None:
    for one in sealed:
        after = one.segment.first - 1
        if not keep(tx, one.stream, one.segment, one.raw, after=after, head=one.head):
            # Only a database that was put back can disagree with what it once gave away.
            raise RuntimeError(f"{one.stream.origin} does not continue what is kept of it")


def _not_kept(merchant: Merchant, *, at: int) -> tuple[list[_Sealed], bool]:
    """Return what is to be kept next, and whether there may be more of it."""
    found: list[_Sealed] = []
    more = False
    with merchant.door.read() as db, merchant.shared.read() as shared:
        rows = db.all(_OWN)
        kept = {
            (row["origin"], row["epoch"]): row["seq"]
            for row in shared.all(
                "SELECT origin, epoch, seq FROM stream_cursor WHERE merchant = :merchant",
                merchant=merchant.id,
            )
        }
        for row in sorted(rows, key=lambda row: row["origin"] != merchant.id):
            have = kept.get((row["origin"], row["epoch"]), 0)
            if (row["sealed"] or 0) <= have:
                continue
            stream = Kept(
                origin=row["origin"],
                epoch=row["epoch"],
                merchant=merchant.id,
                birth=row["birth"],
                at=at,
            )
            sealed = list(_sealed_after(db, stream, have))
            found += sealed
            more = more or len(sealed) == SEGMENTS_AT_ONCE
    return found, more


def _sealed_after(db: Reader, stream: Kept, have: int) -> Iterator[_Sealed]:
    place = {"origin": stream.origin, "epoch": stream.epoch}
    for row in db.all(
        "SELECT first_seq, last_seq, boot, head, signature FROM segment"
        " WHERE origin = :origin AND epoch = :epoch AND first_seq > :have"
        " ORDER BY first_seq LIMIT :limit",
        have=have,
        limit=SEGMENTS_AT_ONCE,
        **place,
    ):
        events = tuple(
            event["raw"]
            for event in db.all(
                "SELECT raw FROM journal WHERE origin = :origin AND epoch = :epoch"
                " AND seq BETWEEN :first AND :last ORDER BY seq",
                first=row["first_seq"],
                last=row["last_seq"],
                **place,
            )
        )
        segment = Segment(
            epoch=stream.epoch,
            boot=row["boot"],
            first=row["first_seq"],
            events=events,
            documents=tuple(_laid_beside(db, events)),
            signature=row["signature"],
        )
        yield _Sealed(stream=stream, segment=segment, raw=pack(segment), head=row["head"])


def _laid_beside(db: Reader, events: tuple[bytes, ...]) -> Iterator[Laid]:
    for raw in events:
        event = decode(raw)
        if event.documents:
            for row in db.all(
                "SELECT name, salt, content FROM document WHERE event = :event ORDER BY name",
                event=event.id,
            ):
                yield Laid(
                    event=event.id,
                    name=row["name"],
                    salt=row["salt"],
                    content=row["content"],
                )

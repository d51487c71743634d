"""The way up: what of this box's journal is sealed, what head office has, what still waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.journal import Identity, birth_head, decode
from core.sqlite import Reader, Writer
from core.wire import WINDOW_SEGMENTS, Laid, Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """What waits to be held by head office: so many events, the oldest since (ms UTC)."""

    depth: int
    oldest_at: int | None

    def lag_ms(self, now: int) -> int:
        """Return for how long the oldest has waited."""
        return 0 if self.oldest_at is None else max(0, now - self.oldest_at)


def sealed_head(db: Reader, me: Identity) -> tuple[int, bytes]:
    """Return number and chain value of the last event under a seal."""
    row = db.one(
        "SELECT last_seq, head FROM segment WHERE origin = :origin AND epoch = :epoch"
        " ORDER BY first_seq DESC LIMIT 1",
        origin=me.origin,
        epoch=me.epoch,
    )
    return (0, birth_head(me.birth)) if row is None else (row["last_seq"], row["head"])


def head_at(db: Reader, me: Identity, seq: int) -> bytes | None:
    """Return the chain's value after an event; None where the journal does not reach it."""
    if seq == 0:
        return birth_head(me.birth)
    head: bytes | None = db.value(
        "SELECT head FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=me.origin,
        epoch=me.epoch,
        seq=seq,
    )
    return head


def is_unsealed(db: Reader, me: Identity) -> bool:
    """Say whether something waits to be sealed."""
    last = db.value(
        "SELECT seq FROM journal WHERE origin = :origin AND epoch = :epoch"
        " ORDER BY seq DESC LIMIT 1",
        origin=me.origin,
        epoch=me.epoch,
    )
    return (last or 0) > sealed_head(db, me)[0]


def are_many(db: Reader, me: Identity, *, first: int) -> bool:
    """Say whether more segments wait behind event `first` than may be under way."""
    waiting = db.all(
        "SELECT 1 FROM segment WHERE origin = :origin AND epoch = :epoch"
        " AND first_seq >= :first LIMIT :limit",
        origin=me.origin,
        epoch=me.epoch,
        first=first,
        limit=WINDOW_SEGMENTS + 1,
    )
    return len(waiting) > WINDOW_SEGMENTS


def sealed_segments(db: Reader, me: Identity, *, first: int, limit: int) -> Iterator[Segment]:
    """Yield sealed segments in order, from the one that holds event `first`."""
    seals = db.all(
        """SELECT first_seq, last_seq, boot, signature FROM segment
            WHERE origin = :origin AND epoch = :epoch AND first_seq >= COALESCE(
              (SELECT MAX(first_seq) FROM segment
                WHERE origin = :origin AND epoch = :epoch AND first_seq <= :first), 0)
              AND last_seq >= :first
            ORDER BY first_seq LIMIT :limit""",
        origin=me.origin,
        epoch=me.epoch,
        first=first,
        limit=limit,
    )
    for seal in seals:
        rows = db.all(
            "SELECT raw FROM journal WHERE origin = :origin AND epoch = :epoch"
            " AND seq BETWEEN :first AND :last ORDER BY seq",
            origin=me.origin,
            epoch=me.epoch,
            first=seal["first_seq"],
            last=seal["last_seq"],
        )
        events = tuple(row["raw"] for row in rows)
        yield Segment(
            epoch=me.epoch,
            boot=seal["boot"],
            first=seal["first_seq"],
            events=events,
            documents=tuple(_beside(db, events)),
            signature=seal["signature"],
        )


def outbox(db: Reader, me: Identity, *, acked: int | None = None) -> Outbox:
    """Return what waits, after `acked` or after what head office was last known to hold."""
    held = remembered(db, me)[0] if acked is None else acked
    last = db.value(
        "SELECT seq FROM journal WHERE origin = :origin AND epoch = :epoch"
        " ORDER BY seq DESC LIMIT 1",
        origin=me.origin,
        epoch=me.epoch,
    )
    oldest = db.value(
        "SELECT at FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=me.origin,
        epoch=me.epoch,
        seq=held + 1,
    )
    return Outbox(depth=max(0, (last or 0) - held), oldest_at=oldest)


def remember(tx: Writer, me: Identity, *, acked: int, safe: int) -> None:
    """Note what head office said that it holds; also where it is less than before."""
    tx.run(
        "INSERT INTO uplink (epoch, acked, safe) VALUES (:epoch, :acked, :safe)"
        " ON CONFLICT (epoch) DO UPDATE SET acked = excluded.acked, safe = excluded.safe",
        epoch=me.epoch,
        acked=acked,
        safe=safe,
    )


def remembered(db: Reader, me: Identity) -> tuple[int, int]:
    """Return (acked, safe) as they were last noted."""
    row = db.one("SELECT acked, safe FROM uplink WHERE epoch = :epoch", epoch=me.epoch)
    return (0, 0) if row is None else (row["acked"], row["safe"])


def note_feed_run(tx: Writer, run: str) -> None:
    """Note which run of head office told of the feed as far as it was taken."""
    tx.run(
        "INSERT INTO feed_told (one, run) VALUES (1, :run)"
        " ON CONFLICT (one) DO UPDATE SET run = excluded.run",
        run=run,
    )


def feed_run(db: Reader) -> str:
    """Return which run of head office told of the feed; empty where none is known."""
    return db.value("SELECT run FROM feed_told") or ""


def _beside(db: Reader, events: tuple[bytes, ...]) -> Iterator[Laid]:
    """Yield what lies beside these events and was not erased, always in the same order."""
    for raw in events:
        event = decode(raw)
        if not event.documents:
            continue
        for row in db.all(
            "SELECT name, salt, content FROM document WHERE event = :id ORDER BY name",
            id=event.id,
        ):
            yield Laid(
                event=event.id, name=row["name"], salt=row["salt"], content=row["content"]
            )

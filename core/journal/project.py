"""History a moment later: a cursor per origin walks the journal and applies `later` changes."""

from __future__ import annotations

import logging

from core.journal.append import documents_of
from core.journal.changes import apply
from core.journal.event import Event, decode
from core.journal.part import Entry, Parts
from core.sqlite import Door, Reader, Row, Writer

DRAIN_EVENTS_MAX = 500
log = logging.getLogger(__name__)

# From the few origins to their waiting events; CROSS JOIN keeps SQLite from going the other
# way round, which would read the whole journal after every sale.
_WAITING = """
    FROM origin o
    LEFT JOIN projected p ON p.origin = o.origin AND p.epoch = o.epoch
    CROSS JOIN journal j
    WHERE j.origin = o.origin AND j.epoch = o.epoch AND j.seq > COALESCE(p.seq, 0)"""


def is_behind(db: Reader) -> bool:
    """Say whether an event waits to be projected."""
    return db.one(f"SELECT 1 {_WAITING} LIMIT 1") is not None


def drain(tx: Writer, parts: Parts, *, limit: int = DRAIN_EVENTS_MAX) -> int:
    """Project up to `limit` waiting events; return how many were done.

    An event that cannot be projected is put in quarantine with the reason and does not hold up
    those behind it: receiving is not applying.
    """
    rows = tx.all(
        f"SELECT j.origin, j.epoch, j.seq, j.raw {_WAITING}"
        " ORDER BY o.origin, o.epoch, j.seq LIMIT :limit",
        limit=limit,
    )
    for row in rows:
        _project_row(tx, parts, row)
    last = {(row["origin"], row["epoch"]): row["seq"] for row in rows}
    for (origin, epoch), seq in last.items():
        tx.run(
            "INSERT INTO projected (origin, epoch, seq) VALUES (:origin, :epoch, :seq)"
            " ON CONFLICT (origin, epoch) DO UPDATE SET seq = excluded.seq",
            origin=origin,
            epoch=epoch,
            seq=seq,
        )
    return len(rows)


def drain_all(door: Door, parts: Parts) -> None:
    """Bring history to the journal's head, for reads that somebody acts on.

    Where nothing waits, the writer is left alone.
    """
    with door.read() as db:
        if not is_behind(db):
            return
    while door.write(lambda tx: drain(tx, parts)) == DRAIN_EVENTS_MAX:
        pass


def _project_row(tx: Writer, parts: Parts, row: Row) -> None:
    try:
        event = decode(row["raw"])
        apply_later(tx, parts, event, parts.entry(event, documents_of(tx, event)))
    except Exception as error:
        log.exception("quarantined %s/%s/%s", row["origin"], row["epoch"], row["seq"])
        tx.run(
            "INSERT INTO quarantine (origin, epoch, seq, reason)"
            " VALUES (:origin, :epoch, :seq, :reason) ON CONFLICT DO NOTHING",
            origin=row["origin"],
            epoch=row["epoch"],
            seq=row["seq"],
            reason=f"{type(error).__name__}: {error}",
        )


def apply_later(tx: Writer, parts: Parts, event: Event, entry: Entry | None) -> None:
    """Apply an event's history: all of it or, when that raises, nothing."""
    tx.run("SAVEPOINT projection")
    try:
        for change in parts.project_later(event, entry):
            apply(tx, change)
    except Exception:
        tx.run("ROLLBACK TO projection")
        raise
    finally:
        tx.run("RELEASE projection")

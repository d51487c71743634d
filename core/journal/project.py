"""History a moment later: a cursor per origin walks the journal and applies `later` changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from core.journal.append import documents_of
from core.journal.changes import apply
from core.journal.event import Event, decode_as
from core.journal.part import Entry, Parts
from core.journal.passing import pass_over
from core.sqlite import Door, Reader, Row, Writer

DRAIN_EVENTS_MAX = 500
WHOLE, NOW, LATER, ANSWER = "whole", "now", "later", "answer"
"""What of an event is missing: all of it, what its body changes at once, its history, or only
what this box should have answered to it."""
Place = tuple[str, int, int]
"""(origin, epoch, seq) of an event."""
log = logging.getLogger(__name__)

# From the few origins to their waiting events; CROSS JOIN keeps SQLite from going the other
# way round, which would read the whole journal after every sale.
_WAITING = """
    FROM origin o
    LEFT JOIN projected p ON p.origin = o.origin AND p.epoch = o.epoch
    CROSS JOIN journal j
    WHERE j.origin = o.origin AND j.epoch = o.epoch AND j.seq > COALESCE(p.seq, 0)"""

_NEXT = f"""
    SELECT j.origin, j.epoch, j.seq, j.raw,
           EXISTS (SELECT 1 FROM quarantine q
                    WHERE q.origin = j.origin AND q.epoch = j.epoch AND q.seq = j.seq
                      AND q.whole = 1) AS aside
    {_WAITING} ORDER BY o.origin, o.epoch, j.seq LIMIT :limit"""  # noqa: S608


def is_behind(db: Reader) -> bool:
    """Say whether an event waits to be projected."""
    return db.one(f"SELECT 1 {_WAITING} LIMIT 1") is not None


def drain(tx: Writer, parts: Parts, *, limit: int = DRAIN_EVENTS_MAX) -> int:
    """Project up to `limit` waiting events; return how many were done.

    An event that cannot be projected is put in quarantine with the reason and does not hold up
    those behind it: receiving is not applying.
    """
    rows = tx.all(_NEXT, limit=limit)
    for row in rows:
        if not row["aside"]:
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


def receive_now(
    tx: Writer, parts: Parts, event: Event, documents: Mapping[str, dict[str, Any]]
) -> str:
    """Apply the immediate changes of an event that another box wrote; never raises for it.

    Where its body cannot be applied, the value that its envelope moves still is; where that
    cannot be either, nothing is. Both times it stands in quarantine with the reason, which is
    returned; empty where all of it could be.
    """
    reason = ""
    try:
        entry = parts.entry(event, documents)
        _apply_now(tx, parts, event, entry)
        if entry is None:
            pass_over(tx, event, history=False)
    except Exception as error:
        log.exception("quarantined %s/%s/%s", event.origin, event.epoch, event.seq)
        reason, whole = f"{type(error).__name__}: {error}", False
        try:
            _apply_now(tx, parts, event, None)
        except Exception:
            log.exception("nothing of it could be applied")
            whole = True
        place = (event.origin, event.epoch, event.seq)
        set_aside(tx, place, reason=reason, share=WHOLE if whole else NOW)
    return reason


def set_aside(tx: Writer, place: Place, *, reason: str, share: str = LATER) -> None:
    """Put the event at (origin, epoch, seq) in quarantine; `share` is what of it is missing.

    What is aside as a WHOLE is passed over by history and by a rebuild too.
    """
    origin, epoch, seq = place
    tx.run(
        "INSERT INTO quarantine (origin, epoch, seq, reason, whole, missing_now, missing_later)"
        " VALUES (:origin, :epoch, :seq, :reason, :whole, :now, :later)"
        " ON CONFLICT (origin, epoch, seq) DO UPDATE SET"
        " missing_now = MAX(missing_now, excluded.missing_now),"
        " missing_later = MAX(missing_later, excluded.missing_later)",
        origin=origin,
        epoch=epoch,
        seq=seq,
        reason=reason,
        whole=int(share == WHOLE),
        now=int(share == NOW),
        later=int(share == LATER),
    )


def is_aside(db: Reader, origin: str, epoch: int, seq: int) -> bool:
    """Say whether nothing of an event counts."""
    found = db.value(
        "SELECT whole FROM quarantine WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=origin,
        epoch=epoch,
        seq=seq,
    )
    return bool(found)


def _apply_now(tx: Writer, parts: Parts, event: Event, entry: Entry | None) -> None:
    tx.run("SAVEPOINT reception")
    try:
        for change in parts.project_now(event, entry):
            apply(tx, change)
    except Exception:
        tx.run("ROLLBACK TO reception")
        raise
    finally:
        tx.run("RELEASE reception")


def _project_row(tx: Writer, parts: Parts, row: Row) -> None:
    try:
        event = decode_as(row["origin"], row["raw"])
        entry = parts.entry(event, documents_of(tx, event))
        apply_later(tx, parts, event, entry)
        if entry is None:
            pass_over(tx, event, history=True)
    except Exception as error:
        log.exception("quarantined %s/%s/%s", row["origin"], row["epoch"], row["seq"])
        place = (row["origin"], row["epoch"], row["seq"])
        set_aside(tx, place, reason=f"{type(error).__name__}: {error}")


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

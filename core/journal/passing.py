"""Events of kinds that this version does not know: kept, and what they say filled in later.

Their envelopes count when they come. What their bodies change waits, noted here, for a version
that knows the kind; it takes them up at its start.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial

from core.journal.append import documents_of
from core.journal.changes import Change, apply
from core.journal.event import Event, decode_as, kind_of
from core.journal.part import Parts
from core.sqlite import Door, Row, Writer

TAKEN_UP_AT_ONCE = 200
"""Events of one transaction: a till must not wait behind a month of them."""
log = logging.getLogger(__name__)


def pass_over(tx: Writer, event: Event, *, history: bool) -> None:
    """Note that nobody here can read an event's body: what it changes at once, or later."""
    tx.run(
        "INSERT INTO passed_over (origin, epoch, seq, kind, missing_now, missing_later)"
        " VALUES (:origin, :epoch, :seq, :kind, :now, :later)"
        " ON CONFLICT (origin, epoch, seq) DO UPDATE SET"
        " missing_now = MAX(missing_now, excluded.missing_now),"
        " missing_later = MAX(missing_later, excluded.missing_later)",
        origin=event.origin,
        epoch=event.epoch,
        seq=event.seq,
        kind=kind_of(event),
        now=int(not history),
        later=int(history),
    )


def take_up_all(door: Door, parts: Parts) -> int:
    """Fill in what events say whose kinds are known by now; return how many there were.

    One that cannot be applied stays noted, is tried at the next start, and is logged.
    """
    with door.read() as db:
        kinds = [row["kind"] for row in db.all("SELECT DISTINCT kind FROM passed_over")]
    done = 0
    for kind in filter(parts.known, kinds):
        some, after = partial(_some, parts=parts, kind=kind), ("", 0, 0)
        while rows := door.write(partial(some, after=after)):
            last = rows[-1]
            after = (last["origin"], last["epoch"], last["seq"])
            done += len(rows)
    return done


def _some(tx: Writer, *, parts: Parts, kind: str, after: tuple[str, int, int]) -> list[Row]:
    origin, epoch, seq = after
    rows = tx.all(
        "SELECT p.*, j.raw FROM passed_over p JOIN journal j USING (origin, epoch, seq)"
        " WHERE p.kind = :kind AND (p.origin, p.epoch, p.seq) > (:origin, :epoch, :seq)"
        " ORDER BY p.origin, p.epoch, p.seq LIMIT :limit",
        kind=kind,
        origin=origin,
        epoch=epoch,
        seq=seq,
        limit=TAKEN_UP_AT_ONCE,
    )
    for row in rows:
        _take_up(tx, parts, row)
    return rows


def _take_up(tx: Writer, parts: Parts, row: Row) -> None:
    tx.run("SAVEPOINT taking_up")
    try:
        for change in _missing(tx, parts, row):
            apply(tx, change)
        tx.run(
            "DELETE FROM passed_over WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
            origin=row["origin"],
            epoch=row["epoch"],
            seq=row["seq"],
        )
    except Exception:
        log.exception("not filled in: %s/%s/%s", row["origin"], row["epoch"], row["seq"])
        tx.run("ROLLBACK TO taking_up")
    finally:
        tx.run("RELEASE taking_up")


def _missing(tx: Writer, parts: Parts, row: Row) -> Iterable[Change]:
    event = decode_as(row["origin"], row["raw"])
    entry = parts.entry(event, documents_of(tx, event))
    # What their envelopes move was counted when they came.
    if row["missing_now"]:
        yield from parts.project_body(entry)
    if row["missing_later"]:
        yield from parts.project_body_later(entry)

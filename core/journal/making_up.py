"""What stood in quarantine, made up once its projector is mended or somebody says so."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from core.journal.append import documents_of
from core.journal.changes import Change, apply
from core.journal.event import Event, decode_as
from core.journal.part import Parts
from core.journal.passing import take_up_all
from core.journal.project import Place
from core.sqlite import Door, Reader, Row, Writer

log = logging.getLogger(__name__)


def aside_row(db: Reader, place: Place) -> Row | None:
    """Return an event's row in quarantine: reason, whole, missing_now, missing_later."""
    origin, epoch, seq = place
    return db.one(
        "SELECT * FROM quarantine WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=origin,
        epoch=epoch,
        seq=seq,
    )


def event_at(db: Reader, place: Place) -> Event:
    """Return an event as projection sees it. Raises msgspec.MsgspecError, LookupError."""
    origin, epoch, seq = place
    raw = db.value(
        "SELECT raw FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=origin,
        epoch=epoch,
        seq=seq,
    )
    if raw is None:
        raise LookupError(f"no event {origin}/{epoch}/{seq}")
    return decode_as(origin, raw)


def make_up(tx: Writer, parts: Parts, place: Place, *, journal: Reader | None = None) -> str:
    """Apply the shares of an event that are missing; return why that cannot be, if so.

    The event stands in `journal`, else in the same database. All of them or nothing. One that
    is aside as a whole is not for here: whether it counts at all has to be judged first, and
    then `forgive` takes it out.
    """
    row = aside_row(tx, place)
    if row is None:
        return ""
    if row["whole"] or not (row["missing_now"] or row["missing_later"]):
        return str(row["reason"])
    tx.run("SAVEPOINT making_up")
    try:
        event = event_at(journal or tx, place)
        for change in _missing(journal or tx, parts, event, row):
            apply(tx, change)
        forgive(tx, place)
    except Exception as error:
        log.exception("not made up: %s/%s/%s", *place)
        tx.run("ROLLBACK TO making_up")
        return f"{type(error).__name__}: {error}"
    finally:
        tx.run("RELEASE making_up")
    return ""


def make_up_all(door: Door, parts: Parts) -> int:
    """Make up whatever can be; return how many events. For the start of a program.

    What this version's projectors can read and an older one's could not is made up by that,
    and what an older one passed over because it did not know the kind.
    """
    taken_up = take_up_all(door, parts)
    with door.read() as db:
        rows = db.all("SELECT origin, epoch, seq FROM quarantine WHERE whole = 0")
    places = [(row["origin"], row["epoch"], row["seq"]) for row in rows]
    if not places:
        return taken_up
    made_up = door.write(lambda tx: sum(make_up(tx, parts, place) == "" for place in places))
    return taken_up + made_up


def forgive(tx: Writer, place: Place) -> None:
    """Take an event out of quarantine; the caller applies it."""
    origin, epoch, seq = place
    tx.run(
        "DELETE FROM quarantine WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=origin,
        epoch=epoch,
        seq=seq,
    )


def is_history(db: Reader, place: Place) -> bool:
    """Say whether the cursor of history has passed an event, so that it will not come back."""
    origin, epoch, seq = place
    at = db.value(
        "SELECT seq FROM projected WHERE origin = :origin AND epoch = :epoch",
        origin=origin,
        epoch=epoch,
    )
    return at is not None and at >= seq


def _missing(db: Reader, parts: Parts, event: Event, row: Row) -> Iterable[Change]:
    entry = parts.entry(event, documents_of(db, event))
    if row["missing_now"]:
        # The value that its envelope moves was counted when it came.
        yield from parts.project_body(entry)
    if row["missing_later"]:
        yield from parts.project_later(event, entry)

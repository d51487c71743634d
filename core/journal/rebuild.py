"""The tables again, from journal and feed alone, and where they differ from the living ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from core.journal.append import documents_of
from core.journal.changes import row_digest
from core.journal.event import decode_as
from core.journal.making_up import aside_row, make_up
from core.journal.part import Parts
from core.journal.project import apply_later, receive_now, set_aside
from core.journal.schema import MIGRATIONS
from core.sqlite import Door, Reader, Row, Writer

_COPY_ROWS = 1_000

Replay = Callable[[Reader, Door, Parts], None]
"""Brings into the second database what fills tables and stands in no journal."""


def rebuild(
    source: Door, scratch_path: Path, parts: Parts, *, key: bytes, then: Replay | None = None
) -> Iterator[str]:
    """Replay the journal into a fresh database and yield one line per table that differs.

    `then` replays what came by other ways, the feed. The caller drains history first;
    `scratch_path` must not exist.
    """
    scratch = Door(scratch_path, key=key, migrations=(*MIGRATIONS, *parts.migrations))
    try:
        with source.read() as db:
            _replay(db, scratch, parts)
            _make_up(db, scratch, parts)
            if then is not None:
                then(db, scratch, parts)
            with scratch.read() as fresh:
                for table, key_columns in sorted(parts.tables.items()):
                    yield from _differences(db, fresh, table, key_columns)
    finally:
        scratch.close()


def _replay(db: Reader, scratch: Door, parts: Parts) -> None:
    # What stands aside as a whole changed no living table either.
    rows = db.each(
        """SELECT j.origin, j.raw FROM journal j
            WHERE NOT EXISTS (SELECT 1 FROM quarantine q
                               WHERE q.origin = j.origin AND q.epoch = j.epoch
                                 AND q.seq = j.seq AND q.whole = 1)
            ORDER BY j.origin, j.epoch, j.seq"""
    )
    batch: list[tuple[str, bytes]] = []
    for row in rows:
        batch.append((row["origin"], row["raw"]))
        if len(batch) == _COPY_ROWS:
            _replay_batch(db, scratch, parts, batch)
            batch = []
    _replay_batch(db, scratch, parts, batch)


def _make_up(db: Reader, scratch: Door, parts: Parts) -> None:
    """Make up what only the order of this replay kept out, and what was made up in life."""

    def write(tx: Writer) -> None:
        for row in tx.all("SELECT origin, epoch, seq FROM quarantine"):
            place = (row["origin"], row["epoch"], row["seq"])
            if aside_row(db, place) is None:
                make_up(tx, parts, place, journal=db)

    scratch.write(write)


def _replay_batch(
    db: Reader, scratch: Door, parts: Parts, batch: list[tuple[str, bytes]]
) -> None:
    def project(tx: Writer) -> None:
        for origin, raw in batch:
            event = decode_as(origin, raw)
            documents = documents_of(db, event)
            receive_now(tx, parts, event, documents)
            # What stands in quarantine is missing from the living tables too.
            try:
                apply_later(tx, parts, event, parts.entry(event, documents))
            except Exception as error:  # noqa: BLE001 - kept for whoever compares
                place = (event.origin, event.epoch, event.seq)
                set_aside(tx, place, reason=f"{type(error).__name__}: {error}")

    scratch.write(project)


def _differences(
    living: Reader, fresh: Reader, table: str, key: tuple[str, ...]
) -> Iterator[str]:
    columns = ", ".join(key)
    query = f"SELECT * FROM {table} ORDER BY {columns}"  # noqa: S608 - the slice's own names
    mine, again = living.each(query), fresh.each(query)
    number = 0
    while True:
        left, right = next(mine, None), next(again, None)
        if left is None and right is None:
            return
        number += 1
        if left is None or right is None or row_digest(left) != row_digest(right):
            yield f"{table}: row {number} is {_shown(left)}, rebuilt it is {_shown(right)}"
            return


def _shown(row: Row | None) -> str:
    return "absent" if row is None else str(dict(row))

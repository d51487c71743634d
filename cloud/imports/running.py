"""A run of an import: looked at once, then posted by a thread that notes how far it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from cloud.imports.posting import (
    BATCH_ROWS,
    SCHEMAS,
    Poster,
    add_categories_of,
    post_batch,
)
from cloud.platform import Merchant, Platform
from core.clock import DAY_MS
from core.errors import Refused
from core.imports import Job, RowError, Survey, Tally, TypedRow, read_table, survey
from core.sqlite import Reader, Row, Writer

KEPT_MS = 7 * DAY_MS
"""An uploaded list is full of names: it is kept as long as somebody may mend and repeat."""
FAULTS_KEPT_MAX = 200
QUIET_MS = 60_000
"""A run that has not moved for so long was cut: a batch takes a second or two."""
NAME_CHARACTERS_MAX = 80

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One upload, as far as it got. Rows are counted; times are ms."""

    id: str
    list: str
    name: str
    """What the file was called by whoever sent it."""
    file: str
    home: str
    sheet: str
    overrides: dict[str, str]
    today: str
    good: int
    bad: int
    faults: tuple[RowError, ...]
    """Of the first bad rows."""
    categories: tuple[str, ...]
    state: str
    done: int
    added: int
    known: int
    made_at: int
    moved_at: int
    actor: str

    def is_cut(self, *, at: int) -> bool:
        """Say whether it stopped before its end, by a fault or with its program."""
        return self.state == "stopped" or (
            self.state == "running" and at - self.moved_at > QUIET_MS
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A list as it was sent, lying in the uploads' folder."""

    id: str
    list: str
    name: str
    path: Path
    home: str = ""
    sheet: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)


def uploads(platform: Platform, merchant: Merchant) -> Path:
    """Return the folder of a merchant's uploaded lists."""
    folder = platform.folder / "uploads" / merchant.id
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def look(merchant: Merchant, upload: Upload, *, actor: str) -> Run:
    """Read a list to its end, post nothing, and keep what was found; again looks anew.

    Refused: run_started, and what reading a table and finding its headings refuse.
    """
    with merchant.door.read() as db:
        act = merchant.act(db, actor=actor)
    with _opened(upload.list, upload.path, upload.sheet, upload.overrides, act.date) as job:
        sheet, found = job.table.sheet, survey(job, told_max=FAULTS_KEPT_MAX)
    columns = {
        "list": upload.list,
        "name": upload.name[:NAME_CHARACTERS_MAX],
        "file": upload.path.name,
        "home": upload.home,
        "sheet": sheet,
        "overrides": msgspec.json.encode(dict(upload.overrides)),
        "today": act.date,
        **_found(found),
        "made_at": act.at,
        "moved_at": act.at,
        "actor": actor,
    }
    merchant.door.write(lambda tx: _keep(tx, upload.id, columns))
    with merchant.door.read() as db:
        return run_of(db, upload.id)


def run_of(db: Reader, run_id: str) -> Run:
    """Return a run. Refused: no_run."""
    row = db.one("SELECT * FROM import_run WHERE id = :id", id=run_id)
    if row is None:
        raise Refused("no_run")
    return _run(row)


def runs(db: Reader, *, limit: int = 20) -> list[Run]:
    """Return the newest runs."""
    rows = db.all(
        "SELECT * FROM import_run ORDER BY made_at DESC, id DESC LIMIT :limit", limit=limit
    )
    return [_run(row) for row in rows]


def refused_of(db: Reader, run_id: str) -> list[tuple[int, str, dict[str, Any]]]:
    """Return the lines that could be read and not be posted: line, code and facts."""
    rows = db.all(
        "SELECT line, code, facts FROM import_refused WHERE run = :run ORDER BY line",
        run=run_id,
    )
    return [(row["line"], row["code"], msgspec.json.decode(row["facts"])) for row in rows]


def start(
    platform: Platform,
    merchant: Merchant,
    run_id: str,
    *,
    told: Callable[[], None] = lambda: None,
) -> threading.Thread:
    """Begin to post a run, or go on with one that was cut; `told` is called as it moves.

    Refused: no_run, run_started, import_busy.
    """
    at = platform.clock.read().at
    merchant.door.write(lambda tx: _claim(tx, run_id, at=at))
    thread = threading.Thread(
        target=_work,
        args=(platform, merchant, run_id, told),
        name=f"import-{run_id}",
        daemon=True,
    )
    thread.start()
    return thread


def forget_old(platform: Platform, merchant: Merchant) -> None:
    """Delete lists that were uploaded long ago, and files that no run has."""
    before = platform.clock.read().at - KEPT_MS

    def forget(tx: Writer) -> set[str]:
        tx.run(
            "DELETE FROM import_run WHERE made_at < :before AND state <> 'running'",
            before=before,
        )
        return {row["file"] for row in tx.all("SELECT file FROM import_run")}

    kept = merchant.door.write(forget)
    for path in uploads(platform, merchant).iterdir():
        old = path.stat().st_mtime * 1000 < before
        if old and path.name not in kept:
            path.unlink(missing_ok=True)


def mark(_platform: Platform, merchant: Merchant) -> object:
    """Return what differs as soon as a run moved."""
    with merchant.door.read() as db:
        row = db.one(
            "SELECT id, state, done FROM import_run ORDER BY moved_at DESC, id DESC LIMIT 1"
        )
    return None if row is None else tuple(row)


@contextmanager
def job_of(platform: Platform, merchant: Merchant, run: Run) -> Iterator[Job]:
    """Lend a run's list, as it was looked at. Refused: import_file_absent."""
    path = uploads(platform, merchant) / run.file
    with _opened(run.list, path, run.sheet, run.overrides, run.today) as job:
        yield job


@contextmanager
def _opened(
    kind: str, path: Path, sheet: str, overrides: Mapping[str, str], today: str
) -> Iterator[Job]:
    with read_table(path, sheet=sheet or None) as table:
        yield Job(
            table=table,
            schema=SCHEMAS[kind],
            today=date.fromisoformat(today),
            overrides=overrides,
        )


def _found(found: Survey) -> dict[str, object]:
    faults = [error for row in found.first_bad for error in row.errors]
    return {
        "good": found.good,
        "bad": found.bad,
        "faults": msgspec.json.encode(faults[:FAULTS_KEPT_MAX]),
        "categories": msgspec.json.encode(found.categories),
    }


def _keep(tx: Writer, run_id: str, columns: Mapping[str, object]) -> None:
    state = tx.value("SELECT state FROM import_run WHERE id = :id", id=run_id)
    if state not in {None, "looked"}:
        raise Refused("run_started")
    names = ", ".join(columns)
    values = ", ".join(f":{name}" for name in columns)
    tx.run("DELETE FROM import_run WHERE id = :id", id=run_id)
    tx.run(
        f"INSERT INTO import_run (id, state, {names}) VALUES (:id, 'looked', {values})",  # noqa: S608 - own names
        id=run_id,
        **columns,
    )


def _claim(tx: Writer, run_id: str, *, at: int) -> None:
    run = run_of(tx, run_id)
    if run.state != "looked" and not run.is_cut(at=at):
        raise Refused("run_started")
    other = tx.value(
        "SELECT name FROM import_run WHERE state = 'running' AND moved_at > :since"
        " AND id <> :id",
        since=at - QUIET_MS,
        id=run_id,
    )
    if other is not None:
        raise Refused("import_busy", name=other)
    tx.run(
        "UPDATE import_run SET state = 'running', moved_at = :at WHERE id = :id",
        at=at,
        id=run_id,
    )


def _work(
    platform: Platform, merchant: Merchant, run_id: str, told: Callable[[], None]
) -> None:
    try:
        _post_all(platform, merchant, run_id, told)
        ended = "done"
    except Exception:
        log.exception("import %s stopped", run_id)
        ended = "stopped"
    try:
        at = platform.clock.read().at
        merchant.door.write(lambda tx: _end(tx, run_id, ended, at=at))
        told()
    except Refused:
        log.exception("import %s could not be ended", run_id)


def _post_all(
    platform: Platform, merchant: Merchant, run_id: str, told: Callable[[], None]
) -> None:
    with merchant.door.read() as db:
        run = run_of(db, run_id)
    poster = Poster(merchant=merchant, list=run.list, home=run.home, actor=run.actor)
    add_categories_of(poster, run.categories)
    with job_of(platform, merchant, run) as job:
        for batch in _left(job, run.done):

            def note(tx: Writer, tally: Tally, size: int = len(batch)) -> None:
                _note(tx, run_id, tally, size=size, at=platform.clock.read().at)

            post_batch(poster, batch, note)
            told()


def _left(job: Job, done: int) -> Iterator[list[TypedRow]]:
    """Yield the good rows that were not reached yet, by batches."""
    good = (row for row in job.rows() if isinstance(row, TypedRow))
    left = islice(good, done, None)
    while batch := list(islice(left, BATCH_ROWS)):
        yield batch


def _note(tx: Writer, run_id: str, tally: Tally, *, size: int, at: int) -> None:
    """Write down how far a run is, in the transaction that brought it there."""
    tx.run(
        "UPDATE import_run SET done = done + :size, added = added + :added,"
        " known = known + :known, moved_at = :at WHERE id = :id",
        size=size,
        added=tally.added,
        known=tally.known,
        at=at,
        id=run_id,
    )
    tx.run_many(
        "INSERT INTO import_refused (run, line, code, facts)"
        " VALUES (:run, :line, :code, :facts) ON CONFLICT DO NOTHING",
        [
            {
                "run": run_id,
                "line": line,
                "code": refused.code,
                "facts": msgspec.json.encode(refused.facts),
            }
            for line, refused in tally.refused
        ],
    )


def _end(tx: Writer, run_id: str, state: str, *, at: int) -> None:
    tx.run(
        "UPDATE import_run SET state = :state, moved_at = :at WHERE id = :id",
        state=state,
        at=at,
        id=run_id,
    )


def _run(row: Row) -> Run:
    known = dict(row)
    known["overrides"] = msgspec.json.decode(known["overrides"])
    known["faults"] = msgspec.json.decode(known["faults"], type=tuple[RowError, ...])
    known["categories"] = msgspec.json.decode(known["categories"], type=tuple[str, ...])
    return Run(**known)

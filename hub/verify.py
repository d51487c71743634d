"""`dianshu verify`: whether this hub's history still says what it said when it was written.

It needs no running hub and changes nothing that was recorded, so it may also be asked of a
copy. What does not hold is named event by event.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import sqlcipher3.dbapi2 as driver

from core import feed
from core.crypto import database_key
from core.errors import Refused
from core.journal import MIGRATIONS, Parts, drain_all, rebuild, signed_by_birth
from core.journal import verify as findings_of
from core.sqlite import Door, Reader
from hub.app import CAPABILITIES, CORE_PARTS
from hub.command_line import data_option, use_credentials

REBUILDS_MAX = 5
GONE_MAX = 500
"""More unreadable events than that are not named one by one: the disk is gone."""
HEAD_SHOWN_BYTES = 4
_HERE = "origin = :origin AND epoch = :epoch"
_KIND = re.compile(rb'"kind":"([a-z_.]+)"')


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was looked at, and what does not hold, one sentence each."""

    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    head: str = ""
    """The end of the chain as receipts print it, with the number of its event."""


@click.command()
@data_option
def verify(data: Path) -> None:
    """Check chain, seals, documents, postings and storage; rebuild the tables and compare."""
    if not (data / "hub.db").is_file():
        raise click.ClickException(f"{data} is not a hub's folder")
    use_credentials(data)
    try:
        door, parts = _open(data)
    except (OSError, RuntimeError, Refused, driver.DatabaseError) as error:
        raise click.ClickException(str(error)) from error
    try:
        with door.connection() as connection:
            # What it would say on the side, page by page, is told in sentences.
            connection.execute("PRAGMA cipher_log_level = NONE")
        verdict = examine(door, parts, key=_key(data), folder=data)
    finally:
        door.close()
    for problem in verdict.problems:
        click.echo(f"✗ {problem}")
    looked_at = " · ".join(f"{name} {count:,}" for name, count in verdict.counts.items())
    if looked_at:
        click.echo(looked_at)
    if verdict.head:
        click.echo(f"链头 head {verdict.head}")
    if verdict.problems:
        click.echo(f"发现 {len(verdict.problems)} 处不一致 · found {len(verdict.problems)}")
        raise SystemExit(1)
    click.echo("全部一致 · all of it holds")


def examine(door: Door, parts: Parts, *, key: bytes, folder: Path) -> Verdict:
    """Look at everything; the tables are rebuilt only from a journal that holds."""
    verdict = Verdict()
    verdict.problems += [f"存储 storage: {line}" for line in door.integrity()]
    try:
        with door.read() as db:
            verdict.problems += _journal_problems(db)
            verdict.problems += _column_problems(db)
            verdict.counts = _counts(db)
            verdict.head = _head(db)
        if not verdict.problems:
            # To project a forged event would carry the forgery into the tables.
            verdict.problems += _table_problems(door, parts, key=key, folder=folder)
            verdict.counts["重建的表 tables"] = len(parts.tables)
    except (driver.DatabaseError, Refused) as error:
        verdict.problems.append(f"存储 storage: {error}")
        verdict.problems += _unreadable(door)
    return verdict


def _open(data: Path) -> tuple[Door, Parts]:
    parts = Parts((*CORE_PARTS, *(part for c in CAPABILITIES for part in c.parts)))
    migrations = (*MIGRATIONS, *parts.migrations)
    return Door(data / "hub.db", key=_key(data), migrations=migrations), parts


def _key(data: Path) -> bytes:
    return database_key(data / "secrets" / "database.key")


def _journal_problems(db: Reader) -> Iterator[str]:
    for finding in findings_of(db, signed_by_birth):
        number = f"{finding.origin}/{finding.epoch}/{finding.seq}"
        named = finding.event or _kind_of(db, finding.origin, finding.epoch, finding.seq)
        yield f"事件 event {number} ({named}): {finding.what}"


def _column_problems(db: Reader) -> Iterator[str]:
    """Find what stands beside an event or a seal and is not what they say of themselves."""
    for row in db.all(
        """SELECT origin, epoch, seq FROM journal
            WHERE CASE WHEN json_valid(CAST(raw AS TEXT))
                  THEN at <> json_extract(CAST(raw AS TEXT), '$.at')
                    OR origin <> json_extract(CAST(raw AS TEXT), '$.origin')
                    OR epoch <> json_extract(CAST(raw AS TEXT), '$.epoch')
                  END
            ORDER BY origin, epoch, seq"""
    ):
        where = (row["origin"], row["epoch"], row["seq"])
        number = "/".join(map(str, where))
        yield (
            f"事件 event {number} ({_kind_of(db, *where)}):"
            " its row names another time or place than it does"
        )
    for row in db.all(
        """SELECT s.origin, s.epoch, s.last_seq FROM segment s JOIN journal j
             ON j.origin = s.origin AND j.epoch = s.epoch AND j.seq = s.last_seq
            WHERE j.head <> s.head ORDER BY s.origin, s.epoch, s.last_seq"""
    ):
        where = (row["origin"], row["epoch"], row["last_seq"])
        number = "/".join(map(str, where))
        yield f"事件 event {number} ({_kind_of(db, *where)}): the seal names another chain"


def _kind_of(db: Reader, origin: str, epoch: int, seq: int) -> str:
    """Name the kind of an event that is too damaged to be read as a whole."""
    raw = db.value(
        "SELECT raw FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=origin,
        epoch=epoch,
        seq=seq,
    )
    found = _KIND.search(raw or b"")
    return found[1].decode() if found else "?"


def _table_problems(door: Door, parts: Parts, *, key: bytes, folder: Path) -> list[str]:
    differences: list[str] = []
    quarantined: list[str] = []
    for _attempt in range(REBUILDS_MAX):
        drain_all(door, parts)
        with door.read() as db:
            before = _events(db)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".verify-") as scratch:
            again = Path(scratch, "again.db")
            differences = list(rebuild(door, again, parts, key=key, then=feed.replay))
        with door.read() as db:
            # A hub that runs goes on writing, and then history was not at the journal's end.
            moved = _events(db) != before
            quarantined = _quarantined(db)
        if not moved or not differences:
            break
    return [*quarantined, *(f"表 table {line}" for line in differences)]


def _quarantined(db: Reader) -> list[str]:
    return [
        f"事件 event {row['origin']}/{row['epoch']}/{row['seq']}"
        f" ({_kind_of(db, row['origin'], row['epoch'], row['seq'])}):"
        f" 未能入账 not projected: {row['reason']}"
        for row in db.all("SELECT * FROM quarantine ORDER BY origin, epoch, seq")
    ]


def _events(db: Reader) -> int:
    count: int = db.value("SELECT count(*) FROM journal")
    return count


def _counts(db: Reader) -> dict[str, int]:
    return {
        "事件 events": _events(db),
        "封印 seals": db.value("SELECT count(*) FROM segment"),
        "未封 not sealed yet": db.value(
            """SELECT count(*) FROM journal j WHERE j.seq > COALESCE((
                 SELECT MAX(s.last_seq) FROM segment s
                  WHERE s.origin = j.origin AND s.epoch = j.epoch), 0)"""
        ),
        "文件 documents": db.value("SELECT count(*) FROM document"),
    }


def _head(db: Reader) -> str:
    rows = db.all(
        """SELECT j.seq, j.head FROM origin o JOIN journal j
             ON j.origin = o.origin AND j.epoch = o.epoch
            WHERE o.own = 1 ORDER BY j.epoch DESC, j.seq DESC LIMIT 1"""
    )
    return "".join(
        f"#{row['head'][:HEAD_SHOWN_BYTES].hex().upper()} @ {row['seq']}" for row in rows
    )


def _unreadable(door: Door) -> Iterator[str]:
    """Name the events that the disk does not give back, each asked for by itself."""
    for origin, epoch in _asked(door, "SELECT origin, epoch FROM origin ORDER BY 1, 2"):
        where = {"origin": origin, "epoch": epoch}
        # Other tables may still know how many there were.
        ends = [
            _asked(door, f"SELECT MAX({column}) FROM {table} WHERE {_HERE}", where)  # noqa: S608
            for column, table in (
                ("seq", "journal"),
                ("seq", "projected"),
                ("last_seq", "segment"),
            )
        ]
        last = max((row[0] or 0 for rows in ends for row in rows), default=0)
        for seq in _gone(door, where, last):
            yield f"事件 event {origin}/{epoch}/{seq}: 读不出 cannot be read from the disk"


def _asked(door: Door, query: str, values: dict[str, object] | None = None) -> list[Any]:
    """Return rows, or none where the disk does not give them."""
    try:
        with door.connection() as connection:
            return [tuple(row) for row in connection.execute(query, values or {})]
    except driver.DatabaseError:
        return []


def _gone(door: Door, where: dict[str, object], last: int) -> list[int]:
    gone: list[int] = []
    while len(gone) < GONE_MAX and (first := gone[-1] + 1 if gone else 1) <= last:
        # A connection that met a damaged page refuses all others after it.
        with door.connection() as connection:
            met = _first_gone(connection, where, range(first, last + 1))
        if met is None:
            break
        gone.append(met)
    return gone


def _first_gone(connection: Any, where: dict[str, object], numbers: range) -> int | None:
    query = f"SELECT raw FROM journal WHERE {_HERE} AND seq = :seq"  # noqa: S608 - own words
    for seq in numbers:
        try:
            if connection.execute(query, where | {"seq": seq}).fetchone() is None:
                return seq
        except driver.DatabaseError:
            return seq
    return None

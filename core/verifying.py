"""`dianshu verify`: whether a box's history still says what it said when it was written.

It needs no running program and changes nothing that was recorded, so it may also be asked of a
copy. What does not hold is named event by event. A hub and a head office are told apart by
their folders; each side names its own books under the entry points `dianshu.folders`.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import sqlcipher3.dbapi2 as driver

from core import feed
from core.errors import Refused
from core.journal import Parts, decode, drain_all, kind_of, rebuild, signed_by_birth
from core.journal import verify as findings_of
from core.sqlite import Door, Reader

FOLDERS_GROUP = "dianshu.folders"
"""A file that only one kind of folder holds, and who opens the books in it."""
REBUILDS_MAX = 5
NOT_PROJECTED = "未能入账 not projected"
"""Of what stands in quarantine: known, and somebody's to decide."""
GONE_MAX = 500
"""More unreadable events than that are not named one by one: the disk is gone."""
HEAD_SHOWN_BYTES = 4
_HERE = "origin = :origin AND epoch = :epoch"
_KIND = re.compile(rb'"kind":"([a-z_.]+)"')
_MARK = re.compile(r"#?([0-9A-Fa-f]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One journal with its tables, opened; `key` and `folder` are for making them again."""

    name: str
    """Whose it is; empty where there is only one."""
    door: Door
    parts: Parts
    key: bytes
    folder: Path
    further: Callable[[Reader], Iterable[str]] = lambda _db: ()
    """What else must hold here, one sentence for each thing that does not."""


Books = Callable[[Path], AbstractContextManager[list[Book]]]
"""Opens all books in a folder. Raises OSError, RuntimeError, Refused where it cannot."""


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was looked at, and what does not hold, one sentence each."""

    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Counter[str]] = field(default_factory=dict)
    """By asset what every kind of account came to, in fen or points."""
    head: str = ""
    """The end of the chain as receipts print it, with the number of its event."""


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/var/lib/dianshu"),
    envvar="DIANSHU_DATA",
    show_default=True,
    help="A hub's folder, or head office's.",
)
@click.option(
    "--receipt",
    "mark",
    metavar="MARK",
    help="Only say whether the eight characters on a receipt (#1A2B3C4D) fit this journal.",
)
def verify(data: Path, mark: str | None) -> None:
    """Check chain, seals, documents, postings and storage; rebuild the tables and compare."""
    if mark is not None and not _MARK.fullmatch(mark.strip()):
        raise click.UsageError("票上的记号是 # 后面八个字母或数字 eight characters behind a #")
    try:
        with _books_in(data)(data) as books:
            holds = [_receipt(book, mark) if mark else _told(book) for book in books]
    except (OSError, RuntimeError, Refused, driver.DatabaseError) as error:
        raise click.ClickException(str(error)) from error
    fine = any(holds) if mark else all(holds)
    if mark and not fine:
        click.echo("✗ 这里没有这个记号的记录 no event here carries this mark")
    elif fine and not mark:
        click.echo("全部一致 · all of it holds")
    if not fine:
        raise SystemExit(1)


def _books_in(data: Path) -> Books:
    for entry in entry_points(group=FOLDERS_GROUP):
        if (data / entry.name).is_file():
            books: Books = entry.load()
            return books
    raise click.ClickException(f"{data} is not a hub's folder, nor head office's")


def _told(book: Book) -> bool:
    """Examine a book and say aloud what was found; say whether all of it holds."""
    if book.name:
        click.echo(f"== {book.name}")
    with book.door.connection() as connection:
        # What it would say on the side, page by page, is told in sentences.
        connection.execute("PRAGMA cipher_log_level = NONE")
    verdict = examine(book)
    for problem in verdict.problems:
        click.echo(f"✗ {problem}")
    looked_at = " · ".join(f"{name} {count:,}" for name, count in verdict.counts.items())
    if looked_at:
        click.echo(looked_at)
    if verdict.head:
        click.echo(f"链头 head {verdict.head}")
    for asset, sums in sorted(verdict.sums.items()):
        # What left the mint was issued; all of it is somewhere.
        parts = (f"{kind} {sums[kind]:,}" for kind in sorted(sums.keys() - {"mint"}))
        click.echo(f"守恒 conserved {asset}: issued {-sums['mint']:,} = {' + '.join(parts)}")
    if verdict.problems:
        click.echo(f"发现 {len(verdict.problems)} 处不一致 · found {len(verdict.problems)}")
    return not verdict.problems


def _receipt(book: Book, mark: str) -> bool:
    """Name the events behind which the chain stood as a receipt says."""
    found = _MARK.fullmatch(mark.strip())
    assert found is not None
    with book.door.read() as db:
        rows = db.all(
            "SELECT origin, epoch, seq, at, raw FROM journal"
            " WHERE substr(head, 1, :bytes) = :mark ORDER BY at",
            bytes=HEAD_SHOWN_BYTES,
            mark=bytes.fromhex(found[1]),
        )
    for row in rows:
        event = decode(row["raw"])
        when = (
            datetime.fromtimestamp(row["at"] // 1000, UTC)
            .astimezone()
            .isoformat(" ", "seconds")
        )
        click.echo(
            f"✓ 相符 fits: {kind_of(event)} {event.date} · {when}"
            f" · {row['origin']}/{row['epoch']}/{row['seq']}"
        )
    return bool(rows)


def examine(book: Book) -> Verdict:
    """Look at everything; the tables are rebuilt only from a journal that holds."""
    verdict, door = Verdict(), book.door
    verdict.problems += [f"存储 storage: {line}" for line in door.integrity()]
    try:
        with door.read() as db:
            verdict.problems += _journal_problems(db)
            verdict.problems += _column_problems(db)
            verdict.counts = _counts(db)
            verdict.head = _head(db)
            verdict.problems += book.further(db)
        if not verdict.problems:
            # To project a forged event would carry the forgery into the tables.
            verdict.problems += _table_problems(book)
            verdict.counts["重建的表 tables"] = len(book.parts.tables)
            with door.read() as db:
                verdict.sums = _sums(db)
    except (driver.DatabaseError, Refused) as error:
        verdict.problems.append(f"存储 storage: {error}")
        verdict.problems += _unreadable(door)
    return verdict


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


def _sums(db: Reader) -> dict[str, Counter[str]]:
    """Return by asset what each kind of account came to; for every asset it sums to zero."""
    sums: dict[str, Counter[str]] = {}
    for row in db.each("SELECT raw FROM journal"):
        for posting in decode(row["raw"]).postings:
            kind = posting.account.partition("/")[0]
            sums.setdefault(posting.asset, Counter())[kind] += posting.amount
    return sums


def _table_problems(book: Book) -> list[str]:
    door, parts = book.door, book.parts
    differences: list[str] = []
    quarantined: list[str] = []
    for _attempt in range(REBUILDS_MAX):
        drain_all(door, parts)
        with door.read() as db:
            before = _events(db)
        with tempfile.TemporaryDirectory(dir=book.folder, prefix=".verify-") as scratch:
            again = Path(scratch, "again.db")
            differences = list(rebuild(door, again, parts, key=book.key, then=feed.replay))
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
        f" {NOT_PROJECTED}: {row['reason']}"
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

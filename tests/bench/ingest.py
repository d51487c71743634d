"""Head office takes in what stores send, beside SQLite taking the same rows without a question.

COPY is PostgreSQL's word for the fastest way in; here it is `executemany` in one transaction
on a database with the same key, page size and `synchronous=FULL`.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from cloud.app import open_cloud
from cloud.ingest.books import carry, write_history
from cloud.ingest.exchange import Exchange
from cloud.platform import Merchant, Platform
from core.journal import MIGRATIONS, birth_head, chain, decode, signed_bytes
from core.sqlite import Door
from core.wire import Ask, Channel, Hello, Segment, encode, pack, topic
from hub.app import open_hub
from hub.sync import load_link
from tests.bench import Ratio, Report, ratios, take_turns
from tests.bench.chain import joined_chain
from tests.bench.wire import cut, journal_of

SEGMENT_EVENTS = 200
SEGMENTS = 5
"""In a turn, sent at once as a hub does that catches up, and kept in one transaction."""
ROUNDS = 9
KEY = bytes(range(32))
RAW, PROJECTED, EVENT_ROWS, SAME_RAW, SAME_ROWS = (
    "raw and cursor",
    "with all tables",
    "an event a row",
    "the same segments",
    "the same rows",
)

Values = tuple[Any, ...]
Rows = dict[str, tuple[str, list[Values]]]
"""By table: the statement that writes a row, and rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn took."""

    events: int
    lasted: float
    cpu_s: float

    @property
    def rate(self) -> float:
        return self.events / self.lasted

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / self.events * 1e6


@dataclass(frozen=True, kw_only=True)
class Store:
    """A joined store's journal in messages of 200 events, under its own seal."""

    merchant: str
    hub: str
    hello: Hello
    segments: list[Segment]
    birth: bytes

    def name(self, channel: Channel) -> str:
        return topic(self.merchant, self.hub, channel)


class Office:
    """Head office's ingest without a line: what it would publish is counted."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.platform: Platform = open_cloud(folder)
        self.merchant: Merchant = self.platform.merchant(store.merchant)
        self._store = store
        self._said = 0
        self._exchange = Exchange(self.platform, self)
        self.take([store.name(Channel.UP_CONTROL)], [encode(store.hello)])

    def publish(self, topic: str, payload: bytes) -> None:
        del topic, payload
        self._said += 1

    def carry(self, merchant: str) -> None:
        """Leave it to the bench when tables are brought up."""

    def ask(self, merchant: str, hub: str, ask: Ask) -> None:
        raise AssertionError("nobody asks here")

    def take(self, names: Sequence[str], payloads: Sequence[bytes]) -> None:
        now_ms = time.monotonic_ns() // 1_000_000
        self._exchange.take(list(zip(names, payloads, strict=True)), now_ms)

    def keep(self, segments: Sequence[bytes]) -> None:
        self.take([self._store.name(Channel.UP_LOG)] * len(segments), segments)

    def project(self) -> None:
        """Bring every table up, as the clerk does."""
        while carry(self.platform, self.merchant).more:
            pass
        while write_history(self.merchant):
            pass

    def kept(self) -> int:
        with self.platform.door.read() as db:
            where = "WHERE origin = :hub"
            return db.value(f"SELECT seq FROM stream_cursor {where}", hub=self._store.hub) or 0

    def close(self) -> None:
        self.platform.close()


def run(*, full: bool = False, rounds: int = ROUNDS) -> Report:
    del full
    wanted = (rounds + 1) * SEGMENTS * SEGMENT_EVENTS
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        with joined_chain(folder / "chain", events=wanted + wanted // 20 + 1_000) as made:
            office, store = made.folder, _store_of(made.store)
        turns = _measure(stack, folder, office, store, rounds)
    return Report(
        title="ingest: head office beside executemany, segments of 200, FULL",
        reading=[
            f"A round is {SEGMENTS} segments; both sides commit it once and wait for the flush.",
            "Ingest opens, checks signature and chain, keeps, acknowledges; then it applies",
            "every event to every table, with documents for the feed. executemany only writes.",
            "There is no broker and no TLS here: the whole way is in catchup.",
        ],
        ratios=_ratios(turns),
        tables=[_table(turns)],
    )


def _store_of(folder: Path) -> Store:
    """Read a joined hub's journal and seal it anew, 200 events at a time."""
    box, link = open_hub(folder), load_link(folder)
    assert link is not None
    me, sign = box.journal.identity, box.secrets.log_key.sign
    head, segments = birth_head(me.birth), []
    for one in cut(journal_of(folder), SEGMENT_EVENTS):
        for raw in one.events:
            head = chain(head, raw)
        covered = signed_bytes(me, first=one.first, last=one.last, boot=one.boot, head=head)
        segments.append(replace(one, signature=sign(covered)))
    box.close()
    return Store(
        merchant=link.merchant,
        hub=link.hub,
        hello=Hello(
            epoch=me.epoch,
            boot=me.boot,
            n=segments[-1].last,
            head=head,
            down_n=0,
            down_head=birth_head(link.downlink_birth),
            feed_pos=0,
        ),
        segments=segments,
        birth=me.birth,
    )


def _measure(
    stack: ExitStack, folder: Path, office: Path, store: Store, rounds: int
) -> dict[str, list[Turn]]:
    slices = _sliced(store.segments, rounds + 1)
    payloads = [[pack(segment) for segment in part] for part in slices]
    offices = []
    for name in ("first", "raw", "projected"):
        shutil.copytree(office, folder / name, ignore=shutil.ignore_patterns("run"))
        offices.append(Office(folder / name, store))
        stack.callback(offices[-1].close)
    first, raw, projected = offices
    same = _rows_left(first, payloads)
    merchant_tables = partial(_twin, stack, folder, first.merchant.door)
    contenders = {
        RAW: [partial(raw.keep, part) for part in payloads],
        PROJECTED: [partial(_keep_and_project, projected, part) for part in payloads],
        EVENT_ROWS: _copies(
            merchant_tables("events.db"), [_event_rows(store, part) for part in slices]
        ),
        SAME_RAW: _copies(
            _twin(stack, folder, first.platform.door, "segments.db"),
            [_raw_rows(store, *both) for both in zip(slices, payloads, strict=True)],
        ),
        SAME_ROWS: _copies(merchant_tables("rows.db"), _parts(same, len(slices))),
    }
    events = SEGMENTS * SEGMENT_EVENTS
    turns = take_turns(
        {name: _timed(iter(acts), events) for name, acts in contenders.items()}, rounds=rounds
    )
    assert raw.kept() == projected.kept() == slices[-1][-1].last
    return turns


def _keep_and_project(office: Office, part: Sequence[bytes]) -> None:
    office.keep(part)
    office.project()


def _timed(acts: Iterator[Callable[[], object]], events: int) -> Callable[[], Turn]:
    def turn() -> Turn:
        act = next(acts)
        cpu, began = time.process_time(), time.perf_counter()
        act()
        lasted, spent = time.perf_counter() - began, time.process_time() - cpu
        return Turn(events=events, lasted=lasted, cpu_s=spent)

    return turn


def _sliced(segments: list[Segment], count: int) -> list[list[Segment]]:
    assert len(segments) >= count * SEGMENTS, f"{len(segments)} segments"
    return [segments[at * SEGMENTS : (at + 1) * SEGMENTS] for at in range(count)]


# -- what executemany writes ---------------------------------------------------------------


def _twin(stack: ExitStack, folder: Path, door: Door, name: str) -> Door:
    """Return an empty database with another's tables and indexes, and without its triggers."""
    twin = Door(folder / name, key=KEY, migrations=MIGRATIONS[:0])
    stack.callback(twin.close)
    with door.read() as db:
        made = [
            row["sql"]
            for row in db.all("SELECT sql FROM sqlite_schema WHERE type IN ('table', 'index')")
            if row["sql"] and _is_plain(row["sql"])
        ]
    with twin.connection() as connection:
        for statement in made:
            connection.execute(statement)
    return twin


def _is_plain(sql: str) -> bool:
    """Say whether rows can be put there: not into what a search keeps, nor SQLite itself."""
    head = sql.partition("(")[0]
    return not any(word in head for word in ("VIRTUAL", "sqlite_", "_fts", "migration"))


def _copies(twin: Door, parts: Sequence[Rows]) -> list[Callable[[], object]]:
    connection = twin._writing
    connection.execute("PRAGMA foreign_keys = OFF")
    return [partial(_copy, connection, part) for part in parts]


def _copy(connection: Any, rows: Rows) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement, values in rows.values():
        connection.executemany(statement, values)
    connection.execute("COMMIT")


def _event_rows(store: Store, part: Sequence[Segment]) -> Rows:
    """Return the journal's rows of some segments, chained beforehand."""
    values, head = [], bytes(32)
    for segment in part:
        for seq, raw in enumerate(segment.events, segment.first):
            values.append((store.hub, segment.epoch, seq, decode(raw).at, head, raw))
    statement = (
        "INSERT INTO journal (origin, epoch, seq, at, head, raw) VALUES (?, ?, ?, ?, ?, ?)"
    )
    return {"journal": (statement, values)}


def _raw_rows(store: Store, part: Sequence[Segment], payloads: Sequence[bytes]) -> Rows:
    values = [
        (store.hub, one.epoch, one.first, one.last, bytes(32), raw, 0)
        for one, raw in zip(part, payloads, strict=True)
    ]
    names = "origin, epoch, first_seq, last_seq, head, raw, received_at"
    return {
        "segment": (f"INSERT INTO segment ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", values),
        "cursor": (
            """INSERT INTO stream_cursor (origin, epoch, merchant, birth, seq, head)
               VALUES (?, ?, ?, ?, ?, ?)
                   ON CONFLICT (origin, epoch) DO UPDATE SET seq = excluded.seq""",
            [(store.hub, 1, store.merchant, store.birth, part[-1].last, bytes(32))],
        ),
    }


def _rows_left(office: Office, payloads: Sequence[Sequence[bytes]]) -> Rows:
    """Let head office take in everything; return the rows that are there and were not before."""
    before = _all_rows(office.merchant.door)
    for part in payloads:
        office.keep(part)
        office.project()
    after = _all_rows(office.merchant.door)
    left: Rows = {}
    for table, (statement, rows) in after.items():
        known = set(before[table][1])
        left[table] = (statement, [row for row in rows if row not in known])
    return left


def _all_rows(door: Door) -> Rows:
    with door.read() as db:
        tables = db.all("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
        held: Rows = {}
        for table in tables:
            name = table["name"]
            if table["sql"] and _is_plain(table["sql"]):
                # Not what it works out by itself, which cannot be written.
                info = db.all(f'PRAGMA table_info("{name}")')
                names = ", ".join(f'"{column["name"]}"' for column in info)
                rows = [tuple(row) for row in db.all(f'SELECT {names} FROM "{name}"')]
                places = ", ".join("?" * len(info))
                statement = f'INSERT OR REPLACE INTO "{name}" ({names}) VALUES ({places})'
                held[name] = (statement, rows)
        return held


def _parts(rows: Rows, count: int) -> list[Rows]:
    """Deal rows out into so many equal parts, in order."""
    return [
        {
            table: (
                statement,
                values[len(values) * at // count : len(values) * (at + 1) // count],
            )
            for table, (statement, values) in rows.items()
            if values
        }
        for at in range(count)
    ]


# -- what is told --------------------------------------------------------------------------


def _ratios(turns: dict[str, list[Turn]]) -> list[Ratio]:
    return [
        _ratio(turns, "G7", RAW, EVENT_ROWS, at_least=0.8),
        _ratio(turns, "", RAW, SAME_RAW),
        _ratio(turns, "G8", PROJECTED, SAME_ROWS, at_least=0.35),
        _ratio(turns, "G8", PROJECTED, EVENT_ROWS, at_least=0.35),
        Ratio(
            name="",
            what=f"CPU an event in µs, {RAW}, without the line",
            rounds=[turn.cpu_us for turn in turns[RAW]],
        ),
    ]


def _ratio(
    turns: dict[str, list[Turn]],
    name: str,
    above: str,
    below: str,
    *,
    at_least: float | None = None,
) -> Ratio:
    rates = [[turn.rate for turn in turns[which]] for which in (above, below)]
    absolute = " ÷ ".join(f"{statistics.median(rate):,.0f}/s" for rate in rates)
    return Ratio(
        name=name,
        what=f"{above} ÷ executemany of {below}, events/s",
        rounds=ratios(*rates),
        at_least=at_least,
        absolute=absolute,
    )


def _table(turns: dict[str, list[Turn]]) -> Table:
    table = Table(title="each way in, median and range of rounds", title_justify="left")
    for heading in ("", "events/s", "range", "CPU an event", "range"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, rounds in turns.items():
        rates, costs = [turn.rate for turn in rounds], [turn.cpu_us for turn in rounds]
        written = name if name in {RAW, PROJECTED} else f"executemany: {name}"
        table.add_row(
            written,
            f"{statistics.median(rates):,.0f}",
            f"{min(rates):,.0f}–{max(rates):,.0f}",
            f"{statistics.median(costs):.0f} µs",
            f"{min(costs):.0f}–{max(costs):.0f} µs",
        )
    return table

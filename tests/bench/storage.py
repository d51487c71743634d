"""What one sale costs the disk: rows G1 to G5 of the gate.

Measured twice, each time in a process of its own: on this machine's disk, and with a flush
that takes five milliseconds longer, as on an SD card. The bare side of each ratio is what no
program can undercut: one row, one transaction, one flush, on the same encrypted SQLite.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

import core.sqlite
from core.journal import (
    MIGRATIONS,
    Add,
    Body,
    Change,
    Entry,
    Event,
    Part,
    Posting,
    Put,
    stamp_of,
)
from core.sqlite import Door, Migration, Writer
from core.tests import flush_shim
from core.tests.wal_file import wal_of
from core.tests.world import KEY, World, open_world
from tests.bench import Ratio, Report, percentile, ratios, take_turns

SLOW_FLUSH_US = 5_000
TILLS = 8
MEMBERS = 2_000
TICKETS = 2_000
PAGE_SIZES = (1024, 2048, 4096, 8192)
NORMAL = 0
"""Stands among the page sizes for the product's own with synchronous=NORMAL."""
MEASURE_TIMEOUT_S = 300


class TicketSettled(Body, frozen=True, tag="bench.settled"):
    ticket: str
    member: str
    lines: tuple[tuple[str, str, int], ...]
    """Service, technician, fen."""


def _held(event: Event) -> Iterator[Change]:
    for leg in event.postings:
        if leg.account.startswith("member:"):
            key = {"account": leg.account, "asset": leg.asset, "lot": leg.lot}
            yield Add("holding", key, {"amount": leg.amount})


def _settled(entry: Entry) -> Iterator[Change]:
    fields = {"status": "settled", "settled_at": entry.event.at}
    yield Put("ticket", {"id": entry.body.ticket}, fields, stamp_of(entry.event))


CHECKOUT = Part(
    name="bench",
    migrations=(
        Migration(
            "bench/1",
            (
                """CREATE TABLE holding (
                     account TEXT NOT NULL,
                     asset TEXT NOT NULL,
                     lot TEXT NOT NULL,
                     amount INTEGER NOT NULL CHECK (amount >= 0),
                     PRIMARY KEY (account, asset, lot)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE ticket (
                     id TEXT PRIMARY KEY,
                     status TEXT NOT NULL,
                     settled_at INTEGER,
                     stamps TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE attempt (
                     id TEXT PRIMARY KEY,
                     ticket TEXT NOT NULL,
                     answer TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    tables={"holding": ("account",), "ticket": ("id",)},
    postings_now=_held,
    now={TicketSettled: _settled},
)


class Checkout:
    """A store that settles tickets: journal, holding, ticket and attempt in one commit."""

    def __init__(self, folder: Path, *, synchronous: str = "FULL") -> None:
        self.world: World = open_world(folder, [CHECKOUT], synchronous=synchronous)
        self._chance = random.Random(1)
        at = self.world.clock.at
        self._members = [self.world.ids.new(at) for _ in range(MEMBERS)]
        self._tickets = [self.world.ids.new(at) for _ in range(TICKETS)]
        self.world.write(self._open_for_business)

    def _open_for_business(self, tx: Writer) -> None:
        tx.run_many(
            "INSERT INTO holding VALUES (:account, 'principal', 'lot-1', 100000000)",
            ({"account": f"member:{member}"} for member in self._members),
        )
        tx.run_many(
            "INSERT INTO ticket VALUES (:id, 'open', NULL, '{}')",
            ({"id": ticket} for ticket in self._tickets),
        )

    def settle(self) -> None:
        member, ticket = (
            self._chance.choice(self._members),
            self._chance.choice(self._tickets),
        )
        act = self.world.act(actor="ling", device="till-1")
        body = TicketSettled(
            ticket=ticket, member=member, lines=(("足疗90分钟", "xiaomei", 16800),)
        )
        postings = (
            Posting(f"member:{member}", "principal", "lot-1", -16800),
            Posting("revenue", "principal", "lot-1", 16800),
        )

        def verb(tx: Writer) -> None:
            attempt = act.new_id()
            tx.run(
                "INSERT INTO attempt VALUES (:id, :ticket, 'settled')",
                id=attempt,
                ticket=ticket,
            )
            act.append(tx, body, postings=postings)

        self.world.clock.advance(1)
        self.world.write(verb)

    def event_bytes(self) -> float:
        with self.world.door.read() as db:
            return float(db.value("SELECT AVG(LENGTH(raw)) FROM journal"))


@dataclass(frozen=True, slots=True)
class Times:
    """One round: seconds per transaction, and over the round transactions per second."""

    each: list[float]
    lasted: float

    @property
    def rate(self) -> float:
        return len(self.each) / self.lasted

    @property
    def p50(self) -> float:
        return statistics.median(self.each)

    @property
    def p99(self) -> float:
        return percentile(self.each, 99)


def timed(*acts: Callable[[], object], count: int) -> list[Times]:
    """Do each act in turn, `count` times: what disturbs one of them disturbs the others."""
    each: list[list[float]] = [[] for _ in acts]
    for _ in range(count):
        for act, spent in zip(acts, each, strict=True):
            began = time.perf_counter()
            act()
            spent.append(time.perf_counter() - began)
    return [Times(spent, sum(spent)) for spent in each]


def at_tills(act: Callable[[], object], count: int) -> Times:
    """Let eight tills settle at once, `count` tickets in all."""
    gathered: list[Times] = []

    def settle_many() -> None:
        gathered.extend(timed(act, count=count // TILLS))

    began = time.perf_counter()
    tills = [threading.Thread(target=settle_many) for _ in range(TILLS)]
    for till in tills:
        till.start()
    for till in tills:
        till.join()
    each = [seconds for times in gathered for seconds in times.each]
    return Times(each, time.perf_counter() - began)


@contextmanager
def bare_row(folder: Path) -> Iterator[Callable[[], None]]:
    """Yield one row in a transaction of its own, on the driver itself."""
    table = Migration("row/1", ("CREATE TABLE row (id INTEGER PRIMARY KEY, held TEXT) STRICT",))
    door = Door(folder / "bare.db", key=KEY, migrations=(table,))

    def insert(connection: Any) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO row (held) VALUES (?)", ("x" * 64,))
        connection.execute("COMMIT")

    with door.connection() as connection:
        yield partial(insert, connection)
    door.close()


def measure(count: int) -> dict[str, Any]:
    """Take turns at bare rows, sales, and sales at eight tills; return plain figures."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        bare = stack.enter_context(bare_row(folder))
        checkout = Checkout(folder)
        stack.callback(checkout.world.close)
        turns = take_turns(
            {
                "one by one": lambda: timed(bare, checkout.settle, count=count),
                "together": lambda: [at_tills(checkout.settle, count)],
            }
        )
        contenders = {
            "bare": [times[0] for times in turns["one by one"]],
            "sale": [times[1] for times in turns["one by one"]],
            "tills": [times[0] for times in turns["together"]],
        }
        return {
            contender: [{"p50": t.p50, "p99": t.p99, "rate": t.rate} for t in rounds]
            for contender, rounds in contenders.items()
        }


def measure_apart(count: int, environment: dict[str, str]) -> dict[str, Any]:
    """Measure in a process of its own, so that the shim can be loaded before it."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.storage", str(count)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=MEASURE_TIMEOUT_S,
    )
    figures: dict[str, Any] = json.loads(ran.stdout)
    return figures


@contextmanager
def pages_of(size: int) -> Iterator[None]:
    """Open databases with another page size; the product has only one."""
    product = core.sqlite.PAGE_BYTES
    core.sqlite.PAGE_BYTES = size
    try:
        yield
    finally:
        core.sqlite.PAGE_BYTES = product


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a page size makes of the same sales."""

    wal_bytes: float
    event_bytes: float
    cpu_us: float
    times: Sequence[Times]
    open_ms: float


def measure_layouts(count: int = 150) -> tuple[dict[int, Layout], Sequence[Times]]:
    """Compare page sizes, and synchronous NORMAL at the product's own."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        checkouts: dict[int, Checkout] = {}
        for size in PAGE_SIZES:
            folder = Path(name) / str(size)
            folder.mkdir()
            with pages_of(size):
                checkouts[size] = Checkout(folder)
        folder = Path(name) / "normal"
        folder.mkdir()
        checkouts[NORMAL] = Checkout(folder, synchronous="NORMAL")
        for checkout in checkouts.values():
            stack.callback(checkout.world.close)
        settling = [checkout.settle for checkout in checkouts.values()]
        turns = take_turns({"all": partial(timed, *settling, count=count)})["all"]
        times = dict(zip(checkouts, zip(*turns, strict=True), strict=True))
        layouts = {size: _layout(size, checkouts[size], times[size]) for size in PAGE_SIZES}
        return layouts, times[NORMAL]


def _layout(size: int, checkout: Checkout, times: Sequence[Times], count: int = 200) -> Layout:
    path = checkout.world.door.path
    with pages_of(size):
        # The log is begun anew, so that only these sales are counted.
        checkout.world.door.checkpoint()
        cpu = time.process_time()
        for _ in range(count):
            checkout.settle()
        cpu = time.process_time() - cpu
        wal, event_bytes = wal_of(path), checkout.event_bytes()
        checkout.world.close()
        opened = [_open_ms(path) for _ in range(15)]
    assert wal.page_bytes == size
    assert wal.commits == count
    return Layout(
        wal_bytes=wal.written_bytes / count,
        event_bytes=event_bytes,
        cpu_us=cpu / count * 1e6,
        times=times,
        open_ms=statistics.median(opened),
    )


def _open_ms(path: Path) -> float:
    """Open a database that nobody has open, as at boot."""
    migrations = (*MIGRATIONS, *CHECKOUT.migrations)
    began = time.perf_counter()
    door = Door(path, key=KEY, migrations=migrations)
    opened = time.perf_counter() - began
    door.close()
    return opened * 1000


def run(*, full: bool = False) -> Report:
    """Measure on the disk as it is, then with the slow flush, and tell both."""
    del full
    report = Report(
        title="storage: one sale against one bare row, synchronous=FULL",
        reading=["A bare row is one transaction with one flush: nothing durable costs less."],
    )
    native = measure_apart(200, {})
    slow: dict[str, Any] | None = None
    if flush_shim.compiler():
        with tempfile.TemporaryDirectory() as name:
            shim = flush_shim.build(Path(name))
            slow = measure_apart(80, flush_shim.environment(shim, sleep_us=SLOW_FLUSH_US))
        report.ratios += _slow_rows(slow)
    else:
        report.notes.append("no C compiler: G1, G2 and G4 need the flush shim")
    report.ratios += _native_rows(native)
    layouts, normal = measure_layouts()
    own = layouts[core.sqlite.PAGE_BYTES]
    report.ratios += _layout_rows(own, normal)
    report.tables.append(_layout_table(layouts))
    return report


def _of(figures: dict[str, Any], contender: str, figure: str) -> list[float]:
    return [turn[figure] for turn in figures[contender]]


def _milliseconds(figures: dict[str, Any], figure: str) -> str:
    bare, sale = (
        statistics.median(_of(figures, contender, figure)) * 1000
        for contender in ("bare", "sale")
    )
    return f"{sale:.2f} ms ÷ {bare:.2f} ms"


def _per_second(figures: dict[str, Any]) -> str:
    tills, bare = (
        statistics.median(_of(figures, contender, "rate")) for contender in ("tills", "bare")
    )
    return f"{tills:,.0f}/s ÷ {bare:,.0f}/s"


def _slow_rows(slow: dict[str, Any]) -> list[Ratio]:
    return [
        Ratio(
            name="G1",
            what="sale p50 ÷ bare p50, flush + 5 ms",
            rounds=ratios(_of(slow, "sale", "p50"), _of(slow, "bare", "p50")),
            at_most=1.3,
            absolute=_milliseconds(slow, "p50"),
        ),
        Ratio(
            name="G2",
            what="sale p99 ÷ bare p99, flush + 5 ms",
            rounds=ratios(_of(slow, "sale", "p99"), _of(slow, "bare", "p99")),
            at_most=2.0,
            absolute=_milliseconds(slow, "p99"),
        ),
        Ratio(
            name="G4",
            what="8 tills' sales/s ÷ bare rows/s, flush + 5 ms",
            rounds=ratios(_of(slow, "tills", "rate"), _of(slow, "bare", "rate")),
            at_least=4.0,
            absolute=_per_second(slow),
        ),
    ]


def _native_rows(native: dict[str, Any]) -> list[Ratio]:
    return [
        Ratio(
            name="G3",
            what="sale p50 ÷ bare p50, this disk",
            rounds=ratios(_of(native, "sale", "p50"), _of(native, "bare", "p50")),
            at_most=2.5,
            absolute=_milliseconds(native, "p50"),
        ),
        Ratio(
            name="",
            what="sale p99 ÷ bare p99, this disk",
            rounds=ratios(_of(native, "sale", "p99"), _of(native, "bare", "p99")),
            absolute=_milliseconds(native, "p99"),
        ),
        Ratio(
            name="",
            what="8 tills' sales/s ÷ bare rows/s, this disk",
            rounds=ratios(_of(native, "tills", "rate"), _of(native, "bare", "rate")),
            absolute=_per_second(native),
        ),
    ]


def _layout_rows(own: Layout, normal: Sequence[Times]) -> list[Ratio]:
    full, lazy = ([t.p50 for t in times] for times in (own.times, normal))
    return [
        Ratio(
            name="G5",
            what="log bytes per sale ÷ event bytes",
            rounds=[own.wal_bytes / own.event_bytes],
            at_most=35,
            absolute=f"{own.wal_bytes / 1000:.1f} kB ÷ {own.event_bytes:.0f} B",
        ),
        Ratio(
            name="",
            what="sale p50 at FULL ÷ at NORMAL, this disk",
            rounds=ratios(full, lazy),
            absolute=(
                f"{statistics.median(full) * 1000:.2f} ms ÷"
                f" {statistics.median(lazy) * 1000:.2f} ms"
            ),
        ),
    ]


def _layout_table(layouts: dict[int, Layout]) -> Table:
    table = Table(title="page sizes, this disk", title_justify="left")
    for heading in ("page", "sale p50", "sale p99", "log per sale", "CPU per sale", "opening"):
        table.add_column(heading, justify="right")
    for size, layout in layouts.items():
        table.add_row(
            f"{size}",
            f"{statistics.median(t.p50 for t in layout.times) * 1000:.2f} ms",
            f"{statistics.median(t.p99 for t in layout.times) * 1000:.2f} ms",
            f"{layout.wal_bytes / 1000:.1f} kB",
            f"{layout.cpu_us:.0f} µs",
            f"{layout.open_ms:.1f} ms",
        )
    return table


if __name__ == "__main__":
    json.dump(measure(int(sys.argv[1])), sys.stdout)

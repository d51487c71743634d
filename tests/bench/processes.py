"""The programs of a hub and of head office: memory, idle CPU, and how soon they serve."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from rich.table import Table

from hub.app import open_hub
from tests.bench import Ratio, Report
from tests.bench.chain import joined_chain
from tests.bench.http_clients import Place, staffed
from tests.bench.members import shop_with
from tests.bench.programs import Memory, Program, started, web
from tests.bench.shop import Shop, furnish

MEMBERS = 100_000
SALES = 200
IDLE_S = 10
SETTLING_S = 3
"""What a process does a moment after its start, or after a sale, is not idleness."""
CHAIN_EVENTS = 2_000
CHAIN_SETTLING_S = 15
"""Head office projects and the hub takes the feed first."""
CHAIN_ORDER = ("web", "gate", "ingest", "broker", "hub sync")
SYNC = CHAIN_ORDER[-1]
STARTS = 3
OPENINGS = 15


def run(*, full: bool = False) -> Report:
    del full
    chained, goals = chain_at_rest()
    return Report(
        title="processes: web, devices and jobs of one hub; head office and a joined hub",
        reading=[
            "RSS counts shared pages once for each process, PSS shares them out; web is two.",
            "Started is when web answers its health check, and the others say READY.",
        ],
        ratios=goals,
        tables=[_at_work(), _starting(), chained],
    )


def chain_at_rest(
    *, events: int = CHAIN_EVENTS, settling_s: float = CHAIN_SETTLING_S, idle_s: float = IDLE_S
) -> tuple[Table, list[Ratio]]:
    """Run head office and one joined hub; say what each program holds and does when idle."""
    table = Table(
        title=f"at rest, on one line, after {events:,} events went up", title_justify="left"
    )
    for heading in ("", "RSS", "PSS", "idle CPU", "started"):
        table.add_column(heading, justify="right" if heading else "left")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        chain = stack.enter_context(joined_chain(Path(name), events=events))
        chain.start_ingest()
        chain.start_sync()
        time.sleep(settling_s)
        idle = _cpu_of(chain.programs, lambda: time.sleep(idle_s))
        held = {name: program.memory() for name, program in chain.programs.items()}
        ready = {name: program.ready_s for name, program in chain.programs.items()}
    for name in sorted(held, key=CHAIN_ORDER.index):
        used = f"{idle[name] / idle_s * 100:.2f} %"
        called = name if name == SYNC else f"head office: {name}"
        table.add_row(called, *_megabytes(held[name]), used, f"{ready[name]:.2f} s")
    sync = held[SYNC]
    goals = [
        Ratio(
            name="G17",
            what="hub sync, memory in MB (PSS)",
            rounds=[sync.pss / 1e6],
            at_most=60,
            absolute=f"RSS {sync.rss / 1e6:.0f} MB",
        ),
        Ratio(
            name="G17",
            what="hub sync, CPU while idle in %",
            rounds=[idle[SYNC] / idle_s * 100],
            at_most=1,
        ),
    ]
    return table, goals


def _at_work() -> Table:
    table = Table(title=f"at rest, and after {SALES} sales", title_justify="left")
    for heading in ("", "RSS", "PSS", "RSS after", "PSS after", "idle CPU", "CPU a sale"):
        table.add_column(heading, justify="right" if heading else "left")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        shop = furnish(Path(name) / "hub")
        programs = _start(stack, shop.folder)
        time.sleep(SETTLING_S)
        idle = _cpu_of(programs, lambda: time.sleep(IDLE_S))
        before = {name: program.memory() for name, program in programs.items()}
        selling = _cpu_of(programs, lambda: _sell(shop, programs["web"]))
        after = {name: program.memory() for name, program in programs.items()}
    for name in programs:
        table.add_row(
            name,
            *_megabytes(before[name]),
            *_megabytes(after[name]),
            f"{idle[name] / IDLE_S * 100:.2f} %",
            f"{selling[name] / SALES * 1000:.1f} ms",
        )
    return table


def _start(stack: ExitStack, folder: Path) -> dict[str, Program]:
    data = ("--data", str(folder))
    return {
        "web": stack.enter_context(web(folder)),
        "devices": stack.enter_context(started(folder, "hub", "devices", *data)),
        "jobs": stack.enter_context(started(folder, "hub", "jobs", *data)),
    }


def _cpu_of(programs: Mapping[str, Program], act: Callable[[], object]) -> dict[str, float]:
    before = {name: program.cpu_s() for name, program in programs.items()}
    act()
    return {name: program.cpu_s() - before[name] for name, program in programs.items()}


def _sell(shop: Shop, web: Program) -> None:
    place = Place(
        host=web.host,
        hub_port=web.port,
        plain_port=0,
        token=shop.tokens[0],
        members=shop.members,
    )
    with staffed([place]) as staff:
        staff.do("write_bills", tills=1, count=SALES)
        staff.do("settle", tills=1, count=SALES)
    time.sleep(SETTLING_S)


def _megabytes(memory: Memory) -> tuple[str, str]:
    return f"{memory.rss / 1e6:.0f} MB", f"{memory.pss / 1e6:.0f} MB"


def _starting() -> Table:
    table = Table(title="how soon it serves", title_justify="left")
    for heading in ("", "web", "devices", "jobs", "opening the box"):
        table.add_column(heading, justify="right" if heading else "left")
    with tempfile.TemporaryDirectory() as name:
        new = Path(name) / "new"
        new.mkdir()
        table.add_row("a new folder, once", *_started(new, starts=1), "")
        small = furnish(Path(name) / "small").folder
        table.add_row("64 members", *_started(small), _opened(small))
        large = shop_with(MEMBERS)
        table.add_row(f"{MEMBERS:,} members", *_started(large), _opened(large))
    return table


def _started(folder: Path, *, starts: int = STARTS) -> list[str]:
    """Return how soon web, devices and jobs are ready, the middle of some starts."""
    spent: dict[str, list[float]] = {}
    for _ in range(starts):
        with ExitStack() as stack:
            for name, program in _start(stack, folder).items():
                spent.setdefault(name, []).append(program.ready_s)
    return [f"{statistics.median(seconds):.2f} s" for seconds in spent.values()]


def _opened(folder: Path) -> str:
    spent = []
    for _ in range(OPENINGS):
        began = time.perf_counter()
        box = open_hub(folder)
        spent.append(time.perf_counter() - began)
        box.close()
    return f"{statistics.median(spent) * 1000:.1f} ms"

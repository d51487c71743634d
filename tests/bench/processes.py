"""The hub's processes: memory at rest and after work, idle CPU, and how soon they serve."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from rich.table import Table

from hub.app import open_hub
from tests.bench import Report
from tests.bench.http_clients import Place, staffed
from tests.bench.members import shop_with
from tests.bench.programs import Memory, Program, started, web
from tests.bench.shop import Shop, furnish

MEMBERS = 100_000
SALES = 200
IDLE_S = 10
SETTLING_S = 3
"""What a process does a moment after its start, or after a sale, is not idleness."""
STARTS = 3
OPENINGS = 15


def run(*, full: bool = False) -> Report:
    del full
    return Report(
        title="processes: web, devices and jobs of one hub",
        reading=[
            "RSS counts shared pages once for each process, PSS shares them out; web is two.",
            "Started is when web answers its health check, and the others say READY.",
        ],
        tables=[_at_work(), _starting()],
    )


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

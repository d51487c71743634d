"""A store that was long away catches up, and what the other store feels of it.

Real programs: mosquitto, `cloud ingest`, `hub sync`, mutual TLS on loopback. The store asks
nothing; a second hub asks for members' value, first with nobody else there and then meanwhile.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from cloud.app import open_cloud
from cloud.broker import Listener, Papers, broker_words
from cloud.platform import BROKER, Merchant, Platform, program_pair
from core.journal import is_behind
from core.sqlite import Door
from core.wallet import CLOUD
from core.wallet.opening import Brought, open_balance
from hub.app import open_hub
from hub.sync import load_link
from tests.bench import Ratio, Report, percentile
from tests.bench.caller import Caller
from tests.bench.chain import HOST, Chain, free_port, joined_chain, until
from tests.bench.programs import listening_command, started
from tests.bench.storage import bare_row

EVENTS = 100_000
ASKS_IDLE = 150
ASKS_MAX = 2_000
WARMING_UP = 5
FEWEST = 2
PAUSE_S = 0.05
"""Between two asks: a till recognises a member now and then, and does not hammer."""
LOOK_S = 0.05
"""Whoever looks more often takes the processor from those that are measured."""
KEPT_WITHIN_S, APPLIED_WITHIN_S = 120.0, 170.0
GOAL_S, GOAL_EVENTS = 12.0, 100_000
BALANCE = 10_000


@dataclass(slots=True, kw_only=True)
class Asked:
    """Seconds of each ask, and of what no ask can undercut."""

    idle: list[float] = field(default_factory=list)
    echo: list[float] = field(default_factory=list)
    commit: list[float] = field(default_factory=list)
    while_sent: list[float] = field(default_factory=list)
    while_applied: list[float] = field(default_factory=list)

    @property
    def busy(self) -> list[float]:
        return self.while_sent + self.while_applied


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """A store's way to head office, in seconds from the start of its sending program."""

    events: int
    kept_s: float
    applied_s: float | None
    """None where the bench's time was over first."""
    cpu_s: Mapping[str, float]
    """By program, until all was kept."""
    digest: str


def run(*, full: bool = False, events: int = EVENTS, asks: int = ASKS_IDLE) -> Report:
    del full
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        chain = stack.enter_context(joined_chain(folder, events=events))
        second = chain.open_second()
        platform = open_cloud(chain.folder)
        stack.callback(platform.close)
        merchant = platform.merchant(chain.account.merchant)
        members = _fund(merchant)
        asked = Asked()
        chain.start_ingest()
        caller = _caller(stack, second, int(chain.broker.rpartition(":")[2]))
        caller.greet()
        until(lambda: are_tables_up(merchant))
        _ask_idle(stack, folder, platform, (second, caller), members, asked, asks)
        caught = _catch_up(chain, platform, merchant, caller, members, asked)
    return _report(caught, asked)


def _fund(merchant: Merchant) -> list[str]:
    """Let value lie with head office for members whom nobody else knows."""
    members = [f"bench-{number:05}" for number in range(WARMING_UP + ASKS_IDLE + ASKS_MAX)][
        ::-1
    ]

    def fund(tx):
        act = merchant.act(tx)
        for member in members:
            brought = Brought(principal=BALANCE)
            open_balance(tx, act, member=member, brought=brought, source="bench", place=CLOUD)

    merchant.door.write(fund)
    return members


def _caller(stack: ExitStack, folder: Path, port: int) -> Caller:
    caller = Caller(folder, port)
    stack.callback(caller.close)
    return caller


def _ask_idle(
    stack: ExitStack,
    folder: Path,
    platform: Platform,
    hub: tuple[Path, Caller],
    members: list[str],
    asked: Asked,
    asks: int,
) -> None:
    """Let an ask, an echo by a broker of its own and a bare commit take turns."""
    second, caller = hub
    papers = program_pair(platform, BROKER)
    known = Papers(authority=papers.ca, certificate=papers.certificate, key=papers.key)
    bind = f"{HOST}:{free_port()}"
    words = broker_words(folder / "echo", Listener.read(bind), known)
    port = bind.rpartition(":")[2]
    stack.enter_context(listening_command(folder / "echo", words, at=bind))
    office = str(platform.door.path.parent)
    echo = stack.enter_context(ExitStack())
    echo.enter_context(started(folder / "echo", "tests.bench.caller", office, port))
    mirrored = _caller(echo, second, int(port))
    commit = echo.enter_context(bare_row(folder))
    for number in range(-WARMING_UP, asks):
        time.sleep(PAUSE_S)
        spent = [
            caller.ask(f"idle-{number}", members.pop()),
            mirrored.ask(f"echo-{number}", "nobody"),
            _timed(commit),
        ]
        if number >= 0:
            for held, one in zip((asked.idle, asked.echo, asked.commit), spent, strict=True):
                held.append(one)
    echo.close()


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _catch_up(
    chain: Chain,
    platform: Platform,
    merchant: Merchant,
    caller: Caller,
    members: list[str],
    asked: Asked,
) -> Caught:
    link = load_link(chain.store)
    assert link is not None
    box = open_hub(chain.store)
    with box.door.read() as db:
        last = box.journal.head(db).seq
    own = digest_of(box.door, link.hub, last)
    box.close()
    before = {name: program.cpu_s() for name, program in chain.programs.items()}
    kept, over = threading.Event(), threading.Event()

    def keep_asking() -> None:
        while members and not (over.wait(PAUSE_S) and len(asked.busy) >= FEWEST):
            held = asked.while_applied if kept.is_set() else asked.while_sent
            member = members.pop()
            held.append(caller.ask(f"meanwhile-{member}", member))

    asking = threading.Thread(target=keep_asking, name="second hub", daemon=True)
    sync = chain.start_sync()
    began = sync.began + sync.ready_s
    asking.start()
    try:
        held = lambda: kept_up_to(platform, link.hub)  # noqa: E731 - what is waited for
        kept_s = until(lambda: held() >= last, within_s=KEPT_WITHIN_S, every_s=LOOK_S) - began
        kept.set()
        cpu_s = {n: p.cpu_s() - before.get(n, 0.0) for n, p in chain.programs.items()}
        applied_s: float | None = None
        if _may_wait(
            lambda: journalled_up_to(merchant, link.hub) >= last and are_tables_up(merchant)
        ):
            applied_s = time.perf_counter() - began
    finally:
        over.set()
        asking.join()
    if applied_s is not None and digest_of(merchant.door, link.hub, last) != own:
        raise RuntimeError("head office's log is not the store's")
    return Caught(events=last, kept_s=kept_s, applied_s=applied_s, cpu_s=cpu_s, digest=own[:16])


def _may_wait(holds: Callable[[], object]) -> bool:
    try:
        until(holds, within_s=APPLIED_WITHIN_S, every_s=LOOK_S)
    except TimeoutError:
        return False
    return True


def kept_up_to(platform: Platform, hub: str) -> int:
    with platform.door.read() as db:
        return db.value("SELECT seq FROM stream_cursor WHERE origin = :hub", hub=hub) or 0


def journalled_up_to(merchant: Merchant, hub: str) -> int:
    with merchant.door.read() as db:
        return db.value("SELECT MAX(seq) FROM journal WHERE origin = :hub", hub=hub) or 0


def are_tables_up(merchant: Merchant) -> bool:
    with merchant.door.read() as db:
        return not is_behind(db)


def digest_of(door: Door, origin: str, last: int) -> str:
    """Return SHA-256 over a journal's events up to one, in order and each with its length.

    What a store answers to head office once it is on the line comes behind those.
    """
    held = hashlib.sha256()
    with door.read() as db:
        rows = "SELECT raw FROM journal WHERE origin = :origin AND seq <= :last ORDER BY seq"
        for row in db.each(rows, origin=origin, last=last):
            held.update(len(row["raw"]).to_bytes(4) + row["raw"])
    return held.hexdigest()


# -- what is told --------------------------------------------------------------------------


def _report(caught: Caught, asked: Asked) -> Report:
    floor = statistics.median(asked.echo) + statistics.median(asked.commit)
    idle = statistics.median(asked.idle)
    busy = asked.busy
    applied = caught.applied_s
    notes = [
        f"Both logs have SHA-256 {caught.digest}… over {caught.events:,} events."
        if applied is not None
        else "Not every table was up when the bench's time was over: the logs are not compared."
    ]
    return Report(
        title=f"catchup: {caught.events:,} events over mosquitto and TLS on loopback",
        reading=[
            "Kept: raw segments and cursor are flushed and acknowledged. Applied: in all tables.",
            "An ask is one for value that lies with head office, until the grant is committed.",
        ],
        ratios=[
            Ratio(
                name="G10",
                what="seconds until 100,000 events are kept",
                rounds=[caught.kept_s * GOAL_EVENTS / caught.events],
                at_most=GOAL_S,
                absolute=f"{caught.kept_s:.1f} s, {caught.events / caught.kept_s:,.0f}/s",
            ),
            *_applied_rows(caught),
            Ratio(
                name="G9",
                what="CPU of ingest an event in µs, until all are kept",
                rounds=[caught.cpu_s["ingest"] / caught.events * 1e6],
                at_most=60,
            ),
            Ratio(
                name="G11",
                what="ask p50 ÷ (MQTT echo p50 + commit p50), idle",
                rounds=[idle / floor],
                at_most=2,
                absolute=f"{idle * 1e3:.1f} ms ÷ {floor * 1e3:.1f} ms",
            ),
            Ratio(name="G11", what="ask p50 in ms, idle", rounds=[idle * 1e3], at_most=20),
            Ratio(
                name="G12",
                what="ask p99 meanwhile ÷ idle",
                rounds=[percentile(busy, 99) / percentile(asked.idle, 99)],
                at_most=5,
                absolute=f"{percentile(busy, 99) * 1e3:.0f} ms"
                f" ÷ {percentile(asked.idle, 99) * 1e3:.0f} ms",
            ),
        ],
        tables=[_asks(asked), _way(caught)],
        notes=notes,
    )


def _applied_rows(caught: Caught) -> list[Ratio]:
    """Return the way to the end of it: the aim came from a prototype that wrote rows too."""
    if caught.applied_s is None:
        return []
    return [
        Ratio(
            name="G10",
            what="seconds until 100,000 events are in all tables",
            rounds=[caught.applied_s * GOAL_EVENTS / caught.events],
            at_most=GOAL_S,
            absolute=f"{caught.applied_s:.1f} s, {caught.events / caught.applied_s:,.0f}/s",
        )
    ]


def _asks(asked: Asked) -> Table:
    table = Table(title="what the second hub waits, ms", title_justify="left")
    for heading in ("", "asks", "p50", "p99", "longest"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, spent in {
        "ask, nobody else there": asked.idle,
        "ask, while segments come": asked.while_sent,
        "ask, while tables are brought up": asked.while_applied,
        "echo by a broker of its own": asked.echo,
        "one row's commit": asked.commit,
    }.items():
        if len(spent) > 1:
            figures = (statistics.median(spent), percentile(spent, 99), max(spent))
            table.add_row(name, f"{len(spent)}", *(f"{one * 1e3:.1f}" for one in figures))
    return table


def _way(caught: Caught) -> Table:
    table = Table(title="on the way", title_justify="left")
    for heading in ("", "seconds", "events/s", *(f"CPU of {name}" for name in caught.cpu_s)):
        table.add_column(heading, justify="right" if heading else "left")
    costs = [f"{spent / caught.events * 1e6:.0f} µs" for spent in caught.cpu_s.values()]
    rate = f"{caught.events / caught.kept_s:,.0f}"
    table.add_row("kept", f"{caught.kept_s:.1f}", rate, *costs)
    if caught.applied_s is not None:
        rate = f"{caught.events / caught.applied_s:,.0f}"
        table.add_row("applied", f"{caught.applied_s:.1f}", rate, *[""] * len(costs))
    return table

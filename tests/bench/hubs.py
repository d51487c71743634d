"""A thousand hubs that come back at once: mutual TLS, hello, welcome, over a real mosquitto.

They stand for boxes whose broker went away and came back. Client and server share the machine,
so the client's own CPU is told apart.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from rich.table import Table

from cloud.app import open_cloud
from cloud.platform import all_hubs
from tests.bench import Ratio, Report, percentile
from tests.bench.chain import free_port, until
from tests.bench.fleet import HOST, Fleet, enrol_fleet, told
from tests.bench.hub_voices import AGAIN, CONNECT, END, Round
from tests.bench.programs import ROOT, Program, listening, started

HUBS = 1_000
WITHIN_S = 10.0
SPARE_FILES = 256
"""What a program has open beside one connection for each hub."""
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
SETTLING_S = 3.0
"""Head office writes down who is on the line a moment after it has answered."""
QUIET_FOR_S = 12.0
"""The broker's keeper starts it anew only when it has been up for ten seconds."""


class TooFewFiles(RuntimeError):
    """The system lets a program open fewer files than there are hubs."""


def run(*, hubs: int = HUBS, full: bool = False, quiet_for_s: float = QUIET_FOR_S) -> Report:
    del full
    try:
        allow_files(hubs + SPARE_FILES)
    except TooFewFiles as why:
        return Report(title=f"hubs: {hubs:,} come back at once", notes=[f"left out: {why}"])
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name) / "office"
        # One more than are counted: it is shut out, and everybody else must come back.
        fleet = enrol_fleet(folder, hubs=hubs + 1, broker_port=free_port())
        programs = _start(stack, folder, fleet)
        voices = stack.enter_context(_voices(folder))
        weighed = [_weighed("all at once", programs, lambda: voices(CONNECT), folder)]
        time.sleep(quiet_for_s)
        shut = fleet.members[-1].hub

        def lose_everybody() -> Round:
            told(folder, "hub", "revoke", "--reason", "stolen", shut)
            return voices(f"{AGAIN} {shut}")

        weighed.append(_weighed("broker started anew", programs, lose_everybody, folder))
    return _report(hubs, weighed)


def allow_files(count: int) -> None:
    """Let this process and those that it starts open so many files. Raises TooFewFiles."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise TooFewFiles(f"needs {count:,} open files, the limit here is {hard:,}: ulimit -Hn")
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """One return of all hubs, and what it cost head office."""

    name: str
    round: Round
    cpu_s: dict[str, float]
    online: int
    alarms: int

    @property
    def from_first_s(self) -> float:
        """From the moment the first hub was off the line until the last was welcomed."""
        return max(self.round.welcomes, default=float("inf")) - self.round.cut_at

    @property
    def violations(self) -> int:
        """Wrong words, hubs that were never welcomed or not seen, and alarms."""
        told = self.round
        expected = len(told.welcomes) + len(told.never)
        unseen = abs(expected - self.online) if told.never == [] else 0
        return sum(told.wrong.values()) + len(told.never) + unseen + self.alarms


def _start(stack: ExitStack, folder: Path, fleet: Fleet) -> dict[str, Program]:
    at, data = f"{HOST}:{fleet.broker_port}", ("--data", str(folder))
    broker = listening(folder, "cloud", "broker", *data, "--bind", at, at=at)
    programs = {"broker": stack.enter_context(broker)}
    programs["ingest"] = stack.enter_context(
        started(folder, "cloud", "ingest", *data, "--broker", at)
    )
    with contextlib.suppress(TimeoutError):
        until(lambda: "on the line" in (folder / "programs.log").read_text(), within_s=5.0)
    return programs


@contextmanager
def _voices(folder: Path) -> Iterator[Callable[[str], Round]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.hub_voices", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        say, hear = process.stdin, process.stdout

        def order(word: str) -> Round:
            say.write(f"{word}\n")
            say.flush()
            return msgspec.json.decode(hear.readline(), type=Round)

        try:
            yield order
        finally:
            say.write(f"{END}\n")
            say.flush()


def _weighed(
    name: str, programs: dict[str, Program], act: Callable[[], Round], folder: Path
) -> Weighed:
    before = {who: _cpu_s(program) for who, program in programs.items()}
    welcomed = act()
    spent = {who: _cpu_s(program) - before[who] for who, program in programs.items()}
    time.sleep(SETTLING_S)
    platform = open_cloud(folder)
    try:
        with platform.door.read() as db:
            online = sum(hub.online and not hub.revoked for hub in all_hubs(db))
            # That the one which is shut out still knocks is what it is there for.
            alarms = db.value("SELECT count(*) FROM alarm WHERE kind <> 'revoked'")
    finally:
        platform.close()
    return Weighed(name=name, round=welcomed, cpu_s=spent, online=online, alarms=alarms)


def _cpu_s(program: Program) -> float:
    """Return the CPU time of a program and of all it started, also what has ended since."""
    ticks = 0
    for pid in program.pids():
        with contextlib.suppress(FileNotFoundError):
            told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, told[11:15]))
    return ticks / TICKS_A_SECOND


def _report(hubs: int, weighed: list[Weighed]) -> Report:
    table = Table(title="who spent what", title_justify="left")
    headings = ("", "first", "half", "99 %", "last", "tries", "failed", "hellos")
    for heading in (*headings, "broker", "ingest", "the hubs"):
        table.add_column(heading, justify="right" if heading else "left")
    ratios = []
    for one in weighed:
        since = [at - one.round.cut_at for at in one.round.welcomes]
        marks = (min(since), percentile(since, 50), percentile(since, 99), max(since))
        table.add_row(
            one.name,
            *(f"{mark:.1f} s" for mark in marks),
            f"{one.round.tries:,}",
            f"{sum(one.round.failures.values()):,}",
            f"{one.round.hellos:,}",
            *(f"{one.cpu_s[who]:.1f} s" for who in ("broker", "ingest")),
            f"{one.round.cpu_s:.1f} s",
        )
        ratios += [
            Ratio(
                name="G13",
                what=f"{hubs:,} hubs back, {one.name}: seconds until the last welcome",
                rounds=[one.from_first_s],
                at_most=WITHIN_S,
            ),
            Ratio(
                name="G13",
                what=f"{one.name}: violations",
                rounds=[float(one.violations)],
                at_most=0,
            ),
        ]
    return Report(
        title=f"hubs: {hubs:,} come back, by mutual TLS and hello, on one broker",
        reading=[
            "All at once: every hub connects at the same moment, nobody waits.",
            "Broker started anew: one box is shut out, so everybody is cut off and comes back",
            "as a hub does, by chance within a span that doubles (0.5 to 2 s at first).",
            "CPU beside it; the hubs are one process on the same cores. A violation is a hub not",
            "welcomed or not shown on the line, a wrong word, another's topic, an alarm.",
        ],
        ratios=ratios,
        tables=[table],
    )

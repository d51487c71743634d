"""`kill -9` at every operation of the disk: the same key afterwards gives one answer, once."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.torture.disk_shim import build, environment
from tests.torture.scenarios import SCENARIOS, prepare

ROOT = Path(__file__).parents[2]
SERVERS = 2
DEEP_EVERY = 10
"""After every so many kills the tables are rebuilt as well."""
SHOWN_MAX = 20


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of the kills."""

    operations: dict[str, int] = field(default_factory=dict)
    """How many operations each scenario has; each is a point to die at, twice."""
    kills: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    """How often somebody had been answered before the end."""
    problems: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def wrong(self) -> int:
        return sum(self.problems.values())

    def add(self, told: dict) -> None:
        self.kills[told["scenario"]] += told["killed"]
        self.answered += told["answered"]
        self.problems.update({line.partition(":")[0] for line in told["problems"]})
        if told["problems"] and len(self.examples) < SHOWN_MAX:
            where = f"{told['scenario']} at {told['at']}{' torn' if told['torn'] else ''}"
            self.examples.append(f"{where}: {told['problems'][0]}")


class Server:
    """A process under the shim that kills its own forks."""

    def __init__(self, library: Path, beside: Path) -> None:
        # Under no folder yet: each fork says which one is its own.
        watched = environment(library, beside / "nowhere")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.kill_server", str(beside)],
            cwd=ROOT,
            env=watched,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **order: object) -> dict:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the kill server ended")
        return json.loads(line)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def points(operations: dict[str, int], seed: int) -> Iterator[tuple[str, int, bool]]:
    """Yield points of all scenarios in turns, each whole and torn, again and again."""
    chance = random.Random(seed)

    def of_one(name: str) -> Iterator[tuple[str, int, bool]]:
        every = [
            (name, at, torn) for at in range(1, operations[name] + 1) for torn in (False, True)
        ]
        while True:
            yield from chance.sample(every, len(every))

    turns = [of_one(name) for name in operations]
    while True:
        for turn in turns:
            yield next(turn)


def kill_all(
    beside: Path,
    *,
    kills: int,
    within_s: float | None = None,
    seed: int = 1,
    only: Sequence[str] = tuple(SCENARIOS),
) -> Outcome:
    """Kill so many times; with `within_s` as often as that many seconds hold."""
    began = time.monotonic()
    library = build(beside)
    prepare(beside)
    servers = [Server(library, beside) for _ in range(SERVERS)]
    outcome = Outcome()
    try:
        for name in only:
            told = servers[0].ask(scenario=name, at=0, torn=False, deep=False)
            outcome.operations[name] = told["operations"]
        wanted = list(islice(points(outcome.operations, seed), kills))
        ends = None if within_s is None else time.monotonic() + within_s

        def work(server: Server, share: int) -> list[dict]:
            told = []
            for number in range(share, len(wanted), SERVERS):
                if ends is not None and time.monotonic() > ends:
                    break
                name, at, torn = wanted[number]
                deep = number % DEEP_EVERY == 0
                told.append(server.ask(scenario=name, at=at, torn=torn, deep=deep))
            return told

        with ThreadPoolExecutor(SERVERS) as pool:
            for told in pool.map(work, servers, range(SERVERS)):
                for each in told:
                    outcome.add(each)
    finally:
        for server in servers:
            server.close()
    outcome.seconds = time.monotonic() - began
    return outcome

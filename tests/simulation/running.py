"""Many histories, one after the other or in several processes, and what came of them."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tests.simulation.company import live
from tests.simulation.history import History, Violated
from tests.simulation.profiles import BY_NAME
from tests.simulation.town import TownProfile

CORPUS = Path(__file__).parent / "corpus"
FRAMES_SHOWN = 7
RECYCLE_HISTORIES = 200
"""After so many a worker is begun anew, so that a million need no more memory than one."""


class Seed(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One history, by what makes it."""

    profile: str
    seed: int

    @property
    def command(self) -> str:
        return f'./dianshu simulate --profile "{self.profile}" --start {self.seed} --seeds 1'


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A seed that once failed, and why it is kept."""

    profile: str
    seed: int
    found: str

    @property
    def history(self) -> Seed:
        return Seed(profile=self.profile, seed=self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What came of one history."""

    history: Seed
    steps: int
    cpu_s: float
    happened: Counter[str]
    wrong: str = ""


@dataclass(slots=True)
class Tally:
    """What came of many."""

    seeds: int = 0
    steps: int = 0
    cpu_s: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)
    failed: list[Lived] = field(default_factory=list)

    def add(self, lived: Lived) -> None:
        self.seeds += 1
        self.steps += lived.steps
        self.cpu_s += lived.cpu_s
        self.happened += lived.happened
        if lived.wrong:
            self.failed.append(lived)

    def line(self, name: str) -> str:
        """Return the figures as one line."""
        rate = self.steps / self.cpu_s if self.cpu_s else 0
        return (
            f"{name}: {self.seeds} seeds, {self.steps} steps, {self.cpu_s:.1f} s of CPU,"
            f" {rate:.0f} steps/s per core, {len(self.failed)} violations"
        )


def live_one(history: Seed) -> Lived:
    """Live one history through; whatever it raises is a violation."""
    profile = BY_NAME[history.profile]
    began, steps, happened, wrong = time.process_time(), 0, Counter[str](), ""
    try:
        if isinstance(profile, TownProfile):
            world = live(profile, history.seed)
            steps, happened = world.steps, world.happened
        else:
            model = History(profile, history.seed)
            steps, happened = model.live(), model.world.happened
    except Violated as error:
        wrong = str(error)
    except Exception:  # noqa: BLE001 - a fault of the product's is what is looked for
        wrong = traceback.format_exc(limit=-FRAMES_SHOWN)
    return Lived(
        history=history,
        steps=steps,
        cpu_s=time.process_time() - began,
        happened=happened,
        wrong=wrong,
    )


def live_many(
    histories: Iterable[Seed], *, workers: int, until: Callable[[], bool]
) -> Iterator[Lived]:
    """Live histories until there are no more or `until` says that it is time."""
    if workers <= 1:
        for history in histories:
            if until():
                return
            yield live_one(history)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, maxtasksperchild=RECYCLE_HISTORIES) as pool:
        for lived in pool.imap_unordered(live_one, histories):
            yield lived
            if until():
                return


def in_turn(profiles: Iterable[str], *, start: int, count: int | None) -> Iterator[Seed]:
    """Return seeds from `start` on, each with every profile."""
    names, seed = tuple(profiles), start
    while count is None or seed < start + count:
        for name in names:
            yield Seed(profile=name, seed=seed)
        seed += 1


def corpus() -> list[Kept]:
    """Return every seed that once failed."""
    return [
        msgspec.json.decode(path.read_bytes(), type=Kept)
        for path in sorted(CORPUS.glob("*.json"))
    ]


def keep(lived: Lived, folder: Path = CORPUS) -> Path:
    """Write a failing seed down, so that it is lived again for ever."""
    history = lived.history
    folder.mkdir(exist_ok=True)
    path = folder / f"{history.profile.replace(' ', '-')}-{history.seed}.json"
    first = "\n".join(lived.wrong.splitlines()[:3])[:300]
    kept = Kept(profile=history.profile, seed=history.seed, found=first)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
    return path

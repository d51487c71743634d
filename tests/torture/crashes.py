"""Power cuts at every point of a recorded life, each leaving any part of what was not flushed."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from tests.torture.disk_shim import build
from tests.torture.images import FileSystem, Loss
from tests.torture.inspection import Promises, inspect
from tests.torture.life import Recorder, live
from tests.torture.recording import Kind, Record, read_records

WORKERS = 2
SHARES = 32
THOROUGH_EVERY = 25
"""Every so many images the tables are rebuilt as well, which takes longer than all the rest."""
SHOWN_MAX = 20
MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A life of a hub, as it was written down."""

    folder: Path
    records: list[Record]
    seconds: float


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of the images."""

    images: int = 0
    promises: int = 0
    """Over all images, how many answers had to be there."""
    problems: Counter[str] = field(default_factory=Counter)
    """Images by the kind of what is wrong with them."""
    examples: list[str] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def wrong(self) -> int:
        return sum(self.problems.values())

    def add(self, told: dict) -> None:
        self.images += 1
        self.promises += told["promises"]
        self.losses[told["loss"]] += 1
        kinds = {problem.partition(":")[0] for problem in told["problems"]}
        self.problems.update(kinds)
        if told["problems"] and len(self.examples) < SHOWN_MAX:
            self.examples.append(f"{told['where']}: {told['problems'][0]}")


def scratch() -> Path:
    """Return where images lie: in memory where there is some, for they are flushed often."""
    return Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY if MEMORY.is_dir() else None))


@contextmanager
def in_memory() -> Iterator[Path]:
    """Lend such a place for as long as somebody works there."""
    place = scratch()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def record(beside: Path, *, turns: int, synchronous: str = "FULL") -> Recorded:
    """Let a hub live under the recorder. Raises NoCompiler."""
    began = time.monotonic()
    recorder = Recorder(
        library=build(beside),
        folder=beside / "hub",
        log=beside / "log",
        synchronous=synchronous,
    )
    live(recorder, turns=turns)
    return Recorded(
        folder=recorder.folder,
        records=list(read_records(recorder.log)),
        seconds=time.monotonic() - began,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One image: behind which record the power fails, and what is on the disk then."""

    at: int
    loss: Loss
    seed: int
    thoroughly: bool


def plan(records: Sequence[Record], images: int, seed: int) -> list[Cut]:
    """Spread so many cuts over all points at which a cut could take something back.

    Where there are more images than points, each point is met again with another subset.
    """
    chance = random.Random(seed)
    points = [n for n, record in enumerate(records) if record.kind is not Kind.SAID]
    flushes = _flushes(records)
    subsets = (Loss.SUBSET, Loss.TORN, Loss.CUT)
    drawn = (Loss.NOTHING_KEPT, Loss.ALL_KEPT, *subsets, *subsets)
    cuts: list[Cut] = []
    # Nothing and everything are one image each, however often they are drawn.
    fixed: set[tuple[int, Loss]] = set()
    for number in range(images):
        at = points[
            number * len(points) // images if images < len(points) else number % len(points)
        ]
        loss = chance.choice(drawn)
        place = (flushes[at] if loss is Loss.NOTHING_KEPT else at, loss)
        if loss not in subsets and place in fixed:
            loss = chance.choice(subsets)
        fixed.add(place)
        seed = chance.randrange(1 << 32)
        thoroughly = number % THOROUGH_EVERY == 0
        cuts.append(Cut(at=at, loss=loss, seed=seed, thoroughly=thoroughly))
    return sorted(cuts, key=lambda cut: cut.at)


def _flushes(records: Sequence[Record]) -> list[int]:
    """Return for each record how many flushes there were up to it."""
    return list(accumulate(record.kind is Kind.SYNCED for record in records))


def crash(
    recorded: Recorded, *, images: int, seed: int = 1, within_s: float | None = None
) -> Outcome:
    """Build and open the images; with `within_s` as many of them as that many seconds hold."""
    began = time.monotonic()
    outcome = Outcome()
    cuts = plan(recorded.records, images, seed)
    shares = [cuts[share::SHARES] for share in range(SHARES)]
    random.Random(seed).shuffle(shares)
    ends = None if within_s is None else began + within_s
    # A fork has the records already, and one that dies ends the bench.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(
        WORKERS, mp_context=context, initializer=_lend, initargs=(recorded,)
    ) as pool:
        for told in pool.map(_open_images, shares, [ends] * SHARES):
            for each in told:
                outcome.add(each)
    outcome.seconds = time.monotonic() - began
    return outcome


_lent: list[Recorded] = []


def _lend(recorded: Recorded) -> None:
    _lent.append(recorded)


def _open_images(cuts: Sequence[Cut], ends: float | None) -> list[dict]:
    """Go through the recording once and open what each cut leaves."""
    told: list[dict] = []
    if ends is not None and time.monotonic() > ends:
        return told
    (recorded,) = _lent
    disk, promised, at = FileSystem(recorded.folder), Promises(), 0
    with in_memory() as beside:
        for cut in cuts:
            for record in recorded.records[at : cut.at + 1]:
                disk.take(record)
                if record.kind is Kind.SAID:
                    promised.hear(record.said)
            at = cut.at + 1
            image = beside / f"{len(told)}"
            disk.image(cut.loss, random.Random(cut.seed), image)
            problems = inspect(image, promised, thoroughly=cut.thoroughly)
            shutil.rmtree(image)
            where = f"record {cut.at}, {cut.loss}, seed {cut.seed}"
            told.append(
                {
                    "problems": problems,
                    "loss": cut.loss.value,
                    "promises": len(promised.done),
                    "where": where,
                }
            )
    return told

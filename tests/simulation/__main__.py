"""Live through many histories: `./dianshu simulate --seeds N --start S`."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from itertools import chain

import click

from tests.simulation.mutants import MUTANTS, killer
from tests.simulation.profiles import BY_NAME, DESTRUCTIVE, MODEL, REAL
from tests.simulation.running import Lived, Tally, corpus, in_turn, keep, live_many

DAY_SEEDS = 100_000
"""So far apart begin the seeds of two days."""
FAILURES_MAX = 20
SHOWN_LINES = 24
SHOWN_CHARACTERS = 90
WORLDS = {
    "real": (*REAL, *DESTRUCTIVE),
    "model": MODEL,
    "all": (*REAL, *DESTRUCTIVE, *MODEL),
}


def _today() -> int:
    return (datetime.now(tz=UTC).toordinal() % 10_000) * DAY_SEEDS


@click.command()
@click.option(
    "--seeds", type=click.IntRange(1), help="How many seeds, each with every profile."
)
@click.option(
    "--start", type=click.IntRange(0), help="The first seed; today's where not given."
)
@click.option("--minutes", type=float, help="Stop after so many minutes.")
@click.option("--profile", "names", multiple=True, help="Only this one; may be repeated.")
@click.option("--world", type=click.Choice(list(WORLDS)), default="real", show_default=True)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option("--keep/--no-keep", "kept", default=True, help="Write failing seeds down.")
@click.option("--mutants", is_flag=True, help="Plant each known mistake and find it.")
@click.option("--corpus", "replay", is_flag=True, help="Live through the kept seeds first.")
def main(
    seeds: int | None,
    start: int | None,
    minutes: float | None,
    names: tuple[str, ...],
    world: str,
    workers: int,
    kept: bool,
    mutants: bool,
    replay: bool,
) -> None:
    """Let stores and head office live through seeded faults; exit with 1 on a violation.

    The worlds: `real` runs the programs' own code over databases in memory, `model` the step
    functions alone over tables that are dictionaries, many times as fast.
    """
    if mutants:
        sys.exit(_plant_all())
    chosen = _chosen(names) or tuple(profile.name for profile in WORLDS[world])
    begun = time.monotonic()

    def is_late() -> bool:
        return minutes is not None and time.monotonic() - begun >= minutes * 60

    first = _today() if start is None else start
    tallies: dict[str, Tally] = defaultdict(Tally)
    count = seeds if seeds is not None else (None if minutes is not None else 10)
    wanted = in_turn(chosen, start=first, count=count)
    if replay:
        wanted = chain((old.history for old in corpus()), wanted)
    for lived in live_many(wanted, workers=workers, until=is_late):
        tallies[lived.history.profile].add(lived)
        if lived.wrong:
            _tell(lived, kept=kept)
        if sum(len(tally.failed) for tally in tallies.values()) >= FAILURES_MAX:
            break
    _sum_up(tallies, first, time.monotonic() - begun)
    sys.exit(any(tally.failed for tally in tallies.values()))


def _chosen(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in BY_NAME:
            raise click.BadParameter(f"{name}: there is {', '.join(BY_NAME)}")
    return names


def _plant_all() -> bool:
    """Plant every mistake; say whether one of them was not found."""
    survivors = 0
    for mutant in MUTANTS:
        found = killer(mutant)
        survivors += found is None
        told = (
            "SURVIVES" if found is None else f"seed {found[0]}: {found[1][:SHOWN_CHARACTERS]}"
        )
        print(f"{mutant.name} ({mutant.profile}) {told}", flush=True)
    print(f"{len(MUTANTS) - survivors} of {len(MUTANTS)} mistakes found")
    return survivors > 0


def _tell(lived: Lived, *, kept: bool) -> None:
    print(f"\nVIOLATION: {lived.history.command}")
    print("\n".join(lived.wrong.splitlines()[:SHOWN_LINES]))
    if kept:
        print(f"kept as {keep(lived)}")
    print(flush=True)


def _sum_up(tallies: dict[str, Tally], first: int, elapsed_s: float) -> None:
    total = Tally()
    for name, tally in tallies.items():
        print(tally.line(name))
        total.seeds += tally.seeds
        total.steps += tally.steps
        total.cpu_s += tally.cpu_s
        total.happened += tally.happened
        total.failed += tally.failed
    print("happened:", ", ".join(f"{n} {what}" for what, n in sorted(total.happened.items())))
    print(f"from seed {first} on, {elapsed_s:.0f} s of time")
    print(total.line("all"))


if __name__ == "__main__":
    main()

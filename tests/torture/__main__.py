"""`./dianshu torture`: power cuts, kills, broken disks, clocks, bits; the last line is figures.

Without numbers it does as much as three minutes hold; with them, what they say:

    ./dianshu torture --images 10000 --kills 2000
    ./dianshu torture --only chain --minutes 10
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from tests.torture import (
    catchup,
    chain_kills,
    clocks,
    crashes,
    faults,
    flips,
    kills,
    web_kills,
)
from tests.torture.disk_shim import NoCompiler

SHORT_S = {"images": 38.0, "kills": 38.0, "flips": 6.0}
"""How many seconds of the short form's three minutes each may take beside its set-up."""
MANY = 1_000_000
TURNS, TURNS_LONG = 8, 24
TEETH_IMAGES = 300
FLIPS = 400
SILENT_MOST = 0.02
"""Of the log's last commit or two nobody can say whether they were ever answered."""
LIVES, LIVES_LONG = 1, 12
CHAIN_MINUTES = 2.0
CHAIN_SEED = 20261122
SHORT = ("images", "teeth", "kills", "web", "faults", "clocks", "flips")
ALL = (*SHORT, "catchup", "chain")


@dataclass(kw_only=True)
class Bench:
    """What is asked for, and what came of it."""

    images: int | None
    kills: int | None
    flips: int | None
    minutes: float | None = None
    figures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)

    @property
    def is_long(self) -> bool:
        return not (self.images is self.kills is self.minutes is None)

    def within(self, name: str, asked: int | None) -> float | None:
        """Return how long a part may take: as long as it takes where a number was asked for."""
        return None if asked is not None else SHORT_S[name]

    def tell(self, name: str, figure: str, wrong: list[str], began: float) -> None:
        self.figures.append(figure)
        self.wrong += [f"{name}: {line}" for line in wrong]
        click.echo(f"{name:8} {figure} ({time.monotonic() - began:.0f} s)")
        for line in wrong:
            click.echo(f"  ✗ {line}")


def power_cuts(bench: Bench) -> None:
    with _place() as (beside, began):
        turns = TURNS_LONG if bench.is_long else TURNS
        recorded = crashes.record(beside, turns=turns)
        asked = bench.images
        outcome = crashes.crash(
            recorded, images=asked or MANY // 100, within_s=bench.within("images", asked)
        )
        bench.found.update(outcome.problems)
        writes = len(recorded.records)
        figure = (
            f"{outcome.images:,} crash images of {writes:,} operations,"
            f" {outcome.promises:,} promises looked for, {outcome.wrong} wrong"
        )
        bench.tell("images", figure, outcome.examples, began)


def teeth(bench: Bench) -> None:
    """Show that the bench would find it: without the flush it must."""
    with _place() as (beside, began):
        recorded = crashes.record(beside, turns=TURNS, synchronous="NORMAL")
        outcome = crashes.crash(recorded, images=TEETH_IMAGES)
        lost = outcome.problems["lost"]
        figure = f"with synchronous=NORMAL {lost} of {outcome.images} images lose what was told"
        wrong = [] if lost else ["the bench has no teeth: NORMAL lost nothing"]
        bench.tell("teeth", figure, wrong, began)


def kill_points(bench: Bench) -> None:
    with _place() as (beside, began):
        asked = bench.kills
        outcome = kills.kill_all(
            beside, kills=asked or MANY // 100, within_s=bench.within("kills", asked)
        )
        bench.found.update(outcome.problems)
        points = 2 * sum(outcome.operations.values())
        figure = (
            f"{outcome.kills.total():,} kills at {points:,} points of"
            f" {', '.join(outcome.operations)}; {outcome.wrong} wrong"
        )
        bench.tell("kills", figure, outcome.examples, began)


def web(bench: Bench) -> None:
    with _place() as (beside, began):
        outcome = web_kills.kill_web(beside, lives=LIVES_LONG if bench.is_long else LIVES)
        bench.found.update(line.partition(":")[0] for line in outcome.problems)
        figure = (
            f"{outcome.kills} workers of the web program killed, {outcome.answers} answers,"
            f" {outcome.replayed} of them replayed, {len(outcome.problems)} wrong"
        )
        bench.tell("web", figure, outcome.problems, began)


def broken_disks(bench: Bench) -> None:
    began = time.monotonic()
    wrong, names, left_out = [], [], ""
    for fault in (*faults.FAULTS, *faults.REAL_FAULTS):
        with _place() as (beside, _began):
            suffer = faults.by_the_shim if fault.says else faults.on_ext4
            try:
                wrong += [f"{fault.name}: {line}" for line in suffer(beside, fault)]
            except faults.NotPermitted as why:
                left_out = f"; not here: ext4 ({why})"
                continue
            names.append(fault.name)
    figure = f"{len(names)} disks broken ({', '.join(names)}), {len(wrong)} wrong{left_out}"
    bench.tell("faults", figure, wrong, began)


def turned_clocks(bench: Bench) -> None:
    with _place() as (beside, began):
        lived = clocks.jump(beside)
        figure = (
            f"{lived.jumps} jumps of the clock, {lived.sales} sales, {len(lived.wrong)} wrong"
        )
        bench.tell("clocks", figure, lived.wrong, began)


def turned_bits(bench: Bench) -> None:
    for file in (flips.DATABASE, flips.LOG):
        with _place() as (beside, began):
            asked = bench.flips
            outcome = flips.flip_many(
                beside, file, flips=asked or FLIPS, within_s=bench.within("flips", asked)
            )
            figure = (
                f"{outcome.found} of {outcome.flips} bit flips in {file} found,"
                f" {outcome.harmless} harmless, {outcome.silent} silent, {outcome.sent} sent on"
            )
            wrong = [f"{outcome.sent} segments sent changed"] if outcome.sent else []
            if outcome.silent > outcome.flips * SILENT_MOST:
                wrong += outcome.examples
            bench.tell("flips", figure, wrong, began)


def slow_line(bench: Bench) -> None:
    with _place() as (beside, began):
        caught = catchup.catch_up(beside)
        figure = (
            f"{caught.events:,} events of {catchup.DAYS} days under {caught.seals:,} seals kept"
            f" in {caught.kept_s:.0f} s and applied in {caught.applied_s:.0f} s at 1 Mbit/s and"
            f" 200 ms ({caught.up_bytes / 1e6:.1f} MB up; aim {catchup.GOAL_S:.0f} s)"
        )
        wrong = [] if caught.same else ["lost: head office's journal is another one"]
        bench.found.update(line.partition(":")[0] for line in wrong)
        bench.tell("catchup", figure, wrong, began)


def killed_chain(bench: Bench) -> None:
    # Programs that sell for minutes write more than memory should hold.
    with tempfile.TemporaryDirectory() as name:
        began, minutes = time.monotonic(), bench.minutes or CHAIN_MINUTES
        outcome = chain_kills.kill_programs(Path(name), seconds=minutes * 60, seed=CHAIN_SEED)
        killed = ", ".join(f"{who} {count}" for who, count in sorted(outcome.kills.items()))
        figure = (
            f"two stores and head office killed {outcome.kills.total()} times in {minutes:g}"
            f" minutes ({killed}): {outcome.sales:,} sales and {outcome.topups:,} top-ups"
            f" answered, {outcome.unanswered:,} tries without an answer,"
            f" {outcome.replayed:,} answered again; {outcome.events:,} events,"
            f" {len(outcome.problems)} differences"
        )
        bench.tell("chain", figure, outcome.problems, began)


PARTS: dict[str, Callable[[Bench], None]] = {
    "images": power_cuts,
    "teeth": teeth,
    "kills": kill_points,
    "web": web,
    "faults": broken_disks,
    "clocks": turned_clocks,
    "flips": turned_bits,
    "catchup": slow_line,
    "chain": killed_chain,
}


@contextmanager
def _place() -> Iterator[tuple[Path, float]]:
    began = time.monotonic()
    with crashes.in_memory() as place:
        yield place, began


@click.command(help=__doc__)
@click.option("--images", type=click.IntRange(1), help="So many crash images.")
@click.option("--kills", type=click.IntRange(1), help="So many kill points.")
@click.option("--flips", "bits", type=click.IntRange(1), help="So many bits in each file.")
@click.option(
    "--minutes", type=click.FloatRange(0.05), help="So long programs of a chain are killed."
)
@click.option(
    "--only", multiple=True, type=click.Choice(ALL), help="Only this part; may be repeated."
)
def main(
    images: int | None,
    kills: int | None,
    bits: int | None,
    minutes: float | None,
    only: tuple[str, ...],
) -> None:
    bench = Bench(images=images, kills=kills, flips=bits, minutes=minutes)
    for name in only or (ALL if bench.is_long else SHORT):
        try:
            PARTS[name](bench)
        except NoCompiler as why:
            raise click.ClickException(str(why)) from why
    lost, twice = bench.found["lost"], bench.found["twice"]
    click.echo(" · ".join([*bench.figures, f"{lost} lost", f"{twice} twice"]))
    sys.exit(bool(bench.wrong))


if __name__ == "__main__":
    main()

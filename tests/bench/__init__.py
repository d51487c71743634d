"""Measurements that survive a busy machine: ratios of two things done turn by turn.

    python -m tests.bench            every bench
    python -m tests.bench storage    the ones that are named
    python -m tests.bench --full     also what takes many minutes to prepare
    python -m tests.bench catchup --events=10000     a shorter absence
    python -m tests.bench hubs --hubs=100            fewer of them

A bench is a function that returns one `Report`; `__main__` lists them. Both
sides of a ratio take turns within one run, so a noisy neighbour slows both; what counts is the
median of the rounds. Absolute figures are printed beside, for the README, and never compared.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rich.console import Console
from rich.table import Table

T = TypeVar("T")

ROUNDS_MIN = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One row: what was divided by what, once for each round."""

    name: str
    what: str
    rounds: Sequence[float]
    at_most: float | None = None
    at_least: float | None = None
    absolute: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def goal(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return "" if self.at_least is None else f"≥ {self.at_least:g}"

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the goal; None where there is none."""
        if self.at_most is not None:
            return self.median <= self.at_most
        return None if self.at_least is None else self.median >= self.at_least


@dataclass(slots=True, kw_only=True)
class Report:
    """What a bench has to say: its ratios, further tables, and notes on what was left out."""

    title: str
    reading: list[str] = field(default_factory=list)
    """How to read the tables, a line each."""
    ratios: list[Ratio] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def show(self, console: Console) -> None:
        console.print(f"\n[bold]{self.title}")
        for line in self.reading:
            console.print(f"  {line}")
        if self.ratios:
            console.print(self._ratios())
        for further in self.tables:
            console.print(further)
        for note in self.notes:
            console.print(note, style="dim")

    def _ratios(self) -> Table:
        table = Table()
        for heading in ("", "ratio", "median", "rounds", "goal", "", "absolute"):
            table.add_column(heading, justify="right" if heading == "median" else "left")
        for row in self.ratios:
            spread = f"{min(row.rounds):.2f}–{max(row.rounds):.2f} × {len(row.rounds)}"
            mark = {True: "[green]met", False: "[red]missed", None: ""}[row.met]
            median = f"{row.median:.2f}"
            table.add_row(row.name, row.what, median, spread, row.goal, mark, row.absolute)
        return table


def take_turns(
    contenders: Mapping[str, Callable[[], T]], *, rounds: int = ROUNDS_MIN
) -> dict[str, list[T]]:
    """Let each contender go once a round, in alternating order, after one round to warm up."""
    results: dict[str, list[T]] = {name: [] for name in contenders}
    for number in range(-1, rounds):
        names = list(contenders) if number % 2 else list(contenders)[::-1]
        for name in names:
            result = contenders[name]()
            if number >= 0:
                results[name].append(result)
    return results


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Divide round by round."""
    return [a / b for a, b in zip(above, below, strict=True)]


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]

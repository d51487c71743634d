"""Runs the benches that are named, or all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

from rich.console import Console

from tests.bench import (
    Report,
    catchup,
    http_sale,
    importing,
    ingest,
    member_search,
    offline,
    processes,
    seen,
    storage,
    wire,
)

BENCHES: dict[str, Callable[..., Report]] = {
    "storage": storage.run,
    "http_sale": http_sale.run,
    "member_search": member_search.run,
    "processes": processes.run,
    "importing": importing.run,
    "wire": wire.run,
    "ingest": ingest.run,
    "catchup": catchup.run,
    "seen": seen.run,
    "offline": offline.run,
}
FULL, EVENTS = "--full", "--events="


def main(words: list[str]) -> int:
    """Run and print; 2 for a name that is not a bench, or a number that is none."""
    names = [word for word in words if word != FULL and not word.startswith(EVENTS)]
    counts = [word.removeprefix(EVENTS) for word in words if word.startswith(EVENTS)]
    if not all(count.isdecimal() for count in counts):
        print(f"{EVENTS} takes a number")
        return 2
    benches = dict(BENCHES)
    if counts:
        benches["catchup"] = partial(catchup.run, events=int(counts[-1]))
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"no such bench: {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
        return 2
    console = Console(width=None if sys.stdout.isatty() else 110)
    for name in names or BENCHES:
        benches[name](full=FULL in words).show(console)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

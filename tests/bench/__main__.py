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
    hubs,
    importing,
    ingest,
    member_search,
    offline,
    processes,
    seen,
    statement,
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
    "hubs": hubs.run,
    "statement": statement.run,
}
FULL = "--full"
SIZES = {"--events=": ("catchup", "events"), "--hubs=": ("hubs", "hubs")}
"""Which bench a number is for, and what it is called there."""


def main(words: list[str]) -> int:
    """Run and print; 2 for a name that is not a bench, or a number that is none."""
    names, benches = [], dict(BENCHES)
    for word in words:
        option = next((one for one in SIZES if word.startswith(one)), None)
        if option is None:
            names += [] if word == FULL else [word]
        elif (count := word.removeprefix(option)).isdecimal() and int(count):
            name, size = SIZES[option]
            benches[name] = partial(BENCHES[name], **{size: int(count)})
        else:
            print(f"{option} takes a number")
            return 2
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"no such bench: {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
        return 2
    console = Console(width=None if sys.stdout.isatty() else 110)
    for name in names or BENCHES:
        benches[name](full=FULL in words).show(console)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

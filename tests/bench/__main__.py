"""Runs the benches that are named, or all."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console

from tests.bench import Report, http_sale, importing, member_search, processes, storage

BENCHES: dict[str, Callable[..., Report]] = {
    "storage": storage.run,
    "http_sale": http_sale.run,
    "member_search": member_search.run,
    "processes": processes.run,
    "importing": importing.run,
}
FULL = "--full"


def main(words: list[str]) -> int:
    """Run and print; 2 for a name that is not a bench."""
    names = [word for word in words if word != FULL]
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"no such bench: {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
        return 2
    console = Console(width=None if sys.stdout.isatty() else 110)
    for name in names or BENCHES:
        BENCHES[name](full=FULL in words).show(console)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

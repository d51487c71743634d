"""Which backups of a folder stay: of each of the last days, weeks and months the newest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

DAYS, WEEKS, MONTHS = 7, 4, 12
_MADE = re.compile(r"-(\d{8}T\d{6}Z)\.tar\.zst(\.age)?$")


def stale_backups(files: Iterable[Path], *, kept: Path | None) -> Iterator[Path]:
    """Yield those that may go, by the time in their names; a name without one stays.

    `kept` is the newest that was read back. It never goes, nor does a newer one: without it
    there might be none that opens.
    """
    made = sorted(
        ((at, path) for path in files if (at := _made_at(path)) is not None), reverse=True
    )
    stays = {path for _at, path in made[: _place_of(kept, made) + 1]}
    for length, span in ((DAYS, "%Y-%m-%d"), (WEEKS, "%G-%V"), (MONTHS, "%Y-%m")):
        newest: dict[str, Path] = {}
        for at, path in made:
            newest.setdefault(at.strftime(span), path)
        stays |= set(list(newest.values())[:length])
    yield from (path for _at, path in made if path not in stays)


def _place_of(kept: Path | None, made: list[tuple[datetime, Path]]) -> int:
    """Return how many are newer than the one to be kept; where it is not there, all are."""
    names = [path.name for _at, path in made]
    return names.index(kept.name) if kept is not None and kept.name in names else len(made)


def _made_at(path: Path) -> datetime | None:
    found = _MADE.search(path.name)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None

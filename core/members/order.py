"""Which edit holds where a clock stood in the future.

Stamps begin with the time, so an edit by a box whose clock was wrong would win until that time
comes. Whoever edits sees what holds, and says so: an edit is newer than what it was made upon.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from core.journal import Act, Event, stamp_of
from core.sqlite import Row

OVER_CHARACTERS_MAX = 200


def ahead_of(act: Act, row: Row | None, names: Iterable[str]) -> str:
    """Return the newest stamp of these fields, if it lies ahead of the act; else nothing."""
    if row is None:
        return ""
    stamps: dict[str, str] = msgspec.json.decode(row["stamps"])
    newest = max((stamps.get(name, "") for name in names), default="")
    return newest if newest >= f"{act.at:011x}" else ""


def stamp_over(event: Event, over: str) -> str:
    """Return an edit's stamp: its own, or the next one behind the stamp that it was made upon.

    It follows from the event alone, so every replay gives the same.
    """
    own = stamp_of(event)
    if own > over or len(over) > OVER_CHARACTERS_MAX:
        return own
    behind = f"{over.partition('+')[0]}+{own}"
    return behind if behind > over else f"{over}+{own}"

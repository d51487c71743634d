"""How the link is doing, as pages show it: told by the sending program, read by all others.

What changes with every message stands in a small file beside the doorbells, in memory on the
appliance; a row for each would cost a flush of the disk for each. A file that was not touched
for a while means that nobody sends.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.feed import held_pos
from core.sqlite import Reader
from hub.box import Box
from hub.fence import FENCED, fence
from hub.sync.link import joined
from hub.sync.outbox import outbox

STATE_FILE = "sync.json"
STALE_S = 30.0
"""The sending program writes at least three times in this time."""
SHOWN_AFTER_MS = 5_000
"""What is under way for less is on its way and no backlog: the chip would only flicker."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the sending program says. Times are milliseconds UTC by this machine's clock."""

    line: str
    """down, greeting, live or fenced."""
    since: int
    heard_at: int | None = None
    acked: int = 0
    safe: int = 0
    skew_ms: int | None = None
    """How far this machine's clock is ahead of head office's."""
    trouble: str = ""
    bad_messages: int = 0
    written_s: float
    """By the clock that all programs of one start of the machine share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """How the link is doing. `pending` events wait to be held by head office."""

    cloud: bool
    since: int | None
    heard_at: int | None
    pending: int
    lag_ms: int
    safe: int
    feed_pos: int
    skew_ms: int | None
    fenced: bool
    trouble: str

    @property
    def fine(self) -> bool:
        """Whether there is nothing that somebody at a till should know."""
        return self.cloud and self.lag_ms < SHOWN_AFTER_MS


def tell(folder: Path, told: Told) -> None:
    """Say how the link is doing."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{STATE_FILE}.new"
    beside.write_bytes(msgspec.json.encode(told))
    beside.replace(folder / STATE_FILE)


def heard(folder: Path) -> Told | None:
    """Return what the sending program last said; None where it is not there to say anything."""
    try:
        told = msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=Told)
    except (OSError, msgspec.MsgspecError):
        return None
    return told if 0 <= time.monotonic() - told.written_s < STALE_S else None


def is_connected(box: Box) -> bool:
    """Say whether head office can be reached now."""
    told = heard(box.bells) if joined(box.folder) else None
    return told is not None and told.line == "live"


def link_trouble(db: Reader, box: Box) -> LinkState | None:
    """Return how the link is doing where somebody at a till should know; None where not."""
    link = link_state(db, box)
    return None if link is None or link.fine else link


def link_state(db: Reader, box: Box) -> LinkState | None:
    """Return how the link is doing; None for a shop on its own."""
    if not joined(box.folder):
        return None
    told = heard(box.bells)
    live = told is not None and told.line == "live"
    held = fence(db)
    acked = told.acked if told is not None and live else None
    waiting = outbox(db, box.journal.identity, acked=acked)
    return LinkState(
        cloud=live,
        since=None if told is None else told.since,
        heard_at=None if told is None else told.heard_at,
        pending=waiting.depth,
        lag_ms=waiting.lag_ms(box.journal.clock.read().at),
        safe=0 if told is None else told.safe,
        feed_pos=held_pos(db) or 0,
        skew_ms=None if told is None else told.skew_ms,
        fenced=(told is not None and told.line == "fenced")
        or (held is not None and held.state == FENCED),
        trouble="" if told is None else told.trouble,
    )

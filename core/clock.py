"""Time as an argument: readings that never go backwards, and the shop's business day.

A Raspberry Pi may boot without the time of day. The clock therefore has a floor, the newest
instant that the journal has seen, and says of each reading whether the machine's own clock was
behind it. Order in the journal comes from the sequence, never from time.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Quality(StrEnum):
    """How far a reading can be trusted."""

    GOOD = "good"
    UNSURE = "unsure"
    """The machine's clock stood before an instant that is known to have passed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clock: `at` in milliseconds since 1970 UTC."""

    at: int
    quality: Quality
    up: int = field(default=0, compare=False)
    """For how long the machine has been running (ms): no clock that is set changes it."""


class Clock(Protocol):
    """Where time comes from; a simulation gives its own."""

    def read(self) -> Reading:
        """Return now, never earlier than an earlier reading or the floor."""
        ...

    def raise_floor(self, at: int) -> None:
        """Learn that `at` (ms) has passed."""
        ...


class SystemClock:
    """The machine's clock above a floor."""

    def __init__(self, floor: int = 0) -> None:
        self._floor = floor
        self._lock = threading.Lock()

    def read(self) -> Reading:
        wall = time.time_ns() // 1_000_000
        up = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        with self._lock:
            if wall < self._floor:
                return Reading(self._floor, Quality.UNSURE, up)
            self._floor = wall
            return Reading(wall, Quality.GOOD, up)

    def raise_floor(self, at: int) -> None:
        with self._lock:
            self._floor = max(self._floor, at)


class ManualClock:
    """A clock that tests and simulations set by hand."""

    def __init__(self, at: int, quality: Quality = Quality.GOOD) -> None:
        self.at = at
        self.quality = quality
        self.up = 0

    def read(self) -> Reading:
        return Reading(self.at, self.quality, self.up)

    def raise_floor(self, at: int) -> None:
        self.at = max(self.at, at)

    def advance(self, milliseconds: int) -> None:
        self.at += milliseconds


def machine_run() -> str:
    """Return what names this run of the machine, from power-on to power-off; '' if unknown.

    Units do not see that part of /proc: systemd tells them.
    """
    try:
        told = os.environ.get("DIANSHU_BOOT_ID") or _BOOT_ID.read_text(encoding="ascii")
    except OSError:
        return ""
    return told.strip().replace("-", "")


@dataclass(frozen=True, slots=True)
class BusinessDay:
    """A store's day: its time zone and the minute after midnight at which a new day begins.

    A spa that closes at 02:00 sets 240, and what it sells at 01:30 belongs to the day before.
    """

    zone: str
    cutoff_minutes: int = 0

    def date(self, at: int) -> str:
        """Return the business date of an instant (ms) as YYYY-MM-DD."""
        local = self.local(at)
        midnight = datetime(local.year, local.month, local.day, tzinfo=local.tzinfo)
        midnight += timedelta(days=1)
        while self._begins(midnight) > at:
            midnight -= timedelta(days=1)
        return midnight.date().isoformat()

    def local(self, at: int) -> datetime:
        """Return the wall clock in the store for an instant (ms)."""
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(self.zone))

    def _begins(self, midnight: datetime) -> int:
        """Return the first instant (ms) of the day that has this midnight.

        Where clocks are turned back over the cut-off it is struck twice; only the first one
        counts, or yesterday would come again after it was closed.
        """
        return int((midnight + timedelta(minutes=self.cutoff_minutes)).timestamp()) * 1000

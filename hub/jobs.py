"""The jobs process: history a moment after the fact, seals, checkpoints, what a day ends."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from core import sdnotify
from core.clock import Quality
from core.errors import Refused
from core.journal import drain_all, is_behind, make_up_all, seal
from core.room import Room, tend
from hub.app import open_hub
from hub.backup import Daily
from hub.box import Box
from hub.command_line import until_told
from hub.doorbell import Doorbell, ring
from hub.mirror import Mirror
from hub.reading import wait_until_writable
from hub.sync import is_connected, joined
from hub.wallet import MEMBERS_AT_ONCE, end_some

SEAL_EVERY_S = 60.0
CHECKPOINT_BYTES = 4 * 1024 * 1024
CHECKPOINT_EVERY_S = 300.0
DAY_LOOK_EVERY_S = 60.0
TICK_S = 2.0
GATHER_S = 0.25
"""Taps on a bill follow each other: together their history costs one flush of the disk."""

log = logging.getLogger(__name__)


def run_jobs(folder: Path, *, reserved: bool = True) -> None:
    """Work until told to stop; `reserved` keeps a reserve on the disk for when it is full."""
    stopping = until_told()
    if not wait_until_writable(folder, stopping):
        return
    box = open_hub(folder)
    ear = Doorbell(box.bells, "jobs")
    daily, day_ends = Daily(box, open_hub), DayEnds(box)
    space, mirror = _Space(box, reserved=reserved), Mirror(box)
    mirror.start()
    if not space.look().low:
        make_up_all(box.door, box.parts)
    sdnotify.ready()
    sealed_at = moved_at = time.monotonic()
    try:
        while not stopping.is_set():
            if ear.wait(TICK_S):
                stopping.wait(GATHER_S)
            room = space.look()
            if not room.low:
                project(box)
                box.anchor_times()
                day_ends.look(reached=not joined(box.folder) or is_connected(box))
            daily.look(room)
            now = time.monotonic()
            if now - sealed_at >= SEAL_EVERY_S:
                seal_journal(box)
                sealed_at = now
            if _log_bytes(box) > CHECKPOINT_BYTES or now - moved_at >= CHECKPOINT_EVERY_S:
                box.door.checkpoint()
                moved_at = now
        seal_journal(box)
    finally:
        sdnotify.stopping()
        mirror.finish()
        daily.finish()
        ear.close()
        box.close()


@dataclass(slots=True)
class _Space:
    """The disk's room and its reserve, looked at with every turn."""

    box: Box
    reserved: bool
    _shown: tuple[bool, bool] = (False, False)

    def look(self) -> Room:
        """Tend the reserve; tell the pages and the log where it became tight or wide."""
        room = tend(self.box.folder, reserved=self.reserved)
        shown = (room.low, room.full)
        if shown != self._shown:
            log.warning("room on the disk: %s", room)
            ring(self.box.bells, "web")
        self._shown = shown
        return room


@dataclass(slots=True)
class DayEnds:
    """Looks now and then whether a business day has closed, and ends points after it.

    Again does nothing, so nobody has to remember what was done.
    """

    box: Box
    _looked_s: float = field(default=-DAY_LOOK_EVERY_S)
    _date: str = ""

    def look(self, *, reached: bool) -> None:
        """Close the day if a new one has begun; `reached` where no word can be missed.

        A store that is off the line, or does not know the time, lets all points count.
        """
        now = time.monotonic()
        if now - self._looked_s < DAY_LOOK_EVERY_S:
            return
        self._looked_s = now
        if not reached:
            return
        with suppress(Refused):  # It stands in no store yet, or may not write now.
            self._close()

    def _close(self) -> None:
        with self.box.door.read() as db:
            act = self.box.act(db)
        if act.reading.quality is not Quality.GOOD or act.date == self._date:
            return
        drain_all(self.box.door, self.box.parts)
        ended = MEMBERS_AT_ONCE
        while ended == MEMBERS_AT_ONCE:
            ended = self.box.door.write(lambda tx: end_some(tx, self.box.act(tx)))
            if ended:
                self.box.written()
        self._date = act.date


def project(box: Box) -> None:
    """Bring history to the journal's head and tell the pages."""
    with box.door.read() as db:
        behind = is_behind(db)
    if behind:
        drain_all(box.door, box.parts)
        ring(box.bells, "web")


def seal_journal(box: Box) -> None:
    """Sign what was written since the last seal."""
    identity, sign = box.journal.identity, box.secrets.log_key.sign
    box.door.write(lambda tx: seal(tx, identity, sign))


def _log_bytes(box: Box) -> int:
    wal = box.door.path.with_name(f"{box.door.path.name}-wal")
    return wal.stat().st_size if wal.exists() else 0

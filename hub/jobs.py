"""The jobs process: history a moment after the fact, seals, checkpoints, what a day ends."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from core import sdnotify
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
from hub.wallet import DayEnds

SEAL_EVERY_S = 60.0
CHECKPOINT_BYTES = 4 * 1024 * 1024
CHECKPOINT_EVERY_S = 300.0
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

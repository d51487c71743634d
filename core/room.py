"""How much room a disk has, and the reserve that is given up when it has none.

Near its end a disk stops what can wait: history, backups on the same medium. What cannot wait,
a bill or the day's end, goes on into the reserve: a file of real blocks that is cut shorter a
step at a time, and taken again once somebody has made room.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RESERVE_FILE = "reserve"
RESERVE_BYTES_MAX = 64 << 20
LOW_BYTES_MAX = 2 << 30
SHARE = 20
"""The reserve is a twentieth of the disk at most, and a disk is low on room below that."""
STEPS = 4
BLOCK_BYTES = 4096
PROBE_BYTES = 64 << 10
FULL, READ_ONLY = "disk_full", "disk_read_only"
"""Why nothing can be written: they are the codes of the refusals, too."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a disk has, in bytes; `wanted` is what its reserve should be, `held` what it is."""

    free: int
    total: int
    wanted: int
    held: int

    @property
    def low_below(self) -> int:
        """Return with how much free room work that can wait begins to wait."""
        return max(min(self.total // SHARE, LOW_BYTES_MAX), self.wanted)

    @property
    def low(self) -> bool:
        return self.free < self.low_below

    @property
    def full(self) -> bool:
        """Whether the shop lives on its reserve, or has no more than one step's room."""
        return self.low and (self.held < self.wanted or self.free < self.step)

    @property
    def step(self) -> int:
        """Return how much the reserve gives at once; of a disk without one, the same size."""
        return _reserve_of(self.total) // STEPS

    @property
    def roomy(self) -> bool:
        """Whether the reserve can be taken whole, and so much is left that it stays."""
        return self.free >= self.wanted - self.held + 2 * self.wanted


def room_of(folder: Path, *, reserved: bool = True) -> Room:
    """Return how much room a folder's disk has; without a reserve nothing is wanted of it."""
    disk = os.statvfs(folder)
    total = disk.f_blocks * disk.f_frsize
    wanted = _reserve_of(total) if reserved else 0
    return Room(
        free=disk.f_bavail * disk.f_frsize,
        total=total,
        wanted=wanted,
        held=_held(folder / RESERVE_FILE),
    )


def tend(folder: Path, *, reserved: bool = True) -> Room:
    """Take the reserve where there is room, give of it where there is none; return the room."""
    room = room_of(folder, reserved=reserved)
    if room.held < room.wanted and room.roomy:
        _take(folder, room)
    elif room.held and room.free < room.step // 2:
        give(folder)
    return room_of(folder, reserved=reserved)


def give(folder: Path) -> bool:
    """Give a step of the reserve up, if the disk has none left; say whether there is room."""
    try:
        with _locked(folder / RESERVE_FILE) as file:
            room = room_of(folder)
            if room.free >= room.step // 2:
                return True  # Another program was faster.
            if not room.held:
                return False
            os.ftruncate(file, max(0, room.held - room.step))
            # Until the file system has written this down, its blocks are nobody's.
            os.fsync(file)
    except OSError:
        return False
    log.warning("the disk is full: %s bytes of its reserve are left", room_of(folder).held)
    return True


def why_not(folder: Path) -> str:
    """Say why nothing can be written in a folder: disk_full, disk_read_only, or nothing."""
    path = folder / f".probe.{os.getpid()}"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.posix_fallocate(handle, 0, PROBE_BYTES)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno in _NO_ROOM:
            return FULL
        # Of anything else the database itself will tell.
        return READ_ONLY if error.errno == errno.EROFS else ""
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
    return ""


def make_room(folder: Path) -> str:
    """Say why nothing can be written, once the reserve has given what it has."""
    while (why := why_not(folder)) == FULL:
        held = _held(folder / RESERVE_FILE)
        if not give(folder) or _held(folder / RESERVE_FILE) == held:
            return why
    return why


def _reserve_of(total: int) -> int:
    """Return what a disk's reserve should be, in whole blocks for each step."""
    unit = STEPS * BLOCK_BYTES
    return max(min(total // SHARE, RESERVE_BYTES_MAX) // unit, 1) * unit


def _take(folder: Path, room: Room) -> None:
    path = folder / RESERVE_FILE
    # The programs of a box are several users of one group: whoever meets the end may give.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        os.posix_fallocate(handle, 0, room.wanted)
    except OSError:
        os.ftruncate(handle, room.held)
        log.exception("the disk's reserve could not be taken")
    finally:
        os.close(handle)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _held(path: Path) -> int:
    """Return how many bytes of a reserve are on the disk: holes give no room."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return min(found.st_size, found.st_blocks * 512)

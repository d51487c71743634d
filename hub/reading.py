"""A box whose disk takes no byte more is opened to be read: from a copy in memory.

SQLite opens no database of this kind where it may not write beside it, and of a disk that was
not unmounted in peace part of the truth stands in the log.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from core import sdnotify
from core.room import make_room

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
PREFIX = "dianshu-reading-"
LOOK_S = 2.0
COPIES_MAX = 5
log = logging.getLogger(__name__)


def copied(database: Path) -> Path:
    """Copy a database and its log into memory; return the copy. Raises RuntimeError."""
    _sweep()
    needed = sum(path.stat().st_size for path in _files(database))
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=_memory()))
    if shutil.disk_usage(folder).free < needed * 2:
        shutil.rmtree(folder)
        raise RuntimeError(f"{database}: nothing can be written, and memory is too small")
    for _ in range(COPIES_MAX):
        before = _marks(database)
        for path in _files(database):
            shutil.copyfile(path, folder / path.name)
        if _marks(database) == before:
            break  # Nobody moved pages from the log into the file meanwhile.
    return folder / database.name


def wait_until_writable(folder: Path, stopping: threading.Event) -> bool:
    """Wait until something can be written in a folder; False where the program is to stop."""
    said = False
    while folder.is_dir() and (why := make_room(folder)):
        if not said:
            log.critical("%s: %s; nothing is written until that is over", folder, why)
            sdnotify.ready(why)
            said = True
        if stopping.wait(LOOK_S):
            return False
    return True


def _files(database: Path) -> list[Path]:
    log_file = database.with_name(f"{database.name}-wal")
    return [path for path in (database, log_file) if path.exists()]


def _marks(database: Path) -> list[tuple[int, int]]:
    found = [path.stat() for path in _files(database)]
    return [(one.st_size, one.st_mtime_ns) for one in found]


def _memory() -> Path:
    return MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())


def _sweep() -> None:
    """Remove the copies of programs that ended without doing so."""
    for folder in _left_over():
        shutil.rmtree(folder, ignore_errors=True)


def _left_over() -> Iterator[Path]:
    for folder in _memory().glob(f"{PREFIX}*"):
        process = folder.name.removeprefix(PREFIX).partition("-")[0]
        if process.isdecimal() and not Path("/proc", process).exists():
            yield folder

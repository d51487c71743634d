"""The backup of each day, to where the owner said: a second disk, a USB medium, a share."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from core.backup import BadBackup, stale_backups
from core.clock import DAY_MS
from core.errors import Refused
from core.room import Room
from core.sqlite import Reader, Writer
from hub.backup.making import KIND, Open, back_up, backups
from hub.backup.tables import set_setting, setting
from hub.box import Box

LOOK_EVERY_S = 600.0
COPIES = 3
"""Of the database, on the box's own disk, while a backup is made and read back."""
FOLDER, MEDIUM = "folder", "medium"
log = logging.getLogger(__name__)


def daily_folder(db: Reader) -> Path | None:
    """Return where each day's backup goes; None where nobody said."""
    held = setting(db, FOLDER)
    return Path(held) if held else None


def set_daily_folder(tx: Writer, box: Box, folder: Path | None) -> None:
    """Say where each day's backup goes; None is nowhere.

    A folder on a medium of its own is known by that: while it is not plugged in, nothing is
    written to the place where it belongs.
    """
    set_setting(tx, FOLDER, "" if folder is None else str(folder))
    set_setting(tx, MEDIUM, "own" if folder is not None and on_own_medium(box, folder) else "")


def on_own_medium(box: Box, folder: Path) -> bool:
    """Say whether a folder lies on another medium than the box itself."""
    return folder.stat().st_dev != box.folder.stat().st_dev


@dataclass(slots=True)
class Daily:
    """Backs a box up once a day, beside whatever else its program does."""

    box: Box
    open_at: Open
    version: str = ""
    _looked_s: float = field(default=-LOOK_EVERY_S)
    _thread: threading.Thread | None = None

    def look(self, room: Room) -> None:
        """Begin the day's backup if it is due and its making has room; returns at once."""
        now = time.monotonic()
        if now - self._looked_s < LOOK_EVERY_S or (self._thread and self._thread.is_alive()):
            return
        self._looked_s = now
        folder = self.due()
        if folder is not None and self._fits(folder, room):
            self._thread = threading.Thread(target=self._run, args=(folder,), name="backup")
            self._thread.start()

    def due(self) -> Path | None:
        """Return where a backup is due now. A medium that is not plugged in is no folder."""
        with self.box.door.read() as db:
            folder, medium = daily_folder(db), setting(db, MEDIUM)
            last = next(
                (one.made_at for one in backups(db) if one.verified_at is not None), None
            )
        if folder is None or not folder.is_dir():
            return None
        if medium and not on_own_medium(self.box, folder):
            return None
        now = self.box.journal.clock.read().at
        return folder if last is None or now - last >= DAY_MS else None

    def _fits(self, folder: Path, room: Room) -> bool:
        """Say whether the box's own disk can bear it: what is made is read back there."""
        if not on_own_medium(self.box, folder) and room.low:
            return False
        return room.free > COPIES * self.box.door.path.stat().st_size + room.wanted

    def finish(self) -> None:
        """Wait for a backup that is under way."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, folder: Path) -> None:
        try:
            made = back_up(self.box, folder, open_at=self.open_at, version=self.version)
            log.info("backed up to %s", made.file)
            prune(folder, self.box.journal.identity.origin, kept=Path(made.file))
        except (BadBackup, OSError, RuntimeError, Refused):
            # It is due still, and tried again; the page of programs shows how old the last is.
            log.exception("the backup of the day failed")


def prune(folder: Path, origin: str, *, kept: Path) -> None:
    """Remove this box's old backups, once `kept` was read back; another box's stay."""
    mine = folder.glob(f"dianshu-{KIND}-{origin}-*.tar.zst*")
    for path in stale_backups(mine, kept=kept):
        path.unlink()

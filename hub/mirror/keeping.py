"""Keeping the tail on the second medium: what is written there, and what may go from it."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from core.errors import Refused
from core.journal import seal
from core.sqlite import Reader, Writer
from core.wire import Segment
from hub.backup import backed_up, on_own_medium, recipients_of, set_setting, setting
from hub.box import Box
from hub.mirror.tail_file import FILE_BYTES_MAX, append, file_name, files_of, marks_in
from hub.sync import head_at, is_unsealed, joined, remembered, sealed_segments

EVERY_S = 0.4
OFF_EVERY_S = 3.0
"""How often it is looked whether somebody has named a folder."""
SEGMENTS_AT_ONCE = 64
FOLDER, MEDIUM = "mirror", "mirror-medium"
KEPT, MISSING, FAILING = "kept", "missing", "failing"
STATE_FILE = "mirror.json"
log = logging.getLogger(__name__)


class MirrorTold(msgspec.Struct, frozen=True, kw_only=True):
    """How the mirror does: kept, missing (its medium is not there) or failing; and how far."""

    state: str
    upto: int = 0


def mirror_folder(db: Reader) -> Path | None:
    """Return where the tail is mirrored; None where nobody said."""
    held = setting(db, FOLDER)
    return Path(held) if held else None


def set_mirror_folder(tx: Writer, box: Box, folder: Path | None) -> None:
    """Say where the tail is mirrored; None is nowhere. Refused: mirror_unsealed."""
    if folder is not None and not recipients_of(tx):
        raise Refused("mirror_unsealed")
    own = folder is not None and on_own_medium(box, folder)
    set_setting(tx, FOLDER, "" if folder is None else str(folder))
    set_setting(tx, MEDIUM, "own" if own else "")


def mirror_told(box: Box) -> MirrorTold | None:
    """Return how the mirror does; None where there is none."""
    try:
        return msgspec.json.decode((box.bells / STATE_FILE).read_bytes(), type=MirrorTold)
    except (OSError, msgspec.MsgspecError):
        return None


@dataclass(slots=True)
class Mirror:
    """One box's tail on its second medium, by a thread of its own."""

    box: Box
    _at: int = -1
    """Up to which event it is there; -1 before anybody has looked."""
    _file: Path | None = None
    _told: MirrorTold | None = None
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._tell(None)
        self._thread = threading.Thread(target=self._run, name="mirror")
        self._thread.start()

    def finish(self) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        wait_s = 0.0
        while not self._ending.wait(wait_s):
            wait_s = EVERY_S if self.look() else OFF_EVERY_S

    def look(self) -> bool:
        """Bring the medium up to date; False where nobody wants one."""
        with self.box.door.read() as db:
            folder, medium = mirror_folder(db), setting(db, MEDIUM)
        if folder is None:
            self._begin_anew()
            self._tell(None)
            return False
        try:
            if not folder.is_dir() or (medium and not on_own_medium(self.box, folder)):
                self._begin_anew()
                self._tell(MirrorTold(state=MISSING))
                return True
            self._bring_up_to_date(folder)
        except (OSError, Refused) as error:
            if self._told is None or self._told.state != FAILING:
                log.warning("the tail is not mirrored: %s", error)
            self._begin_anew()
            self._tell(MirrorTold(state=FAILING))
            return True
        self._tell(MirrorTold(state=KEPT, upto=self._at))
        return True

    def _bring_up_to_date(self, folder: Path) -> None:
        me = self.box.journal.identity
        with self.box.door.read() as db:
            held, head = self._held(db), self.box.journal.head(db)
            recipients = recipients_of(db)
        if self._at < 0:
            self._at = self._found(folder, held)
        self._prune(folder, held)
        # What head office has by now is not written a second time.
        self._at = max(self._at, held)
        if head.seq <= self._at:
            return
        with self.box.door.read() as db:
            unsealed = is_unsealed(db, me)
        if unsealed:
            self.box.door.write(lambda tx: seal(tx, me, self.box.secrets.log_key.sign))
        while segments := self._after(self._at):
            last = segments[-1][0].last
            append(self._open(folder), segments, recipients)
            self._at = last

    def _after(self, seq: int) -> list[tuple[Segment, bytes]]:
        me = self.box.journal.identity
        with self.box.door.read() as db:
            found = sealed_segments(db, me, first=seq + 1, limit=SEGMENTS_AT_ONCE)
            return [(one, head_at(db, me, one.last) or b"") for one in found]

    def _held(self, db: Reader) -> int:
        """Return up to which event somebody else has this journal."""
        me = self.box.journal.identity
        if joined(self.box.folder):
            return remembered(db, me)[0]
        return backed_up(db, me)

    def _found(self, folder: Path, held: int) -> int:
        """Return how far the medium has this very history; another one is not gone on with."""
        me = self.box.journal.identity
        at = held
        with self.box.door.read() as db:
            for path in files_of(folder, me.origin):
                for mark in marks_in(path):
                    mine = mark.epoch == me.epoch and mark.first <= at + 1
                    if mine and head_at(db, me, mark.last) == mark.head:
                        at = max(at, mark.last)
        return at

    def _open(self, folder: Path) -> Path:
        file = self._file
        if file is None or not file.exists() or file.stat().st_size >= FILE_BYTES_MAX:
            me = self.box.journal.identity
            # Never one that is there: a record in it may have been cut off by a pulled plug.
            file = folder / file_name(me.origin, epoch=me.epoch, first=self._at + 1)
            self._file = file
        return file

    def _prune(self, folder: Path, held: int) -> None:
        """Remove files of which all is held elsewhere, in this history."""
        me = self.box.journal.identity
        for path in files_of(folder, me.origin):
            marks = list(marks_in(path))
            if any(mark.epoch != me.epoch or mark.last > held for mark in marks):
                continue
            with self.box.door.read() as db:
                if all(head_at(db, me, mark.last) == mark.head for mark in marks):
                    path.unlink()

    def _begin_anew(self) -> None:
        self._at, self._file = -1, None

    def _tell(self, told: MirrorTold | None) -> None:
        path = self.box.bells / STATE_FILE
        if told == self._told and (told is None) == (not path.exists()):
            return
        self._told = told
        if told is None:
            path.unlink(missing_ok=True)
            return
        beside = path.with_name(f".{STATE_FILE}.new")
        beside.write_bytes(msgspec.json.encode(told))
        beside.replace(path)

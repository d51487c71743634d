"""What a power cut may leave of a folder: everything flushed, and of the rest any part.

The model is harsher than one file system. Of writes and truncations that were not flushed any
subset may be on the disk, each write torn at sectors. Names are kept in their order, as a
file system with a journal keeps them, but only a flush of their folder makes them last.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.torture.recording import Kind, Record

SECTOR_BYTES = 512
SHM_BYTES = 32_768


class Loss(StrEnum):
    """Which of the unflushed writes are on the disk."""

    NOTHING_KEPT = "nothing kept"
    ALL_KEPT = "all kept"
    SUBSET = "a subset"
    TORN = "torn at 512 bytes"
    CUT = "the last one cut"


@dataclass(slots=True)
class Inode:
    """A file's content: what is flushed, and in order what is not."""

    flushed: bytearray = field(default_factory=bytearray)
    waiting: list[Record] = field(default_factory=list)


class FileSystem:
    """A folder as the kernel and the disk have it at one point of a recording."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.absolute())
        self._inodes: dict[int, Inode] = {}
        self._names: dict[str, int | None] = {}
        """Flushed names; None is a folder."""
        self._now: dict[str, int | None] = {}
        self._waiting_names: list[tuple[Record, int]] = []
        """With the file that each names."""
        self._files: dict[int, int] = {}
        """The kernel gives an inode's number again; a file of ours keeps its own."""

    def take(self, record: Record) -> bool:
        """Do one operation; say whether it changed what is flushed."""
        match record.kind:
            case Kind.WRITTEN | Kind.TRUNCATED:
                self._inode(record).waiting.append(record)
                return False
            case Kind.SYNCED:
                return self._sync(record)
            case Kind.SAID | Kind.FAILED:
                return False
            case _:
                file = self._new_file(record) if record.kind is Kind.CREATED else 0
                self._waiting_names.append((record, file))
                _rename(self._now, record, file)
                return False

    @property
    def waiting(self) -> int:
        """How many operations a power cut could take back now."""
        pending = sum(len(inode.waiting) for inode in self._inodes.values())
        return pending + len(self._waiting_names)

    def _new_file(self, record: Record) -> int:
        file = len(self._inodes)
        self._inodes[file] = Inode()
        self._files[record.inode] = file
        return file

    def _inode(self, record: Record) -> Inode:
        return self._inodes[self._files[record.inode]]

    def _sync(self, record: Record) -> bool:
        if self._now.get(record.path, 0) is None or record.path == self._folder:
            here = [
                n for n, (w, _) in enumerate(self._waiting_names) if _concerns(w, record.path)
            ]
            # In order: what was done to other folders before it is on the disk as well.
            until = max(here, default=-1) + 1
            for name, file in self._waiting_names[:until]:
                _rename(self._names, name, file)
            del self._waiting_names[:until]
            return until > 0
        inode = self._inode(record)
        for waiting in inode.waiting:
            _apply(inode.flushed, waiting)
        changed = bool(inode.waiting)
        inode.waiting.clear()
        return changed

    def image(self, loss: Loss, chance: random.Random, into: Path) -> None:
        """Write one image into a folder that is not there yet."""
        names = dict(self._names)
        for record, file in self._kept_names(loss, chance):
            _rename(names, record, file)
        into.mkdir(parents=True)
        for path, number in names.items():
            place = into / os.path.relpath(path, self._folder)
            if number is None:
                place.mkdir(parents=True, exist_ok=True)
        for path, number in names.items():
            if number is None:
                continue
            place = into / os.path.relpath(path, self._folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self._content(self._inodes[number], loss, chance))
            place.chmod(0o600)
            if place.name.endswith("-wal"):
                _stale_memory(place.with_name(place.name[:-3] + "shm"), chance)

    def _kept_names(self, loss: Loss, chance: random.Random) -> Sequence[tuple[Record, int]]:
        if loss is Loss.NOTHING_KEPT:
            return ()
        if loss in {Loss.ALL_KEPT, Loss.CUT}:
            return self._waiting_names
        return self._waiting_names[: chance.randint(0, len(self._waiting_names))]

    def _content(self, inode: Inode, loss: Loss, chance: random.Random) -> bytes:
        held = bytearray(inode.flushed)
        if loss is Loss.NOTHING_KEPT:
            return bytes(held)
        last = len(inode.waiting) - 1
        for number, record in enumerate(inode.waiting):
            if loss is Loss.SUBSET and chance.random() < 0.5:
                continue
            if loss is Loss.TORN and record.kind is Kind.WRITTEN:
                for offset, part in _sectors(record):
                    if chance.random() < 0.5:
                        _put(held, offset, part)
                continue
            if loss is Loss.CUT and number == last and record.kind is Kind.WRITTEN:
                kept = chance.randint(0, len(record.data))
                _put(held, record.offset, record.data[:kept])
                continue
            _apply(held, record)
        return bytes(held)


def _apply(held: bytearray, record: Record) -> None:
    if record.kind is Kind.WRITTEN:
        _put(held, record.offset, record.data)
    elif record.offset < len(held):
        del held[record.offset :]
    else:
        held.extend(bytes(record.offset - len(held)))


def _put(held: bytearray, offset: int, data: bytes) -> None:
    if not data:
        return
    if offset > len(held):
        held.extend(bytes(offset - len(held)))
    held[offset : offset + len(data)] = data


def _sectors(record: Record) -> Iterable[tuple[int, bytes]]:
    """Yield a write's parts as the disk takes them: its sectors lie at fixed places."""
    at, end = record.offset, record.offset + len(record.data)
    while at < end:
        border = min(end, (at // SECTOR_BYTES + 1) * SECTOR_BYTES)
        yield at, record.data[at - record.offset : border - record.offset]
        at = border


def _rename(names: dict[str, int | None], record: Record, file: int) -> None:
    second = os.fsdecode(record.data)
    match record.kind:
        case Kind.CREATED:
            names[record.path] = file
        case Kind.FOLDER_MADE:
            names[record.path] = None
        case Kind.LINKED if record.path in names:
            names[second] = names[record.path]
        case Kind.RENAMED if record.path in names:
            names[second] = names.pop(record.path)
        case Kind.UNLINKED:
            names.pop(record.path, None)
        case _:
            pass


def _concerns(record: Record, folder: str) -> bool:
    places = [record.path]
    if record.kind in {Kind.RENAMED, Kind.LINKED}:
        places.append(os.fsdecode(record.data))
    return any(place.rpartition("/")[0] == folder for place in places)


def _stale_memory(place: Path, chance: random.Random) -> None:
    """Leave of the log's shared memory what a machine may find after it: nothing, or anything."""
    match chance.randrange(3):
        case 0:
            place.write_bytes(chance.randbytes(SHM_BYTES))
        case 1:
            place.write_bytes(bytes(SHM_BYTES))
        case _:
            pass

"""What was done to a folder, in one order over all processes, and what was promised meanwhile."""

from __future__ import annotations

import fcntl
import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

HEAD = struct.Struct("<IIIIQq")


class Kind(StrEnum):
    """What a record tells; the shim writes all of them but the last."""

    CREATED = "C"
    WRITTEN = "W"
    TRUNCATED = "T"
    SYNCED = "S"
    RENAMED = "R"
    LINKED = "L"
    UNLINKED = "U"
    FOLDER_MADE = "M"
    FAILED = "F"
    SAID = "A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One operation on the disk, or one thing said by who watches."""

    kind: Kind
    process: int
    inode: int
    offset: int
    """Of a write, in bytes; of a truncation the new length."""
    path: str
    data: bytes

    @property
    def said(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.data)
        return told


def read_records(log: Path) -> Iterator[Record]:
    """Yield the records of a log in their order; half a record at its end is left out."""
    held = log.read_bytes() if log.exists() else b""
    at = 0
    while at + HEAD.size <= len(held):
        kind, path_length, data_length, process, inode, offset = HEAD.unpack_from(held, at)
        begin = at + HEAD.size
        end = begin + path_length + data_length
        if end > len(held):
            return
        yield Record(
            kind=Kind(chr(kind)),
            process=process,
            inode=inode,
            offset=offset,
            path=os.fsdecode(held[begin : begin + path_length]),
            data=held[begin + path_length : end],
        )
        at = end


class Notes:
    """Where tills write down what they ask and what they are promised, among the records."""

    def __init__(self, log: Path) -> None:
        self._file = log.open("ab", buffering=0)

    def say(self, **told: object) -> None:
        data = json.dumps(told).encode()
        head = HEAD.pack(ord(Kind.SAID), 0, len(data), os.getpid(), 0, 0)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._file.write(head + data)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        self._file.close()

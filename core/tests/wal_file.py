"""Reads a write-ahead log from outside: what was committed is what stands in the file.

Frame headers are not encrypted (SQLite's file format, section 4), so commits can be counted
without asking the program that is under test.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24


@dataclass(frozen=True, slots=True)
class Wal:
    """Counts since the log was last begun anew."""

    commits: int
    frames: int
    page_bytes: int

    @property
    def written_bytes(self) -> int:
        return self.frames * (FRAME_HEADER_BYTES + self.page_bytes)


def wal_of(database: Path) -> Wal:
    """Count the frames of a database's log, and those that end a transaction."""
    log = Path(f"{database}-wal").read_bytes()
    if not log:
        return Wal(0, 0, 0)
    page_bytes = struct.unpack(">I", log[8:12])[0]
    salts, commits, frames = log[16:24], 0, 0
    step = FRAME_HEADER_BYTES + page_bytes
    for start in range(HEADER_BYTES, len(log) - step + 1, step):
        _, pages_after_commit = struct.unpack(">II", log[start : start + 8])
        if log[start + 8 : start + 16] != salts:
            break  # Left over from before the log was begun anew.
        frames += 1
        commits += pages_after_commit > 0
    return Wal(commits, frames, page_bytes)

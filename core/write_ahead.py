"""Whether a database's log was cut off by damage, and not by a power cut.

SQLite reads its log up to the first frame that does not fit the checksum and takes the rest for
what a power cut left unfinished. Where every commit is flushed before the next one begins, a
power cut leaves one such commit at most. Two or more whole ones behind the break were flushed
and answered: then a bit has turned over in the middle, and they would vanish without a word.

The format is section 4 of SQLite's file format. Frame headers are not encrypted.
"""

from __future__ import annotations

import struct
from pathlib import Path

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
UNFINISHED_MAX = 1
"""As many commits behind the break are what a power cut leaves."""
TRIES = 2
"""A bit in a frame's own checksum breaks that frame and the next one."""

_WRAP = 0xFFFF_FFFF
Sums = tuple[int, int]


def log_of(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")


def frames_in(log_bytes: int, *, page_bytes: int) -> int:
    """Return how many whole frames a log of so many bytes may hold."""
    return max(0, log_bytes - HEADER_BYTES) // (FRAME_HEADER_BYTES + page_bytes)


def commits_cut_off(log: bytes, *, read: int, page_bytes: int) -> int:
    """Return how many answered commits stand behind a break in a log, 0 where it has none.

    `read` is at which frame the last commit ends that SQLite read of it.
    """
    if not frames_in(len(log), page_bytes=page_bytes):
        return 0
    frames = _Frames(log, page_bytes)
    broken = frames.first_broken(read) if frames.has_header else -1
    for first in range(broken + 1, broken + 1 + TRIES):
        if commits := frames.commits_from(first):
            return commits if commits > UNFINISHED_MAX else 0
    return 0


class _Frames:
    def __init__(self, log: bytes, page_bytes: int) -> None:
        self._log = log
        self._step = FRAME_HEADER_BYTES + page_bytes
        self.count = frames_in(len(log), page_bytes=page_bytes)

    @property
    def has_header(self) -> bool:
        """Say whether the header is whole; SQLite reads nothing behind one that is not."""
        said: Sums = struct.unpack_from(">II", self._log, HEADER_BYTES - 8)
        return said == _summed(self._log[: HEADER_BYTES - 8], (0, 0))

    def first_broken(self, read: int) -> int:
        """Return the first frame behind those that were read that does not follow on."""
        number = read
        while self._follows_on(number):
            number += 1
        return number

    def _sums(self, number: int) -> Sums:
        """Return the checksum that stands in a frame; before the first, the header's."""
        at = HEADER_BYTES - 8 if number < 0 else self._at(number) + 16
        first, second = struct.unpack_from(">II", self._log, at)
        return first, second

    def _follows_on(self, number: int) -> bool:
        """Say whether there is such a frame, of this log, and it fits the one before."""
        if number >= self.count or not self._is_of_this_log(number):
            return False
        at = self._at(number)
        covered = self._log[at : at + 8] + self._log[at + FRAME_HEADER_BYTES : at + self._step]
        return _summed(covered, self._sums(number - 1)) == self._sums(number)

    def commits_from(self, first: int) -> int:
        """Count the commits of unbroken frames from one on, which follows on from the last."""
        commits, number = 0, first
        while self._follows_on(number):
            commits += struct.unpack_from(">I", self._log, self._at(number) + 4)[0] > 0
            number += 1
        return commits

    def _at(self, number: int) -> int:
        return HEADER_BYTES + number * self._step

    def _is_of_this_log(self, number: int) -> bool:
        # What is left of the log before this one has another salt in both halves; in the
        # header one half may be what the bit has changed.
        at = self._at(number) + 8
        own, header = self._log[at : at + 8], self._log[16:24]
        return own[:4] == header[:4] or own[4:] == header[4:]


def _summed(covered: bytes, before: Sums) -> Sums:
    first, second = before
    # Little-endian words: what every machine that this runs on writes.
    for one, other in struct.iter_unpack("<II", covered):
        first = (first + one + second) & _WRAP
        second = (second + other + first) & _WRAP
    return first, second

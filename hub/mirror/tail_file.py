"""The files of a mirrored tail: records of one segment each, appended and flushed.

    "M1" epoch:u32 first:u64 count:u16 head:32 length:u32 segment as it travels, sealed by age

In the clear stands only where a record belongs. A record that a power cut left half ends its
file; the next start begins another.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.backup import RecoveryKey, seal, unseal
from core.crypto import flush_folder
from core.wire import MESSAGE_BYTES_MAX, BadSegment, Segment, pack, unpack

ENDING = "tail"
MAGIC = b"M1"
FILE_BYTES_MAX = 1 << 20
"""A file goes when all of it is held elsewhere: many small ones go sooner."""
_HEADER = struct.Struct(">2sIQH32sI")
_SEALED_BYTES_MAX = MESSAGE_BYTES_MAX + 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a record belongs: its events of an epoch, and the chain's head behind them."""

    epoch: int
    first: int
    last: int
    head: bytes


def files_of(folder: Path, origin: str) -> list[Path]:
    """Return the files of one box's tails, those that were begun first first."""
    return sorted(folder.glob(f"dianshu-{origin}-*.{ENDING}"))


def file_name(origin: str, *, epoch: int, first: int) -> str:
    """Return a name that no file has yet."""
    return f"dianshu-{origin}-{epoch:04}-{first:012}-{os.urandom(4).hex()}.{ENDING}"


def append(
    path: Path, segments: Sequence[tuple[Segment, bytes]], recipients: Sequence[str]
) -> None:
    """Write segments, each with the head behind it, and wait until they are on the medium."""
    fresh = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "ab") as file:
        for segment, head in segments:
            sealed = io.BytesIO()
            seal(io.BytesIO(pack(segment)), sealed, recipients)
            content = sealed.getvalue()
            count = len(segment.events)
            fields = (MAGIC, segment.epoch, segment.first, count, head, len(content))
            file.write(_HEADER.pack(*fields) + content)
        file.flush()
        os.fsync(handle)
    if fresh:
        flush_folder(path.parent)


def marks_in(path: Path) -> Iterator[Mark]:
    """Yield where a file's records belong, without opening one."""
    for mark, _sealed in _records(path):
        yield mark


def read_tails(folder: Path, origin: str, keys: Sequence[RecoveryKey]) -> list[Segment]:
    """Return what a folder holds of a box, in order. Raises BadBackup where no key fits."""
    found: dict[bytes, Segment] = {}
    for path in files_of(folder, origin):
        for _mark, sealed in _records(path):
            opened = io.BytesIO()
            unseal(io.BytesIO(sealed), opened, keys)
            try:
                segment = unpack(opened.getvalue())
            except BadSegment:
                continue
            found[segment.signature] = segment
    return sorted(found.values(), key=lambda one: (one.epoch, one.first, one.last))


def _records(path: Path) -> Iterator[tuple[Mark, bytes]]:
    with path.open("rb") as file:
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            magic, epoch, first, count, head, length = _HEADER.unpack(header)
            if magic != MAGIC or not 0 < length <= _SEALED_BYTES_MAX:
                return
            sealed = file.read(length)
            if len(sealed) < length:
                return
            last = first + count - 1
            yield Mark(epoch=epoch, first=first, last=last, head=head), sealed

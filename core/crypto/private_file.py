"""Files that only their owner may read, written whole or not at all.

The new content is flushed under another name before it takes the real one, and the folder is
flushed after, so a power cut leaves the old file or the new one and never half a key.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE_MODE = 0o600
PRIVATE_BYTES_MAX = 65_536


def read_private(path: Path) -> bytes:
    """Read a private file.

    Raises FileNotFoundError, or RuntimeError where others may open it, where it is not a
    plain file, and where it is larger than any key or certificate.
    """
    # A pipe in the file's place must be refused, not waited for.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise RuntimeError(f"{path} is not a plain file")
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077:
            raise RuntimeError(
                f"{path} has mode {mode:04o}, so others than its owner may open it; "
                f"give it 0600, and replace what is in it if it may have been read"
            )
        content = file.read(PRIVATE_BYTES_MAX + 1)
    if len(content) > PRIVATE_BYTES_MAX:
        raise RuntimeError(f"{path} is larger than {PRIVATE_BYTES_MAX} bytes")
    return content


def create_private(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet; False where it is, and then nothing changes.

    Of two processes that make the same key at once exactly one wins, and neither ever holds
    a key that is not the one on disk.
    """
    with _flushed(path, content) as beside:
        try:
            # A hard link fails where the name is taken; a rename would silently win.
            os.link(beside, path)
        except FileExistsError:
            return False
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Put new content in a file's place, or make the file."""
    with _flushed(path, content) as beside:
        beside.replace(path)


@contextmanager
def _flushed(path: Path, content: bytes) -> Iterator[Path]:
    """Lend the content under a name beside `path`; flush the folder once it has its own."""
    beside = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        # The mode counts from the first instant: written first and tightened later, a key
        # would lie open for a moment.
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        yield beside
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder last: a file's own flush does not."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Processes over one folder wake each other by an empty datagram; the tables hold the news.

A lost ring costs at most the listener's own waiting time, so nothing here may fail a command.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

RING_BYTES_MAX = 64

_BELL = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
"""By which every ring of this process leaves: one for each would cost more than the ring."""
_BELL.settimeout(0)


def ring(folder: Path, name: str) -> None:
    """Wake the process that listens as `name`, if it runs."""
    # Nobody listens, or has not yet answered the last ring: both are fine.
    with contextlib.suppress(OSError):
        _BELL.sendto(b".", f"{folder}/{name}.bell")


class Doorbell:
    """One process's ear."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.bell"
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def wait(self, timeout_s: float) -> bool:
        """Wait until somebody rings or the time is up; say whether somebody rang."""
        self._socket.settimeout(timeout_s)
        try:
            self._socket.recv(RING_BYTES_MAX)
        except TimeoutError:
            return False
        self._socket.settimeout(0)
        # Many rings at once are one piece of news.
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(RING_BYTES_MAX)
        return True

    def close(self) -> None:
        self._socket.close()

"""A file that collects what would be printed, for tests and odd set-ups."""

from __future__ import annotations

import os
import stat

from hub.devices.printer.transport import PRINT_TIMEOUT_S, STATUS_TIMEOUT_S, Broken


class File:
    """Appends; never answers. Only the shop's own account may read receipts."""

    two_way = False

    def __init__(self, path: str) -> None:
        self.path = path
        self._opened: int | None = None

    def open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            # Non-blocking, so that a pipe nobody reads is refused and not waited for.
            opened = os.open(self.path, flags | os.O_NONBLOCK, mode=0o600)
        except OSError as error:
            raise Broken("unreachable") from error
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise Broken("unreachable")
        self._opened = opened

    def write(self, payload: bytes, timeout_s: float = PRINT_TIMEOUT_S) -> None:
        """Append and sync; a file takes no `timeout_s`, it takes bytes or fails."""
        del timeout_s
        handed = 0
        try:
            while handed < len(payload):
                handed += os.write(self._descriptor, payload[handed:])
            os.fsync(self._descriptor)
        except OSError as error:
            raise Broken("broken", handed=handed) from error

    def read(self, limit: int, timeout_s: float = STATUS_TIMEOUT_S) -> bytes:
        del limit, timeout_s
        return b""

    def close(self) -> None:
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None

    @property
    def _descriptor(self) -> int:
        if self._opened is None:
            raise Broken("unreachable")
        return self._opened

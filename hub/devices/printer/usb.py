"""A USB printer through the kernel's own driver, /dev/usb/lpN.

The kernel's driver is preferred to taking the device over: the name stays, nothing is reset,
status comes back, and the unit needs one DeviceAllow line.
"""

from __future__ import annotations

import os

from hub.devices.printer import descriptor
from hub.devices.printer.transport import (
    PRINT_TIMEOUT_S,
    STATUS_TIMEOUT_S,
    Broken,
    Deadline,
)


class Usb:
    two_way = True

    def __init__(self, path: str) -> None:
        self.path = path
        self._opened: int | None = None

    def open(self) -> None:
        self._opened = descriptor.open_device(self.path, os.O_RDWR)

    def write(self, payload: bytes, timeout_s: float = PRINT_TIMEOUT_S) -> None:
        deadline = Deadline(timeout_s)
        descriptor.write_all(self._descriptor, payload, deadline)
        # The driver is writable again when the printer has taken the last transfer.
        descriptor.wait_writable(self._descriptor, deadline, handed=len(payload))

    def read(self, limit: int, timeout_s: float = STATUS_TIMEOUT_S) -> bytes:
        deadline = Deadline(timeout_s)
        return descriptor.read_some(self._descriptor, limit, deadline, empty_is_end=False)

    def close(self) -> None:
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None

    @property
    def _descriptor(self) -> int:
        if self._opened is None:
            raise Broken("unreachable")
        return self._opened

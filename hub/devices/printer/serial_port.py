"""A printer on a serial line, or on a USB adapter that looks like one."""

from __future__ import annotations

import contextlib
import termios
from typing import Literal

import serial

from hub.devices.printer import descriptor
from hub.devices.printer.transport import (
    PRINT_TIMEOUT_S,
    STATUS_TIMEOUT_S,
    Broken,
    Deadline,
)

BITS_PER_BYTE = 10
"""With start and stop bit."""

Flow = Literal["none", "rtscts", "xonxoff"]


class SerialPort:
    """Eight data bits, no parity; the line is ours alone while it is open."""

    two_way = True

    def __init__(self, path: str, *, baud: int = 9600, flow: Flow = "none") -> None:
        self.path = path
        self.baud = baud
        self.flow = flow
        self._port: serial.Serial | None = None
        self._whole = True

    def open(self) -> None:
        try:
            self._port = serial.Serial(
                self.path,
                baudrate=self.baud,
                timeout=0,
                write_timeout=0,
                exclusive=True,
                rtscts=self.flow == "rtscts",
                xonxoff=self.flow == "xonxoff",
            )
        except (OSError, ValueError) as error:
            raise Broken("unreachable") from error

    def write(self, payload: bytes, timeout_s: float = PRINT_TIMEOUT_S) -> None:
        """Allow the line its own time for these bytes on top of `timeout_s`."""
        deadline = Deadline(timeout_s + len(payload) * BITS_PER_BYTE / self.baud)
        try:
            descriptor.write_all(self._descriptor, payload, deadline)
            descriptor.wait_taken(self._descriptor, deadline, handed=len(payload))
        except Broken:
            self._whole = False
            raise

    def read(self, limit: int, timeout_s: float = STATUS_TIMEOUT_S) -> bytes:
        deadline = Deadline(timeout_s)
        return descriptor.read_some(self._descriptor, limit, deadline, empty_is_end=False)

    def close(self) -> None:
        if not self._port:
            return
        with contextlib.suppress(OSError, termios.error):
            if not self._whole:
                # The kernel would wait half a minute for a stopped printer, then print on.
                self._port.reset_output_buffer()
        with contextlib.suppress(OSError):
            self._port.close()
        self._port = None

    @property
    def _descriptor(self) -> int:
        if not self._port:
            raise Broken("unreachable")
        return int(self._port.fileno())

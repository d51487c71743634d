"""A network printer on its raw port."""

from __future__ import annotations

import contextlib
import socket
import struct

from hub.devices.printer import descriptor
from hub.devices.printer.transport import (
    CLOSE_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    PRINT_TIMEOUT_S,
    STATUS_TIMEOUT_S,
    Broken,
    Deadline,
)

RAW_PORT = 9100
_ABORT_ON_CLOSE = struct.pack("ii", 1, 0)


class Tcp:
    """One connection per job, as the printer expects; it serves one caller at a time."""

    two_way = True

    def __init__(self, host: str, port: int = RAW_PORT) -> None:
        self.host = host
        self.port = port
        self._socket: socket.socket | None = None
        self._whole = True

    def open(self) -> None:
        try:
            self._socket = socket.create_connection(
                (self.host, self.port), timeout=CONNECT_TIMEOUT_S
            )
        except OSError as error:
            raise Broken("unreachable") from error
        self._socket.settimeout(0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, payload: bytes, timeout_s: float = PRINT_TIMEOUT_S) -> None:
        deadline = Deadline(timeout_s)
        try:
            descriptor.write_all(self._descriptor, payload, deadline)
            descriptor.wait_taken(self._descriptor, deadline, handed=len(payload))
        except Broken:
            self._whole = False
            raise

    def read(self, limit: int, timeout_s: float = STATUS_TIMEOUT_S) -> bytes:
        deadline = Deadline(timeout_s)
        return descriptor.read_some(self._descriptor, limit, deadline, empty_is_end=True)

    def close(self) -> None:
        if not self._socket:
            return
        with contextlib.suppress(OSError, Broken):
            if self._whole:
                self._hang_up(self._socket)
            else:
                # What is still queued must not come out after we said that it may be lost.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_ON_CLOSE)
        self._socket.close()
        self._socket = None

    def _hang_up(self, connection: socket.socket) -> None:
        """Say that no more comes and read to the end.

        To close over unread answers would reset the connection, and a printer may then forget
        the tail of the receipt.
        """
        connection.shutdown(socket.SHUT_WR)
        deadline = Deadline(CLOSE_TIMEOUT_S)
        while deadline.left_s:
            self.read(256, deadline.left_s)

    @property
    def _descriptor(self) -> int:
        if not self._socket:
            raise Broken("unreachable")
        return self._socket.fileno()

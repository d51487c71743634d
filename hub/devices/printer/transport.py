"""The wire to a printer, whatever it is made of; every operation has an end in time."""

from __future__ import annotations

import time
from typing import Literal, Protocol

CONNECT_TIMEOUT_S = 3.0
PRINT_TIMEOUT_S = 30.0
"""For one job. A printer that has stopped taking bytes for so long has stopped printing."""
STATUS_TIMEOUT_S = 1.0
CLOSE_TIMEOUT_S = 0.5

Fault = Literal["unreachable", "timeout", "closed", "broken"]
"""Never opened; took no more bytes in time; hung up in good order; lost."""


class Broken(Exception):
    """The wire failed; `handed` bytes of the present write had left us by then.

    Handed means given away, not printed: with 0 nothing can be on paper, with more anything.
    """

    def __init__(self, fault: Fault, *, handed: int = 0) -> None:
        super().__init__(fault)
        self.fault = fault
        self.handed = handed


class Transport(Protocol):
    """Opened once, used by one thread, closed once; closing never raises.

    `two_way`: questions can be asked; what is not is asked nothing and answers nothing.
    """

    two_way: bool

    def open(self) -> None:
        """Reach the printer within CONNECT_TIMEOUT_S or raise Broken."""

    def write(self, payload: bytes, timeout_s: float = PRINT_TIMEOUT_S) -> None:
        """Return when the far end has taken every byte, else raise Broken."""

    def read(self, limit: int, timeout_s: float = STATUS_TIMEOUT_S) -> bytes:
        """Return what has come, at most `limit` bytes; nothing in time is b"".

        Raises Broken when the wire is lost, with fault "closed" where the far end hung up
        after it had taken all that we sent.
        """

    def close(self) -> None:
        """Let go; what was not taken yet is dropped, so that it cannot print later."""


class Deadline:
    """A moment in the near future."""

    def __init__(self, timeout_s: float) -> None:
        self._at_s = time.monotonic() + timeout_s

    @property
    def left_s(self) -> float:
        return max(0.0, self._at_s - time.monotonic())

    @property
    def left_ms(self) -> int:
        return round(self.left_s * 1000)

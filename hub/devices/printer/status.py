"""Asking a printer how it is. Silence is "unknown" and never "plenty"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hub.devices.printer.transport import STATUS_TIMEOUT_S, Broken, Deadline, Transport

READ_BYTES = 64
DRAIN_READS_MAX = 64

_PRINTER, _OFFLINE_CAUSE, _ROLL = 1, 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the printer said; what it did not say is unknown."""

    online: Literal["yes", "no", "unknown"] = "unknown"
    paper: Literal["ok", "near_end", "out", "unknown"] = "unknown"
    cover: Literal["closed", "open", "unknown"] = "unknown"
    error: Literal["yes", "no", "unknown"] = "unknown"

    @property
    def answered(self) -> bool:
        return self != Status()


def ask_status(transport: Transport, *, timeout_s: float = STATUS_TIMEOUT_S) -> Status:
    """Ask for state, cause and paper, all within `timeout_s`; raises Broken when cut off.

    A printer that leaves the first question unanswered is not asked the others.
    """
    if not transport.two_way:
        return Status()
    deadline = Deadline(timeout_s)
    state = _ask(transport, _PRINTER, deadline)
    if state is None:
        return Status()
    cause = _ask(transport, _OFFLINE_CAUSE, deadline)
    roll = _ask(transport, _ROLL, deadline)
    return Status(
        online="no" if state & 0x08 else "yes",
        paper=_paper(cause, roll),
        cover=_cover(cause),
        error=_error(cause),
    )


def _paper(cause: int | None, roll: int | None) -> Literal["ok", "near_end", "out", "unknown"]:
    if (cause is not None and cause & 0x20) or (roll is not None and roll & 0x60):
        return "out"
    if roll is None:
        return "unknown"
    return "near_end" if roll & 0x0C else "ok"


def _cover(cause: int | None) -> Literal["closed", "open", "unknown"]:
    if cause is None:
        return "unknown"
    return "open" if cause & 0x04 else "closed"


def _error(cause: int | None) -> Literal["yes", "no", "unknown"]:
    if cause is None:
        return "unknown"
    return "yes" if cause & 0x40 else "no"


def _ask(transport: Transport, question: int, deadline: Deadline) -> int | None:
    """Put one DLE EOT question; None is silence."""
    _drain(transport)
    try:
        transport.write(bytes([0x10, 0x04, question]), deadline.left_s)
    except Broken as broken:
        if broken.fault == "timeout":
            return None  # It takes no bytes just now, so it does not answer either.
        raise
    while came := transport.read(READ_BYTES, deadline.left_s):
        for byte in came:
            if _is_answer(byte):
                return byte
        if not deadline.left_s:
            break  # It chatters without answering.
    return None


def _is_answer(byte: int) -> bool:
    """Answers have a pattern of fixed bits; flow control and unasked reports have others."""
    return byte & 0x93 == 0x12


def _drain(transport: Transport) -> None:
    """Throw away what came before the question: it answers an older one."""
    for _ in range(DRAIN_READS_MAX):
        if not transport.read(READ_BYTES, 0):
            return

"""One job to one printer, with a verdict that says whether it may be tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from hub.devices.printer.status import READ_BYTES, Status, ask_status
from hub.devices.printer.transport import (
    PRINT_TIMEOUT_S,
    STATUS_TIMEOUT_S,
    Broken,
    Deadline,
    Fault,
    Transport,
)

STILL_PRINTING_TIMES = 5
"""How many times as long the question after a job waits: what still prints answers late, and a
receipt that came out must not be called uncertain."""


class Verdict(StrEnum):
    """What may be believed about the paper."""

    DONE = "done"
    """All of it was taken, and a printer that answers questions was well afterwards."""
    FAILED = "failed"
    """None of it was sent. Trying again is safe."""
    UNKNOWN = "unknown"
    """Some of it may be on paper. Only a person who has looked may print it again."""


Reason = Fault | Literal["", "offline", "paper_out", "cover_open", "silent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`reason` is empty when done; `status` is the last that the printer told."""

    verdict: Verdict
    reason: Reason = ""
    status: Status = field(default_factory=Status)


def send(
    transport: Transport,
    payload: bytes,
    *,
    print_timeout_s: float = PRINT_TIMEOUT_S,
    status_timeout_s: float = STATUS_TIMEOUT_S,
) -> Outcome:
    """Ask, write, ask again. Opens and closes the transport; raises nothing for the printer.

    A printer that never answers is trusted when it took every byte and did not break off
    within `status_timeout_s`; one that did answer must answer again.
    """
    try:
        transport.open()
        before = ask_status(transport, timeout_s=status_timeout_s)
    except Broken as broken:
        transport.close()
        return Outcome(verdict=Verdict.FAILED, reason=broken.fault)
    try:
        if trouble := _trouble(before):
            return Outcome(verdict=Verdict.FAILED, reason=trouble, status=before)
        try:
            transport.write(payload, print_timeout_s)
        except Broken as broken:
            verdict = Verdict.UNKNOWN if broken.handed else Verdict.FAILED
            return Outcome(verdict=verdict, reason=broken.fault, status=before)
        return _after(transport, before, status_timeout_s)
    finally:
        transport.close()


def _after(transport: Transport, before: Status, timeout_s: float) -> Outcome:
    if not before.answered:
        return _unless_it_breaks_off(transport, timeout_s)
    try:
        after = ask_status(transport, timeout_s=timeout_s * STILL_PRINTING_TIMES)
    except Broken as broken:
        return Outcome(verdict=Verdict.UNKNOWN, reason=broken.fault, status=before)
    if not after.answered:
        return Outcome(verdict=Verdict.UNKNOWN, reason="silent", status=before)
    if trouble := _trouble(after):
        return Outcome(verdict=Verdict.UNKNOWN, reason=trouble, status=after)
    return Outcome(verdict=Verdict.DONE, status=after)


def _unless_it_breaks_off(transport: Transport, timeout_s: float) -> Outcome:
    """Listen a while: one that hangs up over bytes it has not read resets the connection."""
    deadline = Deadline(timeout_s)
    try:
        while deadline.left_s:
            if not transport.read(READ_BYTES, deadline.left_s):
                break
    except Broken as broken:
        if broken.fault != "closed":
            return Outcome(verdict=Verdict.UNKNOWN, reason=broken.fault)
    return Outcome(verdict=Verdict.DONE)


def _trouble(status: Status) -> Reason:
    """Why this printer cannot print now; the cause that a person can mend comes first."""
    if status.paper == "out":
        return "paper_out"
    if status.cover == "open":
        return "cover_open"
    return "offline" if status.online == "no" else ""

"""The receiving half: what an arrived segment is, against what is held. Pure.

The order of arrival proves nothing and a sender's word neither: a segment counts when it
continues the chain that is held and the signature fits the head that comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from core.journal import Identity, birth_head, signed_bytes
from core.wire.segment import Segment

Check = Callable[[bytes, bytes], bool]
"""(message, signature) -> whether the stream's key made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Which stream is received: who writes it, in which epoch, and how to check its key."""

    origin: str
    epoch: int
    birth: bytes
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a stream is held, and the chain's head there."""

    have: int
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Input: a segment that came, with what the disk says of its place.

    Only where `segment.first <= have` are the two heads looked at: `before` is the head held
    at `segment.first - 1`, `held` the one at `min(segment.last, have)`; None where the disk
    does not (yet) have it. `heads_needed` says which numbers.
    """

    segment: Segment
    raw: bytes
    before: bytes | None = None
    held: bytes | None = None


class Verdict(StrEnum):
    """What a segment is to the one who holds a cursor."""

    NEXT = "next"
    KNOWN = "known"
    GAP = "gap"
    OTHER_EPOCH = "other_epoch"
    FORGED = "forged"
    FORKED = "forked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The verdict; for NEXT also the cursor once the segment is kept."""

    verdict: Verdict
    cursor: Cursor


def origin_cursor(birth: bytes) -> Cursor:
    """Return the cursor of an epoch of which nothing is held."""
    return Cursor(have=0, head=birth_head(birth))


def heads_needed(have: int, segment: Segment) -> tuple[int, int] | None:
    """Return the numbers (before, held) whose heads `judge` wants; None where it wants none."""
    if segment.first > have:
        return None
    return segment.first - 1, min(segment.last, have)


def judge(stream: Stream, cursor: Cursor, arrived: Arrived) -> Judged:
    """Say what an arrived segment is. Only NEXT may be kept."""
    segment = arrived.segment
    if segment.epoch != stream.epoch:
        return Judged(verdict=Verdict.OTHER_EPOCH, cursor=cursor)
    if segment.first > cursor.have + 1:
        return Judged(verdict=Verdict.GAP, cursor=cursor)
    before = _before(stream, cursor, arrived)
    if before is None:
        known = segment.last <= cursor.have
        return Judged(verdict=Verdict.KNOWN if known else Verdict.GAP, cursor=cursor)
    heads = segment.heads(before)
    if segment.first <= cursor.have:
        at = min(segment.last, cursor.have)
        held = cursor.head if at == cursor.have else arrived.held
        if held is not None and heads[at - segment.first] != held:
            signed = _fits(stream, segment, heads[-1])
            verdict = Verdict.FORKED if signed else Verdict.FORGED
            return Judged(verdict=verdict, cursor=cursor)
    if segment.last <= cursor.have:
        return Judged(verdict=Verdict.KNOWN, cursor=cursor)
    if not _fits(stream, segment, heads[-1]):
        return Judged(verdict=Verdict.FORGED, cursor=cursor)
    return Judged(verdict=Verdict.NEXT, cursor=Cursor(have=segment.last, head=heads[-1]))


def _before(stream: Stream, cursor: Cursor, arrived: Arrived) -> bytes | None:
    if arrived.segment.first == cursor.have + 1:
        return cursor.head
    if arrived.segment.first == 1:
        return birth_head(stream.birth)
    return arrived.before


def _fits(stream: Stream, segment: Segment, head: bytes) -> bool:
    identity = Identity(
        origin=stream.origin, epoch=stream.epoch, birth=stream.birth, boot=segment.boot
    )
    signed = signed_bytes(
        identity, first=segment.first, last=segment.last, boot=segment.boot, head=head
    )
    return stream.check(signed, segment.signature)

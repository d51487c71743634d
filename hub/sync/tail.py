"""In which order a fenced box brings what head office may not have of it. Pure.

Segments go one by one, each answer saying where to go on. Where head office has another history
than this box, nobody knows at first where the two part: the way leads backwards in growing
steps until something is known there, and then forwards again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.enrolment import LateAnswer, LateState, StandingAnswer

STEP_EVENTS = 256
GAPS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Where to go on: with the segment that holds event `following`."""

    following: int
    back: int = 1
    """How many events further back the next gap leads."""
    gaps: int = 0
    stuck: bool = False
    """No way leads on: head office has too little of this journal, or answers in circles."""

    def is_done(self, total: int) -> bool:
        """Say whether head office has all of what is sealed up to `total`."""
        return self.stuck or self.following > total


def begin(stood: StandingAnswer, *, total: int, held: bytes | None) -> Tail:
    """Begin behind what head office keeps, if that is this box's own history.

    `held` is the own chain's head at `stood.have`, None where the journal does not reach it.
    """
    if held is not None and held == stood.head:
        return Tail(following=stood.have + 1)
    return Tail(following=max(1, total))


def answered(tail: Tail, *, first: int, last: int, answer: LateAnswer) -> Tail:
    """Take the answer to a segment of the events `first` to `last`."""
    if answer.state is not LateState.GAP:
        return replace(tail, following=max(answer.acked, last) + 1)
    if tail.gaps >= GAPS_MAX or (first == 1 and answer.acked + 1 >= first):
        return replace(tail, stuck=True)
    if answer.acked + 1 < first:
        return replace(tail, following=answer.acked + 1, gaps=tail.gaps + 1)
    return replace(
        tail,
        following=max(1, first - tail.back),
        back=max(STEP_EVENTS, tail.back * 2),
        gaps=tail.gaps + 1,
    )

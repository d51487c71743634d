"""The sending half of an acknowledged stream of segments: go-back-N, as pure functions.

The receiver's cumulative acknowledgement is the only truth: what is sent next follows from it,
also when it is lower than before. Nothing here knows a clock or a line; times are milliseconds
of any clock that only goes forward, and `chance` is a number in [0, 1) drawn by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

WINDOW_SEGMENTS = 8
"""How many segments may be under way where the other side says nothing else."""
RTO_MIN_MS = 2_000
RTO_MAX_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSegments:
    """Output: send up to `limit` sealed segments, the first one that which holds event `first`.

    The runtime reads them from disk, sends them in order and gives `Sent` back, also when it
    found or sent none.
    """

    first: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Input: what was sent for a SendSegments: the number of each segment's last event."""

    first: int
    lasts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What is known of the other side, and what is under way. It holds no event.

    Every verb returns the sender as it is afterwards.
    """

    total: int = 0
    """The last event that is sealed on disk."""
    acked: int = 0
    sent: int = 0
    flying: tuple[int, ...] = ()
    """Last events' numbers of the segments that wait for an ack."""
    window: int = 0
    """How many segments the other side takes at once; 0 is: none for now."""
    ordered: bool = False
    """A SendSegments is out and its Sent has not come yet."""
    rto_ms: int = RTO_MIN_MS
    due_at: int | None = None
    resent_to: int = -1
    """How far was sent when it last went back. What is sent twice is answered by equal acks as
    well, so until more than this is held they do not say that anything is missing."""

    def begin(self, acked: int, window: int) -> Sender:
        """Start anew from what the other side says that it holds."""
        return Sender(total=self.total, acked=acked, sent=acked, window=window)

    def pause(self) -> Sender:
        """Forget what was under way; nothing is sent before `begin`."""
        return Sender(total=self.total, acked=self.acked, sent=self.acked)

    def extend(self, total: int) -> Self:
        """More was sealed."""
        return replace(self, total=total)

    def order(self) -> tuple[Self, SendSegments | None]:
        """Say what may be sent now."""
        free = self.window - len(self.flying)
        if self.ordered or free <= 0 or self.sent >= self.total:
            return self, None
        return replace(self, ordered=True), SendSegments(first=self.sent + 1, limit=free)

    def note(self, report: Sent, now_ms: int, chance: float) -> Self:
        """Take in what the runtime has sent."""
        if not self.ordered or report.first != self.sent + 1:
            return self  # It answers an order from before the stream went back.
        if not report.lasts:
            return replace(self, ordered=False)
        due_at = self.due_at
        if due_at is None:
            due_at = _due(self.rto_ms, now_ms, chance)
        return replace(
            self,
            ordered=False,
            sent=max(report.lasts),
            flying=(*self.flying, *report.lasts),
            due_at=due_at,
        )

    def acknowledge(self, acked: int, window: int, now_ms: int, chance: float) -> Self:
        """Take a cumulative ack; a lower one than before is obeyed."""
        told = replace(self, window=window)
        if acked < self.acked:
            return replace(told, acked=acked).go_back()
        if acked == self.acked:
            is_lost = self.flying and acked > self.resent_to
            return told.go_back() if is_lost else told
        flying = tuple(last for last in self.flying if last > acked)
        return replace(
            told,
            acked=acked,
            # An order that is out began at the old place; its report is passed over.
            ordered=self.ordered and self.sent >= acked,
            sent=max(self.sent, acked),
            flying=flying,
            rto_ms=RTO_MIN_MS,
            due_at=_due(RTO_MIN_MS, now_ms, chance) if flying else None,
        )

    def tick(self, now_ms: int) -> Self:
        """Go back and wait longer where no ack came in time."""
        if self.due_at is None or now_ms < self.due_at:
            return self
        longer = min(self.rto_ms * 2, RTO_MAX_MS)
        return replace(self, rto_ms=longer).go_back()

    def go_back(self) -> Self:
        """Take everything after the last ack as lost."""
        return replace(
            self,
            sent=self.acked,
            flying=(),
            ordered=False,
            due_at=None,
            resent_to=max(self.resent_to, self.sent),
        )


def _due(rto_ms: int, now_ms: int, chance: float) -> int:
    # Up to a quarter more, so that a thousand hubs do not come back on one beat.
    return now_ms + rto_ms + int(rto_ms * chance / 4)

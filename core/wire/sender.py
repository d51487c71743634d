"""The sending half of an acknowledged stream of segments: go-back-N, as pure functions.

The receiver's cumulative acknowledgement is the only truth: what is sent next follows from it,
also when it is lower than before. Nothing here knows a clock or a line; times are milliseconds
of any clock that only goes forward, and `chance` is a number in [0, 1) drawn by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

WINDOW_SEGMENTS = 8
"""How many segments may be under way where the other side says nothing else."""
RTO_MIN_MS = 2_000
RTO_MAX_MS = 60_000
RESEND_PAUSE_MS = 500
"""A window of eight with its first lost is answered by seven equal acks; one resend is due."""


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
    """What is known of the other side, and what is under way. It holds no event."""

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
    resent_at: int = -RESEND_PAUSE_MS

    @property
    def idle(self) -> bool:
        return self.acked == self.total


def begin(sender: Sender, acked: int, window: int) -> Sender:
    """Start anew from what the other side says that it holds."""
    return Sender(total=sender.total, acked=acked, sent=acked, window=window)


def pause(sender: Sender) -> Sender:
    """Forget what was under way; nothing is sent before `begin`."""
    return Sender(total=sender.total, acked=sender.acked, sent=sender.acked)


def extend(sender: Sender, total: int) -> Sender:
    """More was sealed."""
    return replace(sender, total=total)


def order(sender: Sender) -> tuple[Sender, SendSegments | None]:
    """Say what may be sent now."""
    free = sender.window - len(sender.flying)
    if sender.ordered or free <= 0 or sender.sent >= sender.total:
        return sender, None
    return replace(sender, ordered=True), SendSegments(first=sender.sent + 1, limit=free)


def sent(sender: Sender, report: Sent, now_ms: int, chance: float) -> Sender:
    """Note what the runtime has sent."""
    if report.first != sender.sent + 1:
        return sender  # It answers an order from before the stream went back.
    sender = replace(sender, ordered=False)
    if not report.lasts:
        return sender
    due_at = sender.due_at
    if due_at is None:
        due_at = _due(sender.rto_ms, now_ms, chance)
    return replace(
        sender,
        sent=max(report.lasts),
        flying=(*sender.flying, *report.lasts),
        due_at=due_at,
    )


def acknowledge(sender: Sender, acked: int, window: int, now_ms: int, chance: float) -> Sender:
    """Take a cumulative ack; a lower one than before is obeyed."""
    sender = replace(sender, window=window)
    if acked < sender.acked:
        return _go_back(replace(sender, acked=acked), now_ms)
    if acked == sender.acked:
        waited = now_ms - sender.resent_at >= RESEND_PAUSE_MS
        return _go_back(sender, now_ms) if sender.flying and waited else sender
    flying = tuple(last for last in sender.flying if last > acked)
    return replace(
        sender,
        acked=acked,
        # An order that is out began at the old place; its report is passed over.
        ordered=sender.ordered and sender.sent >= acked,
        sent=max(sender.sent, acked),
        flying=flying,
        rto_ms=RTO_MIN_MS,
        due_at=_due(RTO_MIN_MS, now_ms, chance) if flying else None,
    )


def tick(sender: Sender, now_ms: int) -> Sender:
    """Go back and wait longer where no ack came in time."""
    if sender.due_at is None or now_ms < sender.due_at:
        return sender
    longer = min(sender.rto_ms * 2, RTO_MAX_MS)
    return _go_back(replace(sender, rto_ms=longer), now_ms)


def _go_back(sender: Sender, now_ms: int) -> Sender:
    return replace(
        sender,
        sent=sender.acked,
        flying=(),
        ordered=False,
        due_at=None,
        resent_at=now_ms,
    )


def _due(rto_ms: int, now_ms: int, chance: float) -> int:
    # Up to a quarter more, so that a thousand hubs do not come back on one beat.
    return now_ms + rto_ms + int(rto_ms * chance / 4)

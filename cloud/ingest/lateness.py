"""Taking in what came after the end: paid for first, applied like any fact, then swept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cloud.epochs import (
    FORK,
    LATE,
    ClosedPlace,
    fund_for,
    hands_on_missing,
    not_sent,
    repay,
    settle_pool,
    sweep_after,
    take_presented,
)
from cloud.ingest.bills import paid_at_risk
from cloud.ingest.envelope import misspoken, sends_under_a_grant
from cloud.ingest.limits import beyond_limits
from cloud.ingest.returns import parts_at_risk
from cloud.ingest.sources import Source
from core.journal import Act, Event
from core.sqlite import Reader, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """How the late events of one history are taken in, in one merchant's transaction."""

    tx: Writer
    act: Act
    closed: ClosedPlace
    source: Source
    freed: Callable[[str], None]
    """Called with a member whose pool got something."""
    paid: int = 0
    """Up to which event all of this was done before the books were lost."""

    @property
    def reason(self) -> str:
        return LATE if self.source.branch is None else FORK

    def trespass(self, event: Event) -> str:
        """Return what of a late event is not its box's to say; empty where all of it is.

        That it takes more than is there is no fault: it was there when the box took it. But
        nobody pays for what it puts from one name into another.
        """
        history = _history(self.tx, self.source, event.seq)
        return (
            misspoken(event)
            or not_sent(self.tx, self.closed, event, history=history)
            or sends_under_a_grant(self.tx, event)
            or beyond_limits(self.tx, event, late=True, history=self.source.origin)
            or hands_on_missing(self.tx, self.closed, event)
        )

    def take(self, event: Event, apply: Callable[[], None]) -> None:
        """Pay for what an event takes, let it be applied, and bring home what it leaves.

        Only what is missing in the end is the merchant's, and only then may the pool be drawn
        on by others again: an event that takes and gives back costs nobody anything.
        """
        if event.seq <= self.paid:
            apply()
            return
        tx, act, closed, reason = self.tx, self.act, self.closed, self.reason
        at_risk = paid_at_risk(tx, event) or parts_at_risk(tx, event)
        drawn = fund_for(tx, act, closed, event, reason=reason)
        apply()
        freed = sweep_after(tx, act, closed, event, reason=reason)
        if at_risk:
            repay(tx, act, closed, event, paid=at_risk, reason=reason)
        take_presented(tx, act, closed, event)
        for member in drawn:
            settle_pool(tx, act, closed, member, reason=reason, about=event.id)
        for member in freed:
            self.freed(member)


def _history(db: Reader, source: Source, seq: int) -> list[tuple[str, int]]:
    """Return the streams that lead up to an event, each with its last event that counts."""
    streams, origin, last = [], source.origin, seq - 1
    while True:
        streams.append((origin, last))
        row = db.one(
            "SELECT trunk, after FROM branch WHERE origin = :origin AND epoch = :epoch",
            origin=origin,
            epoch=source.epoch.epoch,
        )
        if row is None:
            return streams
        origin, last = row["trunk"], row["after"]

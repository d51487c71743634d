"""Bringing members' value to rest once their visit is over, some members at a time."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cloud.ingest.sources import Reach, Source
from cloud.placement import (
    ASK_LIFETIME_MS,
    RECALL_EVERY_MS,
    RETRY_MS,
    Due,
    Seat,
    due_members,
    note_rested,
    split,
    visit_weights,
)
from cloud.platform import Merchant
from cloud.streams import grants_under_way, open_asks
from core.journal import Act
from core.sqlite import Reader, Writer
from core.wallet import (
    CLOUD,
    Holding,
    Leg,
    Recalled,
    holdings,
    send_grant,
    written_legs,
)

log = logging.getLogger(__name__)
PLACED_AT_ONCE = 40
"""Members in one transaction; an ask that comes meanwhile waits for no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """The hands of one transaction that brings value to rest."""

    tx: Writer
    merchant: Merchant
    act: Act
    reach: Reach

    def place(self) -> bool:
        """Look at members whose time has come; say whether more of them wait."""
        due = due_members(self.tx, now=self.act.at, limit=PLACED_AT_ONCE)
        for one in due:
            self._safely(one)
        return len(due) == PLACED_AT_ONCE

    def _safely(self, due: Due) -> None:
        """Place one member whole or not at all; one that cannot be placed holds up nobody."""
        self.tx.run("SAVEPOINT placing")
        try:
            self._place(due)
        except Exception:
            log.exception("value of %s cannot be placed", due.member)
            self.tx.run("ROLLBACK TO placing")
            note_rested(self.tx, due, again_at=self.act.at + RETRY_MS)
        finally:
            self.tx.run("RELEASE placing")

    def _place(self, due: Due) -> None:
        at, member = self.act.at, due.member
        asked_at = max((ask.at for ask in open_asks(self.tx, member)), default=None)
        if asked_at is not None and at - asked_at < ASK_LIFETIME_MS:
            note_rested(self.tx, due, again_at=asked_at + ASK_LIFETIME_MS)
            return
        planned = split(
            seats_of(self.tx, self.reach, member, today=self.act.date),
            pool=holdings(self.tx, member, CLOUD),
            date=self.act.date,
        )
        for hub, legs in planned.grants.items():
            self._grant(self.reach[hub], member, legs)
        again_at = at + RETRY_MS if planned.waits else None
        recalled_at = due.recalled_at
        if planned.recalls and at - recalled_at < RECALL_EVERY_MS:
            again_at = recalled_at + RECALL_EVERY_MS
        elif planned.recalls:
            recalled_at = at
            for hub, legs in planned.recalls.items():
                self._recall(self.reach[hub], member, legs)
        note_rested(self.tx, due, again_at=again_at, recalled_at=recalled_at)

    def _grant(self, source: Source, member: str, legs: tuple[Leg, ...]) -> None:
        act = self._down(source)
        act.journal.begin(self.tx)
        send_grant(
            self.tx,
            act,
            transfer=act.new_id(),
            member=member,
            hub=source.hub.id,
            hub_epoch=source.epoch.epoch,
            legs=list(legs),
        )

    def _recall(self, source: Source, member: str, legs: tuple[Leg, ...]) -> None:
        """Ask for parts of what a store holds; its release is what is waited for, not this."""
        act = self._down(source)
        act.journal.begin(self.tx)
        body = Recalled(
            request=act.new_id(),
            member=member,
            hub=source.hub.id,
            hub_epoch=source.epoch.epoch,
            legs=written_legs(legs),
        )
        act.append(self.tx, body)

    def _down(self, source: Source) -> Act:
        journal = self.merchant.downlink(source.hub.id, source.epoch.epoch)
        return replace(self.act, journal=journal, store=source.hub.store)


def seats_of(db: Reader, reach: Reach, member: str, *, today: str) -> list[Seat]:
    """Return the boxes that value may be sent to, as places for this member's value.

    What is on its way to a box counts as there. Of two boxes in one store the visits are those
    of the one that holds more, so that they are not two stores.
    """
    weights = visit_weights(db, member, today=today)
    coming = _coming(db, member)
    seats = [
        Seat(
            hub=hub,
            store=source.hub.store,
            weight=weights.get(source.hub.store, 0),
            online=source.hub.online,
            held=_together(
                [*holdings(db, member, source.place), *coming.get(source.place, ())]
            ),
        )
        for hub, source in reach.items()
    ]
    first: dict[str, Seat] = {}
    for seat in sorted(seats, key=lambda s: (not s.online, -_amount(s.held), s.hub)):
        first.setdefault(seat.store, seat)
    return [
        seat if first[seat.store] is seat else replace(seat, weight=0)
        for seat in seats
        if seat.weight or seat.held
    ]


def _coming(db: Reader, member: str) -> Mapping[str, list[Holding]]:
    coming: dict[str, list[Holding]] = defaultdict(list)
    for place, held in grants_under_way(db, member):
        coming[place].append(held)
    return coming


def _together(held: list[Holding]) -> tuple[Holding, ...]:
    sums: dict[tuple[str, str], Holding] = {}
    for one in held:
        before = sums.get((one.asset, one.lot))
        amount = one.amount + (before.amount if before else 0)
        sums[one.asset, one.lot] = replace(one, amount=amount)
    return tuple(sums.values())


def _amount(held: tuple[Holding, ...]) -> int:
    return sum(one.amount for one in held)

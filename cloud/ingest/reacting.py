"""What head office does about what hubs say, in the transaction that takes it in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cloud.feed import Proposal, adopt
from cloud.ingest.pacing import too_many_calls
from cloud.ingest.righting import Righting
from cloud.ingest.sources import Reach, Source
from cloud.ingest.unpacking import Documents, Notice
from cloud.placement import Ask as Wish
from cloud.placement import heir, note_soon, plan
from cloud.platform import Merchant
from cloud.streams import (
    OpenAsk,
    answered,
    called_hubs,
    close_ask,
    grant,
    open_asks,
    places_of,
    recall,
    remember_ask,
    state_of_ask,
)
from core.feed import FeedPublished
from core.journal import Act, Event, kind_name, kind_of
from core.sqlite import Writer
from core.tickets import reversed_place
from core.wallet import (
    CLOUD,
    MINT,
    REFUND_WISH,
    RIGHTS,
    Asset,
    Leg,
    Released,
    all_legs,
    holdings,
    take_in,
)
from core.wire import GRANTED, NOTHING, RECALLING, Answer, Ask

T = TypeVar("T")
log = logging.getLogger(__name__)
ASK_CHARACTERS_MAX = 64

_PUBLISHED, _RELEASED = kind_name(FeedPublished), kind_name(Released)


@dataclass(slots=True)
class Reaction:
    """The hands of one transaction, and what is to be said once it is committed."""

    tx: Writer
    merchant: Merchant
    act: Act
    reach: Reach
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    """To which hub, and what became of its ask."""
    notices: list[Notice] = field(default_factory=list)

    def to_late(self, source: Source) -> Callable[[Event, Documents], None]:
        """Return what is to be called for each event that came late.

        What such a hub released is brought home with the rest that it left.
        """

        def react(event: Event, documents: Documents) -> None:
            if kind_of(event) == _PUBLISHED:
                self._safely(source, event, lambda: self._adopt(source, event, documents))

        return react

    def to(self, source: Source) -> Callable[[Event, Documents], None]:
        """Return what is to be called for each event of a hub."""

        def react(event: Event, documents: Documents) -> None:
            kind = kind_of(event)
            if kind == _PUBLISHED:
                self._safely(source, event, lambda: self._adopt(source, event, documents))
            elif kind == _RELEASED:
                self._safely(source, event, lambda: self._accept(source, event, documents))

        return react

    @property
    def righting(self) -> Righting:
        """Return the hands for what stores may do on their own."""
        return Righting(tx=self.tx, act=self.act, reach=self.reach, down=self._down)

    def set_right(self, sources: Sequence[Source]) -> bool:
        """Fill up rights and bring in what members owe; say whether more of it waits."""
        more: list[bool] = []
        self._whole_or_not("", "rights", lambda: self.righting.fill_all(sources))
        self._whole_or_not("", "claims", lambda: more.append(self.righting.collect_all()))
        return any(more)

    def handle(self, hub: str, ask: Ask) -> str:
        """Do what the policy says about a hub's ask; return its state. An id acts once."""
        if not all(0 < len(name) <= ASK_CHARACTERS_MAX for name in (ask.id, ask.member)):
            return NOTHING
        before = state_of_ask(self.tx, ask.id)
        if before is not None:
            return before
        source = self.reach.get(hub)
        if source is None:
            return NOTHING
        if ask.member == MINT:
            return GRANTED if self.righting.fill(source, asked=True) else NOTHING
        if ask.why == REFUND_WISH:
            return self._hand_bill(source, ask)
        self._watch(source, ask.member)
        return self._bring(source, ask)

    def _watch(self, source: Source, member: str) -> None:
        """Tell somebody of a box that calls in more members' money than its store explains."""
        unusual = too_many_calls(
            self.tx,
            hub=source.hub.id,
            store=source.hub.store,
            member=member,
            at=self.act.at,
            today=self.act.date,
        )
        if unusual:
            self.notices.append(Notice(hub=source.hub.id, kind="many_asks", detail=unusual))

    def _bring(self, source: Source, ask: Ask) -> str:
        """Bring a member's value to the hub that asked: what the pool has, and the rest."""
        hub = source.hub.id
        known = OpenAsk(
            id=ask.id,
            hub=hub,
            member=ask.member,
            want=max(ask.want, 0),
            at=self.act.at,
        )
        called = self._called(ask.member)
        planned = plan(
            _wish(known),
            pool=holdings(self.tx, ask.member, CLOUD),
            places=self._hubs_holding(ask.member),
            hubs=self.reach.keys(),
            recalled=called,
        )
        waits = bool(planned.recall) or bool(called - {hub})
        if planned.grant:
            grant(
                self.tx,
                self._down(source),
                ask=known,
                epoch=source.epoch.epoch,
                legs=planned.grant,
            )
        for place in planned.recall:
            holder = self.reach[place]
            epoch = holder.epoch.epoch
            recall(self.tx, self._down(holder), ask=known, hub=place, epoch=epoch)
        if not waits and not planned.grant:
            return NOTHING
        state = RECALLING if waits else GRANTED
        why = ask.why[:ASK_CHARACTERS_MAX]
        remember_ask(self.tx, known, why=why, state=state, pending=waits)
        return state

    def _hand_bill(self, source: Source, ask: Ask) -> str:
        """Bring the right to reverse a bill to who asked for it, from where it lies."""
        righting = self.righting
        bill = righting.bill_meant(ask)
        if not bill or reversed_place(self.tx, bill):
            return NOTHING
        known = OpenAsk(id=ask.id, hub=source.hub.id, member=bill, want=0, at=self.act.at)
        held, called = righting.holders(bill), self._called(bill)
        state = RECALLING
        if source.hub.id in held:
            state = GRANTED
        elif legs := all_legs(self.tx, bill, CLOUD):
            self._grant(source, known, legs)
            state = GRANTED
        elif righting.is_lost(bill):
            righting.send_bill(source, bill)
            righting.grant_lost(source, bill, request=ask.id)
            state = GRANTED
        elif not held and not called:
            return NOTHING
        for hub in sorted(held.keys() - called if state == RECALLING else ()):
            holder = self.reach[hub]
            epoch = holder.epoch.epoch
            recall(self.tx, self._down(holder), ask=known, hub=hub, epoch=epoch)
        waits = state == RECALLING
        remember_ask(self.tx, known, why=REFUND_WISH, state=state, pending=waits)
        return state

    def _grant(self, source: Source, ask: OpenAsk, legs: Sequence[Leg]) -> None:
        """Send what the pool has; a bill goes ahead of the right to reverse it."""
        if any(leg.asset is Asset.REFUND for leg in legs):
            self.righting.send_bill(source, ask.member)
        grant(self.tx, self._down(source), ask=ask, epoch=source.epoch.epoch, legs=legs)

    def came_free(self, member: str, *, hub: str) -> None:
        """Send on what came into a member's pool because a hub is no more."""
        self._whole_or_not(hub, f"pool of {member}", lambda: self._hand_on(member))

    def _adopt(self, source: Source, event: Event, documents: Documents) -> None:
        body = self._body(event, documents, FeedPublished)
        if not body.proposed:
            return  # It edited a feed of its own, before it was joined.
        content = None if body.withdrawn else documents.get("content")
        proposal = Proposal(event=event, body=body, content=content, store=source.hub.store)
        if not adopt(self.tx, self.act, proposal):
            detail = f"event {event.seq}: {body.topic}/{body.key}"
            self.notices.append(Notice(hub=source.hub.id, kind="declined", detail=detail))

    def _accept(self, source: Source, event: Event, documents: Documents) -> None:
        released = self._body(event, documents, Released)
        take_in(self.tx, self.act, released, place=CLOUD)
        if released.request:
            answered(self.tx, request=released.request, hub=source.hub.id)
        self._hand_on(released.member)

    def _hand_on(self, member: str) -> None:
        """Send what is in the pool to who waits for it, and end what waits for nothing more."""
        self.righting.collect(member)
        asks = {ask.id: ask for ask in open_asks(self.tx, member)}
        wishes = [_wish(ask) for ask in asks.values() if ask.hub in self.reach]
        chosen = heir(wishes, now=self.act.at)
        legs = all_legs(self.tx, member, CLOUD)
        if chosen is not None and legs:
            source = self.reach[chosen.hub]
            ask = asks[chosen.id]
            self._grant(source, ask, legs)
        elif not RIGHTS.isdisjoint(leg.asset for leg in legs):
            pass  # No member's: it lies there until somebody asks for it.
        elif legs:
            note_soon(self.tx, member, at=self.act.at)
        waits = self._called(member)
        for ask in asks.values():
            if waits - {ask.hub}:
                continue
            sent = self.tx.value("SELECT 1 FROM granted WHERE request = :id", id=ask.id)
            state = GRANTED if sent else NOTHING
            close_ask(self.tx, ask.id, state=state)
            self.answers.append((ask.hub, Answer(id=ask.id, state=state)))

    def _called(self, member: str) -> frozenset[str]:
        """Return the hubs that were called for a member and can still answer."""
        called = called_hubs(self.tx, member).items()
        reach = self.reach
        return frozenset(
            hub for hub, epoch in called if hub in reach and reach[hub].epoch.epoch == epoch
        )

    def _hubs_holding(self, member: str) -> dict[str, int]:
        """Return how much of anything lies with each hub that can be reached, by its id."""
        amounts = places_of(self.tx, member)
        return {hub: amounts.get(one.place, 0) for hub, one in self.reach.items()}

    def _down(self, source: Source) -> Act:
        """Return the act that writes the stream down to a hub."""
        journal = self.merchant.downlink(source.hub.id, source.epoch.epoch)
        return replace(self.act, journal=journal, store=source.hub.store)

    def _body(self, event: Event, documents: Documents, kind: type[T]) -> T:
        entry = self.merchant.parts.entry(event, documents)
        assert entry is not None
        assert isinstance(entry.body, kind)
        return entry.body

    def _safely(self, source: Source, event: Event, act: Callable[[], None]) -> None:
        """React to an event whole or not at all."""
        self._whole_or_not(source.hub.id, f"event {event.seq}", act)

    def _whole_or_not(self, hub: str, to: str, act: Callable[[], None]) -> None:
        """React whole or not at all; a reaction that fails holds up nobody and is told of."""
        self.tx.run("SAVEPOINT reaction")
        answers, notices = len(self.answers), len(self.notices)
        try:
            act()
        except Exception as error:
            log.exception("no reaction to %s of %s", to, hub)
            self.tx.run("ROLLBACK TO reaction")
            del self.answers[answers:], self.notices[notices:]
            detail = f"{to}: {type(error).__name__}: {error}"
            self.notices.append(Notice(hub=hub, kind="no_reaction", detail=detail))
        finally:
            self.tx.run("RELEASE reaction")


def _wish(ask: OpenAsk) -> Wish:
    return Wish(id=ask.id, hub=ask.hub, member=ask.member, want=ask.want, at=ask.at)

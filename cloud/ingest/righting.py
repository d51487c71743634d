"""Rights filled up, claims brought in, bills sent to the store that may reverse them.

Verbs on one merchant's transaction, beside what `reacting` does with members' value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cloud.ingest.sources import Reach, Source
from cloud.streams import OpenAsk, called_hubs, places_of, recall
from core.clock import HOUR_MS
from core.journal import Act, Event, decode, place_of
from core.members import standing_for
from core.sqlite import Row, Writer
from core.tickets import TicketSent, TicketSettled, settled_at, settled_place
from core.wallet import (
    CLOUD,
    MINT,
    Asset,
    Collected,
    Granted,
    Recalled,
    collect,
    grant,
    hand_right,
    holdings,
    is_told,
    issue,
    lots_of,
    mint_left,
    open_claims,
    plan_collecting,
    read_legs,
    refund_places,
    refund_right,
    right_of,
    rights,
    untold_claims,
    written_legs,
)
from core.wire import Ask

CALL_AGAIN_MS = HOUR_MS
CLAIMS_AT_ONCE = 50
"""In one transaction; the others wait for the next."""


@dataclass(slots=True, kw_only=True)
class Righting:
    """The hands of one transaction."""

    tx: Writer
    act: Act
    reach: Reach
    down: Callable[[Source], Act]
    """Returns the act that writes the stream down to a hub."""

    # -- the right to mint -----------------------------------------------------------------

    def fill(self, source: Source, *, asked: bool = False) -> bool:
        """Fill up a box's right where half of it is gone; say whether something was sent.

        A box that never asked does not know of rights, and mints as it always did.
        """
        left, coming = mint_left(self.tx, source.place), self._coming(source)
        if left is None and not coming and not asked:
            return False
        policy = rights(self.tx).mint
        have = (left or 0) + coming
        given = self.tx.value(
            "SELECT given FROM mint_given WHERE hub = :hub AND date = :date",
            hub=source.hub.id,
            date=self.act.date,
        )
        amount = min(policy.limit - have, policy.day - (given or 0))
        if have * 2 >= policy.limit or amount <= 0:
            return False
        act = self._begun(source)
        body = Granted(
            transfer=act.new_id(),
            member=MINT,
            hub=source.hub.id,
            hub_epoch=source.epoch.epoch,
            legs=written_legs(right_of(amount)),
        )
        act.append(self.tx, body, postings=hand_right(body.transfer, amount))
        return True

    def fill_all(self, sources: Iterable[Source]) -> None:
        """Fill up the boxes that said something; all of them once the policy has changed."""
        pos = self.tx.value(
            "SELECT pos FROM feed_document WHERE topic = 'rights' AND key = '-'"
        )
        known = {source.hub.id: source for source in sources}
        for hub, source in self.reach.items():
            if pos is not None and self._take_note(hub, pos):
                self._lower(source)
                known[hub] = source
        for hub, source in known.items():
            if hub in self.reach and self.reach[hub].place == source.place:
                self.fill(source)

    def _take_note(self, hub: str, pos: int) -> bool:
        """Note up to which edit of the policy a box's right was set; say whether it is new."""
        return bool(
            self.tx.run(
                "INSERT INTO right_set (hub, pos) VALUES (:hub, :pos)"
                " ON CONFLICT (hub) DO UPDATE SET pos = excluded.pos WHERE pos < excluded.pos",
                hub=hub,
                pos=pos,
            )
        )

    def _lower(self, source: Source) -> None:
        """Call in what a box has beyond a limit that was lowered."""
        limit = rights(self.tx).mint.limit
        beyond = (mint_left(self.tx, source.place) or 0) + self._coming(source) - limit
        if beyond <= 0:
            return
        act = self._begun(source)
        body = Recalled(
            request=act.new_id(),
            member=MINT,
            hub=source.hub.id,
            hub_epoch=source.epoch.epoch,
            legs=written_legs(right_of(beyond)),
        )
        act.append(self.tx, body)

    def _coming(self, source: Source) -> int:
        amount: int | None = self.tx.value(
            "SELECT SUM(t.amount) FROM granted g JOIN transit t"
            " ON t.transfer = g.transfer AND t.member = g.member"
            " WHERE g.member = :mint AND g.hub = :hub AND g.epoch = :epoch",
            mint=MINT,
            hub=source.hub.id,
            epoch=source.epoch.epoch,
        )
        return amount or 0

    # -- what members owe ------------------------------------------------------------------

    def collect(self, member: str) -> None:
        """Take from a member's pool what they owe, before anybody else has it.

        Not while no stream leads anywhere: head office recovers then, and does not know yet
        what the pool really has.
        """
        for claim in open_claims(self.tx, member) if self.reach else ():
            self._collect(claim, member)

    def collect_all(self) -> bool:
        """Say the first word on new claims, and take what has come by for older ones.

        Returns whether more of it waits.
        """
        if not self.reach:
            return False
        fresh = untold_claims(self.tx, limit=CLAIMS_AT_ONCE)
        for claim in fresh:
            self._collect(claim, standing_for(self.tx, claim["member"]))
        rows = self.tx.all(
            """SELECT DISTINCT h.member FROM claim c
                 LEFT JOIN claim_paid p ON p.claim = c.id
                 LEFT JOIN member m ON m.id = c.member
                 JOIN holding h ON h.place = :cloud AND h.amount > 0
                  AND h.member = COALESCE(NULLIF(m.merged_into, ''), c.member)
                WHERE c.amount > COALESCE(p.amount, 0)
                  AND (h.asset = 'points') = (c.asset = 'points')
                ORDER BY h.member LIMIT :limit""",
            cloud=CLOUD,
            limit=CLAIMS_AT_ONCE,
        )
        for row in rows:
            self.collect(row["member"])
        self._call_debts()
        return len(fresh) == CLAIMS_AT_ONCE

    def _call_debts(self) -> None:
        """Call in what members owe, where something of theirs has come to a store since.

        Once an hour: a box that serves the member keeps it, and they may pay with it there.
        """
        rows = self.tx.all(
            """SELECT DISTINCT h.member FROM claim c
                 LEFT JOIN claim_paid p ON p.claim = c.id
                 LEFT JOIN member m ON m.id = c.member
                 JOIN holding h ON h.place <> :cloud AND h.amount > 0
                  AND h.member = COALESCE(NULLIF(m.merged_into, ''), c.member)
                 LEFT JOIN debt_called d ON d.member = h.member
                WHERE c.amount > COALESCE(p.amount, 0) AND COALESCE(d.at, 0) <= :before
                  AND (h.asset = 'points') = (c.asset = 'points')
                ORDER BY h.member LIMIT :limit""",
            cloud=CLOUD,
            before=self.act.at - CALL_AGAIN_MS,
            limit=CLAIMS_AT_ONCE,
        )
        for row in rows:
            self._call_debt(row["member"])

    def _call_debt(self, member: str) -> None:
        """Call in so much of what the member has with stores as they owe, and no more."""
        if called_hubs(self.tx, member):
            return  # What comes of that is taken first.
        owed: dict[bool, int] = {}
        about: dict[bool, Row] = {}
        for claim in open_claims(self.tx, member):
            points = claim["asset"] == Asset.POINTS
            about.setdefault(points, claim)
            owed[points] = owed.get(points, 0) + claim["owed"]
        for hub, source in sorted(self.reach.items()):
            held, called = holdings(self.tx, member, source.place), []
            for points, claim in about.items():
                legs = plan_collecting(claim, held, owed[points])
                owed[points] -= sum(leg.amount for leg in legs)
                called += legs
            if called:
                act = self.down(source)
                ask = OpenAsk(id=act.new_id(), hub="", member=member, want=0, at=act.at)
                epoch = source.epoch.epoch
                recall(self.tx, act, ask=ask, hub=hub, epoch=epoch, legs=called)
        self.tx.run(
            "INSERT INTO debt_called (member, at) VALUES (:member, :at)"
            " ON CONFLICT (member) DO UPDATE SET at = excluded.at",
            member=member,
            at=self.act.at,
        )

    def _collect(self, claim: Row, member: str) -> None:
        """Take what the pool has for a claim; ask the stores for the rest, the first time."""
        legs = plan_collecting(claim, holdings(self.tx, member, CLOUD), claim["owed"])
        first = not is_told(self.tx, claim["id"])
        if not legs and not first:
            return
        rest = claim["owed"] - sum(leg.amount for leg in legs)
        source = self._who_laid_out(claim) if first else None
        body = Collected(
            claim=claim["id"],
            member=member,
            why=claim["why"],
            legs=written_legs(legs),
            rest=rest,
            hub=claim["hub"] if source else "",
            hub_epoch=claim["hub_epoch"] if source else 0,
            first=first,
        )
        act = self.act if source is None else self._begun(source)
        act.append(self.tx, body, postings=collect(member, legs))
        if first and rest:
            self._call(claim, member, rest)

    def _who_laid_out(self, claim: Row) -> Source | None:
        """Return the box that waits for a word on its advance, if a stream leads there."""
        source = self.reach.get(claim["hub"])
        known = source is not None and source.epoch.epoch == claim["hub_epoch"]
        return source if known else None

    def _call(self, claim: Row, member: str, rest: int) -> None:
        amounts, called = places_of(self.tx, member), called_hubs(self.tx, member)
        ask = OpenAsk(id=claim["id"], hub="", member=member, want=rest, at=self.act.at)
        for hub, source in sorted(self.reach.items()):
            if amounts.get(source.place, 0) > 0 and hub not in called:
                epoch = source.epoch.epoch
                recall(self.tx, self.down(source), ask=ask, hub=hub, epoch=epoch)

    # -- bills -----------------------------------------------------------------------------

    def bill_meant(self, ask: Ask) -> str:
        """Return the id of the bill whose number an ask names; empty where nobody knows it."""
        bill: str | None = self.tx.value(
            "SELECT id FROM sale WHERE number = :number AND sign = 1", number=ask.member
        )
        return bill or ""

    def holders(self, bill: str) -> dict[str, int]:
        """Return which hub has the right to reverse a bill; no hub where head office has it."""
        held = refund_places(self.tx, bill) or {settled_place(self.tx, bill): 1}
        return {
            hub: held.get(source.place, 0)
            for hub, source in self.reach.items()
            if held.get(source.place, 0)
        }

    def is_lost(self, bill: str) -> bool:
        """Say whether the right to a bill lay unwritten at a place that has ended since."""
        if refund_places(self.tx, bill):
            return False
        ended = self.tx.all("SELECT hub, epoch FROM emptied_place")
        place = settled_place(self.tx, bill)
        return any(place_of(row["hub"], row["epoch"]) == place for row in ended)

    def grant_lost(self, source: Source, bill: str, *, request: str) -> None:
        """Issue the right to a bill in the stead of a box that is no more, and send it."""
        act, legs = self._begun(source), refund_right(bill)
        body = Granted(
            transfer=act.new_id(),
            member=bill,
            hub=source.hub.id,
            hub_epoch=source.epoch.epoch,
            legs=written_legs(legs),
            request=request,
        )
        postings = [*issue(bill, CLOUD, legs), *grant(bill, body.transfer, legs)]
        act.append(self.tx, body, postings=postings)

    def send_bill(self, source: Source, bill: str) -> None:
        """Send a bill down to the box that gets its right, ahead of the right."""
        event = self._settling(bill)
        sale = self.act.journal.parts.entry(event, {})
        ticket = self.tx.one("SELECT * FROM ticket WHERE id = :bill", bill=bill)
        assert sale is not None
        assert ticket is not None
        body: TicketSettled = sale.body
        legs = [leg for payment in body.payments for leg in read_legs(payment.legs)]
        sent = TicketSent(
            sale=body,
            settled=settled_at(event, ticket),
            lots=lots_of(self.tx, legs),
        )
        self._begun(source).append(self.tx, sent)

    def _settling(self, bill: str) -> Event:
        raw = self.tx.value(
            """SELECT j.raw FROM sale s JOIN journal j
                 ON j.origin = s.origin AND j.epoch = s.epoch AND j.seq = s.seq
                WHERE s.id = :bill AND s.sign = 1""",
            bill=bill,
        )
        return decode(raw)

    def _begun(self, source: Source) -> Act:
        act = self.down(source)
        act.journal.begin(self.tx)
        return act

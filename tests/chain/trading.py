"""People at two counters: they sell, top up, give back, and write down what they were told."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from core.errors import Refused
from core.till import STORED_VALUE, Offered
from hub.checkout import pay_ticket, pay_topup, reverse_ticket, suggest
from hub.tickets import add_line, open_ticket, read_ticket
from hub.till import Count, close_till, open_till
from hub.wallet import RECOGNISED, TopUp, elsewhere, follow
from tests.chain.running import Store
from tests.started import MASSAGE, PACKAGE, TEA

TILL = "till-0"
FLOAT = 50_000
TOP_UPS = (5_000, 20_000, 50_000)
FOLLOWS_S = 3.0
"""How long a cashier waits for value from elsewhere before the guest pays otherwise."""


@dataclass(kw_only=True)
class Told:
    """What counters were answered: money in fen, by store and by member."""

    figures: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By store, business date and what it is."""
    stored: Counter[str] = field(default_factory=Counter)
    """By how much each member's stored value has changed."""
    points: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    drawers: Counter[str] = field(default_factory=Counter)
    """By store, what Z reports said that each tender brought."""
    followed: int = 0
    brought: int = 0
    """How often value came from elsewhere while a guest stood there."""

    def book(self, store: str, date: str, **figures: int) -> None:
        for name, amount in figures.items():
            self.figures[store, date, name] += amount

    def of(self, store: str, name: str) -> int:
        return sum(
            amount for (s, _date, n), amount in self.figures.items() if (s, n) == (store, name)
        )

    def total(self, name: str) -> int:
        return sum(amount for (_s, _date, n), amount in self.figures.items() if n == name)


@dataclass(kw_only=True)
class Cashier:
    """One store's counter."""

    store: Store
    chance: random.Random
    told: Told
    online: bool = True
    settled: list[tuple[str, str | None]] = field(default_factory=list)
    """Bills of today that may still be given back, and whose they are."""

    def begin_day(self) -> None:
        self.settled.clear()
        self.store.do(
            lambda tx, act: open_till(tx, act, till=TILL, float_cents=FLOAT, key=act.new_id())
        )

    def end_day(self) -> None:
        """Count the drawer blind; the Z report says what each tender brought."""
        counted = Count(counted=FLOAT)
        report = self.store.do(
            lambda tx, act: close_till(tx, act, till=TILL, count=counted, key=act.new_id())
        )
        for row in report["totals"]:
            self.told.drawers[f"{self.store.branch} {row['tender']}"] += row["amount_cents"]

    def serve(self, member: str | None) -> None:
        """Serve one guest, as it comes."""
        what = self.chance.random()
        try:
            if member is not None and what < 0.25:
                self.top_up(member)
            elif self.settled and what < 0.3:
                self.give_back(*self.settled.pop(self.chance.randrange(len(self.settled))))
            else:
                self.sell(member)
        except Refused as refused:
            self.told.refused[refused.code] += 1

    def sell(self, member: str | None) -> None:
        """Open a bill for somebody, let their value follow, take payment by what there is."""
        store = self.store
        items = [MASSAGE, *self.chance.choices((TEA, MASSAGE), k=self.chance.randrange(3))]

        def begin(tx: Any, act: Any) -> str:
            ticket: str = act.new_id()
            open_ticket(tx, act, ticket=ticket, member=member)
            if member is not None:
                follow(tx, act, member=member, why=RECOGNISED)
            for item in items:
                add_line(tx, act, ticket=ticket, line=act.new_id(), item=item)
            return ticket

        ticket = store.do(begin)
        if member is not None:
            self._wait_for(member)
        share = self.chance.choice((0.0, 0.4, 1.0))

        def pay(tx: Any, act: Any) -> tuple[str, dict[str, Any]]:
            found = read_ticket(tx, ticket)
            due = found.bill.total
            stored = int(suggest(tx, act, found) * share)
            card = self.chance.choice((0, due - stored))
            parts = ((STORED_VALUE, stored), ("bank_card", card), ("cash", due - stored - card))
            paid = tuple(
                Offered(tender=tender, amount=amount, reference="123456" * (tender[0] == "b"))
                for tender, amount in parts
                if amount
            )
            answer = pay_ticket(
                tx,
                act,
                ticket=ticket,
                version=found.version,
                till=TILL,
                payments=paid,
                key=act.new_id(),
            )
            return act.date, answer

        date, answer = store.do(pay)
        self.settled.append((ticket, member))
        stored = by_tender(answer)[STORED_VALUE]
        self.told.book(
            store.branch, date, bills=1, sold=answer["total_cents"], from_balance=stored
        )
        if member is not None:
            self.told.stored[member] -= stored
            self.told.points[member] += answer["points"]

    def _wait_for(self, member: str) -> None:
        """Wait a moment for what lies elsewhere, as somebody at a till would."""
        box = self.store.box
        if not self.store.ask(lambda db: elsewhere(db, box.act(db), member)).stored:
            return
        self.told.followed += 1
        ends_at = time.monotonic() + (FOLLOWS_S if self.online else 0)
        while time.monotonic() < ends_at:
            if not self.store.ask(lambda db: elsewhere(db, box.act(db), member)).stored:
                self.told.brought += 1
                return
            time.sleep(0.01)

    def top_up(self, member: str) -> None:
        amount = self.chance.choice(TOP_UPS)
        offer = PACKAGE if self.chance.random() < 0.2 else None
        due = 100_000 if offer else amount
        wanted = TopUp(
            member=member,
            offer=offer,
            amount=0 if offer else amount,
            payments=(Offered(tender="cash", amount=due),),
        )

        def take(tx: Any, act: Any) -> tuple[str, dict[str, Any]]:
            return act.date, pay_topup(tx, act, wanted, till=TILL, key=act.new_id())

        date, answer = self.store.do(take)
        self.told.book(
            self.store.branch,
            date,
            topups=1,
            topped_up=answer["total_cents"],
            issued=answer["principal_cents"] + answer["bonus_cents"],
        )
        self.told.stored[member] += answer["principal_cents"] + answer["bonus_cents"]
        self.told.points[member] += answer["points"]

    def give_back(self, ticket: str, member: str | None) -> None:
        def back(tx: Any, act: Any) -> tuple[str, dict[str, Any]]:
            return act.date, reverse_ticket(
                tx, act, ticket=ticket, till=TILL, reason="项目换人", key=act.new_id()
            )

        date, answer = self.store.do(back)
        stored = by_tender(answer)[STORED_VALUE]
        self.told.book(
            self.store.branch,
            date,
            reversals=1,
            returned=answer["total_cents"],
            from_balance=-stored,
        )
        if member is not None:
            self.told.stored[member] += stored
            self.told.points[member] -= answer["points"] - answer["points_short"]


def by_tender(answer: dict[str, Any]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for payment in answer["payments"]:
        sums[payment["tender"]] += payment["amount_cents"]
    return sums

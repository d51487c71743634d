"""What people do at a store's till, through the product's own verbs, and what they are told."""

from __future__ import annotations

from functools import partial
from typing import Any

from core.errors import Refused
from core.journal import Act, Body
from core.members import Application, join_family, leave_family
from core.members import Profile as Person
from core.sqlite import Writer
from core.till import Offered
from core.wallet import holdings, plan_spend, spend
from hub.checkout import pay_ticket, pay_topup, reverse_ticket, suggest
from hub.members import register
from hub.tickets import account_of, add_line, open_ticket, read_ticket
from hub.till import open_till
from hub.wallet import TopUp, follow
from tests.simulation.real_hub import RealHub
from tests.simulation.town import Fact

TILL = "前台"
ITEMS = ("p", "q", "r")
OFFERS = ("o1", "o2", "o3")
SAVED = "stored_value"


class FromTheFuture(Body, frozen=True, kw_only=True, tag="simulation.from_the_future"):
    """A way of spending that no version here knows; only its postings are understood."""

    sale: str
    member: str


class Till:
    """One store's counter: its open bills, and the money it has been told of."""

    def __init__(self, node: RealHub) -> None:
        self.node = node
        self.world = node.world
        self.bills: dict[str, str | None] = {}
        """Open bills and whose they are."""
        self.paid: list[str] = []
        """Settled bills that were paid from a balance."""

    def open(self) -> None:
        self.node.write(
            lambda tx, act: open_till(tx, act, till=TILL, float_cents=0, key=act.new_id())
        )

    def new_id(self) -> str:
        """Mint an id as a form does before its first try."""
        return self.node.box.journal.ids.new(self.world.wall)

    def register(self, name: str) -> str | None:
        known = Application(profile=Person(name=name))
        return self.node.write(lambda tx, act: register(tx, act, known))

    def relate(self, member: str, holder: str, *, apart: bool) -> None:
        """Let somebody pay from another's account from now on, or no longer."""
        if not (self.node.knows(member) and self.node.knows(holder)):
            return

        def run(tx: Writer, act: Act) -> bool:
            if apart:
                leave_family(tx, act, member=member)
            else:
                join_family(tx, act, member=member, holder=holder)
            return True

        if self.node.write(run):
            self.world.happened["left a family" if apart else "joined a family"] += 1

    # Facts are noted before they are tried: a program may die with its answer on its lips.

    def attempt(self, fact: Fact, verb: Any) -> Any:
        """Run a verb under a key; where the till heard no answer it tries once more."""
        self.world.facts[fact.id] = fact
        life = self.node.life
        try:
            answer = self.node.write(verb)
        except Refused:
            if not fact.told:
                self.world.facts.pop(fact.id, None)
            raise
        if answer is not None:
            fact.told = True
        elif self.node.life is not life:
            self.world.later(3_000, None, partial(self._again, fact, verb))
        return answer

    def _again(self, fact: Fact, verb: Any) -> None:
        if self.node.life is None:
            return
        try:
            if self.node.write(verb) is not None:
                fact.told = True
        except Refused:
            return

    def top_up(self, member: str, offer: str | None, amount: int) -> None:
        """Take cash into a wallet, by an offer or an amount."""
        key = self.new_id()
        prices = {"o1": (10_000, 11_000), "o2": (5_000, 5_500), "o3": (3_000, 3_000)}
        price, stored = prices[offer] if offer else (amount, amount)
        wanted = TopUp(
            member=member,
            offer=offer,
            amount=0 if offer else amount,
            payments=(Offered(tender="cash", amount=price),),
        )
        fact = Fact(f"topup {key}", member, stored, price // 100, self.node.hub)

        def run(tx: Writer, act: Act) -> Any:
            answer = pay_topup(tx, act, wanted, till=TILL, key=key)
            fact.points = answer["points"]
            if not answer.get("replayed"):
                self.name(fact, answer["topup"])
            return answer

        self.attempt(fact, run)

    def name(self, fact: Fact, name: str) -> None:
        """Know a fact by the id that stands in its event."""
        self.world.facts.pop(fact.id, None)
        fact.id = name
        self.world.facts[name] = fact

    def order(self, member: str | None) -> None:
        """Open a bill and put something on it; a member's money is asked for from elsewhere."""
        ticket = self.new_id()
        lines = [(self.new_id(), item) for item in self._items()]

        def run(tx: Writer, act: Act) -> bool:
            open_ticket(tx, act, ticket=ticket, member=member)
            for line, item in lines:
                add_line(tx, act, ticket=ticket, line=line, item=item)
            if member and follow(tx, act, member=member, why="bill") is not None:
                self.world.happened["wish"] += 1
            return True

        if self.node.write(run):
            self.bills[ticket] = member

    def sell_for_cash(self) -> None:
        """Sell something to somebody nobody knows."""
        before = set(self.bills)
        self.order(None)
        for ticket in set(self.bills) - before:
            self.pay(ticket)

    def _items(self) -> list[str]:
        return [
            self.world.chance.choice(ITEMS) for _ in range(self.world.chance.choice((1, 2)))
        ]

    def pay(self, ticket: str) -> None:
        """Settle a bill: from the balance as far as it reaches, the rest in cash."""
        member, key = self.bills.pop(ticket), self.new_id()
        fact = Fact(ticket, member or "", 0, 0, self.node.hub)
        seen: dict[str, Any] = {}

        def run(tx: Writer, act: Act) -> Any:
            if not seen:  # A second try asks for what the first one asked for.
                found = read_ticket(tx, ticket)
                saved = suggest(tx, act, found)
                seen["version"], seen["saved"] = found.version, saved
                seen["total"] = found.bill.total
            saved, cash = seen["saved"], seen["total"] - seen["saved"]
            fact.stored, fact.points = -saved, cash // 100
            offered = [Offered(tender=SAVED, amount=saved)] if saved else []
            offered += [Offered(tender="cash", amount=cash)] if cash else []
            # A relative's bill is paid from the holder's account, and earns there.
            account = account_of(tx, read_ticket(tx, ticket).row)
            answer = pay_ticket(
                tx,
                act,
                ticket=ticket,
                version=seen["version"],
                till=TILL,
                payments=tuple(offered),
                key=key,
            )
            fact.points = answer["points"]
            if not answer.get("replayed"):
                fact.member = account or ""
            return answer

        answer = self.attempt(fact, run)
        if answer is not None and fact.stored:
            self.paid.append(ticket)
            self.world.happened["spent"] += 1

    def reverse(self, ticket: str) -> None:
        """Take a settled bill back."""
        self.paid.remove(ticket)
        sale, key = self.world.facts[ticket], self.new_id()
        fact = Fact(f"reversal {key}", sale.member, -sale.stored, 0, self.node.hub)

        def run(tx: Writer, act: Act) -> Any:
            answer = reverse_ticket(tx, act, ticket=ticket, till=TILL, reason="错单", key=key)
            if not answer.get("replayed"):
                fact.points = answer["points_short"] - answer["points"]
                self.name(fact, answer["reversal"])
            return answer

        self.attempt(fact, run)

    def spend_unknown(self, member: str, amount: int) -> None:
        """A newer version spends in a way that nobody else can read; its envelope speaks."""
        sale = self.new_id()
        fact = Fact(sale, member, -amount, 0, self.node.hub)

        def run(tx: Writer, act: Act) -> bool:
            place = act.journal.identity.place
            legs = plan_spend(
                holdings(tx, member, place), amount, store=act.store, date=act.date
            )
            body = FromTheFuture(sale=sale, member=member)
            act.append(tx, body, postings=spend(member, place, legs))
            return True

        if self.attempt(fact, run):
            self.world.happened["unknown kind"] += 1

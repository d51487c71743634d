"""What shops do beside selling from a balance: passes, returns, advances, points that end.

Only a profile with a share of `deal` has any of it, so that the histories of the others stay
what they are. What a person is told at a till is taken from the verb's own answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from cloud.ingest.books import close_day
from core.clock import DAY_MS, HOUR_MS
from core.errors import Refused
from core.feed import publish
from core.journal import Act, drain_all, is_behind
from core.sqlite import Writer
from core.tickets import LineWish
from core.till import Offered
from core.wallet import Asset, ByPass
from hub.checkout import (
    Wanted,
    ask_for_right,
    pay_ticket,
    pay_topup,
    plan_uses,
    possible_coupons,
    propose_passes,
    reverse_ticket,
    reverse_ticket_lines,
    suggest,
)
from hub.tickets import OpenTicket, add_line, open_ticket, open_tickets, read_ticket, void
from hub.wallet import Ahead, Gift, TopUp, elsewhere, end_some, follow, give, layout
from tests.simulation.faults import Place, cut
from tests.simulation.real_hub import RealHub
from tests.simulation.till import SAVED, TILL
from tests.simulation.town import Fact

FLOOR = {"per_member_cents": 30_000, "per_outage_cents": 60_000, "snapshot_age_ms": 30 * DAY_MS}
CHEAPEST = 700
"""In fen: what somebody must have elsewhere for anything to be laid out."""
LEAP_DAYS = (1, 20, 40)
AS_ASKED = 0.4
"""Of the returns: where somebody asked for the right before."""
AT_HOME = 0.7
"""Of the others: in the store that sold it."""
CUT_FOR_IT = 0.7
"""Of the advances: the line is pulled first, for with a line there are none."""
DOCUMENTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("rights", "-", {"floor": FLOOR}),
    ("item", "t", {"code": "t", "name": "按摩", "price": 6_000, "minutes": 30}),
    (
        "offer",
        "visits",
        {
            "name": "三次卡",
            "kind": "pass",
            "price": 6_001,
            "principal": 0,
            "passes": [{"asset": "punches", "units": 3, "paid": 6_001, "categories": ["c1"]}],
        },
    ),
    (
        "offer",
        "hours",
        {
            "name": "时长卡",
            "kind": "pass",
            "price": 9_000,
            "principal": 1_000,
            "term_days": 30,
            "passes": [{"asset": "minutes", "units": 100, "paid": 8_000, "items": ["t"]}],
        },
    ),
)
PRICES = {"visits": 6_001, "hours": 9_000}
STORED = {"visits": 0, "hours": 1_000}
UNITS = {"visits": ("punches", 3), "hours": ("minutes", 100)}
SOLD = ("p", "q", "r", "t", "t")

DEALS = {
    "buy": 6,
    "give": 4,
    "use": 10,
    "lay_out": 8,
    "give_back": 8,
    "ask": 5,
    "end_points": 3,
    "close_day": 2,
    "leap": 1,
}


class Dealings:
    """The bills that were paid so, and what people do with them."""

    def __init__(self, place: Place, members: list[str]) -> None:
        self.place, self.members = place, members
        self.world = place.world
        self.bills: dict[str, tuple[str, tuple[str, ...]]] = {}
        """Paid bills: the number on the paper, and the lines."""
        self.asked: list[tuple[str, RealHub]] = []
        """Bills that a store asked for."""

    def begin(self) -> None:
        """Let head office allow all of it, before its program starts and anything breaks."""
        if not self.world.profile.deal:
            return
        cloud, chance = self.place.cloud, self.world.chance
        cloud.open()
        books = cloud.books
        points = {"ends": "months", "ends_after": 0, "carry_over": chance.random() < 0.3}
        points["on_stored_value"] = chance.random() < 0.5
        told = (("settings", "-", {"receipt_auto_print": False, "points": points}), *DOCUMENTS)

        def tell(tx: Writer) -> None:
            for topic, key, content in told:
                publish(tx, books.act(tx), topic=topic, key=key, content=content)

        books.door.write(tell)
        cloud.platform.close()

    def deal(self) -> None:
        """Do one of these things, now and then."""
        world, chance, members = self.world, self.world.chance, self.members
        if not members or not world.strikes(world.profile.deal):
            return
        hub, member = chance.choice(self.place.hubs), chance.choice(members)
        what = chance.choices(list(DEALS), list(DEALS.values()))[0]
        if what == "close_day":
            self.close_day()
        elif what == "leap":
            world.slept_ms += chance.choice(LEAP_DAYS) * DAY_MS
        elif hub.life is not None and hub.settled() and hub.knows(member):
            try:
                getattr(self, what)(hub, member)
            except Refused as no:
                world.happened[f"{what} refused {no.code}"] += 1

    # Passes.

    def buy(self, hub: RealHub, member: str) -> None:
        """Sell a pass for cash."""
        till, offer = self.place.tills[hub], self.world.chance.choice(list(PRICES))
        key, (asset, units) = till.new_id(), UNITS[offer]
        fact = Fact(f"topup {key}", member, STORED[offer], 0, hub.hub)
        fact.units[asset] = units
        offered = (Offered(tender="cash", amount=PRICES[offer]),)
        wanted = TopUp(member=member, offer=offer, payments=offered)

        def run(tx: Writer, act: Act) -> Any:
            answer = pay_topup(tx, act, wanted, till=TILL, key=key)
            fact.points = answer["points"]
            till.name(fact, answer["topup"])
            return answer

        self._count("pass sold", till.attempt(fact, run))

    def give(self, hub: RealHub, member: str) -> None:
        """Give a coupon: for one piece, or one that takes money off a bill."""
        till, chance = self.place.tills[hub], self.world.chance
        key, worth = till.new_id(), chance.choice((0, 500, 20_000))
        fact = Fact(f"gift {key}", member, 0, 0, hub.hub)
        gift = Gift(
            member=member,
            asset=Asset.COUPONS,
            name="券",
            reason="生日",
            units=chance.choice((1, 1, 2)),
            worth=worth,
            least=chance.choice((0, 3_000)) if worth else 0,
            items=() if chance.random() < 0.5 else ("p", "t"),
        )
        fact.units["coupons"] = gift.units

        def run(tx: Writer, act: Act) -> Any:
            answer = give(tx, act, gift, key=key)
            till.name(fact, answer["lot"])
            return answer

        self._count("pass given", till.attempt(fact, run))

    # Bills.

    def use(self, hub: RealHub, member: str) -> None:
        """Pay a bill by what passes there are, then from the balance, then in cash."""
        self._sell(hub, member, ahead=False)

    def lay_out(self, hub: RealHub, member: str) -> None:
        """Pay a bill from a balance that lies elsewhere, while the line is cut."""
        if hub.hub not in self.world.cut and self.world.chance.random() < CUT_FOR_IT:
            cut(self.place, hub)
        if hub.life is None:
            return
        with hub.box.door.read() as db:
            act = hub.box.act(db)
            known = [each for each in self.members if hub.knows(each)]
            rich = [each for each in known if elsewhere(db, act, each).stored >= CHEAPEST]
        self._sell(hub, self.world.chance.choice(rich or [member]), ahead=True)

    def _sell(self, hub: RealHub, member: str, *, ahead: bool) -> None:
        till, chance = self.place.tills[hub], self.world.chance
        ticket, key = till.new_id(), till.new_id()
        pieces = 1 if ahead else chance.choice((1, 2, 4))
        lines = [(till.new_id(), chance.choice(SOLD)) for _ in range(pieces)]
        coupons, in_cash = chance.randrange(3), chance.choice((0, 0, 1_000))

        def order(tx: Writer, act: Act) -> bool:
            open_ticket(tx, act, ticket=ticket, member=member)
            for line, item in lines:
                add_line(tx, act, ticket=ticket, line=line, item=item)
            follow(tx, act, member=member, why="bill")
            return True

        if not hub.write(order):
            return
        fact = Fact(ticket, member, 0, 0, hub.hub)
        seen: dict[str, Any] = {}

        def run(tx: Writer, act: Act) -> Any:
            if not seen:  # A second try asks for what the first one asked for.
                found = read_ticket(tx, ticket)
                seen["version"] = found.version
                seen.update(
                    _ahead(tx, act, found, member, connected=hub.live)
                    if ahead
                    else _offered(tx, act, found, coupons=coupons, in_cash=in_cash)
                )
            answer = pay_ticket(tx, act, ticket=ticket, till=TILL, key=key, **seen)
            self.bills[ticket] = answer["number"], tuple(line for line, _item in lines)
            _told(fact, answer, sign=-1)
            fact.points = answer["points"]
            return answer

        what = "laid out" if ahead else "spent"
        self._count(what, till.attempt(fact, run))

    def ask(self, hub: RealHub, _member: str) -> None:
        """Ask for a bill of whatever store, to reverse it here."""
        if not self.bills:
            return
        ticket = self.world.chance.choice(list(self.bills))
        number, _lines = self.bills[ticket]
        if hub.write(partial(ask_for_right, number=number, connected=hub.live)):
            self.asked.append((ticket, hub))
            self.world.happened["right asked for"] += 1

    def give_back(self, hub: RealHub, _member: str) -> None:
        """Reverse a bill, or lines of it, in whatever store; it refuses what it may not."""
        chance = self.world.chance
        if not self.bills:
            return
        ticket = chance.choice(list(self.bills))
        if self.asked and chance.random() < AS_ASKED:
            ticket, hub = chance.choice(self.asked)
        elif chance.random() < AT_HOME and ticket in self.world.facts:
            home = self.world.facts[ticket].hub
            hub = next((each for each in self.place.hubs if each.hub == home), hub)
        if hub.life is None:
            return
        till, (_number, lines) = self.place.tills[hub], self.bills[ticket]
        key, sale = till.new_id(), self.world.facts.get(ticket)
        fact = Fact(f"reversal {key}", sale.member if sale else "", 0, 0, hub.hub)
        same = {"ticket": ticket, "till": TILL, "reason": "退", "key": key}
        verb: Callable[..., Any] = reverse_ticket
        if chance.random() < 0.75:
            verb = partial(reverse_ticket_lines, wanted=Wanted(lines=self._wishes(lines)))

        def run(tx: Writer, act: Act) -> Any:
            answer = verb(tx, act, **same)
            _told(fact, answer, sign=1)
            fact.points = answer["points_short"] - answer["points"]
            till.name(fact, answer["reversal"])
            return answer

        if self._count("returned", till.attempt(fact, run)):
            is_away = sale is not None and sale.hub != hub.hub
            self.world.happened["returned elsewhere"] += is_away

    def _wishes(self, lines: Iterable[str]) -> tuple[LineWish, ...] | None:
        chance = self.world.chance
        wishes = tuple(
            LineWish(
                line=line,
                quantity=chance.choice((None, 0, 1)),
                amount=chance.choice((None, None, chance.randrange(1, 4_000))),
            )
            for line in lines
            if chance.random() < 0.6
        )
        return wishes or None

    # Days.

    def end_points(self, hub: RealHub, _member: str) -> None:
        """Close the day of a store, as the program's job does."""
        box = hub.box

        def work() -> int:
            drain_all(box.door, box.parts)
            ended: int = box.door.write(lambda tx: end_some(tx, box.act(tx)))
            return ended

        self.world.happened["points ended"] += hub.guarded(work) or 0

    def close_day(self) -> None:
        """Close the day of head office, as its clerk does once history is written."""
        cloud = self.place.cloud
        if cloud.life is None:
            return

        def work() -> None:
            with cloud.books.door.read() as db:
                behind = is_behind(db)
            done = None if behind else close_day(cloud.platform, cloud.books, closed="")
            if done is not None:
                self.world.happened["day closed"] += 1
                cloud.exchange.told(done[1], self.world.now)
                cloud.carry(cloud.merchant)

        cloud.guarded(work)

    def close_up(self) -> None:
        """Let the evening come, once all is healed: open bills are given up, people go home.

        Whoever is still served keeps what they have, and what they owe is called in no more
        than once an hour, when anything at all is heard of a store.
        """
        if not self.world.profile.deal:
            return
        self.world.slept_ms += HOUR_MS
        for hub in self.place.hubs:
            if hub.life is not None and hub.settled():
                with suppress(Refused):
                    hub.write(_give_up)
                    self.place.tills[hub].bills.clear()
                    self.place.tills[hub].sell_for_cash()

    def _count(self, what: str, answer: Any) -> bool:
        self.world.happened[what] += answer is not None
        return answer is not None


def _give_up(tx: Writer, act: Act) -> bool:
    for bill in open_tickets(tx):
        void(tx, act, ticket=bill["id"], reason="没付")
    return True


def _offered(
    tx: Writer, act: Act, found: OpenTicket, *, coupons: int, in_cash: int
) -> dict[str, Any]:
    """Return how a bill is paid by passes, by up to `coupons` coupons, and by money."""
    wishes: list[ByPass] = []
    for wish in [*possible_coupons(tx, act, found)[:coupons], *propose_passes(tx, act, found)]:
        # A coupon for a piece leaves one less for a visit; what does not fit is left out.
        with suppress(Refused):
            plan_uses(tx, act, found, [*wishes, wish])
            wishes.append(wish)
    rest = found.bill.total - sum(use.cents for use in plan_uses(tx, act, found, wishes))
    saved = min(suggest(tx, act, found), max(0, rest - in_cash))
    tenders = ((SAVED, saved), ("cash", rest - saved))
    money = [Offered(tender=tender, amount=amount) for tender, amount in tenders if amount]
    return {"payments": (*wishes, *money)}


def _ahead(
    tx: Writer, act: Act, found: OpenTicket, member: str, *, connected: bool
) -> dict[str, Any]:
    """Return how a bill is paid from a balance that lies elsewhere."""
    due = found.bill.total
    missing = layout(tx, act, member=member, due=due, connected=connected)
    paid: dict[str, Any] = {"payments": (Offered(tender=SAVED, amount=due),)}
    if missing.why == "enough":
        raise Refused("enough")
    return paid | {"ahead": Ahead(amount=missing.amount, connected=connected)}


def _told(fact: Fact, answer: Mapping[str, Any], *, sign: int) -> None:
    """Take from an answer what a member was told that it cost, or gave back."""
    fact.member = answer["payer"] or answer["member"] or ""
    fact.stored = 0
    fact.units.clear()
    for payment in answer["payments"]:
        if payment["tender"] == SAVED:
            fact.stored += sign * payment["amount_cents"]
        else:
            fact.units[payment["tender"]] += sign * payment["units"]

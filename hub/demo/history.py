"""A month at the made-up shop, day by day and in the order of time, by the shop's own verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date as calendar_date
from datetime import datetime, timedelta
from functools import partial
from random import Random
from zoneinfo import ZoneInfo

from core.catalog import Item, ItemKind, StockCounted
from core.clock import HOUR_MS, MINUTE_MS, ManualClock
from core.journal import Act
from core.sqlite import Writer
from core.till import STORED_VALUE, Offered
from hub import checkout, members, tickets, till, wallet
from hub.box import Box
from hub.demo import shop
from hub.demo.people import Person

CARD_FIRST = 8_800_000_001
FLOAT_CENTS = 50_000
OPENS_MS = 10 * HOUR_MS
OPEN_FOR_MS = 13 * HOUR_MS
MEMBERS_SHARE = 0.72
"""Of the bills; the others are walk-ins'."""
TOPUP_WEIGHTS = {
    "topup500": 30,
    "topup1000": 28,
    "topup2000": 12,
    "topup3000": 6,
    "gold": 6,
    "trial": 8,
    "": 30,
}
CATEGORY_OF_TOPUP = {"topup2000": 1, "topup3000": 3, "gold": 2}
TENDER_WEIGHTS = {"cash": 30, "wechat": 45, "alipay": 15, "bank_card": 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much happens."""

    people: tuple[Person, ...]
    days: int
    sales: int
    sale_days: int


class Month:
    """Who knows the shop's clock, dice and members."""

    def __init__(self, box: Box, clock: ManualClock, chance: Random) -> None:
        self._box = box
        self._clock = clock
        self._chance = chance
        self._items = shop.items()
        self._members: list[str] = []
        self._cashiers = _keys_of("cashier")
        self._technicians = _keys_of("technician")

    def live(self, plan: Plan, *, last: calendar_date) -> list[str]:
        """Let the days up to `last` pass; return the members' card numbers."""
        days = [last - timedelta(days=ago) for ago in range(plan.days - 1, -1, -1)]
        joined = sorted(self._chance.randrange(len(days)) for _person in plan.people)
        first_sale_day = max(0, len(days) - plan.sale_days)
        sold = sorted(
            self._chance.randrange(first_sale_day, len(days)) for _sale in range(plan.sales)
        )
        cards = [f"{CARD_FIRST + position:010}" for position in range(len(plan.people))]
        newcomers = list(zip(joined, plan.people, cards, strict=True))
        for position, day in enumerate(days):
            self._day(
                day,
                [(person, card) for at, person, card in newcomers if at == position],
                sales=sold.count(position),
                stock=position == 0,
            )
        return cards

    def _day(
        self,
        day: calendar_date,
        newcomers: list[tuple[Person, str]],
        *,
        sales: int,
        stock: bool,
    ) -> None:
        began = _instant(day) + OPENS_MS
        happens: list[tuple[int, Callable[[Writer], None]]] = [
            (self._time(began), partial(self._join, person=person, card=card))
            for person, card in newcomers
        ]
        happens += [(self._time(began), self._sell) for _sale in range(sales)]
        if sales and self._chance.random() < 0.3:
            happens.append((self._time(began), self._give_up))
        if sales and self._chance.random() < 0.15:
            happens.append((self._time(began), self._open_drawer))
        happens.sort(key=lambda act: act[0])

        def live(tx: Writer) -> None:
            self._clock.at = began - 10 * MINUTE_MS
            if stock:
                self._count_stock(tx)
            self._open(tx)
            for at, act in happens:
                self._clock.at = at
                act(tx)
            self._clock.at = began + OPEN_FOR_MS + 20 * MINUTE_MS
            self._close(tx)

        self._box.door.write(live)

    def _time(self, began: int) -> int:
        """Return a moment of the day; evenings are busiest."""
        return began + int(self._chance.triangular(0, OPEN_FOR_MS, OPEN_FOR_MS * 0.75))

    def _act(self, tx: Writer, actor: str | None = None) -> Act:
        return self._box.act(tx, actor=actor or self._chance.choice(self._cashiers))

    def _count_stock(self, tx: Writer) -> None:
        act = self._act(tx, _keys_of("manager")[0])
        for item, pieces in shop.stock().items():
            act.append(tx, StockCounted(item=item, change=pieces, reason="开业盘点"))

    def _open(self, tx: Writer) -> None:
        for name, cashier in zip(shop.TILLS, self._cashiers, strict=False):
            act = self._act(tx, cashier)
            till.open_period(tx, act, till=name, float_cents=FLOAT_CENTS)

    def _close(self, tx: Writer) -> None:
        for name, cashier in zip(shop.TILLS, self._cashiers, strict=False):
            act = self._act(tx, cashier)
            expected = till.read_report(tx, act, till.require_period(tx, act, name)).expected
            # Now and then somebody gave five yuan too much or too little.
            wrong = self._chance.choice((-500, 500)) if self._chance.random() < 0.08 else 0
            note = "找零出错" if wrong else ""
            till.close_period(tx, act, till=name, counted=expected + wrong, note=note)

    def _join(self, tx: Writer, *, person: Person, card: str) -> None:
        act = self._act(tx)
        offer = self._pick(TOPUP_WEIGHTS)
        member = members.register(
            tx,
            act,
            members.Application(
                profile=members.Profile(
                    name=person.name,
                    phone=person.phone,
                    gender=person.gender,
                    birthday=person.birthday,
                    note=person.note,
                ),
                category=shop.MEMBER_CATEGORIES[CATEGORY_OF_TOPUP.get(offer, 0)],
                card=card,
            ),
        )
        self._members.append(member)
        if offer:
            price = dict(shop.OFFERS)[offer].price
            wallet.top_up(
                tx,
                act,
                wallet.TopUp(member=member, offer=offer, payments=(self._tender(price),)),
                topup=act.new_id(),
                till=self._chance.choice(shop.TILLS),
            )

    def _sell(self, tx: Writer) -> None:
        act = self._act(tx)
        whose = self._chance.random() < MEMBERS_SHARE and self._members
        member = self._chance.choice(self._members) if whose else None
        ticket = self._write_bill(tx, act, member)
        found = tickets.read_ticket(tx, ticket)
        stored = checkout.suggest(tx, act, found)
        payments = [Offered(tender=STORED_VALUE, amount=stored)] if stored else []
        if rest := found.bill.total - stored:
            payments.append(self._tender(rest))
        place = self._chance.choice(shop.TILLS)
        checkout.settle(
            tx,
            act,
            ticket=ticket,
            version=found.version,
            till=place,
            payments=tuple(payments),
        )
        if self._chance.random() < 0.02:
            self._clock.advance(3 * MINUTE_MS)
            again = self._act(tx, _keys_of("manager")[0])
            reversal, reason = again.new_id(), "项目点错，重新开单"
            checkout.reverse(
                tx, again, ticket=ticket, reversal=reversal, till=place, reason=reason
            )

    def _give_up(self, tx: Writer) -> None:
        act = self._act(tx)
        tickets.void(tx, act, ticket=self._write_bill(tx, act, None), reason="顾客改天再来")

    def _open_drawer(self, tx: Writer) -> None:
        till.note_drawer(tx, self._act(tx), till=shop.TILLS[0], reason="换零钱")

    def _write_bill(self, tx: Writer, act: Act, member: str | None) -> str:
        ticket = act.new_id()
        tickets.open_ticket(tx, act, ticket=ticket, member=member)
        for key, item in self._wanted():
            line = act.new_id()
            tickets.add_line(tx, act, ticket=ticket, line=line, item=key)
            if item.kind is ItemKind.SERVICE:
                who = self._chance.choice(self._technicians)
                tickets.staff_line(tx, act, ticket=ticket, line=line, staff_id=who)
        return ticket

    def _wanted(self) -> list[tuple[str, Item]]:
        """Return one or two services and perhaps something to drink or to take home."""
        services = [(k, i) for k, i in self._items.items() if i.kind is ItemKind.SERVICE]
        products = [(k, i) for k, i in self._items.items() if i.kind is ItemKind.PRODUCT]
        wanted = self._chance.sample(services, self._chance.choice((1, 1, 1, 2)))
        return wanted + self._chance.sample(products, self._chance.choice((0, 0, 1, 1, 2)))

    def _tender(self, amount: int) -> Offered:
        tender = self._pick(TENDER_WEIGHTS)
        handed = -(-amount // 5_000) * 5_000 if tender == "cash" else None
        return Offered(tender=tender, amount=amount, tendered=handed)

    def _pick(self, weights: dict[str, int]) -> str:
        return self._chance.choices(list(weights), list(weights.values()))[0]


def _keys_of(role: str) -> list[str]:
    return [
        shop.staff_key(position)
        for position, (held, _name) in enumerate(shop.PEOPLE, start=1)
        if held == role
    ]


def _instant(day: calendar_date) -> int:
    """Return the midnight (ms) at which a day begins on the shop's wall."""
    zone = ZoneInfo(shop.store().zone)
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)

"""A box that somebody has taken over gives back no line that head office would count."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from cloud.ingest import differences
from core.journal import Posting
from core.tickets import LineWish, TicketPartReversed, TicketSettled, parts_of, plan_return
from core.wallet import REVENUE, break_up, use_parts
from tests.rights.shops import Shop, sync
from tests.rights.test_taken_over import forge, sale_of, told, total

SPENT, HELD = 9_900, 2_100


@dataclass
class Forged:
    """The reversal of a bill's one line as a box would write it, to be changed before it is."""

    sale: TicketSettled
    box: Shop
    taker: str
    parts: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    amount: int = SPENT
    travelled: bool = False
    total: int = SPENT
    number: int = 0

    def __post_init__(self):
        wish = LineWish(line=self.sale.lines[0].line)
        self.parts = parts_of(self.sale)
        self.planned = plan_return(self.sale, self.parts, [wish])
        self.used = dict(self.planned.used)

    def write(self):
        self.number += 1
        bill, place = self.sale.ticket, self.box.place
        lot = self.sale.payments[0].legs[0][1]
        body = TicketPartReversed(
            ticket=bill,
            number=self.sale.number,
            reversal=f"r{self.number}",
            member=self.sale.member,
            period=self.sale.period,
            reason="x",
            lines=self.planned.lines,
            total=self.total,
            payments=self.planned.payments,
        )
        forge(
            self.box,
            body,
            [
                *break_up(bill, place, self.parts, travelled=self.travelled),
                *use_parts(bill, place, self.used),
                Posting(REVENUE, "principal", lot, -self.amount),
                Posting(f"member/{self.taker}/{place}", "principal", lot, self.amount),
            ],
        )


@pytest.fixture
def forged(desk, first, second):
    """The reversal of a bill of ¥99 that the first store sold to a member out of ¥120."""
    member = first.register()
    first.fill(member, offer="week")
    ticket = first.spend(member)
    sync(desk, first, second)
    _event, sale = sale_of(first, ticket)
    return Forged(sale=sale, box=first, taker=member)


def test_as_it_is_it_counts(platform, merchant, desk, first, forged):
    forged.write()
    sync(desk, first)
    assert told(desk) == []
    assert total(merchant, forged.taker) == HELD + SPENT
    assert differences(platform, merchant) == []


def parts_that_are_not_the_bills(forged, _other):
    forged.parts = {name: amount * 100 for name, amount in forged.parts.items()}


def more_than_its_parts(forged, _other):
    forged.amount = 2 * SPENT


def parts_of_another_tender(forged, _other):
    forged.used = {n: a for n, a in forged.used.items() if not n.startswith("value.")}


def another_sum_than_it_says(forged, _other):
    forged.total = SPENT - 1


def to_somebody_else(forged, _other):
    forged.taker = forged.box.register("王强")


def in_a_store_that_never_had_the_right(forged, other):
    forged.box = other


def with_a_right_that_never_came(forged, other):
    forged.box, forged.travelled = other, True


@pytest.mark.parametrize(
    "change",
    [
        parts_that_are_not_the_bills,
        more_than_its_parts,
        parts_of_another_tender,
        another_sum_than_it_says,
        to_somebody_else,
        in_a_store_that_never_had_the_right,
        with_a_right_that_never_came,
    ],
)
def test_changed_it_counts_nowhere(platform, merchant, desk, first, second, forged, change):
    member = forged.taker
    change(forged, second)
    forged.write()
    sync(desk, first, second)
    assert told(desk) == ["set_aside"]
    assert total(merchant, member) == HELD
    assert differences(platform, merchant) == []


def test_a_right_is_broken_once(platform, merchant, desk, first, forged):
    forged.write()
    forged.write()
    sync(desk, first)
    assert told(desk) == ["set_aside"]
    assert total(merchant, forged.taker) == HELD + SPENT
    assert differences(platform, merchant) == []

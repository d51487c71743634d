"""Who owes whom when a pass or laid-out money was used in another store than it was paid in."""

from __future__ import annotations

from cloud.sales.figures import Debt, debts, settled
from core.clock import HOUR_MS
from tests.rights.shops import allow, drained, sync
from tests.rights.test_passes import buy, comes, offer_passes, visit


def owing(merchant, first, second):
    """Return what is owed between the stores, by pair, each called by its letter."""
    drained(merchant)
    names = {"": "office", first.store: "first", second.store: "second"}
    with merchant.door.read() as db:
        owed = settled(debts(db, first="2000-01-01", last="2999-12-31"))
    return [(names[one.owes], names[one.to], one.total, one.passes) for one in owed]


def test_a_visit_used_elsewhere_is_owed_at_what_was_paid_for_it(merchant, desk, first, second):
    offer_passes(merchant)
    sync(desk, first, second)
    member = first.register()
    buy(first, member)
    visit(first, member, times=3)
    sync(desk, first, second)
    assert owing(merchant, first, second) == []
    comes(second, member)
    sync(desk, first, second)
    used = visit(second, member, times=2)
    sync(desk, first, second)
    assert owing(merchant, first, second) == [("first", "second", 16_000, 16_000)]
    second.reverse(used)
    sync(desk, first, second)
    assert owing(merchant, first, second) == []


def test_what_head_office_laid_out_is_owed_it_by_the_store_whose_lot_pays_it_back(
    merchant, desk, first, second
):
    floor = {"per_member_cents": 10_000, "per_outage_cents": 15_000, "snapshot_age_ms": HOUR_MS}
    allow(merchant, floor=floor)
    member = first.register()
    sync(desk, first, second)
    first.fill(member, 30_000)
    sync(desk, first, second)
    second.spend(member, ahead=9_900)
    sync(desk, first, second)
    assert set(owing(merchant, first, second)) == {
        ("first", "office", 9_900, 0),
        ("office", "second", 9_900, 0),
    }


def test_of_a_pair_the_one_with_more_money_to_pay_pays():
    owed = [Debt(owes="a", to="b", passes=300), Debt(owes="b", to="a", principal=200)]
    assert settled(owed) == [Debt(owes="a", to="b", principal=-200, passes=300)]

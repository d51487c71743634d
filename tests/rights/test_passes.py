"""A pass that was sold in one store is used in the other one, and no visit of it twice."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.epochs import close_epoch
from cloud.ingest import differences
from cloud.ingest.tests.stores import Desk
from cloud.members import merge, unmerge
from cloud.members.sql import passes
from cloud.platform.tests.office import merchant_in, office_in
from cloud.rights.service import Correction, correct, set_rights
from core.errors import Refused
from core.feed import publish
from core.members import member_of
from core.statements import statement_of
from core.till import Offered
from core.wallet import (
    CLOUD,
    Asset,
    ByPass,
    Leg,
    Lot,
    PassGiven,
    Rights,
    holdings,
    issue,
    mint_left,
    open_claims,
)
from hub import checkout, tickets, wallet
from tests.rights.shops import TILL, Shop, allow, drained, furnish, sync

TEN = {
    "name": "足疗 10 次卡",
    "kind": "pass",
    "price": 80_000,
    "principal": 0,
    "passes": [{"asset": "punches", "units": 10, "paid": 80_000, "items": ["i1"]}],
}


@pytest.fixture
def both(merchant, desk, first, second):
    offer_passes(merchant)
    sync(desk, first, second)
    return first, second


def offer_passes(merchant):
    merchant.door.write(
        lambda tx: publish(tx, merchant.act(tx), topic="offer", key="ten", content=TEN)
    )


def buy(shop, member):
    wanted = wallet.TopUp(
        member=member,
        offer="ten",
        payments=(Offered(tender="cash", amount=TEN["price"]),),
    )
    return shop.do(
        lambda tx, act: wallet.top_up(tx, act, wanted, topup=act.new_id(), till=TILL)
    )


def visit(shop, member, *, times=1):
    """Use so many visits on one bill; return its id."""

    def settle(tx, act):
        ticket = act.new_id()
        tickets.open_ticket(tx, act, ticket=ticket, member=member)
        line = act.new_id()
        tickets.add_line(tx, act, ticket=ticket, line=line, item="i1", quantity=times)
        found = tickets.read_ticket(tx, ticket)
        checkout.settle(
            tx,
            act,
            ticket=ticket,
            version=found.version,
            till=TILL,
            payments=(ByPass(asset=Asset.PUNCHES, line=line, quantity=times),),
        )
        return ticket

    return shop.do(settle)


def comes(shop, member):
    """Let the member be recognised, so that what they have elsewhere is asked for."""
    shop.do(lambda tx, act: wallet.follow(tx, act, member=member, why=wallet.RECOGNISED))


def seen(shop, member):
    """Return what the shop says of the member's pass: here, and in all."""
    held = shop.do(lambda tx, act: wallet.held_passes(tx, act, member))
    return [(one.lot.name, one.here, one.total) for one in held]


def in_pool(merchant, member):
    with merchant.door.read() as db:
        held = holdings(db, member, CLOUD)
        return {h.name: h.amount for h in held if h.asset is Asset.PUNCHES}


def test_a_pass_of_one_store_is_used_in_the_other(merchant, desk, both):
    first, second = both
    member = first.register()
    buy(first, member)
    visit(first, member, times=3)
    sync(desk, first, second)
    # The second store has never had it, and still knows what it is and how much is left.
    assert seen(second, member) == [("足疗 10 次卡", 0, 7)]
    comes(second, member)
    sync(desk, first, second)
    assert seen(second, member) == [("足疗 10 次卡", 7, 7)]
    assert seen(first, member) == [("足疗 10 次卡", 0, 7)]
    visit(second, member)
    sync(desk, first, second)
    assert seen(first, member) == [("足疗 10 次卡", 0, 6)]
    assert differences(desk.platform, merchant) == []
    assert desk.alarms() == []


def test_head_office_says_where_the_visits_lie_and_a_statement_counts_them(
    merchant, desk, both
):
    first, second = both
    member = first.register()
    buy(first, member)
    visit(first, member, times=3)
    sync(desk, first, second)
    drained(merchant)
    with merchant.door.read() as db:
        told = statement_of(
            db,
            member_of(db, member),
            merchant="m",
            first="2000-01-01",
            last="2999-12-31",
            at=desk.now,
        )
        lying = [(row["place"], row["name"], row["amount"]) for row in passes(db, member)]
    assert lying == [(first.place, "足疗 10 次卡", 7)]
    assert [one.change.punches for one in told.movements] == [10, -3]
    assert (told.opening.punches, told.closing.punches) == (0, 7)


def test_with_the_line_cut_only_what_lies_here_can_be_used(merchant, desk, both):
    first, second = both
    member = first.register()
    buy(first, member)
    sync(desk, first, second)
    comes(second, member)
    sync(desk, first, second)
    # From here on neither of them hears of the other.
    with pytest.raises(Refused, match="pass_short"):
        visit(first, member)
    for _ in range(10):
        visit(second, member)
    with pytest.raises(Refused, match="pass_short"):
        visit(second, member)
    sync(desk, first, second)
    assert seen(first, member) == seen(second, member) == []
    assert differences(desk.platform, merchant) == []


def test_a_bill_paid_by_a_pass_is_reversed_in_the_other_store(merchant, desk, both):
    first, second = both
    member = first.register()
    buy(first, member)
    bill = visit(first, member, times=2)
    number = first.number(bill)
    sync(desk, first, second)
    second.ask_for(number)
    sync(desk, first, second)
    second.reverse(bill)
    sync(desk, first, second)
    assert [total for _name, _here, total in seen(second, member)] == [10]
    assert [here for _name, here, _total in seen(second, member)] == [2]
    assert differences(desk.platform, merchant) == []


def test_a_pass_takes_what_was_paid_for_it_of_the_right_to_fill_wallets(merchant, desk, both):
    first, second = both
    allow(merchant, mint={"limit_cents": 100_000})
    sync(desk, first, second)
    member = first.register()
    buy(first, member)
    with first.door.read() as db:
        assert mint_left(db, first.place) == 20_000
    with pytest.raises(Refused, match="mint_right_spent"):
        buy(first, member)
    sync(desk, first, second)
    assert desk.alarms() == [], "head office counts the same"


@pytest.mark.parametrize("named", [True, False])
def test_visits_that_a_stolen_box_makes_itself_count_nowhere(merchant, desk, both, named):
    first, _second = both
    allow(merchant, mint={"limit_cents": 100_000})
    sync(desk, *both)
    member = first.register()
    made = Lot(lot="made", opened_at=first.clock.at, asset="punches", units=50, name="足疗")
    other = Lot(lot="other", opened_at=first.clock.at, asset="punches", units=1, name="足疗")
    body = PassGiven(member=member, given=made if named else other, reason="x")
    first.append(body, postings=issue(member, first.place, [Leg(Asset.PUNCHES, "made", 50)]))
    sync(desk, *both)
    assert "set_aside" in {kind for kind, _about in desk.alarms()}
    with merchant.door.read() as db:
        assert not db.value("SELECT SUM(amount) FROM holding WHERE asset = 'punches'")


def test_the_visits_of_a_box_that_is_gone_are_used_in_the_other_store(merchant, desk, both):
    first, second = both
    member = first.register()
    buy(first, member)
    sync(desk, first, second)
    visit(first, member, times=4)  # Nobody hears of it: the box is gone.
    close_epoch(desk.platform, first.id, reason="lost")
    desk.exchange.look_again(desk.now)
    desk.carry(merchant.id)
    desk.work()
    assert in_pool(merchant, member) == {"足疗 10 次卡": 10}
    comes(second, member)
    sync(desk, second)
    visit(second, member, times=8)
    sync(desk, second)
    left = seen(second, member)
    assert left == [("足疗 10 次卡", 2, 2)]
    assert differences(desk.platform, merchant) == []


def test_merged_duplicates_have_their_passes_together_and_apart_again(merchant, desk, both):
    first, second = both
    one, other = first.register(), second.register()
    buy(first, one)
    buy(second, other)
    sync(desk, first, second)
    merchant.door.write(
        lambda tx: merge(tx, merchant.act(tx, actor="a1"), loser=other, winner=one)
    )
    merchant.written()
    sync(desk, first, second)
    visit(second, one, times=3)
    sync(desk, first, second)
    assert sorted(total for _name, _here, total in seen(first, one)) == [7, 10]
    merchant.door.write(lambda tx: unmerge(tx, merchant.act(tx, actor="a1"), member=other))
    merchant.written()
    sync(desk, first, second)
    assert [total for _name, _here, total in seen(first, one)] == [10]
    assert [total for _name, _here, total in seen(second, other)] == [7]
    assert differences(desk.platform, merchant) == []


def test_a_card_company_takes_a_ten_visit_card_back(merchant, desk, both):
    first, second = both
    member = first.register()
    topup = buy(first, member).topup
    visit(first, member, times=4)
    sync(desk, first, second)
    drained(merchant)
    wanted = Correction(member=member, reason="银行退单", topup=topup)
    charge = partial(correct, wanted=wanted)
    merchant.door.write(
        lambda tx: set_rights(tx, merchant.act(tx), content=Rights(alone_cents=100_000))
    )
    assert merchant.door.write(lambda tx: charge(tx, merchant.act(tx, actor="a1"))) == "done"
    merchant.written()
    sync(desk, first, second)
    assert seen(first, member) == seen(second, member) == [], "what was left is taken back"
    with merchant.door.read() as db:
        (claim,) = [one for one in open_claims(db, member) if one["asset"] == "punches"]
        assert claim["owed"] == 4, "what was used is the merchant's, and owed"
    with pytest.raises(Refused, match="already_charged"):
        merchant.door.write(lambda tx: charge(tx, merchant.act(tx, actor="a1")))
    assert differences(desk.platform, merchant) == []


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(st.sampled_from(["use", "come", "sync"]), st.booleans()), max_size=14)
)
def test_whatever_happens_ten_visits_are_ten(tmp_path_factory, acts):
    folder = tmp_path_factory.mktemp("passes")
    platform = office_in(folder / "office")
    merchant = merchant_in(platform, stores=("s1", "s2"))
    furnish(merchant)
    offer_passes(merchant)
    desk = Desk(platform)
    shops = [
        Shop(folder, platform, merchant, name=str(n) * 16, store=f"s{n}", seed=n)
        for n in (1, 2)
    ]
    try:
        member = shops[0].register()
        buy(shops[0], member)
        sync(desk, *shops)
        used = 0
        for act, other in acts:
            shop = shops[int(other)]
            if act == "use":
                try:
                    visit(shop, member)
                    used += 1
                except Refused as refused:
                    assert refused.code == "pass_short"
            elif act == "come":
                comes(shop, member)
            else:
                sync(desk, *shops)
        sync(desk, *shops)
        held = seen(shops[0], member)
        assert used + sum(total for _name, _here, total in held) == 10
        assert differences(desk.platform, merchant) == []
    finally:
        for shop in shops:
            shop.close()
        platform.close()

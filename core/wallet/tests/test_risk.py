"""What disasters cost is paid by the member's own pool first, then by the merchant, and told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.journal import assert_balanced
from core.tests.world import open_world
from core.wallet import (
    CLOUD,
    PART,
    RISK,
    Asset,
    Funded,
    Holding,
    Leg,
    SentLegs,
    Voided,
    fund,
    issue,
    plan_taking,
    risk_bookings,
    risk_sums,
    void,
    written_legs,
)

MEMBER, BOX, GONE = "m1", "87aa01b2c3d4e5f6", "87aa01b2c3d4e5f6.2"
P, B = Asset.PRINCIPAL, Asset.BONUS


@pytest.fixture
def world(tmp_path):
    with open_world(tmp_path, [PART]) as world:
        yield world


def held(amount, lot="a", asset=P, opened_at=1, expires=None):
    return Holding(asset=asset, lot=lot, amount=amount, opened_at=opened_at, expires=expires)


def test_the_same_lot_pays_first_and_then_what_ends_soonest():
    pool = [held(50), held(70, "b", opened_at=0), held(60, "c", expires="2026-04-01")]
    assert plan_taking([Leg(P, "a", 150)], pool) == [
        Leg(P, "a", 50),
        Leg(P, "c", 60),
        Leg(P, "b", 40),
    ]


def test_a_lot_that_is_needed_itself_is_not_taken_for_another():
    pool = [held(100, "b"), held(10, "a")]
    missing = [Leg(P, "a", 50), Leg(P, "b", 80)]
    assert plan_taking(missing, pool) == [Leg(P, "a", 10), Leg(P, "b", 100)]


def test_bonus_never_pays_for_principal():
    assert plan_taking([Leg(P, "a", 50)], [held(100, asset=B)]) == []


@given(
    missing=st.lists(
        st.builds(Leg, st.sampled_from([P, B]), st.sampled_from("abc"), st.integers(1, 99)),
        max_size=6,
    ),
    pool=st.dictionaries(
        st.tuples(st.sampled_from([P, B]), st.sampled_from("abcd")), st.integers(0, 99)
    ),
)
def test_no_more_is_taken_than_the_pool_has_and_no_more_than_is_missing(missing, pool):
    holdings = [held(amount, lot, asset) for (asset, lot), amount in pool.items()]
    taken = plan_taking(missing, holdings)
    for leg in taken:
        assert 0 < leg.amount <= pool[leg.asset, leg.lot]
    for asset in (P, B):
        needs = sum(leg.amount for leg in missing if leg.asset is asset)
        has = sum(amount for (kind, _), amount in pool.items() if kind is asset)
        assert sum(leg.amount for leg in taken if leg.asset is asset) == min(needs, has)
    assert_balanced(fund(MEMBER, GONE, legs=missing, taken=taken))


def test_what_is_missing_is_the_merchants_and_stands_in_the_books(world):
    def happen(tx):
        act = world.act()
        legs, sent, taken = [Leg(P, "a", 100)], [("t1", [Leg(P, "a", 5)])], [Leg(P, "b", 30)]
        world.act().append(
            tx,
            Funded(
                member=MEMBER,
                hub=BOX,
                hub_epoch=2,
                legs=written_legs(legs),
                transfers=(SentLegs(transfer="t1", legs=written_legs(sent[0][1])),),
                taken=written_legs(taken),
                reason="late",
                about="e1",
            ),
            postings=[
                *issue(MEMBER, CLOUD, taken),
                *fund(MEMBER, GONE, legs=legs, sent=sent, taken=taken),
            ],
        )
        body = Voided(member=MEMBER, hub=BOX, hub_epoch=2, reason="late")
        act.append(tx, body, postings=void(MEMBER, GONE, legs, sent))

    world.door.write(happen)
    with world.door.read() as db:
        assert risk_sums(db) == {P: 75}
        (row,) = risk_bookings(db, limit=9)
        assert (row["amount"], row["member"], row["hub"], row["hub_epoch"]) == (
            75,
            MEMBER,
            BOX,
            2,
        )
        assert (row["reason"], row["about"]) == ("late", "e1")
        pooled = db.all("SELECT lot, amount FROM holding WHERE place = 'cloud' AND amount > 0")
        assert [tuple(one) for one in pooled] == [("a", 105)]
        assert not db.value("SELECT SUM(amount) FROM transit")
    assert world.differences() == []


def test_one_lot_changed_for_another_costs_nothing():
    postings = fund(MEMBER, GONE, legs=[Leg(P, "a", 9)], taken=[Leg(P, "b", 9)])
    assert sum(posting.amount for posting in postings if posting.account == RISK) == 0

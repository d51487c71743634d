"""The wallet's rules: what is spent, from which lots, and that value is moved, never made."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from core.journal import assert_balanced
from core.organisation import PointsRule
from core.wallet import (
    CLOUD,
    Asset,
    Earning,
    Holding,
    Leg,
    accept,
    available,
    earned,
    earned_by_topup,
    grant,
    issue,
    plan_spend,
    refund,
    release,
    spend,
    withdraw,
)
from core.wallet.accounts import parse_member_account

HERE = "hub-1"
DAY = "2026-11-22"
amounts = st.integers(min_value=0, max_value=1_000_000)
holdings = st.lists(
    st.builds(
        Holding,
        asset=st.sampled_from([Asset.PRINCIPAL, Asset.BONUS, Asset.POINTS]),
        lot=st.uuids().map(str),
        amount=amounts,
        opened_at=st.integers(min_value=0, max_value=10_000),
        expires=st.none() | st.sampled_from(["2026-11-21", "2026-11-22", "2027-01-01"]),
        stores=st.just(()) | st.sampled_from([("s1",), ("s2",), ("s1", "s2")]),
    ),
    max_size=8,
)


def held(asset, amount, *, opened_at=0, expires=None, stores=(), lot="lot"):
    return Holding(
        asset=asset, lot=lot, amount=amount, opened_at=opened_at, expires=expires, stores=stores
    )


@given(holdings, st.integers(min_value=1, max_value=2_000_000), st.booleans())
def test_a_spend_takes_exactly_its_amount_and_never_more_than_a_holding_has(
    mine, amount, bonus_first
):
    usable = available(mine, store="s1", date=DAY)
    try:
        legs = plan_spend(mine, amount, store="s1", date=DAY, bonus_first=bonus_first)
    except Refused as refused:
        assert refused.code == "insufficient_balance"
        stored = sum(h.amount for h in mine if h.asset is not Asset.POINTS)
        assert refused.facts == {
            "available_cents": usable,
            "total_cents": stored,
            "needed_cents": amount,
        }
        assert usable < amount
        return
    assert sum(leg.amount for leg in legs) == amount <= usable
    by_lot = {(h.asset, h.lot): h for h in mine}
    for leg in legs:
        holding = by_lot[leg.asset, leg.lot]
        assert 0 < leg.amount <= holding.amount
        assert leg.asset is not Asset.POINTS
        assert holding.expires is None or holding.expires >= DAY
        assert not holding.stores or "s1" in holding.stores


def test_a_refusal_tells_of_what_lies_elsewhere_and_of_what_cannot_be_spent_here():
    mine = [held(Asset.PRINCIPAL, 50), held(Asset.BONUS, 30, stores=("s2",), lot="b")]
    with pytest.raises(Refused) as caught:
        plan_spend(mine, 60, store="s1", date=DAY, elsewhere=1_000)
    assert caught.value.facts == {
        "available_cents": 50,
        "total_cents": 1_080,
        "needed_cents": 60,
    }


def test_principal_is_spent_before_bonus_and_the_oldest_lot_first():
    mine = [
        held(Asset.BONUS, 100, lot="b"),
        held(Asset.PRINCIPAL, 50, opened_at=2, lot="new"),
        held(Asset.PRINCIPAL, 50, opened_at=1, lot="old"),
    ]
    assert plan_spend(mine, 120, store="s1", date=DAY) == [
        Leg(Asset.PRINCIPAL, "old", 50),
        Leg(Asset.PRINCIPAL, "new", 50),
        Leg(Asset.BONUS, "b", 20),
    ]


def test_a_shop_may_have_bonus_spent_first():
    mine = [held(Asset.PRINCIPAL, 100, lot="p"), held(Asset.BONUS, 30, lot="b")]
    legs = plan_spend(mine, 50, store="s1", date=DAY, bonus_first=True)
    assert legs == [Leg(Asset.BONUS, "b", 30), Leg(Asset.PRINCIPAL, "p", 20)]


def test_what_ends_soonest_is_spent_before_what_never_ends():
    mine = [
        held(Asset.PRINCIPAL, 50, opened_at=1, lot="ever"),
        held(Asset.PRINCIPAL, 50, opened_at=2, lot="soon", expires="2026-12-01"),
    ]
    assert plan_spend(mine, 60, store="s1", date=DAY)[0].lot == "soon"


def test_the_last_day_of_a_card_still_counts_and_the_day_after_does_not():
    mine = [held(Asset.PRINCIPAL, 50, expires=DAY)]
    assert available(mine, store="s1", date=DAY) == 50
    assert available(mine, store="s1", date="2026-11-23") == 0


def test_a_card_of_another_store_cannot_be_spent_here():
    mine = [held(Asset.PRINCIPAL, 50, stores=("s2",))]
    with pytest.raises(Refused, match="insufficient_balance"):
        plan_spend(mine, 1, store="s1", date=DAY)


legs_drawn = st.lists(
    st.builds(
        Leg,
        asset=st.sampled_from(list(Asset)),
        lot=st.sampled_from(["a", "b", "c"]),
        amount=st.integers(min_value=1, max_value=10_000),
    ),
    max_size=6,
)


@given(legs_drawn)
def test_every_movement_sums_to_zero_and_its_way_back_restores_the_member(legs):
    ways = {
        "issue": (issue("m", HERE, legs), withdraw("m", HERE, legs)),
        "spend": (spend("m", HERE, legs), refund("m", HERE, legs)),
        "down": (grant("m", "x", legs), accept("m", CLOUD, "x", legs)),
        "up": (release("m", HERE, "x", legs), accept("m", HERE, "x", legs)),
    }
    for there, back in ways.values():
        assert_balanced(there)
        assert_balanced(back)
        sums = defaultdict(int)
        for posting in (*there, *back):
            sums[posting.account, posting.asset, posting.lot] += posting.amount
        assert not any(sums.values())


@given(legs_drawn)
def test_a_transfer_has_the_cloud_at_one_end(legs):
    places = {
        owner[1]
        for posting in (*grant("m", "x", legs), *accept("m", HERE, "x", legs))
        if (owner := parse_member_account(posting.account))
    }
    assert places <= {CLOUD, HERE}


def test_a_yuan_earns_once_whether_at_the_top_up_or_when_it_is_spent():
    at_topup, when_spent = PointsRule(), PointsRule(on_stored_value=True)
    bill = [Earning(amount=10_000, from_balance=10_000)]
    assert earned_by_topup(at_topup, 10_000, date=DAY) == 100
    assert earned(at_topup, bill, date=DAY) == 0
    assert earned_by_topup(when_spent, 10_000, date=DAY) == 0
    assert earned(when_spent, bill, date=DAY) == 100


@given(
    st.lists(st.tuples(amounts, st.integers(min_value=0, max_value=10)), max_size=5),
    st.integers(min_value=1, max_value=10_000),
    st.integers(min_value=0, max_value=50),
)
def test_points_are_rounded_down_once_over_the_whole_bill(lines, per_cents, points):
    rule = PointsRule(per_cents=per_cents, points=points)
    bill = [Earning(amount=amount, times=times) for amount, times in lines]
    whole = sum(amount * times for amount, times in lines) * points
    assert earned(rule, bill, date="2026-11-23") == whole // per_cents


def test_a_double_day_doubles_and_an_item_may_earn_nothing():
    rule = PointsRule(double_weekdays=(6,))
    bill = [Earning(amount=1_000), Earning(amount=5_000, times=0)]
    assert earned(rule, bill, date="2026-11-22") == 20  # a Sunday
    assert earned(rule, bill, date="2026-11-23") == 10

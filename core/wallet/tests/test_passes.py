"""The rules of passes: what pays what, from which lot, and never more than there is."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from core.journal import assert_balanced
from core.wallet import (
    Asset,
    ByPass,
    Holding,
    Leg,
    Lot,
    Payable,
    covers,
    pass_value,
    plan_passes,
    plan_taking,
    propose,
    refund,
    spend,
)

DAY = "2026-11-22"
HERE = "s1"
KINDS = (Asset.PRINCIPAL, Asset.POINTS, Asset.PUNCHES, Asset.MINUTES, Asset.COUPONS)
holdings = st.lists(
    st.builds(
        Holding,
        asset=st.sampled_from(KINDS),
        lot=st.uuids().map(str),
        amount=st.integers(min_value=0, max_value=200),
        opened_at=st.integers(min_value=0, max_value=100),
        expires=st.none() | st.sampled_from(["2026-11-21", DAY, "2027-01-01"]),
        stores=st.just(()) | st.sampled_from([("s1",), ("s2",)]),
        items=st.just(()) | st.sampled_from([("i1",), ("i2", "i3")]),
        categories=st.just(()) | st.just(("c1",)),
    ),
    max_size=8,
)


@st.composite
def bills(draw):
    return [
        line(
            f"l{n}",
            item=draw(st.sampled_from(["i1", "i2", "i3"])),
            category=draw(st.sampled_from(["", "c1"])),
            is_service=draw(st.booleans()),
            quantity=draw(st.integers(1, 5)),
            price=draw(st.integers(0, 30_000)),
            minutes=draw(st.sampled_from([0, 30, 45, 60])),
        )
        for n in range(draw(st.integers(0, 4)))
    ]


def line(name="l0", *, quantity=1, price=9_900, **more):
    told = {"item": "i1", "category": "", "is_service": True, "minutes": 60, **more}
    return Payable(line=name, quantity=quantity, price=price, amount=price * quantity, **told)


def lot(asset, amount, name="lot", **more):
    return Holding(asset=asset, lot=name, amount=amount, opened_at=0, **more)


def plan(held, lines, asked):
    return plan_passes(held, lines, asked, store=HERE, date=DAY)


@given(holdings, bills())
def test_what_is_proposed_can_be_paid_and_takes_no_more_than_lies_here(held, lines):
    proposed = propose(held, lines, store=HERE, date=DAY)
    uses = plan(held, lines, proposed)
    there = {(one.asset, one.lot): one for one in held}
    by_line = {one.line: one for one in lines}
    taken: Counter[tuple[Asset, str]] = Counter()
    paid: Counter[str] = Counter()
    for use in uses:
        holding = there[use.asset, use.lot]
        assert holding.spendable(store=HERE, date=DAY)
        assert covers(holding, by_line[use.line])
        assert use.units > 0
        taken[use.asset, use.lot] += use.units
        paid[use.line] += use.cents
    assert all(units <= there[key].amount for key, units in taken.items())
    pieces = Counter({one.line: 0 for one in lines})
    for one in proposed:
        pieces[one.line] += one.quantity
    for name, count in pieces.items():
        assert count <= by_line[name].quantity
        assert paid[name] == by_line[name].price * count, "a piece is paid whole"
    legs = [use.leg for use in uses]
    assert_balanced([*spend("m", "h", legs), *refund("m", "h", legs)])


@given(holdings, bills(), st.data())
def test_whatever_is_asked_for_takes_what_there_is_or_is_refused(held, lines, data):
    asked = data.draw(
        st.lists(
            st.builds(
                ByPass,
                asset=st.sampled_from(list(Asset)),
                line=st.sampled_from(["", "l0", "l1", "other"]),
                quantity=st.integers(-1, 6),
                lot=st.sampled_from(["", *(one.lot for one in held)]),
            ),
            max_size=4,
        )
    )
    try:
        uses = plan(held, lines, asked)
    except Refused as refused:
        assert refused.code in {"pass_wrong", "pass_short", "coupon_least"}
        return
    taken = Counter()
    for use in uses:
        taken[use.asset, use.lot] += use.units
    there = {(one.asset, one.lot): one.amount for one in held}
    assert all(0 < units <= there[key] for key, units in taken.items())
    assert sum(use.cents for use in uses) <= sum(one.amount for one in lines)


def test_of_two_cards_the_one_that_ends_sooner_pays():
    held = [
        lot(Asset.PUNCHES, 5, "late", expires="2027-06-01"),
        lot(Asset.PUNCHES, 1, "soon", expires="2026-12-01"),
        lot(Asset.PUNCHES, 5, "endless"),
    ]
    uses = plan(held, [line(quantity=3)], [ByPass(asset=Asset.PUNCHES, line="l0", quantity=3)])
    assert [(use.lot, use.units, use.cents) for use in uses] == [
        ("soon", 1, 9_900),
        ("late", 2, 19_800),
    ]


def test_minutes_of_two_cards_pay_one_service_and_its_price_to_the_fen():
    held = [
        lot(Asset.MINUTES, 25, "a", expires="2026-12-01"),
        lot(Asset.MINUTES, 600, "b"),
    ]
    uses = plan(held, [line(price=10_000)], [ByPass(asset=Asset.MINUTES, line="l0")])
    assert [(use.lot, use.units) for use in uses] == [("a", 25), ("b", 35)]
    assert sum(use.cents for use in uses) == 10_000


def test_what_is_not_timed_is_not_paid_by_the_minute():
    held = [lot(Asset.MINUTES, 600)]
    untimed = [line(minutes=0)]
    assert propose(held, untimed, store=HERE, date=DAY) == []
    with pytest.raises(Refused, match="pass_wrong"):
        plan(held, untimed, [ByPass(asset=Asset.MINUTES, line="l0")])


def test_visits_are_proposed_before_minutes_and_coupons_never():
    held = [
        lot(Asset.MINUTES, 600, "m"),
        lot(Asset.PUNCHES, 1, "p"),
        lot(Asset.COUPONS, 9, "c"),
    ]
    assert propose(held, [line(quantity=3)], store=HERE, date=DAY) == [
        ByPass(asset=Asset.PUNCHES, line="l0", quantity=1),
        ByPass(asset=Asset.MINUTES, line="l0", quantity=2),
    ]


def test_a_coupon_takes_off_what_the_visits_leave_and_no_more():
    held = [lot(Asset.PUNCHES, 1, "p"), lot(Asset.COUPONS, 1, "c", worth=5_000, least=9_900)]
    lines = [line("l0"), line("l1", price=3_000, item="tea", is_service=True)]
    asked = [
        ByPass(asset=Asset.COUPONS, lot="c"),
        ByPass(asset=Asset.PUNCHES, line="l0"),
    ]
    assert [(use.lot, use.cents) for use in plan(held, lines, asked)] == [
        ("p", 9_900),
        ("c", 3_000),
    ]


def test_a_loss_of_visits_is_not_paid_for_with_other_visits():
    missing = [Leg(Asset.PUNCHES, "gone", 2), Leg(Asset.PRINCIPAL, "gone", 100)]
    pool = [
        lot(Asset.PUNCHES, 1, "gone"),
        lot(Asset.PUNCHES, 9, "facials"),
        lot(Asset.PRINCIPAL, 500, "money"),
    ]
    assert plan_taking(missing, pool) == [
        Leg(Asset.PUNCHES, "gone", 1),
        Leg(Asset.PRINCIPAL, "money", 100),
    ]


@given(st.integers(1, 100_000), st.integers(1, 1_000), st.data())
def test_parts_of_a_pass_stand_for_no_less_than_was_paid(paid, units, data):
    opened = Lot(lot="x", opened_at=0, asset="punches", units=units, paid=paid)
    first = data.draw(st.integers(0, units))
    parts = pass_value(opened, first) + pass_value(opened, units - first)
    assert paid <= parts <= paid + 1
    assert pass_value(opened, units) == paid

"""Where value comes to rest: never more than there is, and then it rests."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.placement import Seat, split
from core.wallet import STORED_VALUE, Asset, Holding, Leg

TODAY = "2026-03-02"
HOME, SECOND, THIRD, FOURTH = "1" * 16, "2" * 16, "3" * 16, "4" * 16


def lot(name, amount, asset=Asset.PRINCIPAL, **more):
    return Holding(asset=asset, lot=name, amount=amount, opened_at=0, **more)


def seat(hub, weight, *held, online=True):
    return Seat(hub=hub, store=f"s{hub[0]}", weight=weight, online=online, held=held)


def carried_out(seats, pool, planned):
    """Return seats and pool once every move of a plan has arrived."""
    where = {one.hub: {(h.asset, h.lot): h for h in one.held} for one in seats}
    inside = {(h.asset, h.lot): h for h in pool}
    known = {key: h for lots in (*where.values(), inside) for key, h in lots.items()}
    moves = [(inside, where[hub], leg) for hub, legs in planned.grants.items() for leg in legs]
    moves += [
        (where[hub], inside, leg) for hub, legs in planned.recalls.items() for leg in legs
    ]
    for source, target, leg in moves:
        key = (leg.asset, leg.lot)
        assert 0 < leg.amount <= source[key].amount
        source[key] = replace(source[key], amount=source[key].amount - leg.amount)
        before = target[key].amount if key in target else 0
        target[key] = replace(known[key], amount=before + leg.amount)
    rested = [replace(one, held=tuple(where[one.hub].values())) for one in seats]
    return rested, list(inside.values())


def settled(seats, pool):
    """Carry plans out until there is none; each round is a plan of its own."""
    for rounds in range(6):
        planned = split(seats, pool=pool, date=TODAY)
        if not planned.moves:
            return seats, pool, rounds
        seats, pool = carried_out(seats, pool, planned)
    raise AssertionError("it never comes to rest")


def stored(held):
    return sum(one.amount for one in held if one.asset in STORED_VALUE)


def test_nine_tenths_go_to_the_two_stores_that_are_visited_most():
    seats = [seat(HOME, 60), seat(SECOND, 30), seat(THIRD, 10)]
    planned = split(seats, pool=[lot("a", 100_000)], date=TODAY)
    assert {hub: sum(leg.amount for leg in legs) for hub, legs in planned.grants.items()} == {
        HOME: 60_000,
        SECOND: 30_000,
    }
    assert not planned.recalls


def test_what_was_topped_up_in_a_third_store_is_called_in_and_shared_out():
    seats = [seat(HOME, 60), seat(SECOND, 30), seat(THIRD, 0, lot("a", 100_000))]
    planned = split(seats, pool=[], date=TODAY)
    assert planned.recalls == {THIRD: (Leg(Asset.PRINCIPAL, "a", 100_000),)}
    rested, pool, rounds = settled(seats, [])
    assert [stored(one.held) for one in rested] == [60_000, 30_000, 0]
    assert (stored(pool), rounds) == (10_000, 2)


def test_a_first_store_gives_up_no_more_than_another_lacks():
    seats = [seat(HOME, 50, lot("a", 100_000)), seat(SECOND, 50)]
    planned = split(seats, pool=[], date=TODAY)
    assert planned.recalls == {HOME: (Leg(Asset.PRINCIPAL, "a", 55_000),)}


def test_who_visits_one_store_only_leaves_all_of_it_there():
    assert not split([seat(HOME, 90, lot("a", 100_000))], pool=[], date=TODAY).moves


def test_what_is_not_worth_a_message_stays_where_it_is():
    small = [seat(HOME, 60), seat(THIRD, 0, lot("a", 1_999))]
    assert not split(small, pool=[lot("b", 999)], date=TODAY).moves
    little = [seat(HOME, 60, lot("a", 92_000)), seat(THIRD, 0, lot("b", 8_000))]
    assert not split(little, pool=[], date=TODAY).moves


def test_nothing_goes_to_or_comes_from_a_store_that_is_off_the_line():
    seats = [seat(HOME, 60, online=False), seat(THIRD, 0, lot("a", 50_000), online=False)]
    planned = split(seats, pool=[lot("b", 50_000)], date=TODAY)
    assert not planned.moves
    assert planned.waits


def test_who_was_never_seen_is_left_in_the_pool():
    assert not split([seat(HOME, 0)], pool=[lot("a", 50_000)], date=TODAY).moves


def test_a_lot_that_some_stores_only_may_spend_lies_in_those():
    mine = lot("a", 50_000, stores=("s3",))
    planned = split([seat(HOME, 90), seat(THIRD, 10)], pool=[mine], date=TODAY)
    assert set(planned.grants) == {THIRD}
    assert not split([seat(HOME, 90), seat(SECOND, 10)], pool=[mine], date=TODAY).moves


def test_what_has_ended_is_not_carried_about():
    ended = lot("a", 50_000, expires="2026-03-01")
    seats = [seat(HOME, 90), seat(THIRD, 0, ended)]
    assert not split(seats, pool=[lot("b", 50_000, expires="2026-03-01")], date=TODAY).moves


def test_points_go_to_the_first_store_in_one_piece_and_never_by_themselves():
    points = lot("never", 90, Asset.POINTS)
    seats = [seat(HOME, 50), seat(SECOND, 50, points)]
    assert not split(seats, pool=[], date=TODAY).moves
    planned = split([seat(HOME, 60), seat(SECOND, 50)], pool=[points], date=TODAY)
    assert planned.grants == {HOME: (Leg(Asset.POINTS, "never", 90),)}
    away = [seat(HOME, 60), seat(THIRD, 0, lot("a", 9_000), points), seat(SECOND, 1)]
    assert Leg(Asset.POINTS, "never", 90) in split(away, pool=[], date=TODAY).recalls[THIRD]


holdings_drawn = st.lists(
    st.builds(
        lot,
        st.sampled_from("abcdef"),
        st.integers(0, 200_000),
        st.sampled_from(list(Asset)),
        expires=st.sampled_from([None, None, "2026-03-01", "2027-01-01"]),
        stores=st.sampled_from([(), (), ("s2",), ("s1", "s3")]),
    ),
    max_size=6,
    unique_by=lambda h: (h.asset, h.lot),
)


def test_a_pass_goes_whole_to_the_store_that_is_visited_most():
    ten = lot("ten", 10, asset=Asset.PUNCHES)
    planned = split([seat(HOME, 60), seat(SECOND, 40)], pool=[ten], date=TODAY)
    assert planned.grants == {HOME: (Leg(Asset.PUNCHES, "ten", 10),)}


def test_a_pass_without_money_beside_it_is_called_in_from_a_third_store():
    coupon = lot("c", 1, asset=Asset.COUPONS)
    seats = [seat(HOME, 60), seat(SECOND, 30), seat(THIRD, 0, coupon)]
    rested, pool, _rounds = settled(seats, [])
    assert [[one.amount for one in s.held if one.amount] for s in rested] == [[1], [], []]
    assert not [one for one in pool if one.amount]


def test_a_pass_stays_in_the_second_store_and_leaves_one_where_it_does_not_count():
    seats = [seat(HOME, 60), seat(SECOND, 40, lot("ten", 10, asset=Asset.PUNCHES))]
    assert not split(seats, pool=[], date=TODAY).moves
    only = lot("only", 3, asset=Asset.MINUTES, stores=("s2",))
    away = [seat(HOME, 60, only), seat(SECOND, 40)]
    assert split(away, pool=[], date=TODAY).recalls == {HOME: (Leg(Asset.MINUTES, "only", 3),)}


def test_a_pass_waits_in_the_pool_for_its_store_to_be_back():
    ten = lot("ten", 10, asset=Asset.PUNCHES)
    planned = split([seat(HOME, 60, online=False), seat(SECOND, 40)], pool=[ten], date=TODAY)
    assert not planned.moves
    assert planned.waits


@st.composite
def members(draw):
    """A member's value anywhere; a lot is the same wherever a part of it lies."""
    facts = {name: draw(holdings_drawn) for name in (*"1234", "pool")}
    first: dict[str, Holding] = {}
    lots = {
        name: [
            replace(
                one,
                expires=first.setdefault(one.lot, one).expires,
                stores=first.setdefault(one.lot, one).stores,
            )
            for one in held
        ]
        for name, held in facts.items()
    }
    seats = [
        seat(hub, draw(st.integers(0, 300)), *lots[hub[0]], online=draw(st.booleans()))
        for hub in (HOME, SECOND, THIRD, FOURTH)
    ]
    return seats, lots["pool"]


@settings(max_examples=300)
@given(members())
def test_no_plan_moves_more_than_there_is_and_every_plan_ends_in_rest(member):
    seats, pool = member
    before = [*pool, *(one for s in seats for one in s.held)]
    rested, inside, rounds = settled(seats, pool)
    after = [*inside, *(one for s in rested for one in s.held)]
    for asset in Asset:
        held = [sum(h.amount for h in lots if h.asset is asset) for lots in (before, after)]
        assert held[0] == held[1]
    assert all(one.amount >= 0 for one in after)
    assert rounds <= 4, "a pass may come to rest one round after the money"


@settings(max_examples=300)
@given(members())
def test_a_plan_touches_only_stores_that_hear_it(member):
    seats, pool = member
    planned = split(seats, pool=pool, date=TODAY)
    online = {one.hub for one in seats if one.online}
    assert set(planned.grants) <= online
    assert set(planned.recalls) <= online
    assert not any(legs == () for legs in (*planned.grants.values(), *planned.recalls.values()))
    firsts = sorted((s for s in seats if s.weight > 0), key=lambda s: -s.weight)
    assert all(hub in {s.hub for s in firsts} for hub in planned.grants)


def test_the_same_member_gives_the_same_plan_in_any_order_of_stores():
    seats = [seat(HOME, 40, lot("a", 80_000)), seat(SECOND, 40), seat(THIRD, 20, lot("b", 1))]
    pool = [lot("c", 5_000)]
    assert split(seats, pool=pool, date=TODAY) == split(seats[::-1], pool=pool, date=TODAY)

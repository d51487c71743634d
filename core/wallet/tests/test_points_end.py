"""Points end by the month, decided where they lie, and what nobody used may move on."""

from __future__ import annotations

from datetime import date as calendar_date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import DAY_MS
from core.feed import PART as FEED
from core.organisation import PointsRule
from core.tests.world import open_world
from core.wallet import (
    NEVER,
    PART,
    POINTS_GRACE_DAYS,
    Adjusted,
    Asset,
    Leg,
    end_points,
    holdings,
    issue,
    points_end,
    points_lot,
    points_order,
    take,
    withdraw,
)
from core.wallet.points import first_month_kept, next_period

MEMBER = "m1"
A_YEAR = PointsRule(ends="months", ends_after=12)
YEAR_END = PointsRule(ends="year", ends_after=1)
CARRIED = PointsRule(ends="year", ends_after=1, carry_over=True)


@pytest.fixture
def world(tmp_path):
    with open_world(tmp_path, [FEED, PART]) as world:
        yield world


def give(world, amount, rule, member=MEMBER):
    lot = points_lot(rule, date=world.act().date)
    body = Adjusted(member=member, lot=lot, asset="points", amount=amount, reason="送")
    legs = [Leg(Asset.POINTS, lot, amount)]
    world.append(body, postings=issue(member, world.journal.identity.place, legs))
    return lot


def use(world, amount):
    """Take points off at the desk, the soonest to end first."""
    place = world.journal.identity.place
    with world.door.read() as db:
        legs = take(points_order(holdings(db, MEMBER, place)), amount)
    body = Adjusted(
        member=MEMBER, lot=legs[0].lot, asset="points", amount=-amount, reason="换茶"
    )
    world.append(body, postings=withdraw(MEMBER, place, legs))


def go_to(world, date):
    while world.act().date < date:
        world.clock.advance(DAY_MS)


def close_day(world, rule):
    world.drain()
    place = world.journal.identity.place
    return world.write(lambda tx: end_points(tx, world.act(), place=place, rule=rule, limit=10))


def held(world, member=MEMBER):
    with world.door.read() as db:
        found = holdings(db, member, world.journal.identity.place)
    return {one.lot: one.amount for one in found}


def test_points_lie_in_the_month_that_they_end_in():
    assert points_lot(PointsRule(), date="2026-11-22") == NEVER
    assert points_lot(A_YEAR, date="2026-11-22") == "2027-11"
    assert points_lot(PointsRule(ends="months", ends_after=3), date="2026-11-01") == "2027-02"
    assert points_lot(YEAR_END, date="2026-01-01") == "2027-12"
    assert points_lot(PointsRule(ends="year", ends_after=0), date="2026-12-31") == "2026-12"
    ends = [points_end(lot) for lot in ("2028-02", "2027-02", NEVER, "2027-13")]
    assert ends == ["2028-02-29", "2027-02-28", None, None]


@given(st.dates(min_value=calendar_date(2020, 1, 1)), st.integers(1, 120))
def test_a_lot_counts_to_its_last_day_and_the_next_one_begins_after_it(day, months):
    if day.year > 9900:
        day = day.replace(year=2024, day=1)
    rule = PointsRule(ends="months", ends_after=months)
    lot = points_lot(rule, date=day.isoformat())
    last = points_end(lot)
    assert last > day.isoformat()
    assert first_month_kept(date=last) <= lot < next_period(rule, lot, date=last)


def test_points_end_after_the_grace_and_not_a_day_before(world):
    lot = give(world, 300, YEAR_END)
    go_to(world, f"2028-01-{POINTS_GRACE_DAYS:02}")
    assert close_day(world, YEAR_END) == 0
    assert held(world) == {lot: 300}
    world.clock.advance(DAY_MS)
    assert close_day(world, YEAR_END) == 1
    assert held(world) == {}
    assert close_day(world, YEAR_END) == 0, "again does nothing"
    world.drain()
    told = [(row["kind"], row["amount"]) for row in world.rows("movement")]
    assert ("wallet.points_ended", -300) in told
    assert world.differences() == []


def test_points_without_an_end_and_those_of_a_rule_that_is_off_stay(world):
    give(world, 100, PointsRule())
    lot = give(world, 50, A_YEAR)
    go_to(world, "2028-01-01")
    assert close_day(world, PointsRule()) == 0
    assert held(world) == {NEVER: 100, lot: 50}
    close_day(world, A_YEAR)
    assert held(world) == {NEVER: 100}


def test_what_ends_soonest_is_used_first_and_what_never_ends_last(world):
    give(world, 10, PointsRule())
    late = give(world, 20, YEAR_END)
    soon = give(world, 30, PointsRule(ends="months", ends_after=1))
    use(world, 35)
    assert held(world) == {NEVER: 10, late: 15}
    assert soon not in held(world)


def test_what_nobody_used_moves_to_the_next_period_with_a_line_that_shows_it(world):
    lot = give(world, 300, CARRIED)
    go_to(world, "2028-01-08")
    close_day(world, CARRIED)
    assert (lot, held(world)) == ("2027-12", {"2028-12": 300})
    world.drain()
    rows = [row for row in world.rows("movement") if row["kind"] == "wallet.points_carried"]
    assert sorted(row["amount"] for row in rows) == [-300, 300]
    assert world.differences() == []


def test_what_was_used_in_part_ends(world):
    give(world, 300, CARRIED)
    use(world, 1)
    go_to(world, "2028-01-08")
    close_day(world, CARRIED)
    assert held(world) == {}


def test_points_that_were_forgotten_for_years_move_to_a_period_that_still_counts(world):
    give(world, 5, CARRIED)
    go_to(world, "2031-02-01")
    close_day(world, CARRIED)
    assert held(world) == {"2031-12": 5}


def test_a_day_ends_some_members_at_a_time(world):
    for number in range(13):
        give(world, 7, YEAR_END, member=f"m{number:02}")
    go_to(world, "2028-02-01")
    assert [close_day(world, YEAR_END) for _ in range(3)] == [10, 3, 0]

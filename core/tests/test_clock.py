from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.clock import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    BusinessDay,
    ManualClock,
    Quality,
    Reading,
    SystemClock,
    machine_run,
)

YEAR_2001 = 978_307_200_000
YEAR_2100 = 4_102_444_800_000
instants = st.integers(YEAR_2001, YEAR_2100)
zones = st.sampled_from(
    [
        "Asia/Shanghai",
        "Asia/Urumqi",
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",  # turns its clocks at midnight
        "America/St_Johns",  # turned them at one minute past, until 2011
        "Australia/Lord_Howe",  # by half an hour
        "Pacific/Apia",  # left out the 30th of December 2011
    ]
)
days = st.builds(BusinessDay, zones, st.integers(0, 1439))


def at(zone: str, text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def test_a_spa_that_closes_at_two_books_the_small_hours_to_the_evening_before():
    day = BusinessDay("Asia/Shanghai", cutoff_minutes=240)
    assert day.date(at("Asia/Shanghai", "2026-03-01T23:30")) == "2026-03-01"
    assert day.date(at("Asia/Shanghai", "2026-03-02T01:30")) == "2026-03-01"
    assert day.date(at("Asia/Shanghai", "2026-03-02T03:59:59.999")) == "2026-03-01"
    assert day.date(at("Asia/Shanghai", "2026-03-02T04:00")) == "2026-03-02"


def test_without_a_cut_off_the_day_begins_at_midnight_in_the_store():
    day = BusinessDay("Asia/Shanghai")
    assert day.date(at("UTC", "2026-03-01T15:59:59.999")) == "2026-03-01"
    assert day.date(at("UTC", "2026-03-01T16:00")) == "2026-03-02"


def test_the_wall_clock_is_the_store_s():
    local = BusinessDay("Asia/Shanghai").local(at("UTC", "2026-03-01T16:00"))
    assert local.isoformat() == "2026-03-02T00:00:00+08:00"


def test_an_hour_that_comes_twice_does_not_bring_yesterday_back():
    # Berlin, 25 October 2026: at 03:00 the clocks go back to 02:00. The day begins at 02:30.
    day = BusinessDay("Europe/Berlin", cutoff_minutes=150)
    turn = at("UTC", "2026-10-25T01:00")
    assert day.date(turn - HOUR_MS // 2 - 1) == "2026-10-24"
    assert day.date(turn - HOUR_MS // 2) == "2026-10-25"
    assert day.date(turn + MINUTE_MS) == "2026-10-25"


def test_an_hour_that_is_left_out_still_begins_the_day():
    # Berlin, 29 March 2026: at 02:00 the clocks go on to 03:00. The day begins at 02:30.
    day = BusinessDay("Europe/Berlin", cutoff_minutes=150)
    turn = at("UTC", "2026-03-29T01:00")
    assert day.date(turn - 1) == "2026-03-28"
    assert day.date(turn + HOUR_MS // 2) == "2026-03-29"


@given(days, instants, st.integers(0, 3 * DAY_MS))
@example(BusinessDay("Europe/Berlin", 150), at("UTC", "2026-10-25T00:40"), HOUR_MS // 2)
@example(BusinessDay("America/St_Johns", 0), at("UTC", "2009-11-01T02:30:30"), MINUTE_MS)
@settings(max_examples=300)
def test_each_instant_has_one_business_date_and_it_never_goes_back(day, instant, later):
    first, second = day.date(instant), day.date(instant + later)
    assert first <= second
    assert day.date(instant) == first


@given(days, instants)
@settings(max_examples=300)
def test_the_business_date_is_the_date_on_the_wall_less_the_cut_off(day, instant):
    # Away from a turn of the clocks, which moves a day's beginning by an hour at most.
    local = day.local(instant)
    if local.utcoffset() == day.local(instant - DAY_MS).utcoffset():
        minutes = local.hour * 60 + local.minute
        ordinal = local.date().toordinal() - (minutes < day.cutoff_minutes)
        assert day.date(instant) == date.fromordinal(ordinal).isoformat()


def test_the_clock_stands_still_rather_than_going_back():
    clock = SystemClock()
    now = clock.read()
    assert now.quality is Quality.GOOD
    clock.raise_floor(now.at + DAY_MS)
    assert clock.read() == Reading(now.at + DAY_MS, Quality.UNSURE)


def test_a_machine_without_the_time_of_day_starts_at_what_the_journal_has_seen():
    floor = YEAR_2100
    assert SystemClock(floor).read() == Reading(floor, Quality.UNSURE)


def test_a_lower_floor_changes_nothing():
    clock = SystemClock(YEAR_2100)
    clock.raise_floor(YEAR_2001)
    assert clock.read().at == YEAR_2100


@given(st.integers(0, YEAR_2100), st.lists(st.integers(0, YEAR_2100)))
def test_readings_never_go_back_nor_below_a_floor(floor, floors):
    clock, highest = SystemClock(floor), floor
    for raised in floors:
        clock.raise_floor(raised)
        reading = clock.read().at
        assert reading >= max(highest, raised)
        highest = reading


def test_a_wall_clock_that_is_set_back_is_noticed(monkeypatch):
    wall = iter([2_000_000_000, 1_000_000_000, 3_000_000_000])
    monkeypatch.setattr("core.clock.time.time_ns", lambda: next(wall) * 1_000_000)
    clock = SystemClock()
    assert [clock.read() for _ in range(3)] == [
        Reading(2_000_000_000, Quality.GOOD),
        Reading(2_000_000_000, Quality.UNSURE),
        Reading(3_000_000_000, Quality.GOOD),
    ]


def test_a_clock_set_by_hand_moves_only_by_hand():
    clock = ManualClock(1_000, Quality.UNSURE)
    assert clock.read() == clock.read() == Reading(1_000, Quality.UNSURE)
    clock.advance(500)
    clock.raise_floor(1_200)
    assert clock.read().at == 1_500
    clock.raise_floor(9_000)
    assert clock.read().at == 9_000


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Macau"]
)
def test_zones_of_china_are_known_without_the_machine_s_own_list(zone):
    assert BusinessDay(zone).date(YEAR_2001)


def test_one_run_of_the_machine_has_one_name_inside_a_unit_and_outside(monkeypatch):
    seen = machine_run()
    assert len(seen) == 32
    monkeypatch.setattr("core.clock._BOOT_ID", Path("/nowhere"))
    assert machine_run() == ""
    monkeypatch.setenv("DIANSHU_BOOT_ID", seen)
    assert machine_run() == seen

"""The reserve of a disk: real blocks, given in steps, taken again where there is room."""

from __future__ import annotations

import pytest

from core import room
from core.room import FULL, RESERVE_FILE, give, make_room, room_of, tend, why_not
from core.tests.test_door_crashes import fill, small_disk

__all__ = ["small_disk"]


@pytest.fixture
def disk(small_disk):
    """A disk so small that the reserve is small, too, and a file that fills the rest."""
    return small_disk


def held(disk):
    path = disk / RESERVE_FILE
    return path.stat().st_blocks * 512 if path.exists() else 0


def test_a_reserve_takes_room_for_real_and_gives_it_in_steps(disk):
    before = room_of(disk).free
    after = tend(disk)
    assert after.held == after.wanted > 0
    assert before - after.free >= after.wanted
    assert not after.low
    fill(disk)
    assert why_not(disk) == FULL
    steps = []
    while held(disk):
        assert give(disk)
        steps.append(held(disk))
        assert room_of(disk).full
        fill_rest(disk, len(steps))
    assert len(steps) >= room.STEPS
    assert steps == sorted(steps, reverse=True)
    assert not give(disk)
    for filler in (*disk.glob("filled-*"), disk / "ballast"):
        filler.unlink()
    assert tend(disk).held == after.wanted
    assert not tend(disk).full


def fill_rest(disk, number):
    # What was given is used up before the next step is asked for.
    kept = disk / "ballast"
    kept.rename(disk / f"filled-{number}")
    fill(disk)


def test_who_asks_for_a_step_that_another_just_gave_takes_none(disk):
    tend(disk)
    fill(disk)
    assert give(disk)
    once = held(disk)
    assert give(disk)
    assert held(disk) == once


def test_a_program_that_starts_finds_room_as_long_as_there_is_a_reserve(disk, monkeypatch):
    monkeypatch.setattr(room, "PROBE_BYTES", 4096)
    tend(disk)
    fill(disk)
    assert make_room(disk) == ""
    number = 0
    while held(disk):
        fill_rest(disk, number := number + 1)
        make_room(disk)
    fill_rest(disk, number + 1)
    assert make_room(disk) == FULL
    assert not list(disk.glob(".probe*"))


def test_nothing_is_taken_where_there_is_hardly_room_for_it(disk):
    hole = disk / "hole"
    hole.write_bytes(bytes(room_of(disk).free - room_of(disk).wanted))
    assert tend(disk).held == 0
    assert room_of(disk).full

"""The bench's short form for CI: a bit of everything, and that it would find what it seeks.

`./dianshu torture` does the same for three minutes, and with numbers for as long as they take.
"""

from __future__ import annotations

import pytest

from tests.torture import catchup, clocks, crashes, faults, flips, kills, web_kills
from tests.torture.disk_shim import NoCompiler, build
from tests.torture.scenarios import SCENARIOS

pytestmark = pytest.mark.wide

IMAGES = 400
KILLS = 40
FLIPS = 60
FOUND_LEAST = 0.98


@pytest.fixture(scope="module", autouse=True)
def compiler(tmp_path_factory):
    try:
        build(tmp_path_factory.mktemp("shim"))
    except NoCompiler as why:
        pytest.skip(str(why))


@pytest.fixture
def beside():
    with crashes.in_memory() as place:
        yield place


@pytest.mark.feature("SYS-05")
def test_whatever_a_power_cut_leaves_everything_that_was_told_is_there_once(beside):
    outcome = crashes.crash(crashes.record(beside, turns=6), images=IMAGES)
    assert outcome.examples == []
    assert outcome.images == IMAGES
    assert outcome.promises > IMAGES
    assert len(outcome.losses) == 5


def test_without_full_flushes_the_same_bench_finds_what_is_lost(beside):
    recorded = crashes.record(beside, turns=6, synchronous="NORMAL")
    assert crashes.crash(recorded, images=IMAGES // 2).problems["lost"] > 0


def test_whatever_a_hub_dies_in_the_same_key_gives_one_answer_once(beside):
    outcome = kills.kill_all(beside, kills=KILLS)
    assert outcome.examples == []
    assert set(outcome.operations) == set(SCENARIOS)
    assert all(count > 20 for count in outcome.operations.values())
    assert outcome.kills.total() >= KILLS * 0.9
    assert outcome.answered > 0


@pytest.mark.deep
def test_workers_of_the_web_program_die_at_their_nth_operation(beside):
    outcome = web_kills.kill_web(beside, lives=2)
    assert outcome.problems == []
    assert outcome.kills > 2
    assert outcome.replayed > 0


IN_CI = {"no flush", "full ext4"}
"""The shim's and the kernel's ways to break a disk, one of each."""


def each(chosen):
    return pytest.mark.parametrize(
        "fault",
        [
            pytest.param(
                fault, marks=() if fault.name in IN_CI else pytest.mark.deep, id=fault.name
            )
            for fault in chosen
        ],
    )


@each(faults.FAULTS)
def test_a_till_is_told_before_it_takes_money_when_the_disk_is(beside, fault):
    assert faults.by_the_shim(beside, fault) == []


@each(faults.REAL_FAULTS)
def test_a_real_file_system_is(beside, fault):
    try:
        assert faults.on_ext4(beside, fault) == []
    except faults.NotPermitted as why:
        pytest.skip(str(why))


def test_a_clock_that_jumps_turns_neither_order_nor_day_around(beside):
    lived = clocks.jump(beside)
    assert lived.wrong == []
    assert lived.sales == 2 * lived.jumps > 10


@pytest.mark.feature("SYS-05")
@pytest.mark.parametrize("file", [flips.DATABASE, flips.LOG])
def test_a_bit_that_turns_over_is_found_and_goes_nowhere(beside, file):
    outcome = flips.flip_many(beside, file, flips=FLIPS)
    assert outcome.flips == FLIPS
    assert outcome.silent <= (1 - FOUND_LEAST) * FLIPS, outcome.examples
    assert outcome.found > FLIPS / 2
    assert outcome.sent == 0


@pytest.mark.deep
def test_a_store_that_was_cut_off_catches_up_over_a_slow_line(beside):
    caught = catchup.catch_up(beside, days=5, sales_a_day=60)
    assert caught.same
    assert caught.events > 1_500
    # At least as long as the line needs for so many bytes: it was not gone around.
    assert caught.kept_s > caught.up_bytes * 8 / catchup.BITS_A_SECOND

"""The programs' own code over databases in memory: whatever breaks, once healed it adds up.

./dianshu simulate --seeds 100 --workers 2      many more
./dianshu simulate --profile deaths --start 17 --seeds 1      one history again
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime

import msgspec
import pytest

from hub.sync import downlink
from tests.simulation import running
from tests.simulation.adding_up import Ledger, wrong_facts
from tests.simulation.company import Company, live
from tests.simulation.furnished import furnish_new
from tests.simulation.history import Violated
from tests.simulation.profiles import DESTRUCTIVE, EVERYTHING, REAL, WIRE, WORST
from tests.simulation.running import Lived, Seed, corpus, in_turn, live_many, live_one
from tests.simulation.town import Fact

CPU_MINUTES = 4
DAY_SEEDS = 100_000


@pytest.mark.parametrize("profile", REAL, ids=lambda profile: profile.name)
def test_all_adds_up_once_it_is_healed(profile):
    worlds = [live(profile, seed) for seed in range(2)]
    # A history in which nothing happened would prove nothing.
    happened = sum(
        (world.happened for world in worlds), start=worlds[0].happened - worlds[0].happened
    )
    assert happened["spent"] > 2
    assert happened["ask"] > 2


@pytest.mark.parametrize("profile", DESTRUCTIVE, ids=lambda profile: profile.name)
def test_all_adds_up_where_disks_and_boxes_are_lost(profile):
    worlds = [live(profile, seed) for seed in range(3)]
    assert sum(len(world.gone) for world in worlds) > 2


@pytest.mark.parametrize("kept", corpus(), ids=lambda kept: f"{kept.profile} {kept.seed}")
def test_a_seed_that_once_failed_adds_up(kept):
    assert live_one(kept.history).wrong == ""


@pytest.mark.wide
def test_todays_seeds_add_up():
    today = (datetime.now(tz=UTC).toordinal() % 10_000) * DAY_SEEDS
    # Of the world in which every disaster falls on one town a seed is still open
    # (`--profile worst --start 20261142 --seeds 1`), so it is lived on demand.
    profiles = [one.name for one in (*REAL, *DESTRUCTIVE) if one is not WORST]
    began = time.process_time()
    lived = live_many(
        in_turn(profiles, start=today, count=None),
        workers=1,
        until=lambda: time.process_time() - began > CPU_MINUTES * 60,
    )
    failed = [f"{one.history.command}\n{one.wrong}" for one in lived if one.wrong]
    assert failed == []


def test_the_same_seed_gives_the_same_history_in_another_process():
    code = (
        "from tests.simulation.company import live;"
        "from tests.simulation.profiles import EVERYTHING;"
        "print(live(EVERYTHING, 5).digest)"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == live(EVERYTHING, 5).digest


def test_a_history_in_memory_is_the_one_that_files_give():
    digests = []
    for on_files in (False, True):
        begun = furnish_new(3, on_files=on_files)
        try:
            with Company(WIRE, 6, begun=begun) as company:
                company.live()
                digests.append(company.digest())
        finally:
            shutil.rmtree(begun.folder)
    assert digests[0] == digests[1]


def test_a_box_that_never_takes_in_what_it_was_sent_is_found(monkeypatch):
    # The databases' own control: without it an empty history would pass as well.
    monkeypatch.setattr(downlink, "take_in", lambda *_args, **_more: None)
    with pytest.raises(Violated, match="under way"):
        live(WIRE, 1)


def test_a_fact_that_is_nowhere_and_one_that_is_there_twice_are_told():
    with Company(WIRE, 2) as company:
        company.live()
        fact = Fact("a sale that nobody has", "somebody", -100, 1, "hub", told=True)
        company.world.facts[fact.id] = fact
        ledger = Ledger()
        ledger.facts[fact.id] = 2
        found = list(wrong_facts(company.world, ledger))
    assert any("happened 2 times" in line for line in found)
    assert any("told -100, held 0" in line for line in found)


def test_a_failing_seed_is_written_down_with_the_command_that_replays_it(tmp_path):
    lived = Lived(
        history=Seed(profile="deaths", seed=17),
        steps=0,
        cpu_s=0,
        happened=running.Counter(),
        wrong="Violated: profile 'deaths', seed 17\nann: told 5, held 4",
    )
    path = running.keep(lived, tmp_path)
    kept = msgspec.json.decode(path.read_bytes(), type=running.Kept)
    assert kept.history == lived.history
    assert "told 5, held 4" in kept.found
    assert lived.history.command == './dianshu simulate --profile "deaths" --start 17 --seeds 1'

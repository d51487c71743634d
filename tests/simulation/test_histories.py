"""Whatever the network, the disks and the processes do: once healed, everything adds up.

python -m pytest tests/simulation                the seeds of every run
python -m pytest tests/simulation -m deep        many more
./dianshu simulate --profile "lying disk" --start 17 --seeds 1      one history again
"""

from __future__ import annotations

from collections import Counter

import pytest

from core.wallet import Asset, Leg
from tests.simulation.history import (
    ALL,
    CRASHES,
    DISORDER,
    LINES,
    LOSSES,
    LYING_DISK,
    PROFILES,
    History,
    Violated,
)

SEEDS = 60
SEEDS_DEEP = 1_500


def live_all(profile, seeds) -> Counter[str]:
    happened: Counter[str] = Counter()
    for seed in seeds:
        history = History(profile, seed)
        history.live()
        happened += history.world.happened
    return happened


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_all_adds_up_once_it_is_healed(profile):
    happened = live_all(profile, range(SEEDS))
    # A history in which nothing happened would prove nothing.
    assert happened["ask"] > SEEDS
    assert happened["sent on"] > SEEDS / 4
    assert happened["fetch"] > SEEDS / 8


@pytest.mark.deep
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_all_adds_up_over_many_more_seeds(profile):
    live_all(profile, range(SEEDS, SEEDS_DEEP))


def test_the_worst_does_happen():
    happened = live_all(LYING_DISK, range(20)) + live_all(CRASHES, range(20))
    assert happened["crash"] > 40
    assert happened["forgot"] > 3


@pytest.mark.parametrize("profile", [LOSSES, DISORDER, LINES, ALL], ids=lambda p: p.name)
def test_the_same_seed_gives_the_same_history(profile):
    first, second = History(profile, 5), History(profile, 5)
    assert first.live() == second.live()
    for hub in first.hubs:
        assert first.hubs[hub].disk.log.raws == second.hubs[hub].disk.log.raws


def test_a_history_that_does_not_add_up_is_told_with_its_seed():
    history = History(LOSSES, 3)
    history.live()
    history.world.witness("ann", [Leg(Asset.PRINCIPAL, "a lot that nobody has", 1)], 1)
    with pytest.raises(Violated, match=r"profile 'losses', seed 3\nann: told"):
        history.check()

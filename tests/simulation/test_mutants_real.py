"""The towns have teeth: each mistake that is planted in the programs is found by a history."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, killer

NAMED = {"no fence", "accept twice", "counter ids", "no freeze"}


@pytest.mark.wide
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_mistake_is_found(mutant):
    found = killer(mutant)
    assert found is not None, f"nobody noticed: {mutant.name}"


@pytest.mark.parametrize(
    "mutant", [one for one in MUTANTS if one.name in NAMED], ids=lambda mutant: mutant.name
)
def test_some_planted_mistakes_are_found_at_once(mutant):
    assert killer(mutant) is not None


def test_there_are_enough_mistakes_and_each_has_a_name_of_its_own():
    assert len(MUTANTS) >= 14
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert {mutant.name for mutant in MUTANTS} >= NAMED

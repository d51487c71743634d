from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from core.journal.tests.tea_house import TEA_HOUSE
from core.tests.world import World, open_world

# Two cores that are shared with others: how long an example takes says nothing.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path, [TEA_HOUSE]) as world:
        yield world

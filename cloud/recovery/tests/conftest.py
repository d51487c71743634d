from __future__ import annotations

import pytest

from cloud.ingest.tests.conftest import desk, first, merchant, platform, second
from cloud.platform.tests.office import edit
from cloud.recovery.tests.homecoming import TEA, Again, back_up

__all__ = ["desk", "first", "merchant", "platform", "second"]


@pytest.fixture
def backed_up(tmp_path, platform, merchant, desk, first, second):
    """Two stores and a member with 100 yuan in the first; then a backup."""
    member = first.member("李慧敏", "13812342046")
    first.top_up(member, 10_000)
    edit(merchant, topic="item", key="i1", content=TEA)
    desk.dirty[merchant.id] = None
    desk.sync(first, second)
    return member, back_up(platform, tmp_path / "away")


@pytest.fixture
def put_back(tmp_path, platform, backed_up):
    made = []

    def restore_now():
        clock = platform.clock
        platform.close()
        made.append(Again(backed_up[1], tmp_path / "again", clock))
        return made[0]

    yield restore_now
    for one in made:
        one.close()

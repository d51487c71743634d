"""One box that says it remembers what never was holds up its merchant no longer than it must."""

from __future__ import annotations

import pytest

from cloud.epochs import close_epoch
from cloud.ingest.tests.test_rolled_back import TEA, why
from cloud.ingest.tests.test_value import ask
from cloud.platform import find_hub
from cloud.platform.tests.office import edit
from cloud.recovery import awaited_hubs, take_done
from cloud.recovery.returning import UNKNOWN_HUBS_MAX
from cloud.recovery.tests.homecoming import Again, show_papers
from core.enrolment import ReturnDone

FAR = (1 << 63) - 1


class Here(Again):
    """Head office as it stands, which has forgotten nothing."""

    def __init__(self, platform, desk):
        self.platform, self.desk = platform, desk


@pytest.fixture
def here(platform, desk):
    return Here(platform, desk)


def come_home(here, *stores):
    here.look()
    for store in stores:
        here.desk.greet(store)
        here.give_back(store)
    here.desk.sync(*stores)


@pytest.mark.parametrize("lie", [{"feed_pos": FAR}, {"told_acked": FAR}, {"down_n": FAR}])
def test_a_number_without_end_leaves_head_office_going_on(
    merchant, desk, first, second, here, lie
):
    member = first.member("李慧敏")
    first.top_up(member, 10_000)
    desk.sync(first, second)
    desk.greet(first, **lie)
    desk.dirty[merchant.id] = None
    desk.work()
    assert why(here, merchant) == "rolled_back"
    come_home(here, first, second)
    assert why(here, merchant) is None
    edit(merchant, topic="item", key="i1", content=TEA)
    second.fetch(merchant)
    with second.door.read() as db:
        assert db.value("SELECT MAX(pos) FROM feed_document") < 1 << 53
    ask(desk, second, member)
    desk.sync(first, second)
    assert second.held(member) == 10_000
    assert merchant.findings() == []


def test_places_that_no_box_ever_was_hold_up_nobody(
    platform, merchant, desk, first, second, here
):
    desk.sync(first, second)
    desk.greet(first, told_acked=FAR)
    here.look()
    with platform.door.read() as db:
        hub = find_hub(db, first.id)
    show_papers(platform, first)
    made_up = tuple(f"{number:016x}.1" for number in range(2_000))
    take_done(
        platform, hub, ReturnDone(n=first.hello().n, down_n=first.down_seq, places=made_up)
    )
    with platform.door.read() as db:
        assert len(awaited_hubs(db, merchant.id)) <= 2 + UNKNOWN_HUBS_MAX


def test_a_box_that_lies_is_shut_out_as_stolen_and_nobody_waits_for_it_any_more(
    platform, merchant, desk, first, second, here
):
    desk.sync(first, second)
    desk.greet(first, told_acked=FAR)
    here.look()
    assert why(here, merchant) == "rolled_back"
    come_home(here, second)
    assert why(here, merchant) == "rolled_back", "the first is still waited for"
    close_epoch(platform, first.id, reason="stolen")
    desk.sync(second)
    assert why(here, merchant) is None
    desk.greet(first, told_acked=FAR)
    here.look()
    assert why(here, merchant) is None, "a box that is shut out is believed nothing"
    member = second.member("李慧敏")
    second.top_up(member, 10_000)
    desk.sync(second)
    assert second.held(member) == 10_000
    assert merchant.findings() == []

"""A box is sent no kind of event that it did not say it knows; the rest waits for its update."""

from __future__ import annotations

from dataclasses import replace

from cloud.fleet import fleet
from cloud.fleet.service import find_own_hub
from cloud.ingest import differences
from cloud.ingest.tests.stores import kinds_in
from cloud.ingest.tests.test_value import ask, places, shops
from cloud.streams import keep_own, seal_own
from core.journal import Body
from core.wire import NOTHING, RECALLING

__all__ = ["shops"]

OLD = ("wallet.granted", "wallet.recalled")


class NewsTold(Body, frozen=True, tag="news.told"):
    """A kind that a later head office sends down."""

    words: str


def tell(platform, merchant, desk, store):
    """Write an event of the new kind into the stream down to a store, and let it be sent."""

    def write(tx):
        journal = merchant.downlink(store.id, 1)
        journal.begin(tx)
        replace(merchant.act(tx), journal=journal).append(tx, NewsTold(words="你好"))
        seal_own(tx, merchant)

    merchant.door.write(write)
    keep_own(merchant, at=platform.clock.read().at)
    desk.dirty[merchant.id] = None


def worries(platform, merchant, store):
    return [
        worry.what
        for branch in fleet(platform, merchant)
        for box in branch.boxes
        if box.hub.id == store.id
        for worry in box.worries
    ]


def test_what_a_box_does_not_know_waits_with_all_behind_it_until_it_is_updated(
    platform, merchant, desk, shops
):
    first, second, member = shops
    second.kinds = OLD
    desk.sync(first, second)
    assert ask(desk, second, member, ask_id="q1") == [RECALLING]
    desk.sync(first, second)
    assert second.held(member) == 10_000
    tell(platform, merchant, desk, second)
    desk.sync(first, second)
    assert kinds_in(merchant, f"{second.id}.dn") == ["wallet.granted", "news.told"]
    assert second.down_seq == 1, "it was not sent"
    assert find_own_hub(platform, merchant, second.id).held_back == "news.told"
    assert any("等待升级" in one for one in worries(platform, merchant, second))
    assert not any("等待升级" in one for one in worries(platform, merchant, first))
    # Its updated version says so, and the rest follows without anybody's doing.
    second.kinds = (*OLD, "news.told")
    second._follow = lambda _event: None
    desk.sync(first, second)
    assert second.down_seq == 2
    assert find_own_hub(platform, merchant, second.id).held_back == ""
    assert not any("等待升级" in one for one in worries(platform, merchant, second))
    # Head office of this version does not know it either; of the streams nothing is amiss.
    assert {kind for kind, _detail in desk.alarms()} == {"newer"}


def test_no_value_is_sent_to_where_it_would_wait(platform, merchant, desk, shops):
    first, second, member = shops
    second.kinds = OLD
    tell(platform, merchant, desk, second)
    desk.sync(first, second)
    assert ask(desk, second, member, ask_id="q1") == [NOTHING]
    desk.sync(first, second)
    assert places(merchant, member) == {first.id: 10_000}
    assert differences(platform, merchant) == []


def test_what_a_box_has_it_has_and_one_that_says_nothing_is_sent_all(
    platform, merchant, desk, shops
):
    first, second, _member = shops
    second._follow = lambda _event: None
    tell(platform, merchant, desk, second)
    desk.sync(first, second)
    assert second.down_seq == 1, "an older one that does not say what it knows"
    # Put back to an older version it has the event; nothing is taken for lost.
    second.kinds = OLD
    desk.sync(first, second)
    tell(platform, merchant, desk, second)
    desk.sync(first, second)
    assert second.down_seq == 1
    assert desk.alarms() == []

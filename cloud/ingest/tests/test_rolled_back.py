"""Head office that goes on from an old image, and nobody told it: its stores remember more."""

from __future__ import annotations

import shutil

import pytest

from cloud.ingest import differences
from cloud.ingest.tests.stores import Desk, Store
from cloud.ingest.tests.test_value import ask
from cloud.platform.tests.office import edit, office_in
from cloud.recovery import incarnation_of, recovery_of
from cloud.recovery.tests.homecoming import Again
from cloud.streams import current_run
from core.wire import Recover

TEA = {"code": "201", "name": "茉莉花茶", "price": 3_800}


class OldImage(Again):
    """Head office's own folder as it was, started with nothing said."""

    def __init__(self, folder):
        self.platform = office_in(folder)
        self.desk = Desk(self.platform)


@pytest.fixture
def images(platform, tmp_path):
    """Copy head office's disk now, and later go on from the copy."""
    made = []

    class Images:
        folder = tmp_path / "image"

        def take(self):
            for merchant in platform.merchant_ids():
                platform.merchant(merchant).door.checkpoint()
            platform.door.checkpoint()
            shutil.copytree(platform.folder, self.folder)

        def go_on(self):
            platform.close()
            made.append(OldImage(self.folder))
            return made[0]

    yield Images()
    for one in made:
        one.close()


def why(at, merchant):
    with at.platform.door.read() as db:
        recovery = recovery_of(db, merchant.id)
        return None if recovery is None else recovery.why


def asked_back(at, store):
    return [said for _c, said in at.desk.heard_by(store) if isinstance(said, Recover)]


def greet(at, *stores: Store, **told):
    for store in stores:
        at.desk.greet(store, **told)


def test_a_store_that_was_told_of_more_than_is_kept_is_believed_and_all_goes_on(
    platform, merchant, desk, first, second, images
):
    member = first.member("李慧敏")
    first.top_up(member, 10_000)
    desk.sync(first, second)
    images.take()
    first.top_up(member, 700)
    desk.sync(first, second)
    kept = first.hello().n
    again = images.go_on()
    there = again.merchant(merchant)
    greet(again, first, told_acked=kept, feed_pos=0)
    assert why(again, merchant) == "rolled_back"
    assert [kind for kind, _ in again.desk.alarms()] == ["rolled_back"]
    with again.platform.door.read() as db:
        assert incarnation_of(db) == 2
    again.look()
    assert asked_back(again, first) != []
    # Frozen: nobody is given what somebody else may have.
    ask(again.desk, second, member)
    again.desk.sync(second)
    assert second.held(member) == 0
    for store in (first, second):
        greet(again, store, told_acked=kept if store is first else 0)
        again.give_back(store)
    again.desk.sync(first, second)
    assert why(again, merchant) is None
    ask(again.desk, second, member, ask_id="after")
    again.desk.sync(first, second)
    assert second.held(member) == 10_700
    assert there.findings() == []
    assert differences(again.platform, there) == []
    assert [kind for kind, _ in again.desk.alarms()] == ["rolled_back"]


def test_a_feed_that_has_grown_past_what_a_store_heard_of_the_forgotten_one_is_told_apart(
    platform, merchant, desk, first, second, images
):
    desk.sync(first, second)
    with platform.door.read() as db:
        run = current_run(db).name
    images.take()
    edit(merchant, topic="item", key="i1", content=TEA)
    first.fetch(merchant)
    again = images.go_on()
    there = again.merchant(merchant)
    # More was edited since than was forgotten: by its position alone the store looks behind.
    for key in ("i2", "i3", "i4"):
        edit(there, topic="item", key=key, content={**TEA, "code": key})
    greet(again, second, feed_run=run)
    assert why(again, merchant) is None
    greet(again, first, feed_run=run)
    assert why(again, merchant) == "rolled_back"
    again.look()
    for store in (first, second):
        greet(again, store, feed_run=run)
        again.give_back(store)
    again.desk.sync(first, second)
    assert why(again, merchant) is None
    for store in (first, second):
        store.fetch(there)
        with store.door.read() as db:
            assert {r["id"] for r in db.all("SELECT id FROM item")} >= {"i1", "i2", "i3", "i4"}


def test_a_run_that_is_not_known_was_forgotten(platform, merchant, desk, first, second, images):
    desk.sync(first, second)
    images.take()
    again = images.go_on()
    greet(again, first, feed_run="run of nobody")
    assert why(again, merchant) == "rolled_back"


def test_nothing_goes_down_to_a_store_that_has_not_said_in_this_run_how_far_it_is(
    platform, merchant, desk, first, second, images
):
    member = first.member("李慧敏")
    first.top_up(member, 10_000)
    desk.sync(first, second)
    images.take()
    ask(desk, second, member)
    desk.sync(first, second)
    assert second.held(member) == 10_000
    before = first.down_seq
    again = images.go_on()
    # The first store has been called for the money in the run that was forgotten. A second call
    # under the same number would be another history.
    greet(again, second)
    ask(again.desk, second, member, ask_id="again")
    again.desk.work()
    with again.merchant(merchant).door.read() as db:
        written = db.value(
            "SELECT COUNT(*) FROM journal WHERE origin = :origin", origin=f"{first.id}.dn"
        )
    assert written < before
    assert why(again, merchant) == "rolled_back"
    for store in (first, second):
        greet(again, store)
        again.give_back(store)
    again.desk.sync(first, second)
    assert why(again, merchant) is None
    assert second.held(member) == 10_000
    assert {kind for kind, _ in again.desk.alarms()} == {"downlink_ahead"}


def test_a_start_like_any_other_raises_no_alarm(
    platform, merchant, desk, first, second, images
):
    member = first.member("李慧敏")
    first.top_up(member, 10_000)
    edit(merchant, topic="item", key="i1", content=TEA)
    desk.sync(first, second)
    first.fetch(merchant)
    with platform.door.read() as db:
        run = current_run(db).name
    images.take()
    again = images.go_on()
    greet(again, first, told_acked=first.hello().n, feed_run=run)
    greet(again, second, feed_run=run)
    assert why(again, merchant) is None
    assert again.desk.alarms() == []
    ask(again.desk, second, member)
    again.desk.sync(first, second)
    assert second.held(member) == 10_000

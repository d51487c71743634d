"""What was made since the backup and is forgotten: boxes, their numbers, a recovery itself."""

from __future__ import annotations

import pytest

from cloud.epochs import bring_late, close_epoch
from cloud.ingest import differences
from cloud.ingest.tests.stores import Store
from cloud.platform import epochs_of, find_hub, look, replace_code
from cloud.recovery.tests.homecoming import Again, back_up, show_papers
from core.enrolment import LookRequest
from core.wire import Fence, Recover, unpack


@pytest.fixture
def put_back(tmp_path):
    """Put head office back from a backup; again and again."""
    made = []

    def restore_now(backup, clock):
        made.append(Again(backup, tmp_path / f"again-{len(made)}", clock))
        return made[-1]

    yield restore_now
    for one in made:
        one.close()


def in_its_place(at, desk, store, folder, seed):
    """Close a box, and put another one in its place."""
    close_epoch(at, store.id, reason="lost")
    with at.door.read() as db:
        code = replace_code(at, find_hub(db, store.id))
    box = Store(
        folder,
        at,
        at.merchant(store.merchant),
        name=store.id,
        store=store.store,
        seed=seed,
        at=store.clock.at,
        epoch=look(at, LookRequest(code=code)).epoch,
        code=code,
    )
    desk.exchange.look_again(desk.now)
    return box


def known_members(at):
    with at.door.read() as db:
        return {row["key"] for row in db.all(
            "SELECT key FROM feed_document WHERE topic = 'member' AND content IS NOT NULL"
        )}  # fmt: skip


def test_a_backup_made_while_head_office_recovered_lets_it_ask_for_all_once_more(
    tmp_path, platform, merchant, desk, first, second, put_back
):
    early = back_up(platform, tmp_path / "early")
    second.member("王丽", "13900001234")
    desk.sync(first, second)
    first.fetch(merchant)
    clock = platform.clock
    platform.close()
    # Nobody has called yet, but all is published anew: this backup stands behind the stores.
    again = put_back(early, clock)
    again.desk.dirty[merchant.id] = None
    again.desk.work()
    twice = put_back(back_up(again.platform, tmp_path / "late"), clock)
    there = twice.merchant(merchant)
    assert known_members(there) == set()
    twice.desk.greet(first)
    twice.give_back(first)
    twice.desk.work()
    # The store where she was registered may never call again.
    assert known_members(there) == known_members(first) != set()


def test_no_number_is_given_twice_and_a_box_that_was_forgotten_brings_what_it_has(
    tmp_path, platform, merchant, desk, first, second, put_back
):
    early = back_up(platform, tmp_path / "early")
    forgotten = in_its_place(platform, desk, second, tmp_path / "forgotten", 41)
    assert forgotten.identity.epoch == 2
    again = put_back(early, platform.clock)
    desk, platform = again.desk, again.platform
    newest = in_its_place(platform, desk, second, tmp_path / "newest", 43)
    assert newest.identity.epoch > 2
    member = forgotten.member("王丽")
    forgotten.top_up(member, 700)
    try:
        desk.greet(forgotten)
        # The broker names both alike, so what is said to one box may reach the other.
        said = [one for _channel, one in desk.heard_by(newest)]
        assert [one for one in said if isinstance(one, (Recover, Fence))] != []
        assert isinstance(said[0], Recover)
        show_papers(platform, forgotten)
        desk.greet(forgotten)
        fences = [one for _c, one in desk.heard_by(newest) if isinstance(one, Fence)]
        assert [one.epoch for one in fences] == [newest.identity.epoch]
        with platform.door.read() as db:
            epochs = {one.epoch: one for one in epochs_of(db, second.id)}
        assert epochs[2].closed_reason == "replaced"
        assert epochs[newest.identity.epoch].closed_at is None
        for raw in forgotten.segments():
            kept = platform.door.write(
                lambda tx, raw=raw: bring_late(
                    tx, epochs[2], unpack(raw), raw, merchant=merchant.id, at=1
                )
            )
            assert kept.state == "kept"
        for store in (first, newest):
            desk.greet(store)
            again.give_back(store)
        desk.sync(first, newest)
        there = again.merchant(merchant)
        with there.door.read() as db:
            assert db.value("SELECT amount FROM holding WHERE place = 'cloud'") == 700
        assert there.findings() == []
        assert differences(platform, there) == []
    finally:
        forgotten.close()
        newest.close()

"""The clerk: asks come first, a merchant in trouble holds up no other, and it ends when told."""

from __future__ import annotations

import queue

import pytest

from cloud.ingest.books import PIECE_EVENTS_MAX, carry, write_history
from cloud.ingest.clerk import Clerk
from cloud.ingest.tests.stores import Desk, Store, kinds_in
from cloud.platform.tests.office import merchant_in
from core.wallet import Adjusted
from core.wire import Ask, Channel

WAIT_S = 10


@pytest.fixture
def told():
    return queue.Queue()


@pytest.fixture
def clerk(platform, told):
    made = Clerk(platform, told.put)
    yield made
    if made._thread.is_alive():
        made.stop()


def keep_all(platform, store):
    desk = Desk(platform)
    desk.greet(store)
    for raw in store.segments():
        desk.hear(store, Channel.UP_LOG, raw)


def test_what_was_kept_is_brought_into_the_books(platform, merchant, first, clerk, told):
    first.member()
    keep_all(platform, first)
    clerk.start()
    clerk.carry(merchant.id)
    assert told.get(timeout=WAIT_S).events == 1
    assert kinds_in(merchant, first.id) == ["member.registered"]


def test_an_ask_goes_before_what_came_earlier(platform, merchant, first, clerk, told):
    member = first.member()
    keep_all(platform, first)
    clerk.carry(merchant.id)
    clerk.ask(merchant.id, first.id, Ask(id="q", member=member))
    clerk.start()
    assert [answer.id for _hub, answer in told.get(timeout=WAIT_S).answers] == ["q"]
    assert told.get(timeout=WAIT_S).events == 1


def test_a_merchant_in_trouble_holds_up_no_other(
    tmp_path, platform, merchant, first, clerk, told
):
    other = merchant_in(platform, "乙", stores=("s9",))
    store = Store(tmp_path, platform, other, name="9" * 16, store="s9", seed=9)
    for one in (first, store):
        one.member()
        keep_all(platform, one)
    merchant.door.write(lambda tx: tx.run("ALTER TABLE derived RENAME TO gone"))
    clerk.start()
    clerk.carry(merchant.id)
    clerk.carry(other.id)
    outcome = told.get(timeout=WAIT_S)
    assert (outcome.merchant, outcome.events) == (other.id, 1)
    # Nothing of the troubled one is half done, and it is taken up again once it can be.
    assert kinds_in(merchant, first.id) == []
    merchant.door.write(lambda tx: tx.run("ALTER TABLE gone RENAME TO derived"))
    clerk.carry(merchant.id)
    assert told.get(timeout=WAIT_S).events == 1
    store.close()


def test_many_events_are_taken_in_by_slices(platform, merchant, first, clerk, told):
    for number in range(450):
        first.append(_noted(number))
    keep_all(platform, first)
    clerk.start()
    clerk.carry(merchant.id)
    slices = []
    while sum(slices) < 450:
        slices.append(told.get(timeout=WAIT_S).events)
    assert len(slices) > 1
    assert len(kinds_in(merchant, first.id)) == 450


def _noted(number):
    return Adjusted(member="m", lot=f"l{number}", asset="principal", amount=0, reason="x")


def test_it_ends_when_it_is_told_to_and_goes_on_at_the_next_start(
    platform, merchant, first, clerk, told
):
    clerk.start()
    clerk.stop()
    assert not clerk._thread.is_alive()
    first.member()
    keep_all(platform, first)
    again = Clerk(platform, told.put)
    again.start()
    again.carry(merchant.id)
    assert told.get(timeout=WAIT_S).events == 1
    again.stop()


def test_who_waits_ends_a_slice_and_what_is_left_comes_with_the_next(platform, merchant, first):
    for number in range(60):
        first.member(phone=f"1390000{number:04}")
    keep_all(platform, first)
    taken = []
    while (outcome := carry(platform, merchant, hurry=lambda: True)).events:
        taken.append(outcome.events)
        assert outcome.more == (sum(taken) < 60)
    assert taken == [PIECE_EVENTS_MAX, PIECE_EVENTS_MAX, 60 - 2 * PIECE_EVENTS_MAX]
    assert kinds_in(merchant, first.id) == ["member.registered"] * 60


def test_who_waits_ends_a_stretch_of_history_too(platform, merchant, first):
    for number in range(60):
        first.member(phone=f"1390000{number:04}")
    keep_all(platform, first)
    carry(platform, merchant)
    before = written_up_to(merchant, first)
    assert write_history(merchant, hurry=lambda: True)
    assert written_up_to(merchant, first) - before <= PIECE_EVENTS_MAX
    while write_history(merchant):
        pass
    assert written_up_to(merchant, first) == 60


def written_up_to(merchant, store):
    with merchant.door.read() as db:
        return db.value("SELECT seq FROM projected WHERE origin = :id", id=store.id) or 0

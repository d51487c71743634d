"""Value comes to rest after a visit: in the stores that are visited, and only where it is heard."""

from __future__ import annotations

import pytest

from cloud.ingest import differences
from cloud.ingest.books import place
from cloud.ingest.tests.stores import kinds_in
from cloud.ingest.tests.test_value import ask, places
from cloud.placement import RECALL_EVERY_MS, REST_MS, RETRY_MS
from core.wallet import CLOUD, Leg, ToppedUp, issue
from core.wallet.accounts import Asset
from core.wire import OFFLINE, RECALLING, Channel, encode


def topped_up(store, member, amount):
    """Fill a wallet at the counter, as a visit."""

    def book(tx, act):
        lot = act.new_id()
        body = ToppedUp(
            topup=act.new_id(),
            number="T-1",
            member=member,
            lot=lot,
            offer=None,
            offer_name="",
            price=amount,
            principal=amount,
            bonus=0,
            points=0,
            period="p",
            payments=(),
        )
        leg = Leg(Asset.PRINCIPAL, lot, amount)
        act.append(tx, body, postings=issue(member, store.id, [leg]))

    store.do(book)


def rest(platform, merchant, desk, *stores, after=REST_MS):
    """Let time pass, and bring to rest what is due; then the stores hear of it."""
    platform.clock.advance(after)
    outcome = place(platform, merchant)
    if outcome is not None:
        desk.exchange.told(outcome, desk.now)
    desk.sync(*stores)
    while (outcome := place(platform, merchant)) is not None:
        desk.exchange.told(outcome, desk.now)
        desk.sync(*stores)


@pytest.fixture
def guest(desk, first, second):
    """A member who comes to the first store twice as often, with all money in the first."""
    member = first.member()
    topped_up(first, member, 60_000)
    topped_up(first, member, 30_000)
    topped_up(second, member, 10_000)
    desk.sync(first, second)
    return member


def test_after_the_visit_value_is_shared_out_by_visits(
    platform, merchant, desk, first, second, guest
):
    rest(platform, merchant, desk, first, second)
    assert places(merchant, guest) == {first.id: 60_000, second.id: 30_000, CLOUD: 10_000}
    assert (first.held(guest), second.held(guest)) == (60_000, 30_000)
    assert merchant.findings() == []
    assert differences(platform, merchant) == []


def test_it_then_rests(platform, merchant, desk, first, second, guest):
    rest(platform, merchant, desk, first, second)
    before = kinds_in(merchant, f"{first.id}.dn"), kinds_in(merchant, f"{second.id}.dn")
    for _ in range(4):
        rest(platform, merchant, desk, first, second, after=RECALL_EVERY_MS)
    after = kinds_in(merchant, f"{first.id}.dn"), kinds_in(merchant, f"{second.id}.dn")
    assert after == before


def test_nothing_is_moved_while_the_visit_lasts(platform, merchant, desk, first, second, guest):
    rest(platform, merchant, desk, first, second, after=REST_MS - 1)
    assert places(merchant, guest) == {first.id: 90_000, second.id: 10_000}


def test_a_recognised_guest_gets_all_of_it_and_the_split_comes_back_afterwards(
    platform, merchant, desk, first, second, guest
):
    rest(platform, merchant, desk, first, second)
    assert ask(desk, second, guest) == [RECALLING]
    desk.sync(first, second)
    assert places(merchant, guest) == {second.id: 100_000}
    rest(platform, merchant, desk, first, second, after=REST_MS)
    assert places(merchant, guest) == {second.id: 100_000}, "called in twice within hours"
    rest(platform, merchant, desk, first, second, after=RECALL_EVERY_MS)
    assert places(merchant, guest) == {first.id: 60_000, second.id: 30_000, CLOUD: 10_000}


def test_a_guest_who_is_asked_for_while_parts_are_called_in_gets_all(
    platform, merchant, desk, first, second, guest
):
    platform.clock.advance(REST_MS)
    desk.exchange.told(place(platform, merchant), desk.now)
    assert kinds_in(merchant, f"{first.id}.dn") == ["wallet.recalled"]
    assert ask(desk, second, guest) == [RECALLING]
    desk.sync(first, second)
    assert places(merchant, guest) == {second.id: 100_000}


def test_a_store_that_spends_meanwhile_releases_what_is_left(
    platform, merchant, desk, first, second, guest
):
    platform.clock.advance(REST_MS)
    desk.exchange.told(place(platform, merchant), desk.now)
    first.pay(guest, 85_000)
    desk.sync(first, second)
    assert first.held(guest) == 0
    assert sum(places(merchant, guest).values()) == 15_000
    assert merchant.findings() == []


def test_a_store_off_the_line_is_left_alone_until_it_is_back(
    platform, merchant, desk, first, second, guest
):
    desk.hear(second, Channel.UP_PRESENCE, encode(OFFLINE))
    platform.clock.advance(REST_MS)
    assert place(platform, merchant) is not None
    assert kinds_in(merchant, f"{second.id}.dn") == []
    desk.sync(first, second)
    rest(platform, merchant, desk, first, second, after=RETRY_MS)
    assert places(merchant, guest) == {first.id: 60_000, second.id: 30_000, CLOUD: 10_000}


def test_many_members_are_brought_to_rest_some_at_a_time(
    platform, merchant, desk, first, second, monkeypatch
):
    monkeypatch.setattr("cloud.ingest.placing.PLACED_AT_ONCE", 3)
    members = [first.member(f"李{number}") for number in range(7)]
    for member in members:
        topped_up(first, member, 10_000)
        topped_up(second, member, 10_000)
    desk.sync(first, second)
    platform.clock.advance(REST_MS)
    outcomes = []
    while (outcome := place(platform, merchant)) is not None:
        outcomes.append(outcome.more)
    assert outcomes == [True, True, False]


def test_what_arrives_for_nobody_any_more_is_shared_out_at_once(
    platform, merchant, desk, first, second, guest
):
    ask(desk, second, guest)
    platform.clock.advance(REST_MS)
    desk.sync(first, second)
    assert places(merchant, guest)[CLOUD] == 90_000
    rest(platform, merchant, desk, first, second, after=0)
    assert places(merchant, guest) == {first.id: 60_000, second.id: 30_000, CLOUD: 10_000}


def test_a_member_who_cannot_be_placed_holds_up_nobody(
    platform, merchant, desk, first, second, guest
):
    broken = first.member("王芳")
    topped_up(first, broken, 50_000)
    desk.sync(first, second)
    merchant.door.write(
        lambda tx: tx.run("UPDATE visit SET date = '?' WHERE member = :m", m=broken)
    )
    rest(platform, merchant, desk, first, second)
    assert places(merchant, guest)[second.id] == 30_000
    assert places(merchant, broken) == {first.id: 50_000}

"""Value follows a recognised member: granted from the pool, recalled, handed on, counted once."""

from __future__ import annotations

import pytest

from cloud.epochs import close_epoch
from cloud.ingest import differences
from cloud.ingest.pacing import usual_calls
from cloud.ingest.tests.stores import Store, kinds_in
from cloud.placement import ASK_LIFETIME_MS
from core.wallet import CLOUD
from core.wire import GRANTED, NOTHING, RECALLING, Answer, Ask, Channel, encode


def places(merchant, member):
    with merchant.door.read() as db:
        held = {
            row["place"]: row["amount"]
            for row in db.all(
                "SELECT place, SUM(amount) AS amount FROM holding"
                " WHERE member = :m GROUP BY place HAVING SUM(amount) <> 0",
                m=member,
            )
        }
        way = db.value("SELECT SUM(amount) FROM transit WHERE member = :m", m=member) or 0
    return held | ({"transit": way} if way else {})


def ask(desk, store, member, *, ask_id="q1", want=0):
    """Ask, and return what is said about it at once."""
    desk.heard_by(store)
    said = Ask(id=ask_id, member=member, want=want, why="test")
    desk.hear(store, Channel.UP_ASK, encode(said))
    desk.work()
    heard = desk.heard_by(store)
    for channel, raw in heard:
        if channel is Channel.DOWN_LOG:
            store.take_down(raw)
    return [one.state for _c, one in heard if isinstance(one, Answer)]


@pytest.fixture
def shops(desk, first, second):
    """Two stores on the line, and a member with 100 yuan in the first."""
    member = first.member()
    first.top_up(member, 10_000)
    desk.sync(first, second)
    return first, second, member


def test_money_at_another_store_is_called_in_and_handed_on(platform, merchant, desk, shops):
    first, second, member = shops
    assert ask(desk, second, member) == [RECALLING]
    assert kinds_in(merchant, f"{first.id}.dn") == ["wallet.recalled"]
    desk.sync(first, second)
    assert (first.held(member), second.held(member)) == (0, 10_000)
    assert places(merchant, member) == {second.id: 10_000}
    assert kinds_in(merchant, f"{second.id}.dn") == ["wallet.granted"]
    assert "wallet.accepted" in kinds_in(merchant, merchant.id)
    assert merchant.findings() == []
    assert differences(platform, merchant) == []


def test_the_asker_is_told_when_the_money_is_on_its_way(desk, shops):
    first, second, member = shops
    ask(desk, second, member)
    desk.greet(first)
    for channel, raw in desk.heard_by(first):
        if channel is Channel.DOWN_LOG:
            first.take_down(raw)
    desk.heard_by(second)
    for raw in first.segments():
        desk.hear(first, Channel.UP_LOG, raw)
    desk.work()
    heard = desk.heard_by(second)
    assert [one for _c, one in heard if isinstance(one, Answer)] == [
        Answer(id="q1", state=GRANTED)
    ]
    # The segment that carries it was sent in the same breath.
    assert [c for c, _ in heard if c is Channel.DOWN_LOG] == [Channel.DOWN_LOG]


def test_what_is_in_the_pool_is_granted_at_once(merchant, desk, shops):
    first, second, member = shops
    ask(desk, second, member)
    desk.greet(first)
    # The second store goes off the line for a day; the money comes into the pool meanwhile.
    desk.platform.clock.advance(ASK_LIFETIME_MS)
    desk.sync(first)
    assert places(merchant, member) == {CLOUD: 10_000}
    assert ask(desk, second, member, ask_id="q2") == [GRANTED]
    assert second.held(member) == 10_000


def test_the_same_ask_again_grants_once(merchant, desk, shops):
    first, second, member = shops
    desk.platform.clock.advance(1)
    ask(desk, second, member)
    desk.sync(first, second)
    ask(desk, second, member)
    again = Ask(id="q1", member=member)
    for _ in range(3):
        desk.hear(second, Channel.UP_ASK, encode(again))
    desk.work()
    desk.sync(first, second)
    assert kinds_in(merchant, f"{second.id}.dn") == ["wallet.granted"]
    assert kinds_in(merchant, f"{first.id}.dn") == ["wallet.recalled"]
    answers = ask(desk, second, member)
    assert answers == [GRANTED]


def test_nothing_anywhere_is_said_to_be_nothing(desk, shops):
    first, second, _member = shops
    other = second.member("王芳")
    desk.sync(first, second)
    assert ask(desk, second, other) == [NOTHING]
    assert ask(desk, second, "nobody", ask_id="q9") == [NOTHING]
    assert ask(desk, second, "", ask_id="q8") == [NOTHING]
    assert ask(desk, second, "m" * 500, ask_id="q7") == [NOTHING]


def test_a_want_that_the_pool_covers_disturbs_no_store(merchant, desk, shops):
    first, second, member = shops
    ask(desk, second, member)
    desk.platform.clock.advance(ASK_LIFETIME_MS)
    desk.sync(first)
    first.top_up(member, 3_000)
    desk.sync(first)
    assert places(merchant, member) == {CLOUD: 10_000, first.id: 3_000}
    assert ask(desk, second, member, ask_id="q2", want=9_000) == [GRANTED]
    assert kinds_in(merchant, f"{first.id}.dn") == ["wallet.recalled"]


def test_a_store_that_is_cut_off_spends_what_it_holds_and_releases_the_rest(
    merchant, desk, shops
):
    first, second, member = shops
    assert ask(desk, second, member) == [RECALLING]
    # The first store hears nothing yet, and sells.
    first.pay(member, 4_000)
    desk.sync(first, second)
    assert (first.held(member), second.held(member)) == (0, 6_000)
    assert places(merchant, member) == {second.id: 6_000}


def test_the_newest_of_two_stores_that_ask_gets_it(tmp_path, platform, merchant, desk, shops):
    first, second, member = shops
    third = Store(tmp_path, platform, merchant, name="3333333333333333", store="s2", seed=13)
    desk.sync(third)
    assert ask(desk, second, member) == [RECALLING]
    platform.clock.advance(1_000)
    # Called already: the first store is not asked twice.
    assert ask(desk, third, member, ask_id="q2") == [RECALLING]
    assert kinds_in(merchant, f"{first.id}.dn") == ["wallet.recalled"]
    desk.sync(first, second, third)
    assert (second.held(member), third.held(member)) == (0, 10_000)
    third.close()


def test_a_store_that_says_nothing_lies_here_ends_the_asks(merchant, desk, shops):
    first, second, member = shops
    assert ask(desk, second, member) == [RECALLING]
    first.pay(member, 10_000)
    desk.sync(first, second)
    assert second.held(member) == 0
    with merchant.door.read() as db:
        assert db.value("SELECT COUNT(*) FROM ask WHERE open = 1") == 0
        assert db.value("SELECT state FROM ask WHERE id = 'q1'") == NOTHING
    # It may be asked for anew afterwards.
    first.top_up(member, 500)
    desk.sync(first, second)
    assert ask(desk, second, member, ask_id="q2") == [RECALLING]
    desk.sync(first, second)
    assert second.held(member) == 500


def test_money_on_its_way_to_one_store_follows_the_guest_to_the_next(
    platform, merchant, desk, shops
):
    first, second, member = shops
    assert ask(desk, second, member) == [RECALLING]
    desk.sync(first, rounds=3)
    assert places(merchant, member)["transit"] == 10_000
    # The second store is off the line, and the guest is in the first one again.
    desk.platform.clock.advance(1_000)
    assert ask(desk, first, member, ask_id="q2") == [RECALLING]
    desk.sync(first, second)
    assert (first.held(member), second.held(member)) == (10_000, 0)
    assert places(merchant, member) == {first.id: 10_000}
    assert differences(platform, merchant) == []


def test_a_revoked_store_is_not_waited_for(platform, merchant, desk, shops):
    first, second, member = shops
    close_epoch(platform, first.id, reason="stolen")
    assert ask(desk, second, member) == [NOTHING]
    assert kinds_in(merchant, f"{first.id}.dn") == []
    assert places(merchant, member) == {first.id: 10_000}


def test_money_wanders_between_two_stores_and_the_sum_stays(platform, merchant, desk, shops):
    first, second, member = shops
    total, spent = 10_000, 0
    for visit in range(6):
        here, there = (second, first) if visit % 2 == 0 else (first, second)
        ask(desk, here, member, ask_id=f"v{visit}")
        desk.sync(first, second)
        assert there.held(member) == 0
        here.pay(member, 700)
        spent += 700
        desk.sync(first, second)
        assert places(merchant, member) == {here.id: total - spent}
    assert differences(platform, merchant) == []
    assert merchant.findings() == []


def test_a_release_that_comes_twice_is_taken_in_once(platform, merchant, desk, shops):
    first, second, member = shops
    ask(desk, second, member)
    desk.sync(first, second)
    desk.sync(first, second)
    again = type(desk)(platform)
    again.sync(first, second)
    assert kinds_in(merchant, merchant.id).count("wallet.accepted") == 1
    assert places(merchant, member) == {second.id: 10_000}


def test_the_downlink_is_a_chain_of_its_own_that_anybody_can_check(merchant, desk, shops):
    first, second, member = shops
    ask(desk, second, member)
    desk.sync(first, second)
    with merchant.door.read() as db:
        origins = {r["origin"]: r["own"] for r in db.all("SELECT origin, own FROM origin")}
    assert origins == {
        merchant.id: 1,
        first.id: 0,
        second.id: 0,
        f"{first.id}.dn": 1,
        f"{second.id}.dn": 1,
    }
    assert merchant.findings() == []


def test_a_box_that_calls_in_everybodys_money_is_told_of_once_an_hour(
    merchant, desk, first, second
):
    """And a store whose days explain it is not."""
    members = [first.member(f"会员{number}") for number in range(60)]
    for member in members:
        first.top_up(member, 100)
    desk.sync(first, second)
    for number, member in enumerate(members[:50] * 2):
        ask(desk, second, member, ask_id=f"r{number}")
    assert desk.alarms() == []
    for number, member in enumerate(members[50:]):
        ask(desk, second, member, ask_id=f"s{number}")
    assert desk.alarms() == [("many_asks", "51 members in an hour")]


def test_what_a_store_may_call_in_unnoticed_follows_from_its_days(merchant):
    def sold(tx):
        for day in range(1, 4):
            for number in range(20 * day):
                tx.run(
                    "INSERT INTO sale (id, ticket, number, sign, member, period, list_total,"
                    " total, points, reason, at, date, store, actor, origin, epoch, seq)"
                    " VALUES (:id, :id, :id, 1, :id, 'p', 0, 0, 0, '', 0, :date, 's1', 'w',"
                    " 'o', 1, 1)",
                    id=f"{day}.{number}",
                    date=f"2026-09-0{day}",
                )

    merchant.door.write(sold)
    with merchant.door.read() as db:
        assert usual_calls(db, "s1", today="2026-09-04") == 5 * 40
        assert usual_calls(db, "s2", today="2026-09-04") == 50
        assert usual_calls(db, "s1", today="2026-12-04") == 50

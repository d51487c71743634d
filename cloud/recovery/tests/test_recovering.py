"""Head office put back from a backup knows again what it knew, and overdraws nobody meanwhile."""

from __future__ import annotations

import pytest

from cloud.ingest import differences
from cloud.ingest.tests.stores import Store, kinds_in
from cloud.ingest.tests.test_value import ask
from cloud.platform.tests.office import edit
from cloud.recovery import (
    RELEASE_AFTER_MS,
    Why,
    begin_recovery,
    hubs_in_recovery,
    recovery_of,
    release_hub,
)
from cloud.recovery.tests.homecoming import TEA, show_papers
from core.errors import Refused
from core.organisation import stores
from core.wallet import CLOUD, Asset, Leg, issue, risk_bookings, risk_sums
from core.wallet.events import Adjusted
from core.wire import Answer, Ask, Channel, FeedBatch, Recover, Welcome, encode, unpack


def held_in_all(merchant, member):
    with merchant.door.read() as db:
        return db.value(
            "SELECT (SELECT COALESCE(SUM(amount), 0) FROM holding WHERE member = :m)"
            " + (SELECT COALESCE(SUM(amount), 0) FROM transit WHERE member = :m)",
            m=member,
        )


def below_zero(merchant):
    with merchant.door.read() as db:
        return db.value("SELECT COUNT(*) FROM holding WHERE amount < 0")


def risk(merchant):
    with merchant.door.read() as db:
        return risk_sums(db), [row["reason"] for row in risk_bookings(db, limit=9)]


def recovering(again, merchant):
    with again.platform.door.read() as db:
        return recovery_of(db, merchant.id) is not None


def test_grants_that_head_office_forgot_come_back_and_nothing_is_lost(
    platform, merchant, desk, first, second, backed_up, put_back
):
    member, _backup = backed_up
    ask(desk, second, member)
    desk.sync(first, second)
    assert second.held(member) == 10_000
    second.pay(member, 3_000)
    desk.sync(first, second)
    before = list(second.down)
    again = put_back()
    there = again.merchant(merchant)
    assert recovering(again, merchant)

    again.desk.greet(second)
    said = [s for _c, s in again.desk.heard_by(second)]
    assert isinstance(said[0], Recover)
    assert isinstance(said[1], Welcome)
    assert said[1].down_len < second.down_seq
    assert said[1].feed_pos == 0
    assert again.give_back(second) == len(before)
    again.desk.sync(second)
    assert recovering(again, merchant)
    assert below_zero(there) <= 1
    assert risk(there) == ({}, [])
    again.desk.greet(first)
    again.give_back(first)
    again.desk.sync(first, second)

    assert not recovering(again, merchant)
    assert risk(there) == ({}, [])
    assert below_zero(there) == 0
    assert held_in_all(there, member) == 7_000
    assert second.held(member) == 7_000
    assert there.findings() == []
    assert differences(again.platform, there) == []
    assert kinds_in(there, merchant.id)[-1] == "recovery.ended"
    with there.door.read() as db:
        mine = [bytes(r["raw"]) for r in db.all(
            "SELECT raw FROM journal WHERE origin = :o ORDER BY seq", o=f"{second.id}.dn"
        )]  # fmt: skip
    assert mine == [raw for one in second.down for raw in unpack(one).events]
    # The stream goes on behind what came back.
    ask(again.desk, first, member, ask_id="after")
    again.desk.sync(first, second)
    assert first.held(member) == 7_000
    assert there.findings() == []


def test_an_ask_during_a_recovery_is_answered_with_nothing_and_the_reason(
    merchant, first, second, backed_up, put_back
):
    member, _backup = backed_up
    again = put_back()
    again.desk.greet(second)
    again.desk.heard_by(second)
    wish = Ask(id="q1", member=member, why="test")
    again.desk.hear(second, Channel.UP_ASK, encode(wish))
    again.desk.work()
    answers = [s for _c, s in again.desk.heard_by(second) if isinstance(s, Answer)]
    assert [(one.state, one.reason) for one in answers] == [("nothing", "recovering")]
    again.desk.sync(second)
    assert second.held(member) == 0


def test_releases_are_taken_in_while_value_is_frozen(
    merchant, desk, first, second, backed_up, put_back
):
    member, _backup = backed_up
    ask(desk, second, member)
    # The first store has been asked for the money and has sent it; head office never kept it.
    desk.greet(first)
    for raw in first.segments():
        desk.hear(first, Channel.UP_LOG, raw)
    desk.work()
    for channel, said in desk.heard_by(first):
        if channel is Channel.DOWN_LOG:
            first.take_down(said)
    assert first.held(member) == 0
    again = put_back()
    there = again.merchant(merchant)
    for store in (first, second):
        again.desk.greet(store)
    again.give_back(first)
    again.desk.sync(first)
    assert held_in_all(there, member) == 10_000
    assert recovering(again, merchant)
    again.give_back(second)
    again.desk.sync(first, second)
    assert not recovering(again, merchant)
    assert risk(there) == ({}, [])
    with there.door.read() as db:
        assert db.value("SELECT SUM(amount) FROM holding WHERE place = 'cloud'") == 10_000


def correct(merchant, member, amount):
    """Head office gives a member something, in the pool, as a correction or an import does."""

    def give(tx):
        act = merchant.act(tx)
        lot = act.new_id()
        body = Adjusted(member=member, lot=lot, asset="principal", amount=amount, reason="补偿")
        legs = [Leg(Asset.PRINCIPAL, lot, amount)]
        act.append(tx, body, postings=issue(member, CLOUD, legs))

    merchant.door.write(give)


def test_what_only_head_office_knew_is_the_merchants_and_no_member_is_below_zero(
    merchant, desk, first, second, backed_up, put_back
):
    """It credited a member 50 yuan, sent all to a store that spent it, and forgot the credit."""
    member, _backup = backed_up
    correct(merchant, member, 5_000)
    ask(desk, second, member)
    desk.sync(first, second)
    assert second.held(member) == 15_000
    second.pay(member, 14_000)
    desk.sync(second)
    again = put_back()
    there = again.merchant(merchant)
    for store in (second, first):
        again.desk.greet(store)
        again.give_back(store)
        again.desk.sync(first, second)
    assert not recovering(again, merchant)
    assert below_zero(there) == 0
    assert held_in_all(there, member) == second.held(member) == 1_000
    assert risk(there) == ({"principal": 5_000}, ["restore"])
    assert there.findings() == []
    assert differences(again.platform, there) == []


def test_nothing_is_settled_before_the_last_hub_has_returned(
    merchant, desk, first, second, backed_up, put_back
):
    """What looks lost is on its way: the first store released what the second was granted."""
    member, _backup = backed_up
    ask(desk, second, member)
    desk.sync(first, second)
    again = put_back()
    there = again.merchant(merchant)
    again.desk.greet(second)
    again.give_back(second)
    again.desk.sync(second)
    with there.door.read() as db:
        assert db.value("SELECT SUM(amount) FROM holding WHERE place = 'cloud'") == -10_000
    assert risk(there) == ({}, [])
    again.desk.greet(first)
    again.give_back(first)
    again.desk.sync(first, second)
    assert below_zero(there) == 0
    assert risk(there) == ({}, [])


def test_a_hub_that_was_joined_after_the_backup_is_known_again_by_its_papers(
    tmp_path, platform, merchant, desk, first, second, backed_up, put_back
):
    member, _backup = backed_up
    third = Store(tmp_path, platform, merchant, name="3333333333333333", store="s1", seed=13)
    try:
        desk.sync(first, second, third)
        ask(desk, third, member)
        desk.sync(first, second, third)
        assert third.held(member) == 10_000
        first.fetch(merchant)
        again = put_back()
        there = again.merchant(merchant)
        for store in (first, second):
            again.desk.greet(store)
            again.give_back(store)
        again.desk.sync(first, second)
        # The others were told of a place that head office does not know: it waits for it.
        assert recovering(again, merchant)
        with again.platform.door.read() as db:
            waited = {one.hub: one.state for one in hubs_in_recovery(db, merchant.id)}
        assert waited[third.id] == "awaited"

        again.desk.greet(third)
        (asked,) = [s for _c, s in again.desk.heard_by(third)]
        assert isinstance(asked, Recover)
        again.give_back(third)
        again.desk.sync(first, second, third)
        assert not recovering(again, merchant)
        assert risk(there) == ({}, [])
        assert held_in_all(there, member) == third.held(member) == 10_000
        assert there.findings() == []
        assert differences(again.platform, there) == []
    finally:
        third.close()


def test_papers_that_the_merchant_did_not_sign_are_no_papers(
    tmp_path, merchant, first, backed_up, put_back
):
    again = put_back()
    for papers in (
        {"countersignature": bytes(64)},
        {"downlink_signature": bytes(64)},
        {"birth": first.papers.birth.replace(b'"epoch":1', b'"epoch":9')},
        {"birth": b"{}"},
    ):
        with pytest.raises(Refused, match="return_wrong"):
            show_papers(again.platform, first, papers=papers)
    with pytest.raises(Refused, match="return_wrong"):
        show_papers(again.platform, first, proof=bytes(64))


def test_edits_come_back_from_whoever_has_the_newest_of_them(
    merchant, desk, first, second, backed_up, put_back
):
    def price(at, key="i1"):
        with at.door.read() as db:
            found = db.value("SELECT price FROM item WHERE id = :id", id=key)
            return found

    edit(merchant, topic="item", key="i1", content={**TEA, "price": 4_200})
    second.fetch(merchant)
    # The newest edit reaches the first store only.
    edit(merchant, topic="item", key="i1", content={**TEA, "price": 4_500})
    edit(merchant, topic="item", key="i2", content={**TEA, "code": "202", "price": 999})
    edit(merchant, topic="role", key="r9", content={"name": "夜班", "permissions": []})
    first.fetch(merchant)
    assert (price(first), price(second)) == (4_500, 4_200)
    again = put_back()
    there = again.merchant(merchant)
    assert price(there) == 3_800
    for store in (second, first):
        again.desk.greet(store)
        again.give_back(store)
    again.desk.sync(first, second)
    for store in (first, second):
        store.fetch(there)
    assert price(there) == price(first) == price(second) == 4_500
    assert price(second, "i2") == 999
    # A store may not say what a role is: it is withdrawn everywhere, and somebody is told.
    contents = [_contents(one) for one in (there, first, second)]
    assert contents[0] == contents[1] == contents[2]
    assert ("role", "r9", None) in contents[0]
    assert [kind for kind, _ in again.desk.alarms()] == ["edit_lost"]


def _contents(at):
    with at.door.read() as db:
        return {
            (r["topic"], r["key"], r["content"])
            for r in db.all("SELECT * FROM feed_document WHERE topic NOT IN ('wallet')")
        }


def test_a_store_that_was_opened_since_comes_back_with_its_own_box_whoever_calls_first(
    tmp_path, platform, merchant, desk, first, second, backed_up, put_back
):
    edit(merchant, topic="store", key="s3", content={"name": "三店", "code": "03"})
    third = Store(tmp_path, platform, merchant, name="3333333333333333", store="s3", seed=13)
    try:
        first.fetch(merchant)
        third.top_up(third.member("王丽"), 700)
        desk.sync(first, second, third)
        first.fetch(merchant)
        again = put_back()
        there = again.merchant(merchant)
        for store in (first, second, third):
            again.desk.greet(store)
            again.give_back(store)
        again.desk.sync(first, second, third)
        assert not recovering(again, merchant)
        for store in (first, second, third):
            store.fetch(there)
            with store.door.read() as db:
                assert stores(db)["s3"].name == "三店"
        assert again.desk.alarms() == []
    finally:
        third.close()


def test_an_edit_made_after_the_restore_stands_against_one_that_comes_back(
    merchant, desk, first, second, backed_up, put_back
):
    edit(merchant, topic="item", key="i1", content={**TEA, "price": 4_200})
    first.fetch(merchant)
    again = put_back()
    there = again.merchant(merchant)
    again.desk.dirty[merchant.id] = None
    again.desk.work()
    edit(there, topic="item", key="i1", content={**TEA, "price": 5_000})
    for store in (first, second):
        again.desk.greet(store)
        again.give_back(store)
    again.desk.work()
    for store in (first, second):
        store.fetch(there)
        with store.door.read() as db:
            assert db.value("SELECT price FROM item WHERE id = 'i1'") == 5_000


def test_no_hub_hears_of_the_feed_before_it_gave_back_what_it_has(
    merchant, desk, first, second, backed_up, put_back
):
    again = put_back()
    there = again.merchant(merchant)
    again.desk.greet(first)
    again.desk.heard_by(first)
    edit(there, topic="item", key="i7", content={**TEA, "code": "207"})
    again.desk.dirty[merchant.id] = None
    again.desk.work()
    assert [s for _c, s in again.desk.heard_by(first) if isinstance(s, FeedBatch)] == []


def test_an_unannounced_rollback_is_noticed_by_what_a_hub_remembers(
    tmp_path, platform, merchant, desk, first, second, backed_up, put_back
):
    member, _backup = backed_up
    ask(desk, second, member)
    desk.sync(first, second)
    again = put_back()
    # As if somebody had copied the files back by hand: nobody said that this is a restore.
    again.platform.door.write(lambda tx: tx.run("DELETE FROM recovery"))
    again.look()
    again.desk.greet(second)
    assert [kind for kind, _ in again.desk.alarms()] == ["downlink_ahead"]
    with again.platform.door.read() as db:
        assert recovery_of(db, merchant.id).why == "rolled_back"
    again.look()
    asked = [s for _c, s in again.desk.heard_by(second) if isinstance(s, Recover)]
    assert asked
    for store in (first, second):
        again.desk.greet(store)
        again.give_back(store)
    again.desk.sync(first, second)
    there = again.merchant(merchant)
    assert not recovering(again, merchant)
    assert risk(there) == ({}, [])
    assert held_in_all(there, member) == second.held(member) == 10_000


def test_a_hub_that_never_calls_is_released_after_three_days_and_its_value_goes_home(
    tmp_path, platform, merchant, desk, first, second, backed_up, put_back
):
    member, _backup = backed_up
    again = put_back()
    there = again.merchant(merchant)
    again.desk.greet(second)
    again.give_back(second)
    again.desk.sync(second)
    with pytest.raises(Refused, match="release_too_early"):
        release_hub(again.platform, there, hub=first.id, reason="进水了", actor=None)
    again.platform.clock.advance(RELEASE_AFTER_MS)
    with pytest.raises(Refused, match="release_reason_missing"):
        release_hub(again.platform, there, hub=first.id, reason=" ", actor=None)
    release_hub(again.platform, there, hub=first.id, reason="进水了", actor=None)
    with pytest.raises(Refused, match="hub_not_awaited"):
        release_hub(again.platform, there, hub=first.id, reason="进水了", actor=None)
    again.look()
    again.desk.dirty[merchant.id] = None
    again.desk.sync(second)
    assert not recovering(again, merchant)
    # What lay there is the member's still, out of the pool.
    ask(again.desk, second, member)
    again.desk.sync(second)
    assert second.held(member) == 10_000
    assert below_zero(there) == 0


def test_only_an_awaited_hub_gives_back(merchant, first, second, backed_up, put_back):
    again = put_back()
    again.give_back(second)
    with pytest.raises(Refused, match="not_recovering"):
        again.give_back(second)


def test_a_recovery_begins_once(merchant, first, second, backed_up, put_back):
    again = put_back()
    again.give_back(second)
    begun = again.platform.door.write(
        lambda tx: begin_recovery(tx, merchant.id, why=Why.ROLLED_BACK, at=1)
    )
    assert not begun
    with again.platform.door.read() as db:
        states = {one.hub: one.state for one in hubs_in_recovery(db, merchant.id)}
    assert states[second.id] == "returned"

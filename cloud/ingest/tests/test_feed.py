"""Edits from the stores become the merchant's; what follows from the journals is derived."""

from __future__ import annotations

import msgspec

from cloud.feed import batch, position
from cloud.ingest import differences
from cloud.ingest.tests.stores import kinds_in
from core.feed import FeedPublished, publish
from core.journal import Document, decode
from core.members import Application, Profile, register
from core.wire import Channel, FeedBatch

TEA = {"code": "201", "name": "茉莉花茶", "price": 3_800}


def content(merchant, topic, key):
    with merchant.door.read() as db:
        raw = db.value(
            "SELECT content FROM feed_document WHERE topic = :t AND key = :k", t=topic, k=key
        )
    return None if raw is None else msgspec.json.decode(raw)


def documents(merchant, topic, after=0):
    with merchant.door.read() as db:
        return [d for d in batch(db, after, 1000).documents if d.topic == topic]


def at_store(store, topic, key):
    with store.door.read() as db:
        raw = db.value(
            "SELECT content FROM feed_document WHERE topic = :t AND key = :k", t=topic, k=key
        )
    return None if raw is None else msgspec.json.decode(raw)


def edit_at_head_office(merchant, topic, key, content):
    merchant.door.write(
        lambda tx: publish(
            tx, merchant.act(tx, actor="boss"), topic=topic, key=key, content=content
        )
    )


def test_a_stores_price_holds_everywhere_once_head_office_has_taken_it_over(
    platform, merchant, desk, first, second
):
    desk.sync(first, second)
    first.edit("item", "i1", TEA)
    desk.sync(first, second)
    assert content(merchant, "item", "i1") == TEA
    assert at_store(second, "item", "i1") == TEA == at_store(first, "item", "i1")
    with merchant.door.read() as db:
        raw = db.value(
            "SELECT raw FROM journal WHERE origin = :o ORDER BY seq DESC LIMIT 1",
            o=merchant.id,
        )
    event = decode(raw)
    body = msgspec.json.decode(event.body, type=FeedPublished)
    assert (event.actor, event.device, event.store) == ("w1", first.id, "s1")
    assert body.answers
    assert differences(platform, merchant) == []


def test_what_a_store_may_not_edit_is_taken_back_there(merchant, desk, first, second):
    edit_at_head_office(merchant, "role", "cashier", {"name": "收银"})
    first.fetch(merchant)
    desk.sync(first, second)
    first.edit("role", "cashier", {"name": "收银", "permissions": ["*"]})
    first.edit("role", "made-up", {"name": "自封"})
    first.edit("store", "s2", {"name": "别人的店", "code": "02"})
    first.edit("store", "s1", {"name": "新名字", "code": "01"})
    desk.sync(first, second)
    assert content(merchant, "role", "cashier") == {"name": "收银"}
    assert content(merchant, "role", "made-up") is None
    assert content(merchant, "store", "s2")["name"] != "别人的店"
    assert content(merchant, "store", "s1")["name"] == "新名字"
    # The store's own screen shows what holds again.
    assert at_store(first, "role", "cashier") == {"name": "收银"}
    assert at_store(first, "role", "made-up") is None
    assert at_store(first, "store", "s2")["name"] != "别人的店"
    declined = [detail for kind, detail in desk.alarms() if kind == "declined"]
    assert len(declined) == 3


def test_an_edit_that_head_office_cannot_read_is_declined(merchant, desk, first):
    edit_at_head_office(merchant, "item", "i1", TEA)
    first.fetch(merchant)
    first.append(
        FeedPublished(topic="item", key="i1", pos=3, proposed=True),
        documents=(Document(name="content", content={"price": "a lot"}),),
    )
    desk.sync(first)
    assert content(merchant, "item", "i1") == TEA
    assert [kind for kind, _ in desk.alarms()] == ["declined"]


def test_an_old_edit_of_a_store_that_was_away_does_not_undo_a_newer_one(
    platform, merchant, desk, first, second
):
    edit_at_head_office(merchant, "item", "i1", TEA)
    first.fetch(merchant)
    desk.sync(first, second)
    first.clock.at = platform.clock.at
    first.edit("item", "i1", TEA | {"price": 1})
    platform.clock.advance(86_400_000)
    edit_at_head_office(merchant, "item", "i1", TEA | {"price": 4_200})
    platform.clock.advance(86_400_000)
    desk.sync(first, second)
    assert content(merchant, "item", "i1")["price"] == 4_200
    assert at_store(first, "item", "i1")["price"] == 4_200


def test_a_stores_own_edits_while_it_was_away_hold_in_their_order(
    platform, merchant, desk, first, second
):
    desk.sync(first, second)
    first.clock.at = platform.clock.at
    for price in (1, 2, 3):
        first.edit("item", "i1", TEA | {"price": price})
    platform.clock.advance(86_400_000)
    desk.sync(first, second)
    assert content(merchant, "item", "i1")["price"] == 3
    assert (
        at_store(first, "item", "i1")["price"] == 3 == at_store(second, "item", "i1")["price"]
    )


def test_a_clock_in_the_future_does_not_win_for_ever(platform, merchant, desk, first, second):
    first.clock.advance(44 * 365 * 86_400_000)
    first.edit("item", "i1", TEA | {"price": 1})
    desk.sync(first, second)
    platform.clock.advance(60_000)
    second.clock.at = platform.clock.at
    second.edit("item", "i1", TEA | {"price": 2})
    platform.clock.advance(60_000)
    desk.sync(first, second)
    assert content(merchant, "item", "i1")["price"] == 2


def test_an_edit_from_before_the_store_was_joined_changes_nothing(merchant, desk, first):
    first.append(FeedPublished(topic="item", key="old", pos=900))
    desk.sync(first)
    assert content(merchant, "item", "old") is None
    assert "feed.published" in kinds_in(merchant, first.id)


def test_a_member_becomes_one_document_with_its_cards_and_goes_to_all(
    merchant, desk, first, second
):
    member = first.member("李慧敏", "13812342046")
    first.top_up(member, 10_000)
    first.top_up(member, 5_000)
    desk.sync(first, second)
    (person,) = documents(merchant, "member")
    assert person.content["fields"]["name"] == "李慧敏"
    (wallet,) = documents(merchant, "wallet")
    assert wallet.content["places"] == {first.id: {"principal": 15_000}}
    with second.door.read() as db:
        assert db.value("SELECT name FROM member WHERE id = :m", m=member) == "李慧敏"


def test_a_batch_of_events_puts_each_document_once(merchant, desk, first):
    member = first.member()
    for _ in range(20):
        first.top_up(member, 100)
    before = _pos(merchant)
    desk.greet(first)
    for raw in first.segments():
        desk.hear(first, Channel.UP_LOG, raw)
    desk.work()
    assert _pos(merchant) == before + 2


def test_what_changes_nothing_is_not_told_again(merchant, desk, first):
    first.member()
    desk.sync(first)
    before = _pos(merchant)
    desk.sync(first)
    desk.dirty[merchant.id] = None
    desk.work()
    assert _pos(merchant) == before


def test_what_head_office_does_itself_is_derived_too(merchant, desk, first):
    desk.sync(first)
    act = merchant.door.write(
        lambda tx: register(
            tx, merchant.act(tx), Application(profile=Profile(name="总部客"), source="x")
        )
    )
    desk.dirty[merchant.id] = None
    desk.work()
    (person,) = documents(merchant, "member")
    assert person.key == act
    fresh = [s for c, s in desk.heard_by(first) if c is Channel.DOWN_FEED]
    assert len(fresh) == 1
    assert isinstance(fresh[0], FeedBatch)


def test_a_live_batch_goes_to_those_on_the_line_and_a_large_one_says_that_more_waits(
    merchant, desk, first, second
):
    desk.sync(first)
    desk.heard_by(first)
    desk.heard_by(second)
    for number in range(250):
        edit_at_head_office(merchant, "item", f"i{number}", TEA)
    desk.dirty[merchant.id] = None
    desk.work()
    (fresh,) = [s for c, s in desk.heard_by(first) if c is Channel.DOWN_FEED]
    assert fresh.more
    assert first.take_feed(fresh)
    assert desk.heard_by(second) == []  # It never said hello.
    first.fetch(merchant)
    assert first.feed_pos == _pos(merchant)


def test_a_feed_is_given_out_in_stretches_that_fit_the_broker(merchant):
    for number in range(30):
        edit_at_head_office(merchant, "leaflet", f"i{number}", {"name": "长" * 3_000})
    with merchant.door.read() as db:
        first = batch(db, 0, 1000)
        assert first.more
        assert first.pos == first.documents[-1].pos < position(db)
        second = batch(db, first.pos, 1000)
    assert second.documents[0].pos == first.pos + 1
    assert len(first.documents) + len(second.documents) >= 20


def test_whoever_stands_at_the_end_gets_an_empty_stretch(merchant):
    with merchant.door.read() as db:
        end = position(db)
        stretch = batch(db, end, 10)
    assert (stretch.documents, stretch.more, stretch.pos) == ((), False, end)


def _pos(merchant):
    with merchant.door.read() as db:
        return position(db)

"""The page says who edited, also what somebody changed in a store and head office adopted."""

from __future__ import annotations

from cloud.edits import edits_of
from cloud.feed import Proposal, adopt
from core.feed import FeedPublished
from core.journal import Event
from core.journal.event import encode_body
from hub.tests.shop import words

HUB = "b" * 16
TEA = {"code": "101", "name": "足疗 60 分钟", "price": 11800, "category": "c1"}


def propose(desk, content, *, store="s1", actor="w1", minutes=1):
    """Let somebody in a store change the item, and head office hear of it."""
    desk.clock.advance(minutes * 60_000)
    at = desk.clock.read().at
    body = FeedPublished(topic="item", key="i1", pos=desk.pos("item", "i1"), proposed=True)
    event = Event(
        id=desk.platform.ids.new(at),
        origin=HUB,
        epoch=1,
        seq=1,
        boot=1,
        at=at,
        store=store,
        date="2026-09-21",
        actor=actor,
        body=encode_body(body),
    )
    proposal = Proposal(event=event, body=body, content=content, store=store)
    return desk.merchant.door.write(lambda tx: adopt(tx, desk.merchant.act(tx), proposal))


def test_a_stores_own_edit_is_shown_with_the_store_and_the_name(desk):
    assert propose(desk, TEA)
    page = desk.browser().get("/catalog/items/i1")
    assert "由 人民路店 王芳 修改" in words(page)
    assert "¥118" in page.text[page.text.index('id="prices"') :]


def test_head_offices_own_edit_is_shown_with_the_accounts_name(desk):
    propose(desk, TEA)
    sent = {"code": "101", "name": "足疗", "price": "99", "unit": "次", "kind": "service"}
    assert desk.browser("owner").post("/catalog/items/i1", data=sent).status_code == 303
    page = desk.browser().get("/catalog/items/i1")
    assert "由 总部 陈老板 修改" in words(page)
    found = desk.ask(lambda db: edits_of(db, "item", "i1"))
    assert [edit.content["price"] for edit in found] == [9_900, 11_800, 12_800]
    assert [edit.hub for edit in found] == ["", HUB, ""]


def test_what_was_declined_is_nobodys_edit(desk):
    sent = {"code": "101", "name": "足疗", "price": "99", "unit": "次", "kind": "service"}
    assert desk.browser("owner").post("/catalog/items/i1", data=sent).status_code == 303
    body = FeedPublished(topic="role", key="i1", pos=0, proposed=True)
    event = Event(
        id=desk.platform.ids.new(1),
        origin=HUB,
        epoch=1,
        seq=2,
        boot=1,
        at=desk.clock.read().at,
        store="s1",
        date="2026-09-21",
        actor="w1",
        body=encode_body(body),
    )
    wanted = Proposal(event=event, body=body, content={"grants": {}}, store="s1")
    taken = desk.merchant.door.write(lambda tx: adopt(tx, desk.merchant.act(tx), wanted))
    assert not taken
    assert desk.ask(lambda db: edits_of(db, "role", "i1")) == []


def test_what_another_merchant_edits_is_not_seen(desk):
    propose(desk, TEA)
    _other, stranger = desk.other_merchant()
    assert "王芳" not in words(stranger.get("/edits/item/i1/stores"))

"""What all stores sell is edited at head office, and the page says which stores have it."""

from __future__ import annotations

import re

import pytest

from core.catalog import find_item, offers
from core.feed import FeedPublished
from core.journal import decode
from core.organisation import settings
from hub.tests.shop import fault, faults_above, typed, words

GOOD = {
    "code": "305",
    "name": "肩颈按摩",
    "kind": "service",
    "category": "c1",
    "price": "158",
    "member_price": "128.5",
    "unit": "次",
    "points_times": "2",
    "sort": "3",
    "on_sale": "1",
}
OFFER = {"kind": "card", "name": "年卡", "price": "2980", "bonus": "300", "term_days": "365"}


def edited(answer):
    """Return the id of what was saved, from where the browser is sent."""
    assert answer.status_code == 303, words(answer)
    return re.search(r"/(?:items|offers|categories)/([^/?]+)", answer.location)[1]


def shown_stores(page):
    """Return which stores the page says have it."""
    return dict(re.findall(r'data-store="(\w+)" data-has="(\w+)"', page.text))


@pytest.mark.feature("CAT-01", "CAT-02", "CAT-03", "CAT-05", "CAT-09")
def test_an_item_made_at_head_office_is_in_the_feed_with_all_that_was_typed(desk):
    item = edited(desk.browser().post("/catalog/items/new", data=GOOD))
    found = desk.ask(lambda db: find_item(db, "305"))
    assert (found["id"], found["price"], found["member_price"]) == (item, 15_800, 12_850)
    assert (found["kind"], found["unit"], found["points_times"]) == ("service", "次", 2)
    assert desk.pos("item", item) > desk.pos("staff", "w1")
    listed = desk.browser().get("/catalog", query_string={"q": "jjam"})
    assert "肩颈按摩" in words(listed)
    assert "足疗 60" not in words(listed)


@pytest.mark.parametrize(
    ("wrong", "field", "chinese", "english"),
    [
        ({"code": ""}, "code", "请填写", "Fill this in"),
        ({"code": "101"}, "code", "编号 101 已被“足疗 60 分钟”使用", "The code 101 is used by"),
        ({"price": "12元5"}, "price", "金额“12元5”不对，请重输", "is not right"),
        ({"member_price": "159"}, "member_price", "会员价不能高于门市价", "cannot be above"),
        ({"category": "gone"}, "category", "没有这个分类", "No such category"),
    ],
)
def test_a_wrong_field_is_told_beside_it_and_the_rest_is_kept(
    desk, wrong, field, chinese, english
):
    for lang, said in (("zh-CN", chinese), ("en", english)):
        answer = desk.browser(lang=lang).post("/catalog/items/new", data=GOOD | wrong)
        assert answer.status_code == 422
        assert said in fault(answer, field)
        assert typed(answer, "name") == "肩颈按摩"
        assert typed(answer, "price") == (GOOD | wrong)["price"]
    assert desk.ask(lambda db: db.value("SELECT count(*) FROM item")) == 1


def test_a_form_that_is_sent_twice_makes_one_item(desk):
    browser = desk.browser()
    page = browser.get("/catalog/items/new")
    minted = re.search(r'name="id" value="([^"]+)"', page.text)[1]
    first = edited(browser.post("/catalog/items/new", data=GOOD | {"id": minted}))
    again = edited(browser.post("/catalog/items/new", data=GOOD | {"id": minted}))
    assert first == again == minted
    assert desk.ask(lambda db: db.value("SELECT count(*) FROM item")) == 2


def test_every_price_that_ever_was_stands_with_who_gave_it(desk):
    browser = desk.browser("owner")
    for price in ("138", "138", "148.50"):
        desk.clock.advance(60_000)
        sent = GOOD | {
            "code": "101",
            "name": "足疗 60 分钟",
            "price": price,
            "member_price": "",
        }
        assert browser.post("/catalog/items/i1", data=sent).status_code == 303
    page = browser.get("/catalog/items/i1")
    part = page.text[page.text.index('id="prices"') :]
    prices = re.findall(r'data-label="门市价"><span class="num">(¥[\d.]+)', part)
    assert prices == ["¥148.50", "¥138", "¥128"]
    assert words(page).count("总部 陈老板") >= 2


@pytest.mark.feature("CAT-01")
def test_what_is_off_sale_is_off_everywhere_and_comes_back(desk):
    browser = desk.browser()
    assert browser.post("/catalog/items/i1/sale", data={"on": "0"}).status_code == 303
    assert desk.ask(lambda db: find_item(db, "101")) is None
    edited(browser.post("/catalog/items/new", data=GOOD | {"code": "101"}))
    taken = browser.post("/catalog/items/i1/sale", data={"on": "1"})
    assert taken.status_code == 409
    assert any("编号 101 已被" in told for told in faults_above(taken))


@pytest.mark.feature("STO-03")
def test_the_page_tells_which_stores_have_it_and_since_when_the_others_are_away(desk):
    desk.hub("s1", "a" * 16)
    desk.hub("s2", "b" * 16)
    desk.clock.advance(3_600_000)
    desk.hub_says("b" * 16, feed_pos=0, online=False)
    desk.clock.advance(3_600_000)
    browser = desk.browser()
    item = edited(browser.post("/catalog/items/new", data=GOOD))
    page = browser.get(f"/catalog/items/{item}")
    assert shown_stores(page) == {"s1": "no", "s2": "no"}
    assert "正在下发" in words(page)
    assert "还没有（离线自 09-21 11:00）" in words(page)

    desk.clock.advance(60_000)
    desk.hub_says("a" * 16, feed_pos=desk.pos("item", item))
    part = browser.get(f"/edits/item/{item}/stores")
    assert shown_stores(part) == {"s1": "yes", "s2": "no"}
    assert "09-21 12:01 已生效" in words(part)
    desk.clock.advance(60_000)
    desk.hub_says("a" * 16, feed_pos=desk.pos("item", item) + 5)
    assert "09-21 12:01 已生效" in words(browser.get(f"/edits/item/{item}/stores"))


def test_a_store_without_a_hub_is_said_to_have_none(desk):
    page = desk.browser().get("/catalog/items/i1")
    assert shown_stores(page) == {"s1": "no", "s2": "no"}
    assert "还没有主机" in words(page)


def test_headings_are_added_changed_and_removed_but_not_while_items_stand_below(desk):
    browser = desk.browser()
    made = edited(browser.post("/catalog/categories/new", data={"name": "茶饮", "colour": "5"}))
    assert "茶饮" in words(browser.get("/catalog/categories"))
    used = browser.post("/catalog/categories/c1/remove")
    assert used.status_code == 409
    assert any("还有 1 个项目" in told for told in faults_above(used))
    assert browser.post(f"/catalog/categories/{made}/remove").status_code == 303
    assert "茶饮" not in words(browser.get("/catalog/categories"))


@pytest.mark.feature("CRD-05", "CRD-10")
def test_a_card_type_and_a_package_are_offered_in_the_stores_named(desk):
    browser = desk.browser()
    made = edited(
        browser.post("/catalog/offers/new", data=OFFER | {"on_sale": "1", "stores": "s2"})
    )
    here = {row["id"] for row in desk.ask(lambda db: offers(db, "s1"))}
    there = {row["id"] for row in desk.ask(lambda db: offers(db, "s2"))}
    assert (made in here, made in there) == (False, True)
    wrong = browser.post("/catalog/offers/new", data=OFFER | {"principal": "3000"})
    assert wrong.status_code == 422
    assert "本金不能多于售价" in fault(wrong, "principal")
    assert browser.post("/catalog/offers/p1/sale", data={"on": "0"}).status_code == 303
    assert "p1" not in {row["id"] for row in desk.ask(lambda db: offers(db, "s2"))}


def test_the_rule_of_points_is_changed_and_the_other_rules_stay(desk):
    desk.publish("settings", "-", {"categories": ["金卡", "银卡"]})
    browser = desk.browser()
    sent = {"per": "10", "points": "3", "earns": "balance", "days": ["0", "6"]}
    assert browser.post("/catalog/points", data=sent).status_code == 303
    rules = desk.ask(settings)
    assert (rules.points.per_cents, rules.points.points) == (1_000, 3)
    assert (rules.points.on_stored_value, rules.points.double_weekdays) == (True, (0, 6))
    assert rules.categories == ("金卡", "银卡")
    wrong = browser.post("/catalog/points", data=sent | {"per": "0"})
    assert (wrong.status_code, fault(wrong, "per")) == (422, "金额要大于零")
    tried = browser.get("/catalog/points/try", query_string=sent | {"try": "100"})
    assert re.search(r'data-earned="balance">60 分', tried.text)


def test_only_who_may_edit_gets_in_and_nobody_reaches_another_merchant(desk):
    assert desk.app.test_client().get("/catalog").status_code == 302
    assert desk.browser("auditor").get("/catalog").status_code == 403
    refused = desk.browser("auditor").post("/catalog/items/new", data=GOOD)
    assert refused.status_code == 403
    _other, stranger = desk.other_merchant()
    assert stranger.get("/catalog/items/i1").status_code == 404
    assert stranger.post("/catalog/items/i1", data=GOOD).status_code == 404
    assert desk.ask(lambda db: find_item(db, "101"))["price"] == 12_800
    assert "滨江店" not in words(stranger.get("/edits/item/i1/stores"))
    assert desk.browser().get("/edits/member/i1/stores").status_code == 404


def test_an_edit_says_whose_it_was_in_the_merchants_own_journal(desk):
    edited(desk.browser("manager").post("/catalog/items/new", data=GOOD))
    raw = desk.ask(lambda db: db.value("SELECT raw FROM journal ORDER BY seq DESC LIMIT 1"))
    event = decode(raw)
    assert event.actor == desk.people["manager"]
    entry = desk.merchant.parts.entry(event, {})
    assert isinstance(entry.body, FeedPublished)

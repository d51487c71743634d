"""Packages and card types are set up and sold at once."""

from __future__ import annotations

import pytest

from core.catalog import offers
from hub.tests.shop import fault, faults_above, typed, words

GOOD = {
    "kind": "topup",
    "name": "充2000送300",
    "price": "2000",
    "principal": "2000",
    "bonus": "300",
    "on_sale": "1",
}
BAD = [
    ({"name": ""}, "name", "请填写", "Fill this in"),
    ({"price": ""}, "price", "请填写", "Fill this in"),
    ({"price": "两千"}, "price", "金额“两千”不对，请重输", "is not right"),
    ({"principal": "2001"}, "principal", "本金不能多于售价 ¥2,000.00", "cannot be more than"),
    ({"bonus": "-5"}, "bonus", "不能小于 0", "At least 0"),
    ({"term_days": "0"}, "term_days", "不能小于 1", "At least 1"),
    ({"term_days": "36501"}, "term_days", "不能大于 36500", "At most 36500"),
    ({"points": "许多"}, "points", "请填写整数", "Enter a whole number"),
    ({"benefits": "长" * 201}, "benefits", "最多 200 个字", "At most 200 characters"),
    ({"kind": "lottery"}, "kind", "格式不对", "right form"),
]


@pytest.mark.parametrize(("wrong", "field", "chinese", "english"), BAD)
def test_a_wrong_field_is_told_beside_it_and_the_rest_is_kept(
    shop, wrong, field, chinese, english
):
    for lang, said in (("zh-CN", chinese), ("en", english)):
        sent = GOOD | wrong
        answer = shop.browser(lang=lang).post("/catalog/offers/new", data=sent)
        assert answer.status_code == 422
        assert said in fault(answer, field)
        assert (typed(answer, "name"), typed(answer, "price")) == (sent["name"], sent["price"])
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM offer")) == 2


def test_an_offer_that_gives_nothing_is_refused(shop):
    nothing = GOOD | {"price": "0", "principal": "0", "bonus": "0"}
    answer = shop.browser().post("/catalog/offers/new", data=nothing)
    assert faults_above(answer) == ["本金、赠金、积分和次数不能都是零"]


def test_a_new_package_can_be_sold_at_once(shop):
    member = shop.member()
    shop.browser().post("/catalog/offers/new", data=GOOD)
    assert "充2000送300" in words(shop.browser("cashier").get(f"/members/{member}/topup"))


def test_without_a_principal_all_that_is_paid_is_principal(shop):
    shop.browser().post("/catalog/offers/new", data=GOOD | {"principal": ""})
    row = shop.ask(lambda db: db.one("SELECT * FROM offer WHERE name = '充2000送300'"))
    assert (row["principal"], row["bonus"]) == (200000, 30000)


def test_a_card_type_keeps_price_term_benefits_and_where_it_is_valid(shop):
    sent = GOOD | {
        "kind": "card",
        "name": "月卡",
        "price": "398",
        "principal": "398",
        "bonus": "0",
        "term_days": "30",
        "benefits": "周末不限",
        "stores": "s1",
    }
    browser = shop.browser()
    browser.post("/catalog/offers/new", data=sent)
    row = shop.ask(lambda db: db.one("SELECT * FROM offer WHERE name = '月卡'"))
    assert (row["term_days"], row["stores"], row["kind"]) == (30, "s1", "card")
    listed = words(browser.get("/catalog/offers"))
    assert "30 天 人民路店" in listed
    again = browser.get(f"/catalog/offers/{row['id']}")
    assert 'value="s1" checked' in again.text
    assert typed(again, "price") == "398"


def test_a_discontinued_offer_is_sold_no_more_and_can_come_back(shop):
    browser = shop.browser()
    browser.post("/catalog/offers/p1/sale", data={"on": "0"})
    assert [row["id"] for row in shop.ask(lambda db: offers(db, "s1"))] == ["k1"]
    browser.post("/catalog/offers/p1/sale", data={"on": "1"})
    assert len(shop.ask(lambda db: offers(db, "s1"))) == 2


def test_an_offer_that_is_not_there_is_told(shop):
    assert shop.browser().get("/catalog/offers/nope").status_code == 404
    assert shop.browser().get("/catalog/items/nope").status_code == 404
    assert shop.browser().get("/catalog/categories/nope").status_code == 404

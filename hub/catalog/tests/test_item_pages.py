"""Items are found, added, changed, taken off sale, counted; what is wrong is told at its field."""

from __future__ import annotations

import re

import pytest

from core.catalog import find_item, item
from core.errors import Refused
from hub.tests.shop import fault, faults_above, partly, typed, words
from hub.tickets import add_line, open_ticket, read_ticket

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
BAD = [
    ({"code": ""}, "code", "请填写", "Fill this in"),
    ({"code": "x" * 33}, "code", "最多 32 个字", "At most 32 characters"),
    ({"code": "101"}, "code", "编号 101 已被“足疗 60 分钟”使用", "The code 101 is used by"),
    ({"name": ""}, "name", "请填写", "Fill this in"),
    ({"name": "长" * 61}, "name", "最多 60 个字", "At most 60 characters"),
    ({"price": ""}, "price", "请填写", "Fill this in"),
    ({"price": "12元5"}, "price", "金额“12元5”不对，请重输", "The amount “12元5” is not right"),
    ({"price": "-1"}, "price", "不能小于 0", "At least 0"),
    ({"price": "99999999"}, "price", "金额太大", "The amount is too large"),
    (
        {"member_price": "159"},
        "member_price",
        "会员价不能高于门市价 ¥158.00",
        "cannot be above",
    ),
    ({"kind": "magic"}, "kind", "格式不对", "right form"),
    ({"category": "gone"}, "category", "没有这个分类", "No such category"),
    ({"unit": ""}, "unit", "请填写", "Fill this in"),
    ({"unit": "很长很长很长的单位"}, "unit", "最多 8 个字", "At most 8 characters"),
    ({"points_times": "11"}, "points_times", "不能大于 10", "At most 10"),
    ({"points_times": "两"}, "points_times", "请填写整数", "Enter a whole number"),
    (
        {"barcode": "6901234567892"},
        "barcode",
        "条码 6901234567892 已被“茉莉花茶”使用",
        "is used by",
    ),
]


@pytest.mark.parametrize(("wrong", "field", "chinese", "english"), BAD)
def test_a_wrong_field_is_told_beside_it_and_the_rest_is_kept(
    shop, wrong, field, chinese, english
):
    for lang, said in (("zh-CN", chinese), ("en", english)):
        sent = GOOD | {"name": "肩颈按摩"} | wrong
        answer = shop.browser(lang=lang).post("/catalog/items/new", data=sent)
        assert answer.status_code == 422
        assert said in fault(answer, field)
        assert (typed(answer, "code"), typed(answer, "name")) == (sent["code"], sent["name"])
        assert typed(answer, "price") == sent["price"]
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM item")) == 2


def test_several_faults_are_told_at_once(shop):
    answer = shop.browser().post(
        "/catalog/items/new", data=GOOD | {"code": "", "price": "x", "unit": ""}
    )
    assert [fault(answer, name) for name in ("code", "unit")] == ["请填写", "请填写"]
    assert fault(answer, "price")


def test_a_new_item_sells_from_the_next_tap_and_a_new_price_too(shop):
    browser = shop.browser()
    saved = browser.post("/catalog/items/new", data=GOOD)
    page = browser.get(saved.location)
    assert "已保存" in words(page)
    known = shop.ask(lambda db: find_item(db, "305"))
    assert (known["price"], known["member_price"], known["points_times"]) == (15800, 12850, 2)

    def bill(tx, act):
        ticket = act.new_id()
        open_ticket(tx, act, ticket=ticket)
        add_line(tx, act, ticket=ticket, line=act.new_id(), item=known["id"])
        return read_ticket(tx, ticket).bill.total

    assert shop.do(bill) == 15800
    browser.post(f"/catalog/items/{known['id']}", data=GOOD | {"price": "168"})
    assert shop.do(bill) == 16800


def test_the_edit_is_in_the_journal_with_its_author(shop):
    shop.browser("owner").post("/catalog/items/new", data=GOOD)
    raw = shop.ask(lambda db: db.value("SELECT raw FROM journal ORDER BY seq DESC LIMIT 1"))
    assert b'"feed.published"' in raw
    assert b'"actor":"o1"' in raw


def test_sending_the_form_twice_makes_one_item(shop):
    browser = shop.browser()
    form = browser.get("/catalog/items/new")
    minted = typed(form, "id")
    assert re.fullmatch(r"[0-9a-f-]{36}", minted)
    first, second = (
        browser.post("/catalog/items/new", data=GOOD | {"id": minted}) for _ in range(2)
    )
    assert first.location == second.location
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM item WHERE code = '305'")) == 1


def test_a_made_up_id_is_not_taken(shop):
    shop.browser().post("/catalog/items/new", data=GOOD | {"id": "../../i1"})
    made = shop.ask(lambda db: find_item(db, "305"))
    assert re.fullmatch(r"[0-9a-f-]{36}", made["id"])


def test_a_withdrawn_item_leaves_the_till_frees_its_code_and_comes_back(shop):
    browser = shop.browser()
    browser.post("/catalog/items/i1/sale", data={"on": "0"})
    with pytest.raises(Refused, match="item_gone"):
        shop.ask(lambda db: item(db, "i1"))
    assert "足疗 60 分钟" in words(browser.get("/catalog?off=1"))
    assert "足疗 60 分钟" not in words(browser.get("/catalog"))
    browser.post("/catalog/items/new", data=GOOD | {"code": "101"})
    refused = browser.post("/catalog/items/i1/sale", data={"on": "1"})
    assert refused.status_code == 409
    assert "编号 101 已被“肩颈按摩”使用" in words(refused)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=101", ["足疗 60 分钟"]),
        ("q=mlhc", ["茉莉花茶"]),
        ("q=huacha", ["茉莉花茶"]),
        ("q=花茶", ["茉莉花茶"]),
        ("q=6901234567892", ["茉莉花茶"]),
        ("kind=product", ["茉莉花茶"]),
        ("category=c1", ["足疗 60 分钟"]),
        ("brand=吴裕泰", ["茉莉花茶"]),
        ("q=%25", []),
        ("q=zl&kind=product", []),
    ],
)
def test_items_are_found_by_anything_typed_and_by_each_filter(shop, asked, found):
    answer = partly(shop.browser(), "GET", f"/catalog?{asked}")
    assert "<html" not in answer.text
    rows = re.findall(r'<th scope="row"><a [^>]*>(.*?)</a>', answer.text)
    assert rows == found


def test_stock_is_received_counted_and_lost_with_its_reason(shop):
    browser = shop.browser()
    move = "/catalog/items/i2/stock"
    browser.post(move, data={"move": "received", "quantity": "24", "reason": "送货单 88"})
    browser.post(move, data={"move": "lost", "quantity": "2"})
    browser.post(move, data={"move": "counted", "quantity": "20"})
    assert shop.ask(lambda db: db.value("SELECT on_hand FROM stock WHERE item = 'i2'")) == 20
    assert "库存 20 壶" in words(browser.get("/catalog/items/i2"))
    raw = shop.ask(lambda db: [row["raw"] for row in db.all("SELECT raw FROM journal")])
    assert any("received 送货单 88".encode() in event for event in raw)


@pytest.mark.parametrize(
    ("sent", "field", "said"),
    [
        ({"move": "received", "quantity": ""}, "quantity", "请填写"),
        ({"move": "received", "quantity": "0"}, "quantity", "数量请填 1 到 100000"),
        ({"move": "received", "quantity": "100001"}, "quantity", "数量请填 1 到 100000"),
        ({"move": "counted", "quantity": "-1"}, "quantity", "数量请填 0 到 100000"),
        ({"move": "borrowed", "quantity": "1"}, "move", "请选择"),
    ],
)
def test_a_wrong_count_is_told_and_moves_nothing(shop, sent, field, said):
    answer = shop.browser().post("/catalog/items/i2/stock", data=sent)
    assert answer.status_code == 422
    assert fault(answer, field) == said
    assert shop.ask(lambda db: db.value("SELECT on_hand FROM stock WHERE item = 'i2'")) is None


def test_a_service_has_no_stock(shop):
    answer = shop.browser().post(
        "/catalog/items/i1/stock", data={"move": "received", "quantity": "1"}
    )
    assert answer.status_code == 422
    assert 'id="stock"' not in shop.browser().get("/catalog/items/i1").text


def test_a_sale_takes_stock_that_the_page_shows(shop):
    browser = shop.browser()
    browser.post("/catalog/items/i2/stock", data={"move": "received", "quantity": "5"})
    shop.open_shift()
    shop.sale("i2")
    assert "库存 4 壶" in words(browser.get("/catalog/items/i2"))


def test_a_category_colours_the_till_and_goes_only_when_empty(shop):
    browser = shop.browser()
    browser.post("/catalog/categories/new", data={"name": "SPA", "colour": "6", "sort": "1"})
    assert "SPA" in words(browser.get("/catalog/categories"))
    kept = browser.post("/catalog/categories/c1/remove")
    assert kept.status_code == 409
    assert faults_above(kept) == ["“足疗”下还有 1 个项目，请先移走"]
    made = shop.ask(lambda db: db.value("SELECT id FROM category WHERE name = 'SPA'"))
    assert browser.post(f"/catalog/categories/{made}/remove").status_code == 303
    assert "SPA" not in words(browser.get("/catalog/categories"))


@pytest.mark.parametrize(
    ("sent", "field", "said"),
    [
        ({"name": "", "colour": "1"}, "name", "请填写"),
        ({"name": "长" * 61, "colour": "1"}, "name", "最多 60 个字"),
        ({"name": "茶", "colour": "1", "sort": "前"}, "sort", "请填写整数"),
    ],
)
def test_a_wrong_category_is_told(shop, sent, field, said):
    answer = shop.browser().post("/catalog/categories/new", data=sent)
    assert (answer.status_code, fault(answer, field)) == (422, said)
    assert typed(answer, "name") == sent["name"]

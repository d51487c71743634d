"""One table of staff serves all stores; head office edits it."""

from __future__ import annotations

import re

import pytest

from core.crypto import verify_pin
from core.staff import employee
from hub.tests.shop import fault, faults_above, typed, words

NEW = {"number": "07", "name": "李娜", "role": "cashier"}


def pin_of(page):
    return re.search(r"data-pin-shown>(\d{6})<", page.text)[1]


def person(desk, name):
    return desk.ask(lambda db: db.one("SELECT * FROM staff WHERE name = :name", name=name))


def test_somebody_taken_on_gets_a_pin_that_is_shown_once_and_opens_with_the_merchants_pepper(
    desk,
):
    browser = desk.browser()
    answer = browser.post("/staff/new", data=NEW)
    assert answer.status_code == 200
    pin, row = pin_of(answer), person(desk, "李娜")
    assert verify_pin(pin, row["pin_hash"], pepper=desk.merchant.pin_pepper)
    assert (row["number"], row["role"], row["active"]) == ("07", "cashier", 1)
    assert pin not in browser.get(f"/staff/{row['id']}").text
    assert desk.pos("staff", row["id"])
    raws = desk.ask(lambda db: [bytes(one["raw"]) for one in db.all("SELECT raw FROM journal")])
    assert not [raw for raw in raws if pin.encode() in raw]


def test_a_new_pin_replaces_the_old_one_and_keeps_the_cards(desk):
    desk.publish(
        "staff",
        "w1",
        {"number": "02", "name": "王芳", "role": "cashier", "card_hashes": ["ab" * 32]},
    )
    first = pin_of(desk.browser().post("/staff/w1/pin"))
    second = pin_of(desk.browser().post("/staff/w1/pin"))
    known = desk.ask(lambda db: employee(db, "w1"))
    assert verify_pin(second, known.pin_hash, pepper=desk.merchant.pin_pepper)
    assert first == second or not verify_pin(
        first, known.pin_hash, pepper=desk.merchant.pin_pepper
    )
    cards = desk.ask(lambda db: db.value("SELECT count(*) FROM staff_card WHERE staff = 'w1'"))
    assert cards == 1


@pytest.mark.parametrize(
    ("wrong", "field", "chinese", "english"),
    [
        ({"number": ""}, "number", "请填写", "Fill this in"),
        ({"number": "02"}, "number", "工号 02 是“王芳”的", "02"),
        ({"number": "123456789"}, "number", "最多 8 个字", "At most 8 characters"),
        ({"name": "长" * 21}, "name", "最多 20 个字", "At most 20 characters"),
        ({"role": "king"}, "role", "请选择", "Choose"),
    ],
)
def test_a_wrong_field_is_told_beside_it_and_the_rest_is_kept(
    desk, wrong, field, chinese, english
):
    for lang, said in (("zh-CN", chinese), ("en", english)):
        answer = desk.browser(lang=lang).post("/staff/new", data=NEW | wrong)
        assert answer.status_code == 422
        assert said.lower() in fault(answer, field).lower()
        assert typed(answer, "name") == (NEW | wrong)["name"]
    assert person(desk, "李娜") is None


def test_a_manager_makes_no_owner_and_touches_none(desk):
    browser = desk.browser("manager")
    made = browser.post("/staff/new", data=NEW | {"role": "owner"})
    assert made.status_code == 422
    assert "不能给出或更改比自己大的权限" in fault(made, "role")
    assert browser.post("/staff/o1/pin").status_code == 403
    assert desk.ask(lambda db: employee(db, "o1")).pin_hash == ""
    assert desk.browser("owner").post("/staff/o1/pin").status_code == 200


def test_who_is_let_go_is_out_in_every_store_and_comes_back_by_the_same_page(desk):
    browser = desk.browser()
    assert browser.post("/staff/w1/active", data={"on": "0"}).status_code == 303
    assert desk.ask(lambda db: employee(db, "w1")).active is False
    browser.post("/staff/new", data=NEW | {"number": "02"})
    taken = browser.post("/staff/w1/active", data={"on": "1"})
    assert taken.status_code == 409
    assert any("工号 02 是“李娜”的" in told for told in faults_above(taken))


def test_the_last_owner_stays(desk):
    answer = desk.browser("owner").post("/staff/o1/active", data={"on": "0"})
    assert answer.status_code == 409
    assert any("至少要有一位" in told for told in faults_above(answer))


def test_a_persons_page_tells_which_stores_know_them(desk):
    desk.hub("s1", "a" * 16)
    desk.hub_says("a" * 16, feed_pos=desk.pos("staff", "w1"))
    page = desk.browser().get("/staff/w1")
    assert 'data-store="s1" data-has="yes"' in page.text
    assert 'data-store="s2" data-has="no"' in page.text
    assert "王芳" in words(desk.browser().get("/staff"))


def test_only_who_may_edit_staff_gets_in(desk):
    assert desk.browser("auditor").get("/staff").status_code == 403
    assert desk.browser("auditor").post("/staff/w1/pin").status_code == 403
    _other, stranger = desk.other_merchant()
    assert stranger.post("/staff/w1/pin").status_code == 404

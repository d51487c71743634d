"""Who works here: taken on with a PIN that is shown once, given cards and roles, let go."""

from __future__ import annotations

import re

import pytest

from core.crypto import card_hash, verify_pin
from core.errors import Refused
from core.feed import FeedDocument, load
from core.members import replace_card
from core.staff import ROLES, staff
from hub.tests.shop import PIN, fault, faults_above, words

NEW = {"number": "05", "name": "何静", "role": "cashier"}


def pin_shown(answer):
    match = re.search(r"data-pin-shown>(\d+)<", answer.text)
    return match[1] if match else ""


def opens(shop, staff_id, pin):
    known = shop.ask(lambda db: staff(db, staff_id))
    return verify_pin(pin, known.pin_hash, pepper=shop.box.secrets.pin_pepper)


def id_of(shop, number):
    return shop.ask(lambda db: db.value("SELECT id FROM staff WHERE number = :n", n=number))


def test_a_new_employee_gets_a_pin_that_is_shown_once_and_kept_nowhere(shop):
    browser = shop.browser()
    answer = browser.post("/settings/staff/new", data=NEW)
    pin = pin_shown(answer)
    assert re.fullmatch(r"\d{6}", pin)
    assert "只显示这一次" in words(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    person = id_of(shop, "05")
    assert opens(shop, person, pin)
    assert pin not in browser.get(f"/settings/staff/{person}").text
    kept = shop.ask(
        lambda db: [
            bytes(value)
            for table, column in (("journal", "raw"), ("document", "content"))
            for value in (row[0] for row in db.all(f"SELECT {column} FROM {table}"))
        ]
    )
    assert not any(pin.encode() in value for value in kept)


def test_a_new_pin_ends_the_old_one_and_every_session(shop):
    shop.box.door.write(
        lambda tx: (
            tx.run(
                "INSERT INTO device (id, name, till, public_key, cookie_hash, paired_at, seen_at)"
                " VALUES ('d1', 'd', 't', 'k', 'c', 0, 0)"
            ),
            tx.run(
                "INSERT INTO session (token_hash, device, staff, opened_at, seen_at, locked)"
                " VALUES ('h', 'd1', 'w1', 0, 0, 0)"
            ),
        )
    )
    answer = shop.browser().post("/settings/staff/w1/pin")
    assert opens(shop, "w1", pin_shown(answer))
    assert not opens(shop, "w1", PIN)
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM session")) == 0


@pytest.mark.parametrize(
    ("wrong", "field", "chinese", "english"),
    [
        ({"number": ""}, "number", "请填写", "Fill this in"),
        ({"name": ""}, "name", "请填写", "Fill this in"),
        ({"number": "02"}, "number", "工号 02 是“王芳”的", "belongs to “王芳”"),
        ({"role": "emperor"}, "role", "请选择", "Choose one"),
        (
            {"role": "owner"},
            "role",
            "不能给出或更改比自己大的权限",
            "more rights than your own",
        ),
        (
            {"role": "device"},
            "role",
            "不能给出或更改比自己大的权限",
            "more rights than your own",
        ),
    ],
)
def test_a_wrong_employee_is_told_and_not_added(shop, wrong, field, chinese, english):
    for lang, said in (("zh-CN", chinese), ("en", english)):
        answer = shop.browser("manager", lang=lang).post(
            "/settings/staff/new", data=NEW | wrong
        )
        assert answer.status_code == 422
        assert said in fault(answer, field)
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM staff")) == 4


def test_who_is_already_there_keeps_pin_and_cards_through_an_edit(shop):
    browser = shop.browser()
    browser.post("/settings/staff/w1/card", data={"card": "04A1B2C3"})
    browser.post(
        "/settings/staff/w1", data={"number": "22", "name": "王小芳", "role": "technician"}
    )
    known = shop.ask(lambda db: staff(db, "w1"))
    assert (known.number, known.name, known.role) == ("22", "王小芳", "technician")
    assert opens(shop, "w1", PIN)
    held = shop.ask(lambda db: db.value("SELECT card_hash FROM staff_card WHERE staff = 'w1'"))
    assert held == card_hash("04A1B2C3", key=shop.box.secrets.card_key)


def test_a_card_belongs_to_one_person_and_can_be_cancelled(shop):
    browser = shop.browser()
    assert browser.post("/settings/staff/w1/card", data={"card": "04A1B2C3"}).status_code == 303
    taken = browser.post("/settings/staff/t1/card", data={"card": "04a1b2c3"})
    assert fault(taken, "card") == "这张卡已经是“王芳”的"
    odd = browser.post("/settings/staff/t1/card", data={"card": "卡"})
    assert fault(odd, "card") == "这张卡读不出来，请重刷"
    browser.post("/settings/staff/w1/cards/remove")
    assert browser.post("/settings/staff/t1/card", data={"card": "04A1B2C3"}).status_code == 303


def test_a_card_is_a_members_or_an_employees_and_never_both(shop):
    browser = shop.browser()
    browser.post("/settings/staff/w1/card", data={"card": "04A1B2C3"})
    member = shop.member(name="李慧敏")
    told = browser.post(f"/members/{member}/cards", data={"card": "04 a1b2c3"})
    assert fault(told, "card") == "这是员工登录用的卡，不能发给会员，请换一张"
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM card")) == 0
    assert browser.post(f"/members/{member}/cards", data={"card": "80001"}).status_code == 303
    told = browser.post("/settings/staff/t1/card", data={"card": "80001"})
    assert fault(told, "card") == "这张卡已发给会员，不能用来登录，请换一张"
    with pytest.raises(Refused, match="card_of_staff"):
        shop.do(lambda tx, act: replace_card(tx, act, lost="80001", card="04A1B2C3"))
    browser.post("/settings/staff/w1/cards/remove")
    assert (
        browser.post(f"/members/{member}/cards", data={"card": "04A1B2C3"}).status_code == 303
    )


def test_who_was_let_go_is_out_at_once_and_can_come_back(shop):
    cashier = shop.browser("cashier")
    assert cashier.get("/members").status_code == 200
    manager = shop.browser()
    manager.post("/settings/staff/w1/active", data={"on": "0"})
    assert cashier.get("/members").status_code != 200
    assert "02 王芳 收银员 已设 0 张 已停用" in words(manager.get("/settings/staff"))
    manager.post("/settings/staff/w1/active", data={"on": "1"})
    assert cashier.get("/members").status_code == 200


def test_somebody_comes_back_only_under_a_number_that_is_free(shop):
    manager = shop.browser()
    manager.post("/settings/staff/w1/active", data={"on": "0"})
    manager.post("/settings/staff/new", data=NEW | {"number": "02"})
    answer = manager.post("/settings/staff/w1/active", data={"on": "1"})
    assert faults_above(answer) == ["工号 02 是“何静”的"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/settings/staff/o1", {"number": "00", "name": "x", "role": "cashier"}),
        ("/settings/staff/o1/pin", {}),
        ("/settings/staff/o1/card", {"card": "04A1B2C3"}),
        ("/settings/staff/o1/active", {"on": "0"}),
        ("/settings/staff/m1", {"number": "01", "name": "x", "role": "owner"}),
    ],
)
def test_a_manager_can_neither_make_nor_touch_an_owner(shop, path, sent):
    answer = shop.browser("manager").post(path, data=sent)
    assert answer.status_code in {403, 409, 422}
    assert "不能给出或更改比自己大的权限" in words(answer)
    assert pin_shown(answer) == ""
    known = shop.ask(lambda db: staff(db, "o1"))
    assert (known.role, known.name, known.active) == ("owner", "陈店主", True)


@pytest.mark.parametrize(
    ("mine", "theirs", "may"),
    [
        (50_000, None, False),
        (50_000, 50_001, False),
        (50_000, 50_000, True),
        (None, 50_001, True),
        (None, None, True),
    ],
)
def test_a_role_with_a_higher_limit_than_ones_own_cannot_be_given(shop, mine, theirs, may):
    roles = {"manager": mine, "cashier": theirs}
    documents = [
        FeedDocument(
            topic="role",
            key=role,
            pos=1_000 + pos,
            content={"grants": {**ROLES[role], "card.topup": limit}},
        )
        for pos, (role, limit) in enumerate(roles.items())
    ]
    shop.box.door.write(lambda tx: load(tx, shop.box.parts, documents))
    answer = shop.browser("manager").post("/settings/staff/new", data=NEW)
    assert (id_of(shop, "05") is not None) is may
    assert ("不能给出或更改比自己大的权限" in fault(answer, "role")) is not may


def test_a_form_for_somebody_new_cannot_overwrite_who_is_there(shop):
    owner = shop.browser("owner")
    owner.post("/settings/staff/new", data=NEW | {"role": "owner"})
    second = id_of(shop, "05")
    answer = shop.browser("manager").post(
        "/settings/staff/new", data=NEW | {"id": second, "role": "cashier"}
    )
    assert answer.status_code == 422
    assert shop.ask(lambda db: staff(db, second)).role == "owner"


def test_the_shop_is_never_left_without_an_owner_and_nobody_locks_themselves_out(shop):
    owner = shop.browser("owner")
    demoted = owner.post(
        "/settings/staff/o1", data={"number": "00", "name": "陈", "role": "manager"}
    )
    assert fault(demoted, "role") == "至少要有一位在职的店主"
    gone = owner.post("/settings/staff/o1/active", data={"on": "0"})
    assert faults_above(gone) == ["不能停用自己"]
    owner.post("/settings/staff/new", data=NEW | {"role": "owner"})
    assert (
        owner.post(
            "/settings/staff/o1", data={"number": "00", "name": "陈", "role": "manager"}
        ).status_code
        == 303
    )


def test_somebody_who_is_not_there_is_told(shop):
    assert shop.browser().get("/settings/staff/nobody").status_code == 404
    assert shop.browser().post("/settings/staff/nobody/pin").status_code == 404

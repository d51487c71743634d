"""Members by the API: registered, found, edited, given a card."""

from __future__ import annotations

from hub.api.tests.counter import cash
from tests.started import CARD_TYPE


def test_a_member_is_found_by_name_pinyin_phone_number_and_card(counter):
    told = {"name": "欧阳小雨", "phone": "137 0000 1234", "card": "8800 0001"}
    member = counter.owner.done("POST", "/members", told)
    assert member["phone"] == "13700001234"
    assert [card["number"] for card in member["cards"]] == ["88000001"]
    for typed in (
        "欧阳",
        "ouyang",
        "oyxy",
        "1234",
        "13700001234",
        member["number"],
        "88000001",
    ):
        found = counter.cashier.done("GET", f"/members?q={typed}")["members"]
        assert member["id"] in {row["id"] for row in found}, typed


def test_a_cashier_sees_a_phone_masked_and_the_owner_sees_it_whole(counter):
    member = counter.owner.done("POST", "/members", {"name": "周静", "phone": "13711112222"})
    path = f"/members/{member['id']}"
    assert counter.owner.done("GET", path)["phone"] == "13711112222"
    assert counter.cashier.done("GET", path)["phone"] == "137****2222"
    (listed,) = counter.cashier.done("GET", "/members?q=13711112222")["members"]
    assert listed["phone"] == "137****2222"


def test_an_edit_changes_what_it_names_and_leaves_the_rest(counter):
    told = {"name": "周静", "phone": "13733334444", "birthday": "05-01", "note": "怕痒"}
    member = counter.owner.done("POST", "/members", told)
    path = f"/members/{member['id']}"
    edited = counter.owner.done("PATCH", path, {"name": "周婧", "note": ""})
    assert (edited["name"], edited["note"]) == ("周婧", "")
    assert (edited["phone"], edited["birthday"]) == ("13733334444", "05-01")
    assert counter.owner.done("GET", path) == edited


def test_a_phone_has_one_holder(counter):
    counter.owner.done("POST", "/members", {"name": "甲", "phone": "13755556666"})
    reply = counter.owner.post("/members", {"name": "乙", "phone": "+86 137 5555 6666"})
    assert (reply.status, reply.code) == (409, "phone_taken")
    assert "甲" in reply.body["error"]["message"]


def test_what_is_wrong_with_a_profile_is_said(counter):
    for told, code in (
        ({"name": " "}, "name_missing"),
        ({"name": "长" * 41}, "name_too_long"),
        ({"name": "甲", "phone": "12"}, "phone_malformed"),
        ({"name": "甲", "gender": "x"}, "gender_unknown"),
        ({"name": "甲", "birthday": "2020-13-01"}, "birthday_malformed"),
        ({"name": "甲", "category": "没有"}, "category_unknown"),
        ({"name": "甲", "card": "!"}, "card_malformed"),
    ):
        reply = counter.owner.post("/members", told)
        assert (reply.status, reply.code) == (422, code)


def test_a_prospect_has_no_number(counter):
    told = counter.owner.done("POST", "/members", {"name": "路人", "standing": "prospect"})
    assert (told["number"], told["standing"]) == (None, "prospect")


def test_a_card_has_one_holder_and_the_holder_may_be_told_again(counter):
    first, second = counter.member("甲"), counter.member("乙")
    for _ in range(2):
        told = counter.cashier.done("POST", f"/members/{first}/cards", {"card": "77000001"})
        assert [card["number"] for card in told["cards"]] == ["77000001"]
    reply = counter.cashier.post(f"/members/{second}/cards", {"card": "77000001"})
    assert (reply.status, reply.code) == (409, "card_taken")
    assert (
        counter.cashier.post("/members/nobody/cards", {"card": "77000002"}).code == "no_member"
    )


def test_a_card_type_is_sold_with_its_card_and_ends_on_its_day(counter):
    member = counter.member()
    asked = {
        "member": member,
        "offer": CARD_TYPE,
        "card": "66000001",
        "payments": [cash(50_000)],
    }
    sold = counter.cashier.done("POST", "/topups", asked)
    assert (sold["card"], sold["principal_cents"]) == ("66000001", 50_000)
    (lot,) = counter.wallet(member)["lots"]
    assert (lot["expires"], lot["spendable"]) == (sold["expires"], True)


def test_a_correction_needs_its_right_a_reason_and_something_to_take(counter):
    member = counter.rich_member()
    path = f"/members/{member}/adjustments"
    asked = {"asset": "bonus", "amount": -2_500, "reason": "录错"}
    assert counter.cashier.post(path, asked).code == "not_allowed"
    assert counter.owner.post(path, {**asked, "reason": " "}).code == "reason_missing"
    left = counter.owner.done("POST", path, asked)["left"]
    assert (left["principal_cents"], left["bonus_cents"]) == (100_000, 7_500)
    reply = counter.owner.post(path, {**asked, "amount": -7_501})
    assert (reply.status, reply.code) == (409, "adjust_below_zero")
    points = {"asset": "points", "amount": -9_999, "reason": "录错"}
    assert counter.owner.post(path, points).code == "points_below_zero"
    assert counter.owner.post(path, {**asked, "amount": 0}).code == "amount_wrong"
    moved = counter.owner.done("GET", f"/members/{member}/movements")["movements"]
    assert moved[0]["kind"] == "wallet.adjusted"
    assert moved[0]["amount_cents"] == -2_500

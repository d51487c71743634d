"""What the counter checks of a person, each thing alone and all at once."""

from __future__ import annotations

import pytest

from core.errors import Refused
from core.members import check_birthday
from core.organisation import NumberFormat
from hub.members import (
    Application,
    Profile,
    cards_of,
    check_card,
    faults,
    issue_card,
    next_number,
    register,
)

TODAY = "2026-09-21"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ""),
        ("1990-05-01", "1990-05-01"),
        ("1990-5-1", "1990-05-01"),
        ("1990/5/1", "1990-05-01"),
        ("1990.05.1", "1990-05-01"),
        ("1990年5月1日", "1990-05-01"),
        ("1990年 5月 1日", "1990-05-01"),
        ("19900501", "1990-05-01"),
        ("5-1", "05-01"),
        ("5月1日", "05-01"),
        ("0501", "05-01"),
        ("02-29", "02-29"),
        ("2000-02-29", "2000-02-29"),
        (TODAY, TODAY),
    ],
)
def test_a_birthday_is_read_as_people_write_it(written, read):
    assert check_birthday(written, today=TODAY) == read


@pytest.mark.parametrize(
    "written",
    [
        "1990",
        "111",
        "1990-13-01",
        "2001-02-29",
        "32",
        "abc",
        "1-2-3",
        "2026-09-22",
        "1899-12-31",
    ],
)
def test_what_is_no_birthday_or_lies_ahead_is_refused(written):
    with pytest.raises(Refused, match="birthday_malformed"):
        check_birthday(written, today=TODAY)


def test_every_fault_is_found_at_once(shop):
    shop.member(card="04A1B2C3", number="VIP-1")
    wrong = Application(
        profile=Profile(name=" ", phone="13812342046", birthday="x"),
        category="nobility",
        number="vip-1",
        card="04a1b2c3",
    )
    found = shop.ask(lambda db: faults(db, shop.box.act(db), wrong))
    assert {refused.code for refused in found} == {
        "name_missing",
        "phone_taken",
        "birthday_malformed",
        "category_unknown",
        "number_taken",
        "card_taken",
    }


def test_somebody_keeps_their_own_phone_and_card(shop):
    member = shop.member(card="04A1B2C3")
    same = Application(
        profile=Profile(name="李慧敏", phone="138 1234 2046"), card="04 A1 B2 C3"
    )
    assert shop.ask(lambda db: faults(db, shop.box.act(db), same, member=member)) == []


@pytest.mark.parametrize("number", ["VIP 一", "x" * 21, "a/b", "\u202e1"])
def test_a_number_that_cannot_be_said_aloud_is_refused(shop, number):
    asked = Application(profile=Profile(name="王"), number=number)
    found = shop.ask(lambda db: faults(db, shop.box.act(db), asked))
    assert [refused.code for refused in found] == ["number_malformed"]


@pytest.mark.parametrize("typed", ["13912345678", "139 1234 5678", "+86 139-1234-5678"])
def test_a_mobile_phone_is_neither_number_nor_card(shop, typed):
    asked = Application(profile=Profile(name="王"), number=typed, card=typed)
    found = shop.ask(lambda db: faults(db, shop.box.act(db), asked))
    assert [refused.code for refused in found] == ["number_is_phone", "card_is_phone"]
    with pytest.raises(Refused, match="number_is_phone"):
        shop.do(lambda tx, act: register(tx, act, asked))


def test_ones_own_phone_of_any_kind_is_neither_number_nor_card(shop):
    own = "0311-6543210"
    asked = Application(profile=Profile(name="王", phone=own), number=own, card=own)
    found = shop.ask(lambda db: faults(db, shop.box.act(db), asked))
    assert [refused.code for refused in found] == ["number_is_phone", "card_is_phone"]
    member = shop.member("王", own)
    with pytest.raises(Refused, match="card_is_phone"):
        shop.do(lambda tx, act: issue_card(tx, act, member=member, card="03116543210"))


def test_a_card_is_issued_by_those_who_may_and_by_the_box_itself(shop):
    member = shop.member()
    with pytest.raises(Refused, match="not_allowed"):
        shop.do(
            lambda tx, act: issue_card(tx, act, member=member, card="04A1B2C3"),
            role="technician",
        )
    shop.box.door.write(
        lambda tx: issue_card(tx, shop.box.act(tx), member=member, card="04A1B2C3")
    )
    assert shop.ask(lambda db: [row["number"] for row in cards_of(db, member)]) == ["04A1B2C3"]


def test_a_number_of_the_automatic_kind_is_left_to_the_counter(shop):
    asked = Application(profile=Profile(name="王"), number="MA000009")
    found = shop.ask(lambda db: faults(db, shop.box.act(db), asked))
    assert [refused.code for refused in found] == ["number_reserved"]


def test_the_next_number_can_be_asked_for_another_format(shop):
    shop.member()
    act = shop.ask(shop.box.act)
    assert shop.ask(lambda db: next_number(db, act)) == ("MA000002", 1)
    shape = NumberFormat(prefix="VIP", digits=4)
    assert shop.ask(lambda db: next_number(db, act, shape=shape)) == ("VIPA0002", 1)


def test_a_returned_card_may_stand_for_somebody_else(shop):
    shop.member(card="04A1B2C3")
    with pytest.raises(Refused, match="card_taken"):
        shop.ask(lambda db: check_card(db, "04A1B2C3", member=None))

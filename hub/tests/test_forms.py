"""Forms read what people type, keep it, and say what is wrong with it."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from core.catalog import Category, Item
from core.errors import Refused
from core.web import Form, constraint_sentence, go, minted_id, typed_yuan
from hub.shown import clock_time, moment, phone_shown, short_moment


@pytest.fixture
def asked(shop):
    """A request in Chinese, by nobody in particular."""
    with shop.app.test_request_context(headers={"Accept-Language": "zh-CN"}):
        yield


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0"), (12800, "128"), (12850, "128.50"), (5, "0.05"), (-5, "-0.05"), (None, "")],
)
def test_fen_are_written_as_people_type_them_and_read_back(asked, fen, text):
    assert typed_yuan(fen) == text
    assert Form({"amount": text}).fen("amount") == fen


def test_every_wrong_value_of_a_document_is_told_not_the_first_alone(asked):
    form = Form()
    content = {"code": "", "name": "长" * 61, "price": -1, "kind": "x", "unit": "很" * 9}
    assert form.struct(Item, content) is None
    assert form.errors == {
        "code": "请填写",
        "name": "最多 60 个字",
        "price": "不能小于 0",
        "kind": "格式不对",
        "unit": "最多 8 个字",
    }


def test_a_document_of_right_values_is_made(asked):
    made = Form().struct(Category, {"name": "足疗", "colour": 3})
    assert made == Category(name="足疗", colour=3)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (str, None, "请填写"),
        (int, "x", "格式不对"),
        (msgspec.Meta(min_length=3), "ab", "至少 3 个字"),
        (msgspec.Meta(max_length=1), "ab", "最多 1 个字"),
        (msgspec.Meta(pattern="^x"), "ab", "格式不对"),
    ],
)
def test_a_constraint_is_told_in_words(asked, kind, value, said):
    wanted = kind if isinstance(kind, type) else Annotated[str, kind]
    with pytest.raises(msgspec.ValidationError) as told:
        msgspec.convert(value, wanted)
    assert constraint_sentence(str(told.value)) == said


@pytest.mark.parametrize("typed", ["1.5", "壹", "1e3", "９９", "1234567890"])
def test_what_is_no_whole_number_is_told(asked, typed):
    form = Form({"n": typed})
    assert form.whole("n", default=7) == 7
    assert form.errors == {"n": "请填写整数"}


def test_a_refusal_is_told_at_its_field_and_others_above_the_form(asked):
    form = Form()
    with form.catching(name_missing="name"):
        raise Refused("name_missing")
    with form.catching(name_missing="name"):
        raise Refused("no_period")
    assert form.errors == {"name": "请填写姓名", "": "还没有开班，请先开班并点入备用金"}


def test_who_is_not_logged_in_is_no_fault_of_a_form(asked):
    with pytest.raises(Refused, match="not_logged_in"), Form().catching():
        raise Refused("not_logged_in")


def test_an_id_that_the_hub_did_not_mint_is_replaced(asked):
    minted = minted_id(Form())
    assert minted_id(Form({"id": minted})) == minted
    assert minted_id(Form({"id": "'; drop table item"})) != "'; drop table item"


def test_the_way_on_is_a_redirect_or_the_header_that_htmx_follows(shop):
    with shop.app.test_request_context():
        assert (go("/members").status_code, go("/members").location) == (303, "/members")
    with shop.app.test_request_context(headers={"HX-Request": "true"}):
        answer = go("/members")
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/members")


def test_times_are_the_shops_and_phones_are_masked_for_nobody_in_particular(asked, shop):
    at = shop.clock.at
    assert (moment(at), short_moment(at), clock_time(at)) == (
        "2026-09-21 10:00",
        "09-21 10:00",
        "10:00",
    )
    assert moment(None) == ""
    assert phone_shown("13812342046") == "138****2046"
    assert phone_shown("") == ""

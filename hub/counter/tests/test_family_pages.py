"""Relatives at the counter: added with a limit, paying at the till, leaving without a loss."""

from __future__ import annotations

import re

import pytest

from hub.access.tests.tablet import paired
from hub.tests.shop import words

PARTLY = {"HX-Request": "true"}


@pytest.fixture
def family(shop):
    """A holder with ¥1,000 and her daughter."""
    shop.open_shift()
    holder = shop.member()
    shop.top_up(holder, 100_000)
    daughter = shop.member("李小敏", "13912347712", card="8100000002")
    return holder, daughter


@pytest.fixture
def tablet(shop):
    ready = paired(shop)
    ready.log_in()
    ready.get("/")
    return ready


def join(shop, holder, relative, **more):
    return shop.browser("cashier").post(
        f"/members/{holder}/family", data={"relative": relative, **more}
    )


def pay(tablet):
    page = tablet.get("/pos/pay", headers=PARTLY).text
    form = page[page.index('class="pay-take"') :]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    fields.pop("csrf_token")
    answer = tablet.post("/pos/pay", headers=PARTLY, **fields)
    return tablet.get(answer.location) if answer.status_code == 302 else answer


@pytest.mark.feature("EXP-29")
def test_a_relative_is_found_and_added_with_a_limit(shop, family):
    holder, daughter = family
    browser = shop.browser("cashier")
    assert "李小敏" in words(browser.get(f"/members/{holder}/family?q=7712"))
    for nothing in ("0", "0.00", "-5"):  # Nobody who types this wants a relative without limit.
        refused = join(shop, holder, daughter, limit=nothing)
        assert (refused.status_code, "要大于 0" in refused.text) == (422, True)
    wrong = join(shop, holder, daughter, limit="many")
    assert wrong.status_code == 422
    assert "李小敏" in words(wrong)
    answer = join(shop, holder, daughter, limit="300")
    assert "已加为亲情成员" in words(browser.get(answer.location))
    assert "本月已用 ¥0.00 / ¥300.00" in words(browser.get(f"/members/{holder}"))
    assert "李慧敏" in words(browser.get(f"/members/{daughter}"))


@pytest.mark.feature("EXP-29")
def test_a_relatives_card_pays_from_the_holders_account_and_the_bill_says_who_came(
    shop, family, tablet
):
    holder, daughter = family
    join(shop, holder, daughter)
    tablet.post("/pos/lines", item="i1", operation="op-1")
    tablet.post("/pos/scan", code="8100000002", operation="op-2")
    shown = words_of(tablet.get("/pos/ticket").text)
    assert "亲情账户：用 李慧敏 的储值付款" in shown
    assert "¥1,000.00" in shown
    said = words_of(pay(tablet).text)
    assert "李小敏 消费，从 李慧敏 的亲情账户付款" in said
    profile = words(shop.browser("manager").get(f"/members/{holder}"))
    assert "李小敏 来店" in profile
    assert "亲情账户付" in words(shop.browser("manager").get(f"/members/{daughter}"))


def words_of(text):
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_the_till_switches_to_the_relatives_own_money_and_back(shop, family, tablet):
    holder, daughter = family
    shop.top_up(daughter, 5_000)
    join(shop, holder, daughter)
    tablet.post("/pos/lines", item="i1", operation="op-1")
    tablet.post("/pos/member", member=daughter)
    assert "¥1,000.00" in tablet.get("/pos/ticket").text
    tablet.post("/pos/payer", shared="0")
    own = words_of(tablet.get("/pos/ticket").text)
    assert "¥50.00" in own
    assert "可以用 李慧敏 的亲情账户付款" in own
    tablet.post("/pos/payer", shared="1")
    assert "¥1,000.00" in tablet.get("/pos/ticket").text


def test_over_the_limit_the_till_says_what_is_left(shop, family, tablet):
    holder, daughter = family
    join(shop, holder, daughter, limit="10")
    tablet.post("/pos/lines", item="i1", operation="op-1")
    tablet.post("/pos/member", member=daughter)
    assert "超出亲情额度：本月还可用 ¥10.00" in pay(tablet).text


def test_whoever_leaves_takes_nothing_and_loses_nothing(shop, family):
    holder, daughter = family
    join(shop, holder, daughter)
    browser = shop.browser("cashier")
    answer = browser.post(f"/members/{holder}/family/leave", data={"relative": daughter})
    page = words(browser.get(answer.location))
    assert "已退出亲情账户，余额不变" in page
    assert "还没有亲情成员" in page
    assert "¥1,000.00" in page

"""The till's step of paying by a pass: proposed by itself, unticked and ticked, told on screen."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.sync_api import expect

from core.feed import FeedDocument, load
from core.till import Offered
from core.wallet import Asset
from hub.checkout import pay_topup
from hub.pos.tests.test_money_elsewhere import bill_of, office, tablet
from hub.pos.tests.test_paying_in_a_browser import address
from hub.tests.shop import TILL
from hub.wallet import Gift, TopUp, give_pass
from tests.journeys.browser import (
    TABLET,
    faults_of_access,
    open_window,
    picture,
    small_targets,
    watched,
)

__all__ = ["address", "office", "tablet"]

pytestmark = [pytest.mark.browser, pytest.mark.wide]

TEN = {
    "name": "足疗 10 次卡",
    "kind": "pass",
    "price": 88_000,
    "principal": 0,
    "term_days": 365,
    "passes": [{"asset": "punches", "units": 10, "paid": 88_000, "items": ["i1"]}],
}


@pytest.fixture
def guest(shop, office):
    """Somebody with ten visits and a coupon."""
    document = FeedDocument(topic="offer", key="ten", pos=1_000, content=TEN)
    shop.box.door.write(lambda tx: load(tx, shop.box.parts, [document]))
    known = shop.member(card="8800000001")
    wanted = TopUp(member=known, offer="ten", payments=(Offered(tender="cash", amount=88_000),))
    shop.do(lambda tx, act: pay_topup(tx, act, wanted, till=TILL, key="sold-1"))
    coupon = Gift(
        member=known, asset=Asset.COUPONS, name="立减 20 元", reason="等候太久", worth=2_000
    )
    shop.do(partial(give_pass, gift=coupon), role="owner")
    return known


@pytest.fixture
def page(browser, tablet, address):
    context = open_window(browser, size=TABLET)
    context.add_cookies(
        [
            {"name": kept.key, "value": kept.value, "url": address}
            for kept in tablet.http._cookies.values()
        ]
    )
    opened, faults = watched(context)
    yield opened
    assert faults == []
    context.close()


def test_the_till_proposes_the_visit_and_says_what_is_left(tablet, guest, page, address):
    bill_of(tablet, guest)
    page.goto(f"{address}/")
    card = page.locator("#ticket .member")
    expect(card).to_contain_text("足疗 10 次卡")
    expect(card).to_contain_text("10 次")
    expect(card).not_to_contain_text("余额不够")
    picture(page, "passes-1-ticket")

    page.goto(f"{address}/pos/pay")
    visit = page.get_by_role("checkbox", name="足疗 10 次卡：用 1 次，抵 ¥99.00")
    coupon = page.get_by_role("checkbox", name="用券 立减 20 元")
    expect(visit).to_be_checked()
    expect(coupon).not_to_be_checked()
    expect(page.get_by_text("不用收现金，直接确认。")).to_be_visible()
    picture(page, "passes-2-pay")
    assert faults_of_access(page) == []
    assert small_targets(page) == []

    visit.uncheck()
    expect(page.get_by_text("实收现金").first).to_be_visible()
    page.get_by_role("checkbox", name="用券 立减 20 元").check()
    expect(page.locator(".pay-how")).to_contain_text("抵 ¥20.00")
    expect(page.locator("input[name=fen_cash]")).to_have_value("7900")
    picture(page, "passes-3-coupon")
    page.get_by_role("checkbox", name="立减 20 元").uncheck()
    page.get_by_role("checkbox", name="用次卡").check()
    expect(page.locator("input[name=fen_cash]")).to_have_value("0")

    page.get_by_role("button", name="确认收款").click()
    done = page.locator("[data-paid]")
    expect(done).to_contain_text("足疗 10 次卡")
    expect(done).to_contain_text("9 次")
    picture(page, "passes-4-paid")
    page.goto(f"{address}/members/{guest}")
    expect(page.locator("#held")).to_contain_text("9 次")
    picture(page, "passes-5-member")


def test_it_is_sold_like_a_package(tablet, guest, page, address):
    page.goto(f"{address}/members/{guest}/topup")
    page.get_by_role("link", name="足疗 10 次卡").click()
    expect(page.locator("#topup .facts")).to_contain_text("10 次")
    picture(page, "passes-6-selling")


def test_the_form_at_which_it_is_made(shop, browser, address):
    context = open_window(browser, size=TABLET)
    context.set_extra_http_headers({"Authorization": f"Bearer {shop.tokens['owner']}"})
    page, faults = watched(context)
    page.goto(f"{address}/catalog/offers/new?kind=pass")
    page.locator("input[name=name]").fill("10 小时卡")
    page.locator("input[name=price]").fill("600")
    page.locator("input[name=pass_units_1]").fill("600")
    page.get_by_role("radio", name="按分钟").check()
    page.locator("input[name=pass_categories_1][value=c1]").check()
    picture(page, "passes-7-form")
    assert faults_of_access(page) == []
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("link", name="10 小时卡")).to_be_visible()
    made = shop.ask(lambda db: db.value("SELECT passes FROM offer WHERE name = '10 小时卡'"))
    assert made == (
        '[{"asset":"minutes","units":600,"paid":60000,"name":"","items":[],"categories":["c1"]}]'
    )
    assert faults == []
    context.close()


def test_a_pass_that_covers_nothing_on_the_bill_says_so(tablet, guest, page, address):
    tablet.post("/pos/lines", item="i2", operation="op-1")
    tablet.post("/pos/member", member=guest)
    page.goto(f"{address}/pos/pay")
    expect(page.locator("#pay-form")).to_contain_text("足疗 10 次卡 付不了这张单上的项目")
    picture(page, "passes-8-other-item")

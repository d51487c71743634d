"""Head office started for real, and an owner's browser: what shows, and that it shows by itself."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import expect

from cloud.access.tests.office import PASSWORD, SECRET, Office
from cloud.gate.tests.started import started
from core.clock import SystemClock
from tests.journeys.browser import (
    PC,
    PHONE,
    faults_of_access,
    open_window,
    picture,
    small_targets,
    watched,
)

pytestmark = [pytest.mark.browser, pytest.mark.wide]


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    opened = Office(tmp_path_factory.mktemp("office"), at=SystemClock().read().at - 60_000)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(office):
    with started(office.platform.folder, "web") as program:
        yield f"http://{program.address}"


@pytest.fixture
def owner(browser, office, address):
    """A PC on which the owner is logged in."""
    page, faults = watched(open_window(browser, size=PC, touch=False))
    log_in(page, office, address)
    yield page
    assert faults == []
    page.context.close()


def log_in(page, office, address):
    # Each code works once, so the account forgets which step it used last.
    office.platform.door.write(lambda tx: tx.run("UPDATE account SET totp_step = 0"))
    page.goto(address)
    page.get_by_label("邮箱").fill("owner@qinghe.example")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_label("验证码").fill(pyotp.TOTP(SECRET).now())
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: "/login" not in url)


def told(office):
    """Ring as the process does that takes in what stores send."""
    office.platform.ring("web")


@pytest.mark.feature("STO-06")
def test_head_office_lists_stores_with_sales_and_last_seen_and_a_sale_shows_by_itself(
    office, owner, address
):
    now = SystemClock().read().at
    office.hears(office.a, online=1, last_seen_at=now)
    office.hears(office.b, online=0, last_seen_at=now - 3 * 60_000, reported_seq=9)
    owner.goto(f"{address}/sales")
    stores = owner.get_by_role("region", name="各门店")
    expect(stores.get_by_role("row", name="人民路店")).to_contain_text("实时")
    expect(stores.get_by_role("row", name="江边店")).to_contain_text("3 分钟前")
    owner.evaluate("window.sameVisit = true")
    office.clock.at = now
    member = office.a.member("赵文轩", "13900001111")
    office.a.top_up(member)
    office.a.sell(12_800, member, "stored_value")
    told(office)
    bills = owner.get_by_role("region", name="单据")
    expect(bills.get_by_role("row", name="赵文轩")).to_contain_text("¥128.00")
    expect(stores.get_by_role("row", name="人民路店")).to_contain_text("¥128.00")
    assert owner.evaluate("window.sameVisit"), "the page was not loaded anew"
    bills.get_by_role("link", name=re.compile("^S1-")).first.click()
    expect(owner.get_by_role("region", name="明细")).to_contain_text("足疗 60 分钟")
    picture(owner, "office-bill")


@pytest.mark.feature("STO-01")
@pytest.mark.feature("STO-08")
def test_a_store_is_opened_by_a_form_listed_closed_and_opened_again(owner, address):
    owner.goto(f"{address}/stores")
    owner.get_by_role("link", name="开新店").click()
    owner.get_by_label("门店名称").fill("北门店")
    owner.get_by_label("门店代号").fill("A")
    owner.get_by_role("button", name="开店").click()
    expect(owner.locator("#f-code-error")).to_contain_text("是“人民路店”的")
    owner.get_by_label("门店代号").fill("N")
    owner.get_by_role("button", name="开店").click()
    owner.wait_for_url("**done=added")
    owner.get_by_role("button", name="接入主机").click()
    expect(owner.locator("[data-enrolment-code]")).to_have_text(re.compile(r"\w{5}-\w{5}"))
    expect(owner.locator("count-down")).to_contain_text("还有 14:")
    picture(owner, "office-code")
    owner.get_by_role("link", name="停业").click()
    owner.get_by_role("button", name="确认停业").click()
    owner.goto(f"{address}/stores")
    row = owner.get_by_role("region", name="各门店").get_by_role("row", name="北门店")
    expect(row).to_contain_text("已停业")
    row.get_by_role("link").click()
    owner.get_by_role("button", name="恢复营业").click()
    owner.goto(f"{address}/stores")
    expect(row).to_contain_text("还没有主机")


@pytest.mark.feature("STO-05")
def test_who_owes_whom_shows_and_where_the_money_lies(office, owner, address):
    office.clock.at = SystemClock().read().at
    member = office.a.member("何国强", "13900002222")
    office.a.top_up(member)
    office.a.send_to(office.b, member)
    office.b.sell(16_800, member, "stored_value")
    owner.goto(f"{address}/settlements")
    owed = owner.get_by_role("region", name="抵消后谁该付谁")
    expect(owed.get_by_role("row", name="人民路店 江边店")).to_contain_text("¥168.00")
    owner.goto(f"{address}/members?q=heguoqiang")
    owner.get_by_role("link", name="何国强").click()
    places = owner.get_by_role("region", name="钱在哪里")
    expect(places.get_by_role("row", name="江边店")).to_contain_text("¥932.00")
    expect(owner.get_by_role("region", name="每一笔变动")).to_contain_text("划到门店")
    picture(owner, "office-member")


@pytest.mark.feature("STO-07")
def test_one_phone_entered_in_two_stores_is_flagged(office, owner, address):
    office.a.member("李慧敏", "13900003333")
    office.b.member("李惠敏", "13900003333")
    owner.goto(f"{address}/members")
    owner.get_by_role("link", name="看看是谁").click()
    listed = owner.get_by_role("region", name="同一个手机号")
    expect(listed).to_contain_text("李慧敏")
    expect(listed).to_contain_text("李惠敏")


@pytest.mark.parametrize("size", [PC, PHONE], ids=["pc", "phone"])
def test_pages_are_for_everybody_and_for_fingers(browser, office, address, size):
    page, faults = watched(open_window(browser, size=size))
    log_in(page, office, address)
    for path in (
        "/",
        "/sales",
        "/stores",
        "/stores/s1",
        "/members",
        "/settlements",
        "/accounts",
    ):
        page.goto(f"{address}{path}")
        assert faults_of_access(page) == [], path
        assert small_targets(page) == [], path
        assert page.evaluate(
            "[...document.querySelectorAll('main, main *')].every(e =>"
            " e.closest('.table-wrap, .tabs, .clip') || e.scrollWidth <= e.clientWidth + 1"
            " || getComputedStyle(e).overflowX !== 'visible' || e.tagName === 'svg'"
            " || e.getBoundingClientRect().right <= innerWidth + 1)"
        ), f"{path} is wider than the window"
    assert faults == []
    page.context.close()


def test_a_browser_of_the_real_program_forgets_after_logging_out(owner, address):
    owner.goto(f"{address}/account")
    owner.get_by_role("main").get_by_role("button", name="退出登录").click()
    owner.wait_for_url("**/login")
    owner.goto(f"{address}/members")
    assert "/login" in owner.url

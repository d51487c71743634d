"""A phone is lost in the middle of a bill: another one goes on, and the lost one is shut out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.browser import PHONE, log_in, open_window, picture, watched
from tests.journeys.counter import Till

pytestmark = pytest.mark.browser
SHUT_OUT_MS = 10_000


class Phone(Till):
    """A window as small as a phone, paired by the code that somebody gives it."""

    def __init__(self, browser, demo, *, pairing, name, role):
        self.demo, self.name = demo, name
        self.context = open_window(browser, size=PHONE)
        self.page, self.faults = watched(self.context)
        self.page.goto(pairing)
        self.page.fill("[name=name]", name)
        self.page.get_by_role("button", name="配对").click()
        self.page.wait_for_url("**/login**")
        who = demo["logins"][role]
        log_in(self.page, number=who["number"], pin=who["pin"])


def put(till, name):
    """Tap an item; on a phone its line lies under the sheet."""
    before = lines(till).count()
    till.page.locator("#tiles button", has_text=name).first.click()
    expect(lines(till)).to_have_count(before + 1)


def open_sheet(till):
    toggle = till.page.locator("[data-sheet-toggle]")
    if toggle.is_visible() and toggle.get_attribute("aria-expanded") == "false":
        toggle.click()


def lines(till):
    return till.page.locator("#ticket .line")


@pytest.mark.feature("SYS-08")
def test_a_lost_phone_is_replaced_log_in_carry_on_and_the_old_one_is_shut_out(browser, demo):
    code = demo["pairing"]["前台2"]
    lost = Phone(browser, demo, pairing=code, name="王芳的手机", role="cashier")
    lost.open_shift()
    put(lost, "茉莉花茶")
    open_sheet(lost)
    lost.page.get_by_role("button", name="先放着").click()
    expect(lines(lost)).to_have_count(0)
    put(lost, "足疗 60 分钟")
    put(lost, "茉莉花茶")
    open_sheet(lost)
    due = lost.due()
    picture(lost.page, "lost-phone-before")

    manager = Till(browser, demo, till="前台1", role="manager")
    manager.open("/settings/devices")
    row = manager.page.locator("tr", has_text="王芳的手机")
    expect(row).to_contain_text("王芳")
    picture(manager.page, "devices")
    row.get_by_role("button", name="丢了，换一台").click()
    new_code = manager.page.locator("a[href*='/pair?code=']").get_attribute("href")
    expect(manager.page.locator("tr", has_text="王芳的手机")).to_have_count(0)
    picture(manager.page, "device-replaced")

    # The page that lies open on the lost phone is gone by itself; so is whatever is asked next.
    lost.page.wait_for_url("**/pair", timeout=SHUT_OUT_MS)
    expect(lost.page.locator(".notice.warn[role=status]")).to_contain_text("已被移除")
    picture(lost.page, "lost-phone-after")
    for path in ("/", "/members", "/stream", "/pos/ticket"):
        lost.page.goto(demo["addresses"]["till"].rstrip("/") + path)
        lost.page.wait_for_url("**/pair")

    other = Phone(browser, demo, pairing=new_code, name="王芳的新手机", role="cashier")
    expect(lines(other)).to_have_count(2)
    open_sheet(other)
    assert other.due() == due, "the bill goes on as it stood"
    picture(other.page, "new-phone")
    other.pay(received=str(-(-due // 100)))
    other.open("/")
    open_sheet(other)
    other.page.get_by_role("button", name="未结").click()
    parked = other.page.locator("#open-tickets form")
    expect(parked).to_have_count(1)
    parked.get_by_role("button").click()
    expect(lines(other)).to_have_count(1)
    for one in (lost, manager, other):
        one.close()

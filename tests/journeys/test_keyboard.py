"""A PC at the desk with a keyboard and nothing else: a whole bill without mouse or touch."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.browser import PC, picture
from tests.journeys.counter import Till, paper_with
from tests.journeys.test_story import fresh_person, register

pytestmark = [pytest.mark.browser, pytest.mark.wide]


@pytest.fixture(scope="module")
def desk(browser, demo):
    opened = Till(browser, demo, till="前台2", size=PC, touch=False)
    opened.open_shift()
    yield opened
    give_up(opened)
    opened.close()


@pytest.fixture(scope="module")
def guest(desk):
    name, phone = fresh_person()
    return {"name": name, "phone": phone, "id": register(desk, name, phone)}


def give_up(desk):
    """Leave no bill open: it would follow its cashier to the next device."""
    desk.open("/")
    page = desk.page
    if page.locator("#ticket .line").count():
        page.get_by_role("button", name="撤单").click()
        page.locator("#void-ticket [name=reason]").fill("不要了")
        page.get_by_role("button", name="撤掉这张单").click()
    expect(page.locator("#ticket .line")).to_have_count(0)


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def find_member(page, phone):
    """Find somebody by F2 and what is typed, and choose them by Enter."""
    press(page, "F2")
    expect(page.locator("#find-member input[type=search]")).to_be_focused()
    page.keyboard.type(phone)
    expect(page.locator("#found button")).to_have_count(1)
    press(page, "Enter")


@pytest.mark.feature("POS-04")
def test_a_whole_bill_is_entered_and_paid_with_the_keyboard_alone(desk, demo, guest):
    give_up(desk)
    page = desk.page
    press(page, "F9")
    page.keyboard.type("101")
    press(page, "Enter")
    lines = page.locator("#ticket .line")
    expect(lines).to_have_count(1)
    press(page, "F9")
    page.keyboard.type("104")
    press(page, "Enter")
    expect(lines).to_have_count(2)
    press(page, "Escape")
    page.locator("body").evaluate("document.activeElement.blur()")
    press(page, "ArrowUp", "+")
    expect(page.locator("#ticket .line", has_text="×2")).to_be_visible()
    find_member(page, guest["phone"])
    expect(page.locator("#ticket .member .who")).to_contain_text(guest["name"])
    picture(page, "keyboard-1-bill")
    due = desk.due()
    press(page, "F8")
    expect(page.locator("#pay-form")).to_be_visible()
    press(page, "Enter")
    paid = page.locator("[data-paid]")
    expect(paid).to_be_visible()
    number = paid.get_attribute("data-paid")
    picture(page, "keyboard-2-paid")
    [receipt] = paper_with(demo, number)
    assert f"{due / 100:,.2f}" in receipt


@pytest.mark.feature("POS-05")
def test_f6_makes_a_bill_cardless_and_gives_it_back_to_its_member(desk, guest):
    give_up(desk)
    page = desk.page
    press(page, "F9")
    page.keyboard.type("101")
    press(page, "Enter")
    expect(page.locator("#ticket .line")).to_have_count(1)
    find_member(page, guest["phone"])
    who = page.locator("#ticket .member .who")
    expect(who).to_contain_text(guest["name"])
    press(page, "F6")
    expect(page.locator("#ticket .walkin")).to_be_visible()
    expect(who).not_to_contain_text(guest["name"])
    press(page, "F6")
    expect(who).to_contain_text(guest["name"])


def test_f1_lists_the_keys_of_the_page(desk):
    desk.open("/")
    page = desk.page
    press(page, "F1")
    keys = page.locator("#key-list")
    for key in ("F2", "F6", "F8", "F9"):
        expect(keys.locator("kbd", has_text=re.compile(f"^{key}$"))).to_be_visible()
    picture(page, "keyboard-3-keys")
    press(page, "Escape")
    expect(keys).to_be_hidden()

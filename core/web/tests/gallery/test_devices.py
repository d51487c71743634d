"""Pairing, signing in, the event stream and the lock."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from core.web.tests.gallery.conftest import PLAIN_HTTP_NAME
from core.web.tests.gallery.reader import scan, type_by_hand
from core.web.tests.gallery.shop import PAIRING_CODE, PIN

pytestmark = [pytest.mark.browser, pytest.mark.deep]

STORED_KEY = """
  () => new Promise((done) => {
    const request = indexedDB.open("dianshu-device", 1);
    request.onsuccess = () => {
      const store = request.result.transaction("keys").objectStore("keys");
      store.get("device").onsuccess = (event) => {
        const pair = event.target.result;
        done(pair && [pair.privateKey.extractable, pair.privateKey.algorithm.namedCurve]);
      };
    };
  })
"""


def wait_until(holds, seconds=5.0):
    limit = time.monotonic() + seconds
    while not holds() and time.monotonic() < limit:
        time.sleep(0.02)
    assert holds()


def pair(page, code=PAIRING_CODE):
    page.goto("/pair")
    page.get_by_label("配对码").fill(code)
    page.get_by_role("button", name="配对").click()


def test_a_paired_device_signs_in_with_a_key_that_never_leaves_it(visit, shop):
    page = visit("/pair")
    pair(page)
    page.wait_for_url("**/login")
    assert page.evaluate(STORED_KEY) == [False, "P-256"]
    for digit in PIN:
        page.locator(f'pin-pad [data-pad="{digit}"]').tap()
    page.wait_for_url(lambda url: url.endswith("/"))
    assert shop.logins == ["wang"]


def test_the_pin_can_be_typed_and_a_wrong_one_is_said(visit, shop):
    page = visit("/pair")
    pair(page)
    page.wait_for_url("**/login")
    type_by_hand(page, "999999")
    expect(page.get_by_role("alert").filter(has_text="PIN 不对")).to_be_visible()
    expect(page.locator("pin-pad[data-live-ready]")).to_be_visible()
    type_by_hand(page, "20461")
    page.keyboard.press("Backspace")
    type_by_hand(page, "13")
    page.wait_for_url(lambda url: url.endswith("/"))
    assert shop.logins == ["wang"]


def test_a_device_that_was_never_paired_is_told_so_and_sends_no_pin(visit, shop):
    page = visit("/login")
    expect(page.get_by_text("这台设备还没有配对。")).to_be_visible()
    type_by_hand(page, PIN)
    page.wait_for_timeout(400)
    assert page.url.endswith("/login")
    assert shop.logins == []


def test_a_wrong_pairing_code_keeps_no_key(visit, shop):
    page = visit("/pair")
    pair(page, "AAAAAA")
    expect(page.get_by_role("alert")).to_contain_text("配对码不对")
    assert page.evaluate(STORED_KEY) is None
    assert shop.device_key == b""


def test_a_plain_http_page_says_that_it_has_no_keys(visit, address):
    page = visit("/pair")
    page.goto(address.replace("127.0.0.1", PLAIN_HTTP_NAME) + "/pair")
    expect(page.get_by_text("这个页面要用 https 打开。")).to_be_visible()


def test_a_card_swiped_over_the_pad_is_no_pin(visit):
    page = visit("/login")
    scan(page, "0012345678")
    page.wait_for_timeout(300)
    expect(page.locator("pin-pad .dots .on")).to_have_count(0)
    assert page.url.endswith("/login")


def test_a_scan_at_the_hub_reaches_this_till(visit, shop):
    visit("/?stream=1")
    wait_until(lambda: shop.streams)
    shop.tell("scan", '{"code": "6901234567892"}')
    wait_until(lambda: shop.scans == ["6901234567892"])


def test_a_topic_refreshes_its_part_in_place(visit, shop):
    page = visit("/board?stream=1")
    wait_until(lambda: shop.streams)
    board = page.locator("#board")
    board.evaluate("(board) => { board.sameOne = true; }")
    shop.board_version = 2
    shop.tell("refresh", "wallet")
    page.wait_for_timeout(300)
    expect(board).to_have_attribute("data-version", "1")
    shop.tell("refresh", "floor")
    expect(board).to_have_attribute("data-version", "2")
    assert board.evaluate("(board) => board.sameOne")


def test_after_a_break_in_the_stream_everything_is_fetched_anew(visit, shop):
    page = visit("/board?stream=1")
    wait_until(lambda: shop.streams)
    shop.board_version = 2
    shop.close_streams()
    expect(page.locator("#board")).to_have_attribute("data-version", "2")


def test_a_board_without_a_stream_asks_every_few_seconds(visit, shop):
    shop.streams_max = 0
    page = visit("/board?stream=1")
    shop.board_version = 2
    expect(page.locator("#board")).to_have_attribute("data-version", "2", timeout=8000)
    assert "is-stale" not in (page.locator("html").get_attribute("class") or "")


def test_old_news_are_grey_and_say_their_time(visit, shop):
    shop.is_silent = True
    page = visit("/board?stream=1")
    page.clock.install()
    page.reload()
    wait_until(lambda: shop.streams)
    expect(page.locator(".stale-note")).to_be_hidden()
    page.clock.run_for(32_000)
    expect(page.locator(".stale-note")).to_be_visible()
    expect(page.locator("[data-last-heard]")).to_have_text(re.compile(r"\d\d:\d\d"))


def test_a_tab_out_of_sight_gives_its_stream_back(visit, shop):
    page = visit("/board?stream=1")
    wait_until(lambda: len(shop.streams) == 1)
    page.evaluate(
        """() => { Object.defineProperty(document, "hidden", {value: true, configurable: true});
          document.dispatchEvent(new Event("visibilitychange")); }"""
    )
    shop.tell("hb", "1")
    wait_until(lambda: len(shop.streams) == 0)


def test_a_countdown_tells_its_state_and_shows_the_hubs_time(visit):
    page = visit("/components")
    countdown = page.locator("#soon")
    expect(countdown).to_contain_text("剩 1 分")
    expect(countdown).to_have_attribute("data-live-state", "soon", timeout=4000)
    expect(countdown).to_contain_text("超 0 分", timeout=4000)
    expect(countdown).to_have_attribute("data-live-state", "over")


def test_an_idle_till_locks_and_a_touch_keeps_it_open(visit, shop):
    page = visit("/settings")
    page.clock.install()
    page.reload()
    page.clock.run_for(8000)
    page.mouse.click(300, 300)
    page.clock.run_for(8000)
    assert shop.locks == 0
    page.clock.run_for(4000)
    page.wait_for_url("**/login")
    assert shop.locks == 1


def test_a_till_that_locks_without_its_hub_is_covered_and_locks_later(visit, shop):
    page = visit("/settings")
    page.clock.install()
    page.reload()
    page.route("**/*", lambda route: route.abort("connectionfailed"))
    page.clock.run_for(12_000)
    expect(page.get_by_role("dialog", name="已锁定")).to_be_visible()
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    page.unroute("**/*")
    for _ in range(4):
        page.clock.run_for(2500)
    page.wait_for_url("**/login")
    assert shop.locks == 1

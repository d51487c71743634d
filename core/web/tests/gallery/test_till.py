"""Keypad, scanner, keys and forms at a till."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from core.web.tests.gallery.reader import scan, type_by_hand

pytestmark = [pytest.mark.browser, pytest.mark.deep]

DUE = 38800
"""Fen: two services at the member's price and two pots of tea."""


KEYPAD = [
    # keys, amount shown, fen sent, change (or minus what is short)
    ("", "388.00", "38800", "0.00"),
    ("6 00", "600.00", "60000", "212.00"),
    ("4 0 0", "400.00", "40000", "12.00"),
    ("3 8 8 . 5", "388.50", "38850", "0.50"),
    ("3 8 8 . 0 5 9", "388.05", "38805", "0.05"),
    (". 5", "0.50", "50", "-387.50"),
    ("0 0 7", "7.00", "700", "-381.00"),
    ("4 0 0 back", "40.00", "4000", "-348.00"),
    ("3 8 8 . 5 back back", "388.00", "38800", "0.00"),
    ("back", "0.00", "0", "-388.00"),
    ("+10000 +10000 +10000 +10000", "400.00", "40000", "12.00"),
    ("3 00 +5000 +5000", "400.00", "40000", "12.00"),
    ("1 00 +5000 0", "1,500.00", "150000", "1,112.00"),
    ("5 00 clear", "0.00", "0", "-388.00"),
    ("5 00 exact", "388.00", "38800", "0.00"),
    ("exact 9", "9.00", "900", "-379.00"),
    ("=100000", "1,000.00", "100000", "612.00"),
    ("9 9 9 9 9 9", "999,999.00", "99999900", "999,611.00"),
    ("9 9 9 9 9 9 9", "999,999.00", "99999900", "999,611.00"),
]


def open_pay(page: Page) -> None:
    page.keyboard.press("F8")
    expect(page.locator("#pay money-keypad")).to_be_visible()


def shown(page: Page) -> tuple[str, str, str]:
    """The amount on the display, the fen in the form, the change (or minus what is short)."""
    pad = page.locator("money-keypad")
    side = pad.get_attribute("data-live-side")
    change = pad.locator("[data-change]").inner_text() if side != "short" else ""
    short = "-" + pad.locator("[data-short]").inner_text() if side == "short" else ""
    fen = pad.locator("input[type=hidden]").input_value()
    return pad.locator("[data-shown]").inner_text(), fen, change + short


def test_the_keypad_counts_as_a_cashier_expects(visit):
    page = visit("/ticket/pay")
    counted = []
    for keys, *_ in KEYPAD:
        page.reload()
        for key in keys.split():
            page.locator(f'[data-pad="{key}"]').dispatch_event("click")
        counted.append((keys, *shown(page)))
    assert counted == KEYPAD


def test_the_keypad_takes_real_keys_and_enter_pays(visit, shop):
    page = visit("/")
    open_pay(page)
    type_by_hand(page, "400.50")
    assert shown(page) == ("400.50", "40050", "12.50")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    expect(page.locator("#paid")).to_be_visible()
    assert list(shop.payments.values()) == [40050]


def test_enter_after_a_tap_on_a_digit_pays_and_types_no_second_digit(visit, shop):
    page = visit("/")
    open_pay(page)
    for key in ("4", "0", "0"):
        page.locator(f'#pay [data-pad="{key}"]').tap()
    page.keyboard.press("Enter")
    expect(page.locator("#paid")).to_be_visible()
    assert list(shop.payments.values()) == [40000]


def test_a_new_sum_changes_the_change_and_not_what_was_typed(visit):
    page = visit("/ticket/pay")
    page.locator('[data-pad="5"]').tap()
    page.locator('[data-pad="00"]').tap()
    page.locator("money-keypad").evaluate("(pad) => pad.setAttribute('due', '45000')")
    assert shown(page) == ("500.00", "50000", "50.00")


def test_a_swap_around_the_keypad_shows_what_is_held_and_not_what_was_suggested(visit, shop):
    page = visit("/ticket/pay?stream=1")
    for key in ("5", "00"):
        page.locator(f'[data-pad="{key}"]').tap()
    shop.lines[13] = 1
    shop.tell("refresh", "ticket")
    expect(page.locator(".pay-due")).to_contain_text("355.00")
    assert shown(page) == ("500.00", "50000", "145.00")


def test_the_hub_refuses_too_little_and_the_reason_stands_in_the_dialog(visit, shop):
    page = visit("/")
    open_pay(page)
    page.locator('#pay [data-pad="9"]').tap()
    page.get_by_role("button", name="确认收款").tap()
    expect(page.get_by_role("alert").filter(has_text="收到的钱不够")).to_be_visible()
    expect(page.get_by_role("button", name="确认收款")).to_be_enabled()
    assert shop.payments == {}


# --- scanner -------------------------------------------------------------------------------


def test_a_scan_reaches_the_form_and_never_the_focused_field(visit, shop):
    page = visit("/")
    search = page.locator("[data-key=F9]")
    search.click()
    type_by_hand(page, "足")
    type_by_hand(page, "zl")
    scan(page, "6901234567892")
    expect(page.locator("[data-wedge] [name=code]")).to_have_value("6901234567892")
    wait_until(page, lambda: shop.scans == ["6901234567892"])
    assert search.input_value() == "足zl"
    expect(search).to_be_focused()
    assert page.url.endswith("/")


def test_a_scan_never_lands_in_a_focused_amount_field(visit):
    page = visit("/forms")
    field = page.get_by_role("textbox", name="门市价")
    field.fill("168.00")
    field.focus()
    scan(page, "6901234567892")
    expect(field).to_have_value("168.00")
    assert page.url.endswith("/forms")


def test_a_scan_over_the_keypad_changes_no_amount_and_pays_nothing(visit, shop):
    page = visit("/")
    open_pay(page)
    type_by_hand(page, "400")
    scan(page, "134567890123456789")
    expect(page.locator("toast-note")).to_contain_text("请先关闭窗口")
    assert shown(page) == ("400.00", "40000", "12.00")
    assert shop.payments == {}
    assert shop.scans == []


def test_typing_by_hand_is_no_scan(visit, shop):
    page = visit("/")
    type_by_hand(page, "123456\n")
    page.wait_for_timeout(150)
    assert shop.scans == []


def test_signs_in_a_code_press_no_keys_and_control_characters_are_dropped(visit, shop):
    page = visit("/")
    scan(page, "http://a-b+c/1\x1d/9-")
    wait_until(page, lambda: shop.scans == ["http://a-b+c/1/9-"])
    page.wait_for_timeout(100)
    assert shop.lines == {0: 1, 2: 1, 13: 2}
    expect(page.locator("[data-key=F9]")).not_to_be_focused()


def test_too_long_a_code_is_dropped(visit, shop):
    page = visit("/")
    scan(page, "7" * 129)
    scan(page, "7" * 128)
    wait_until(page, lambda: shop.scans == ["7" * 128])


# --- keys ----------------------------------------------------------------------------------


def test_function_keys_work_also_while_typing(visit):
    page = visit("/")
    page.keyboard.press("F9")
    expect(page.locator("[data-key=F9]")).to_be_focused()
    page.keyboard.press("F6")
    expect(page.locator(".member.walkin")).to_be_visible()
    page.keyboard.press("F6")
    expect(page.locator(".member.walkin")).to_have_count(0)
    page.keyboard.press("F2")
    expect(page.get_by_label("手机号或卡号")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("F4")
    page.wait_for_url("**/board")


def test_keys_do_not_reach_behind_a_dialog(visit):
    page = visit("/")
    page.keyboard.press("F2")
    page.keyboard.press("F6")
    page.wait_for_timeout(200)
    expect(page.locator(".member.walkin")).to_have_count(0)


def test_only_our_keys_are_taken_from_the_browser(visit):
    page = visit("/")
    page.evaluate(
        """() => { window.taken = []; window.addEventListener("keydown", (event) => {
          setTimeout(() => { if (event.defaultPrevented) window.taken.push(event.key); });
        }); }"""
    )
    page.evaluate(
        """() => { for (const key of ["F5", "F11", "F12", "F7", "F6", "Tab", "a", "F1"]) {
          document.body.dispatchEvent(
            new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
        } }"""
    )
    page.wait_for_timeout(50)
    assert page.evaluate("window.taken") == ["F6", "F1"]


def test_f1_lists_the_keys_of_this_very_page(visit):
    page = visit("/")
    page.keyboard.press("F1")
    keys = page.locator("#key-list [data-keys] > div")
    assert [row.split() for row in keys.all_inner_texts()] == [
        ["F9", "加项目"],
        ["F4", "房间"],
        ["F2", "换会员"],
        ["F6", "无卡开单"],
        ["F8", "收款"],
    ]


def test_the_chosen_line_follows_the_keys_and_takes_plus_and_minus(visit, shop):
    page = visit("/")
    chosen = page.locator("[data-line][aria-current]")
    expect(chosen).to_have_id("line-13")
    page.keyboard.press("ArrowUp")
    expect(chosen).to_have_id("line-2")
    page.keyboard.press("+")
    expect(chosen.locator("output")).to_have_text("2")
    expect(chosen).to_have_id("line-2")
    page.keyboard.press("-")
    expect(chosen.locator("output")).to_have_text("1")
    page.locator(".tile", has_text="拔罐").tap()
    expect(chosen).to_have_id("line-5")
    page.locator("#line-0 .line-main").tap()
    expect(chosen).to_have_id("line-0")
    assert shop.lines == {0: 1, 2: 1, 13: 2, 5: 1}


# --- a Wi-Fi that loses answers ------------------------------------------------------------


def wait_until(page: Page, holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait in a way that lets the page's requests go on."""
    limit = time.monotonic() + seconds
    while not holds() and time.monotonic() < limit:
        page.wait_for_timeout(20)
    assert holds()


def lose_answers(page: Page, pattern: str, times: int) -> list[str]:
    """Let the hub do the work and lose its answer, `times` times; returns the posts seen."""
    posts: list[str] = []

    def flaky(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        posts.append(route.request.post_data or "")
        if len(posts) <= times:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(pattern, flaky)
    return posts


def test_a_payment_whose_answer_was_lost_is_asked_again_with_the_same_key(visit, shop):
    page = visit("/")
    open_pay(page)
    posts = lose_answers(page, "**/ticket/pay", times=2)
    pay = page.get_by_role("button", name="确认收款")
    pay.tap()
    expect(page.locator("html")).to_have_class(re.compile("is-offline"))
    expect(page.get_by_text("正在确认，请勿重复收款。")).to_be_visible()
    expect(pay).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.locator("#paid")).to_be_visible(timeout=15_000)
    assert len(posts) == 3
    assert len(set(posts)) == 1
    assert shop.payments == {"pay:1042:1": DUE}
    expect(page.locator("html")).not_to_have_class(re.compile("is-offline"))


def test_asking_ends_and_the_form_can_be_sent_again(visit, shop):
    page = visit("/")
    open_pay(page)
    posts = lose_answers(page, "**/ticket/pay", times=9)
    page.clock.install()
    pay = page.get_by_role("button", name="确认收款")
    pay.tap()
    for _ in range(200):
        page.wait_for_timeout(100)
        if len(posts) == 9:
            break
        # Short steps: a long one would also run out the time of the try that it starts.
        page.clock.run_for(500)
    expect(page.get_by_text("再试一次不会重复收款")).to_be_visible()
    assert len(posts) == 9
    page.clock.run_for(3000)
    expect(pay).to_be_enabled()
    pay.tap()
    expect(page.locator("#paid")).to_be_visible()
    assert shop.payments == {"pay:1042:1": DUE}


def test_quick_taps_are_each_counted_once_though_answers_are_lost(visit, shop):
    page = visit("/")
    posts = lose_answers(page, "**/ticket/lines", times=1)
    for name in ("拔罐", "刮痧", "拔罐"):
        page.locator(".tile", has_text=name).tap()
    expect(page.locator("#line-5 output")).to_have_text("2", timeout=10_000)
    assert shop.lines == {0: 1, 2: 1, 13: 2, 5: 2, 6: 1}
    assert len(posts) == 4
    assert shop.operations == ["op-1", "op-1~2", "op-1~3"]


def test_a_refusal_is_an_answer_and_is_not_repeated(visit, shop):
    page = visit("/")
    open_pay(page)
    page.locator('#pay [data-pad="9"]').tap()
    page.get_by_role("button", name="确认收款").tap()
    expect(page.get_by_role("alert").filter(has_text="收到的钱不够")).to_be_visible()
    page.wait_for_timeout(800)
    assert shop.payment_posts == ["pay:1042:1"]


def test_the_red_bar_pushes_the_page_and_locks_paying_until_the_hub_is_back(visit):
    page = visit("/")
    open_pay(page)
    top = page.locator("#main").evaluate("(main) => main.getBoundingClientRect().top")
    page.route("**/*", lambda route: route.abort("connectionfailed"))
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    expect(page.locator(".link-bar")).to_be_visible()
    bar = page.locator(".link-bar").evaluate("(bar) => bar.getBoundingClientRect().height")
    pushed = page.locator("#main").evaluate("(main) => main.getBoundingClientRect().top")
    assert pushed == top + bar
    pay = page.get_by_role("button", name="确认收款")
    expect(pay).to_be_disabled()
    type_by_hand(page, "400")
    assert shown(page)[0] == "400.00"
    page.unroute("**/*")
    expect(pay).to_be_enabled(timeout=8000)
    expect(page.locator(".link-bar")).to_be_hidden()


def test_a_button_is_locked_while_its_form_is_in_flight(visit, shop):
    page = visit("/")
    page.route("**/ticket/pay", lambda route: route.continue_(url=route.request.url + "?slow"))
    open_pay(page)
    pay = page.get_by_role("button", name="确认收款")
    pay.tap()
    expect(pay).to_be_disabled()
    page.keyboard.press("Enter")
    expect(page.locator("#paid")).to_be_visible()
    assert shop.payment_posts == ["pay:1042:1"]


def test_a_broken_hub_is_told_and_never_swapped_into_the_page(visit):
    page = visit("/components")
    page.get_by_role("button", name="出错的操作").tap()
    expect(page.locator("toast-note")).to_contain_text("主机出错了")
    expect(page.get_by_role("button", name="删除明细")).to_be_visible()


# --- notes and dialogs ---------------------------------------------------------------------


def test_a_note_offers_to_undo_and_leaves_by_itself(visit, shop):
    page = visit("/components")
    page.get_by_role("button", name="删除明细").tap()
    page.get_by_role("button", name="撤销").tap()
    expect(page.locator("toast-note")).to_have_count(0)
    wait_until(page, lambda: shop.operations == ["undo-1"])
    page.goto("/components")
    page.get_by_role("button", name="删除明细").tap()
    expect(page.locator("toast-note")).to_have_count(1)
    expect(page.locator("toast-note")).to_have_count(0, timeout=8000)


def test_a_dialog_opens_closes_and_gives_the_focus_back(visit):
    page = visit("/components")
    opener = page.locator("#open-demo")
    opener.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="保留").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_form_in_a_dialog_closes_it_once_the_hub_agrees(visit, shop):
    page = visit("/")
    page.keyboard.press("F6")
    expect(page.locator(".member.walkin")).to_be_visible()
    page.keyboard.press("F2")
    type_by_hand(page, "2046")
    type_by_hand(page, "\n")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator(".member.walkin")).to_have_count(0)
    assert shop.scans == ["2046"]


def test_the_pay_dialog_never_shows_the_sum_of_last_time(visit, shop):
    page = visit("/")
    open_pay(page)
    page.get_by_role("button", name="关闭").last.click()
    shop.lines = {15: 1}
    page.route("**/ticket/pay", lambda route: (page.wait_for_timeout(200), route.continue_()))
    page.keyboard.press("F8")
    assert page.locator("#pay money-keypad").count() == 0
    expect(page.locator("#pay .pay-due")).to_contain_text("10.00")


def test_every_act_works_without_a_script(visit, shop):
    page = visit("/", java_script_enabled=False)
    page.locator(".tile", has_text="刮痧").click()
    expect(page.locator("#line-6")).to_contain_text("刮痧")
    page.locator("#line-6").get_by_role("button", name="增加刮痧").click()
    expect(page.locator("#line-6 output")).to_have_text("2")
    page.get_by_role("button", name="无卡开单").click()
    expect(page.locator(".member.walkin")).to_be_visible()
    page.locator("[data-key=F8]").click()
    page.get_by_role("button", name="确认收款").click()
    expect(page.locator("#paid")).to_be_visible()
    assert list(shop.payments.values()) == [44200 + 2 * 7800]

"""What an eye, a finger or a screen reader meets on every page, in every theme and size."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from core.web.tests.gallery.conftest import AXE, SIZES

pytestmark = [pytest.mark.browser, pytest.mark.deep]

PAGES = (
    "/",
    "/components",
    "/forms",
    "/tables",
    "/board",
    "/settings",
    "/login",
    "/pair",
    "/member",
    "/broken",
    "/ticket/pay",
)
THEMES = ("light", "dark", "contrast")
FINDINGS = """
  axe.run(document, {runOnly: {type: "tag", values: [
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}})
  .then((result) => result.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)} ${node.failureSummary}`)))
"""
# A label or a summary is the target of what lies hidden in it. A link inside a sentence may be
# as tall as the line (WCAG 2.5.8); everything else has a finger's size.
SMALL_TARGETS = """
  () => [...document.querySelectorAll(
    "a, button, summary, select, textarea, label.check, label.search, .segments label, "
    + "input:not([type=hidden], [type=checkbox], [type=radio])")]
  .filter((target) => target.getClientRects().length > 0 && !target.closest("p, .vh, .skip"))
  .filter((target) => !target.matches(".skip"))
  .map((target) => [target, target.getBoundingClientRect()])
  .filter(([, box]) => Math.round(box.width) < 44 || Math.round(box.height) < 44)
  .map(([target, box]) => `${target.outerHTML.slice(0, 120)} ${box.width} x ${box.height}`)
"""


def findings(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(FINDINGS)
    return [f"{page.url}: {finding}" for finding in found]


def open_pay(page: Page) -> None:
    page.locator("[data-opens=pay]:visible").last.click()
    expect(page.locator("#pay money-keypad")).to_be_visible()


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_any_page(visit, theme):
    page = visit("/", theme=theme)
    found = []
    for path in PAGES:
        page.goto(path)
        found += findings(page)
    assert found == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_what_opens(visit, theme):
    page = visit("/", theme=theme)
    page.keyboard.press("F1")
    found = findings(page)
    page.keyboard.press("Escape")
    page.keyboard.press("F6")
    expect(page.locator(".member.walkin")).to_be_visible()
    open_pay(page)
    found += findings(page)
    phone = visit("/", size="phone", theme=theme)
    phone.locator("[data-sheet-toggle]").click()
    found += findings(phone)
    assert found == []


@pytest.mark.parametrize("size", SIZES)
def test_no_target_is_smaller_than_a_finger(visit, size):
    page = visit("/", size=size)
    small = []
    for path in PAGES:
        page.goto(path)
        small += page.evaluate(SMALL_TARGETS)
    page.goto("/")
    open_pay(page)
    assert small + page.evaluate(SMALL_TARGETS) == []


@pytest.mark.parametrize("size", SIZES)
def test_no_page_scrolls_sideways(visit, size):
    page = visit("/", size=size)
    wide = []
    for path in PAGES:
        page.goto(path)
        wide += page.evaluate(
            """() => [document.scrollingElement, ...document.querySelectorAll("main, .lines")]
            .filter((box) => box.scrollWidth > box.clientWidth + 1)
            .map((box) => `${location.pathname} ${box.className} ${box.scrollWidth}`)"""
        )
    assert wide == []


@pytest.mark.parametrize("size", SIZES)
def test_no_tile_of_the_catalogue_cuts_its_words_or_its_price(visit, size):
    page = visit("/", size=size)
    cut = page.locator(".tile").evaluate_all(
        "(tiles) => tiles.filter((tile) => tile.scrollHeight > tile.clientHeight)"
        ".map((tile) => tile.innerText)"
    )
    assert cut == []


def test_a_members_page_bears_letters_twice_as_large(visit):
    page = visit("/member", size="phone")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    overflow = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    assert overflow <= 0


def test_the_policy_is_never_broken(visit):
    page = visit("/")
    broken = []
    for path in PAGES:
        page.goto(path)
        broken += page.evaluate("window.violations")
    page.goto("/")
    page.keyboard.press("F6")
    expect(page.locator(".member.walkin")).to_be_visible()
    page.keyboard.press("F8")
    page.get_by_role("button", name="确认收款").click()
    expect(page.locator("#paid")).to_be_visible()
    page.goto("/components")
    page.get_by_role("button", name="删除明细").click()
    expect(page.locator("toast-note")).to_be_visible()
    assert broken + page.evaluate("window.violations") == []
    assert "style=" not in page.content().replace("data-style=", "")


@pytest.mark.parametrize("size", SIZES)
def test_the_total_and_the_pay_button_never_move(visit, shop, size):
    page = visit("/", size=size)
    pay = page.locator("[data-opens=pay].big:visible")
    before = pay.bounding_box()
    shop.lines = dict.fromkeys(range(10), 3)
    page.reload()
    assert pay.bounding_box() == before
    viewport = page.viewport_size
    assert before is not None
    assert viewport is not None
    assert before["y"] + before["height"] <= viewport["height"]


def test_on_a_tablet_held_upright_the_ticket_is_the_lower_part(visit):
    page = visit("/", size="upright")
    ticket = page.locator("#ticket").bounding_box()
    main = page.locator("#main").bounding_box()
    assert ticket is not None
    assert main is not None
    assert round(ticket["height"] / main["height"], 2) == 0.45
    assert ticket["y"] + ticket["height"] == main["y"] + main["height"]


def test_a_chosen_theme_is_rendered_by_the_hub_from_then_on(visit):
    page = visit("/")
    page.get_by_label("外观与语言").click()
    page.get_by_role("button", name="深色").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="深色")).to_have_attribute("aria-pressed", "true")
    assert 'data-theme="dark"' in page.request.get("/forms").text()


def test_a_theme_can_be_chosen_without_a_script(visit):
    page = visit("/tables?page=2", java_script_enabled=False)
    page.locator("header details.menu summary").click()
    page.get_by_role("button", name="高对比").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")
    assert "page=2" in page.url


def test_a_phone_shows_four_places_and_the_rest_behind_more(visit):
    page = visit("/", size="phone")
    expect(page.get_by_role("link", name="设置")).to_be_hidden()
    page.locator(".rail .more summary").click()
    expect(page.get_by_role("link", name="设置")).to_be_visible()
    page.mouse.click(20, 300)
    expect(page.get_by_role("link", name="设置")).to_be_hidden()


def test_the_ticket_of_a_phone_opens_as_a_sheet(visit):
    page = visit("/", size="phone")
    toggle = page.locator("[data-sheet-toggle]")
    expect(page.locator(".member")).to_be_hidden()
    toggle.click()
    expect(toggle).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".member")).to_be_visible()
    assert page.locator(".catalogue").evaluate("(part) => part.inert")
    page.keyboard.press("Escape")
    expect(page.locator(".member")).to_be_hidden()
    assert not page.locator(".catalogue").evaluate("(part) => part.inert")

"""Every page of head office as people get it: by readers, by fingers, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cloud.app import open_cloud
from tests.journeys.browser import PHONE, TABLET, faults_of_access, small_targets
from tests.journeys.counter import Till, scan
from tests.journeys.head_office import ARRIVES_MS, Office

pytestmark = [pytest.mark.browser, pytest.mark.wide]

PATHS = (
    "/",
    "/sales",
    "/settlements",
    "/stores",
    "/stores/takeover",
    "/members",
    "/members/duplicates",
    "/members/merges",
    "/members/under-way",
    "/statements",
    "/risk",
    "/rights",
    "/rights/edit",
    "/recovery",
    "/aside",
    "/catalog",
    "/catalog/categories",
    "/catalog/offers",
    "/catalog/points",
    "/staff",
    "/lists",
    "/lists/new/members",
    "/account",
    "/accounts",
)
SHOWN_FROM = {
    "/": r"/sales/[0-9a-f-]{36}",
    "/stores": r"/stores/(?!new)[^/?]+",
    "/members": r"/members/[0-9a-f-]{36}",
    "/catalog": r"/catalog/items/(?!new)[^/?]+",
    "/staff": r"/staff/(?!new)[^/?]+",
    "/catalog/categories": r"/catalog/categories/(?!new)[^/?]+",
    "/catalog/offers": r"/catalog/offers/(?!new)[^/?]+",
}
"""Where a list leads to: one of each kind is looked at, whose form is that for a new one too."""
BILL = "main a[href^='/sales/']"
OF_A_STORE = ("/edit", "/close")
WINDOWS = {
    "tablet": {"size": TABLET, "language": "zh-CN", "theme": "dark"},
    "phone": {"size": PHONE, "language": "en", "theme": "light"},
}
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SAID = """[document.title, document.body.innerText, ...['aria-label', 'placeholder', 'title']
  .flatMap(name => [...document.querySelectorAll(`[${name}]`)]
    .filter(e => e.checkVisibility()).map(e => e.getAttribute(name)))].join('\\n')"""
CHINESE = re.compile("[\u4e00-\u9fff]+")
FEED = "SELECT content FROM feed_document WHERE content IS NOT NULL"
LIST = "项目编号,项目名称,类型,价格\nX901,海盐足浴,服务,68\nX902,坏价格,服务,很贵\n"


@pytest.fixture(scope="module")
def sold(browser, chain):
    """One bill of a member, without which the pages of sales would show none."""
    store = chain["stores"][0]
    till = Till(browser, store)
    till.open_shift()
    scan(store, store["devices"]["member_cards"][0])
    expect(till.page.locator("#ticket .member .who")).to_be_visible()
    till.tap("草本足疗 60 分钟")
    till.pay()
    till.close()


@pytest.fixture(scope="module")
def at_desk(browser, chain, sold):
    """The owner's PC, on which one list lies looked over but not taken in."""
    office = Office(browser, chain)
    page = office.open("/")
    expect(page.locator(BILL).first).to_be_visible(timeout=ARRIVES_MS)
    page = office.open("/lists/new/items")
    page.locator("input[type=file]").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    )
    page.locator("main form button.primary").click()
    page.wait_for_url("**/lists/runs/*")
    office.more = [page.url.removeprefix(office.address), *found_from_lists(office)]
    yield office
    office.close()


@pytest.fixture(scope="module")
def shops_own(chain):
    """All that is the shop's and not ours: names of people, items and stores."""
    platform = open_cloud(Path(chain["data"]).parent / "cloud")
    try:
        merchant = platform.merchant(platform.merchant_ids()[0])
        with merchant.door.read() as db:
            people = [row["name"] for row in db.all("SELECT name FROM member")]
            feed = [row["content"].decode() for row in db.all(FEED)]
    finally:
        platform.close()
    return " ".join([*people, *feed, chain["head_office"].get("name", ""), LIST])


@pytest.fixture(scope="module", params=sorted(WINDOWS))
def window(request, browser, chain, at_desk):
    kind = dict(WINDOWS[request.param])
    theme = kind.pop("theme")
    office = Office(browser, chain, beside=at_desk, **kind)
    office.open(f"/?theme={theme}")
    office.window = request.param
    yield office
    office.close()


def found_from_lists(office):
    """Return one page of each kind that a list leads to."""
    found = []
    for path, pattern in SHOWN_FROM.items():
        page = office.open(path)
        links = [link.get_attribute("href") for link in page.locator("main a[href]").all()]
        first, *_rest = [link for link in links if re.fullmatch(pattern, link)] or [None]
        assert first, f"{path} leads to none of {pattern}: {links}"
        found.append(first)
        if path == "/stores":
            found += [first + tail for tail in OF_A_STORE]
            page = office.open(first)
            found.append(page.locator("a[href^='/hubs/']").first.get_attribute("href"))
    return found


def test_every_page_of_head_office_is_clear_to_readers_and_fingers_and_in_one_language(
    window, at_desk, shops_own
):
    page = window.page
    rail = [link.get_attribute("href") for link in page.locator("nav.rail a[href]").all()]
    faults = {}
    for path in dict.fromkeys([*PATHS, *rail, *at_desk.more]):
        window.open(path)
        found = [*faults_of_access(page), *small_targets(page)]
        if page.evaluate(WIDER):
            found.append("scrolls sideways")
        if window.window == "phone":
            words = CHINESE.findall(page.evaluate(SAID))
            found += [word for word in words if word not in shops_own]
        if found:
            faults[path] = found
    assert faults == {}

"""Every page as people get it: for screen readers, for fingers, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.app import open_hub
from tests.journeys.browser import PHONE, TABLET, faults_of_access, picture, small_targets
from tests.journeys.counter import Till, ask

pytestmark = pytest.mark.browser

PATHS = (
    "/",
    "/members",
    "/members/new",
    "/members/birthdays",
    "/sales",
    "/sales/print-jobs",
    "/shift",
    "/shift/reports",
    "/catalog",
    "/settings",
    "/settings/devices",
    *(f"/catalog/{name}" for name in ("items/new", "categories", "offers", "offers/new")),
    *(
        f"/settings/{name}"
        for name in (
            "company",
            "store",
            "numbers",
            "points",
            "receipts",
            "tenders",
            "categories",
            "printers",
            "staff",
            "staff/new",
        )
    ),
)
FEED = "SELECT content FROM feed_document WHERE content IS NOT NULL"
WINDOWS = {
    "tablet": {"size": TABLET, "language": "zh-CN", "theme": "dark"},
    "phone": {"size": PHONE, "language": "en", "theme": "light"},
}


@pytest.fixture(scope="module", params=sorted(WINDOWS))
def owner(request, browser, demo):
    window = dict(WINDOWS[request.param])
    theme = window.pop("theme")
    opened = Till(browser, demo, role="owner", **window)
    opened.open_shift()
    opened.open(f"/?theme={theme}")
    opened.window = request.param
    yield opened
    opened.close()


def pages_of(till):
    """Return every page that the rail and these paths lead to, and one member's and bill's."""
    rail = [link.get_attribute("href") for link in till.page.locator("nav.rail a[href]").all()]
    member = ask(till.demo, "/members?q=1")["members"][0]["id"]
    more = (f"/members/{member}", f"/members/{member}/topup", f"/members/{member}/edit")
    return list(dict.fromkeys([*PATHS, *rail, *more]))


def test_every_page_is_clear_to_readers_and_fingers(owner):
    faults = {}
    for path in pages_of(owner):
        owner.open(path)
        name = f"{owner.window}-{re.sub('[^a-z]+', '-', path.strip('/')[:20]) or 'pos'}"
        picture(owner.page, name)
        found = [*faults_of_access(owner.page), *small_targets(owner.page)]
        wide = owner.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        if found or wide:
            faults[path] = [*found, *(["scrolls sideways"] if wide else [])]
    assert faults == {}


def test_no_sentence_stays_chinese_for_an_english_reader(owner):
    if owner.window != "phone":
        pytest.skip("the English window only")
    left = {}
    for path in pages_of(owner):
        owner.open(path)
        words = owner.page.locator(
            "label, button, th, h1, h2, dt, .hint, .btn span"
        ).all_inner_texts()
        chinese = [w for w in words if re.search("[\u4e00-\u9fff]", w)]
        left[path] = [w for w in chinese if not is_shops_own(owner, w)]
    assert {path: words for path, words in left.items() if words} == {}


def is_shops_own(owner, words):
    """Names of people, items and branches are the shop's; everything else is ours."""
    if not hasattr(owner, "names"):
        box = open_hub(Path(owner.demo["data"]))
        with box.door.read() as db:
            people = [row["name"] for row in db.all("SELECT name FROM member")]
            feed = [row["content"].decode() for row in db.all(FEED)]
        box.close()
        owner.names = " ".join([*people, *feed, *owner.demo["tills"]])
    return all(part in owner.names for part in re.findall("[\u4e00-\u9fff]+", words))

"""What holds for every page: it opens, in both languages, for those who may; others are told."""

from __future__ import annotations

import html
import re

import pytest

from hub.tests.shop import CATALOGUE, PEOPLE, TILL, words

HAN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")
ELSEWHERE = re.compile(r"^/(?:pos|login|logout|lock|pair|stream|s|api)(?:/|$)|^/$")
"""The till's screen and the way in belong to a device; a program with a token has none."""
PAGES_MAX = 200


def links(answer):
    """Find where a page leads within the hub, without its anchors."""
    found = re.findall(r'<a [^>]*href="(/[^"#]*)', answer.text)
    return {html.unescape(link) for link in found if not ELSEWHERE.match(link)}


def crawl(browser, start="/members"):
    """Follow every link; return the answers by address."""
    waiting, seen = [start], {}
    while waiting:
        path = waiting.pop()
        shape = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d{2}-\d{2}", "ID", path)
        if shape in seen:
            continue
        seen[shape] = browser.get(path)
        assert len(seen) < PAGES_MAX
        waiting += sorted(links(seen[shape]))
    return seen


@pytest.fixture
def busy(shop):
    """A shop in which everything has happened once."""
    member = shop.member(gender="female", birthday="1990-09-22", card="04A1B2C3")
    shop.member("王建国", "13912347712", standing="prospect")
    shop.open_shift()
    shop.top_up(member)
    shop.sale("i1", "i2", member=member, tender="stored_value")
    shop.sale("i2")
    browser = shop.browser("owner")
    browser.post(
        "/settings/printers",
        data={
            "name": "前台",
            "address": "tcp://192.168.1.50:9100",
            "columns": "48",
            "drawer_pin": "2",
        },
    )
    browser.post(
        "/shift/close", data={"counted": "50000", "step": "confirmed", "key": "close-1"}
    )
    shop.open_shift()
    return shop


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_every_link_of_every_page_leads_to_a_page(busy, lang):
    seen = crawl(busy.browser("owner", lang=lang))
    assert {
        path: answer.status for path, answer in seen.items() if answer.status_code != 200
    } == {}
    assert len(seen) > 35


def test_english_pages_have_no_chinese_but_the_shops_own(busy):
    data = [str(value) for _topic, _key, content in CATALOGUE for value in content.values()]
    data += [name for _key, _number, name in PEOPLE.values()]
    data += [TILL, "李慧敏", "王建国", "普通会员", "前台", "足", "茶"]
    own = {run for text in data for run in HAN.findall(text)} | {"次", "简体中文"}
    left = {
        path: found
        for path, answer in crawl(busy.browser("owner", lang="en")).items()
        if (found := [run for run in HAN.findall(words(answer)) if run not in own])
    }
    assert left == {}


def test_no_page_carries_a_script_or_a_style_of_its_own(busy):
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=")
    for path, answer in crawl(busy.browser("owner")).items():
        assert not inline.search(answer.text), path


def test_every_form_that_is_posted_carries_the_token(busy):
    for path, answer in crawl(busy.browser("owner")).items():
        for form in re.findall(r'<form[^>]*method="post".*?</form>', answer.text, re.DOTALL):
            assert 'name="csrf_token"' in form, path


SHUT = {
    "cashier": (
        "/catalog",
        "/catalog/offers",
        "/settings/company",
        "/settings/printers",
        "/settings/staff",
        "/shift/drawer",
        "/members/ID/adjust",
        "/sales/BILL/reverse",
    ),
    "technician": (
        "/members/new",
        "/members/ID/edit",
        "/members/ID/topup",
        "/sales",
        "/sales/print-jobs",
        "/shift",
        "/shift/close",
        "/shift/reports",
        "/catalog",
        "/settings/points",
    ),
}


@pytest.mark.parametrize(
    ("role", "path"), [(role, path) for role, paths in SHUT.items() for path in paths]
)
def test_who_lacks_the_right_is_told_which_one_and_sees_nothing(shop, role, path):
    member = shop.member()
    shop.open_shift()
    bill = shop.sale("i1")
    answer = shop.browser(role).get(path.replace("ID", member).replace("BILL", bill))
    assert answer.status_code == 403
    assert "的权限，请找店长" in words(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/catalog/items/new",
        "/catalog/items/i1/sale",
        "/catalog/offers/new",
        "/settings/company",
        "/settings/staff/w1/pin",
        "/members/ID/adjust",
        "/shift/drawer",
    ],
)
def test_a_post_without_the_right_changes_nothing(shop, path):
    member = shop.member()
    head = shop.ask(shop.box.journal.head).seq
    cashier = shop.browser("cashier")  # A token is not in the journal.
    answer = cashier.post(path.replace("ID", member), data={"name": "x"})
    assert answer.status_code == 403
    assert shop.ask(shop.box.journal.head).seq == head


def test_the_rail_offers_only_what_may_be_opened_and_shows_where_one_is(shop):
    member = shop.member()
    page = shop.browser("technician").get(f"/members/{member}").text
    rail = page[page.find('class="rail"') : page.find("</nav>")]
    assert "会员" in rail
    assert not {"交班", "项目", "设置"} & set(re.findall(r"<span>(.*?)</span>", rail))
    assert re.search(r'href="/members" aria-current="page"', rail)

"""Members of all stores: found by anything, and every fen of theirs with its place."""

from __future__ import annotations

import re

import pytest

from cloud.access.tests.office import words
from cloud.sales.tests.test_takings import row_of


@pytest.mark.parametrize(
    "typed", ["李慧敏", "lihuimin", "lhm", "13812342046", "2046", "S1-M0001", "04A1B2C3"]
)
def test_a_member_of_any_store_is_found_by_anything_they_say_or_show(office, typed):
    office.a.member(card="04A1B2C3")
    office.b.member("王建国", "13912347712")
    page = words(office.browser().get(f"/members?q={typed}"))
    assert "李慧敏" in page
    assert "王建国" not in page


def test_where_every_fen_lies_is_told_with_the_stores_names(office):
    member = office.a.member()
    office.a.top_up(member)
    browser = office.browser()
    page = browser.get(f"/members/{member}")
    assert "人民路店 ¥1,000.00 ¥100.00 0 ¥1,100.00" in row_of(
        page, '<span class="row">.*?人民路店'
    )
    office.a.send_to(office.b, member, arrives=False)
    page = browser.get(f"/members/{member}")
    assert "在途 ¥1,000.00 ¥100.00 0 ¥1,100.00" in words(page)
    assert "储值合计 ¥1,100.00" in words(page)


def test_every_movement_stands_with_its_store_time_and_kind(office):
    member = office.a.member()
    office.a.top_up(member)
    office.a.send_to(office.b, member)
    office.clock.advance(60_000)
    office.b.sell(12_800, member, "stored_value")
    page = office.browser().get(f"/members/{member}")
    table = page.text[page.text.index("每一笔变动") : page.text.index("消费记录</h2>")]
    read = " ".join(re.sub(r"<[^>]+>", " ", table).split())
    for said in (
        "江边店 消费 · S2-0001 江边店 −¥128.00",
        "划到门店 总部 −¥1,000.00",
        "划拨到账 江边店 +¥1,000.00",
        "人民路店 充值 · 充1000送100 人民路店 +¥1,000.00 +¥100.00",
        "2026-09-21 10:01",
    ):
        assert said in read
    assert "¥872.00" in words(page)


def test_one_phone_registered_in_two_stores_is_flagged(office):
    first = office.a.member("李慧敏", "13812342046")
    second = office.b.member("李惠敏", "13812342046")
    office.b.member("王建国", "13912347712")
    browser = office.browser()
    assert "有 1 个手机号登记了不止一次" in words(browser.get("/members"))
    listed = words(browser.get("/members/duplicates"))
    assert "李慧敏" in listed
    assert "李惠敏" in listed
    assert "王建国" not in listed
    assert f"/members/{second}" in browser.get(f"/members/{first}").text


def test_members_are_paged_and_filtered_by_the_store_that_registered_them(office):
    for place in range(60):
        office.a.member(f"会员{place}", f"139{place:08}")
    office.b.member()
    browser = office.browser()
    first = browser.get("/members?store=s1")
    assert "60 位会员" in words(first)
    assert "李慧敏" not in words(first)
    after = re.search(r'href="(/members\?[^"]*after=[^"]+)"', first.text)[1].replace(
        "&amp;", "&"
    )
    assert words(browser.get(after)).count("会员") >= 10
    assert "没有找到" in words(browser.get("/members?q=nobody"))


def test_who_may_not_see_phones_sees_them_masked(office):
    member = office.a.member()
    page = words(office.browser("auditor").get(f"/members/{member}"))
    assert "138****2046" in page
    assert "13812342046" not in page

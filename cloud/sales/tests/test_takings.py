"""Takings of every store as they arrive, to the fen, and who owes whom."""

from __future__ import annotations

import re

from cloud.access import Lookout
from cloud.access.tests.office import MORNING, words
from cloud.sales.figures import Debt, settled


def row_of(page, name):
    """Return what a person reads in a table's row that begins with this name."""
    found = re.search(
        rf"<th scope=\"row\"[^>]*>(?:<a[^>]*>)?{name}.*?</tr>", page.text, re.DOTALL
    )
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_each_store_stands_with_its_sales_and_when_it_was_last_heard(office):
    member = office.a.member()
    office.a.top_up(member)
    office.a.sell(12_800, member, "stored_value")
    office.a.sell(3_850)
    office.b.sell(9_900)
    browser = office.browser()
    office.hears(office.a, online=1, last_seen_at=office.clock.at)
    office.hears(office.b, online=0, last_seen_at=office.clock.at - 3 * 60_000, reported_seq=9)
    page = browser.get("/sales")
    assert "实时 2 ¥166.50 ¥1,000.00 ¥128.00" in row_of(page, "人民路店")
    assert "3 分钟前 还有 9 条没到 1 ¥99.00 ¥0.00 ¥0.00" in row_of(page, "江边店")
    assert "营业额 ¥265.50 3 单" in words(page)
    home = words(browser.get("/"))
    assert "今天营业额 ¥265.50 3 单 今天充值 ¥1,000.00 1 笔 其中用储值付 ¥128.00" in home
    assert "会员手里的储值 ¥972.00 本金 ¥872.00 · 赠金 ¥100.00" in home
    assert "江边店现在连不上" in home


def test_after_midnight_the_bills_of_a_store_that_is_still_open_lead_the_first_page(office):
    night = {"name": "人民路店", "code": "A", "cutoff": "04:00", "zone": "Asia/Shanghai"}
    assert office.browser().post("/stores/s1", **night).status_code == 303
    office.clock.at = int(MORNING.replace(hour=0, minute=30, day=22).timestamp() * 1000)
    late = office.a.sell(12_800)
    early = office.b.sell(6_600)
    browser = office.browser()
    page = browser.get("/").text
    assert f'href="/sales/{late}"' in page
    assert f'href="/sales/{early}"' in page
    assert f'href="/sales/{early}"' in browser.get("/sales").text
    assert f'href="/sales/{late}"' in browser.get("/sales?date=2026-09-21").text


def test_one_store_and_one_day_are_shown_alone(office):
    office.a.sell(1_000)
    office.b.sell(2_000)
    browser = office.browser()
    assert "¥10.00" in words(browser.get("/sales?store=s1"))
    assert "¥20.00" not in words(browser.get("/sales?store=s1"))
    yesterday = words(browser.get("/sales?date=2026-09-20"))
    assert "这一天还没有单据" in yesterday
    assert browser.get("/sales?date=2999-01-01").text.count('value="2026-09-21"') == 1
    assert browser.get("/sales?date=garbage").status_code == 200
    assert browser.get("/sales?store=nobodys").status_code == 404


def test_a_bill_opens_with_lines_payments_and_where_it_came_from(office):
    member = office.a.member()
    office.a.top_up(member)
    bill = office.a.sell(12_800, member, "stored_value")
    browser = office.browser()
    assert f'href="/sales/{bill}"' in browser.get("/sales").text
    page = words(browser.get(f"/sales/{bill}"))
    for said in ("足疗 60 分钟", "¥128.00", "储值", "人民路店", "王芳", "李慧敏"):
        assert said in page
    assert browser.get("/sales/nobodys").status_code == 404


def test_an_open_page_hears_of_a_bill_and_finds_it(office):
    browser = office.browser()
    browser.get("/sales")
    boards = office.app.extensions["bulletin"]
    board, lookout = boards.of(office.merchant.id), Lookout(office.app)
    lookout.look()
    seen = board.wait(-1, 0)
    lookout.look()
    assert board.wait(seen, 0) == seen, "nothing happened, nobody is woken"
    office.b.sell(7_700)
    lookout.look()
    assert board.wait(seen, 0) != seen
    assert "¥77.00" in words(browser.part("/sales"))


def test_who_owes_whom_shows_after_money_from_one_store_was_spent_in_another(office):
    member = office.a.member()
    office.a.top_up(member, principal=100_000, bonus=10_000)
    office.a.sell(10_000, member, "stored_value")
    office.a.send_to(office.b, member)
    office.b.sell(95_000, member, "stored_value")
    browser = office.browser()
    page = browser.get("/settlements")
    assert row_of(page, "人民路店") == "人民路店 江边店 ¥900.00 ¥50.00 ¥0.00"
    assert "这段时间各店两清" in words(
        browser.get("/settlements?first=2026-08-01&last=2026-08-31")
    )


def test_debts_of_a_pair_are_set_off_against_each_other():
    owed = [
        Debt(owes="a", to="b", principal=900, bonus=50),
        Debt(owes="b", to="a", principal=1_000, bonus=0),
        Debt(owes="", to="b", principal=5, bonus=0),
        Debt(owes="c", to="d", principal=7, bonus=3),
        Debt(owes="d", to="c", principal=7, bonus=3),
    ]
    assert settled(owed) == [
        Debt(owes="", to="b", principal=5, bonus=0),
        Debt(owes="b", to="a", principal=100, bonus=-50),
    ]

"""Two stores and a head office: sold to one member in both, a line pulled, all of it arrived once.

One story in the order of the file, in four windows: a till in each store, head office, and the
page with the lines.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.journal import decode, drain_all
from hub.app import open_hub
from tests.journeys.browser import faults_of_access, picture, small_targets
from tests.journeys.counter import ask, paper_with, scan
from tests.journeys.head_office import ARRIVES_MS, Lines, eventually
from tests.journeys.test_story import fresh_person, register

pytestmark = pytest.mark.browser

ITEM, ITEM_NAME = "item104", "足底反射按摩 45 分钟"
SERVICE = "草本足疗 60 分钟"


@pytest.fixture(scope="module")
def lines(browser, chain):
    lines = Lines(browser, chain)
    yield lines
    lines.close()


@pytest.fixture(scope="module")
def guest(first):
    """A member who was registered and topped up in the first store today."""
    name, phone = fresh_person()
    return {"name": name, "phone": phone, "id": register(first, name, phone)}


def sell(till, *, stored=None):
    """Sell one service on the bill that lies open; return the bill's number."""
    till.open("/")
    till.tap(SERVICE)
    paid = till.pay(stored=stored)
    number = paid.locator("[data-paid]").get_attribute("data-paid")
    paid.get_by_role("link", name="下一单").click()
    return number


def recognise(till, guest):
    """Swipe the member's number; return the part of the bill that shows them."""
    till.open("/")
    number = ask(till.demo, f"/members/{guest['id']}")["number"]
    scan(till.demo, number)
    shown = till.page.locator("#ticket .member")
    expect(shown.locator(".who")).to_contain_text(guest["name"], timeout=ARRIVES_MS)
    return shown


def cents_here(till, guest):
    return ask(till.demo, f"/members/{guest['id']}")["wallet"]["here_cents"]


@pytest.mark.feature("STO-06")
def test_a_store_that_was_opened_today_has_what_head_office_has(second, office, chain):
    store = chain["stores"][1]
    eventually(lambda: len(ask(store, "/items")["items"]), 40)
    card = chain["devices"]["member_cards"][0]
    eventually(lambda: len(ask(store, f"/members?q={card}")["members"]), 1)
    second.open("/")
    expect(second.page.locator("#tiles button").first).to_be_visible()
    picture(second.page, "two-stores-1-new-store")
    page = office.open("/stores")
    for one in chain["stores"]:
        row = office.store(one["store"]["name"])
        expect(row).to_contain_text("在线")
        expect(row).to_contain_text("最新", timeout=ARRIVES_MS)
    picture(page, "two-stores-2-stores")


def test_the_page_with_the_lines_is_clear_to_readers_and_fingers(lines):
    assert faults_of_access(lines.page) == []
    assert small_targets(lines.page) == []


@pytest.mark.feature("STO-03")
@pytest.mark.feature("STO-06")
def test_a_sale_in_one_store_stands_at_head_office_a_moment_later(first, office, chain):
    page = office.open("/sales")
    number = sell(first)
    # Nobody touches head office's page meanwhile: it is told.
    expect(office.bill(number)).to_be_visible(timeout=ARRIVES_MS)
    expect(office.bill(number)).to_contain_text(chain["store"]["name"])
    expect(office.bill(number)).to_contain_text(SERVICE)
    picture(page, "two-stores-3-sale")


@pytest.mark.feature("STO-02")
def test_a_price_from_head_office_is_charged_at_both_tills(first, second, office):
    price = f"{uuid.uuid4().int % 400 + 100}"
    page = office.set_price(ITEM, price=price, member_price="79")
    for till in (first, second):
        till.open("/")
        tile = till.page.locator("#tiles button", has_text=ITEM_NAME).first
        expect(tile).to_contain_text(f"¥{price}", timeout=ARRIVES_MS)
        till.tap(ITEM_NAME)
        assert till.due() == int(price) * 100
        picture(till.page, f"two-stores-4-price-{till.demo['store']['code']}")
        till.pay()
        till.page.get_by_role("link", name="下一单").click()
    for position in (0, 1):
        arrived = page.locator("[data-store]").nth(position)
        expect(arrived).to_have_attribute("data-has", "yes", timeout=ARRIVES_MS)
    picture(page, "two-stores-5-arrived")


@pytest.mark.feature("STO-04")
@pytest.mark.feature("STO-05")
@pytest.mark.feature("MEM-18")
def test_a_member_topped_up_in_one_store_is_known_and_pays_in_the_other(
    first, second, office, chain, guest
):
    first.open(f"/members/{guest['id']}/topup")
    first.page.locator(".offer-tiles a", has_text="1000").first.click()
    first.page.locator("[data-pad-confirm]").click()
    first.page.wait_for_url("**/topups/**")
    whole = 110_000
    assert cents_here(first, guest) == whole
    store = chain["stores"][1]
    eventually(lambda: len(ask(store, f"/members?q={guest['phone']}")["members"]), 1)
    shown = recognise(second, guest)
    # The money follows the member who was recognised, by itself.
    usable = shown.locator(".figure dd").first
    expect(usable).to_have_text("¥1,100.00", timeout=ARRIVES_MS)
    assert cents_here(second, guest) == whole
    picture(second.page, "two-stores-6-recognised")
    second.tap(SERVICE)
    due = second.due()
    paid = second.pay()
    number = paid.locator("[data-paid]").get_attribute("data-paid")
    picture(second.page, "two-stores-7-paid")
    assert cents_here(second, guest) == whole - due
    eventually(lambda: cents_here(first, guest), 0)
    [receipt] = paper_with(store, number)
    assert "解放路店" in receipt
    page = office.member(guest["phone"])
    expect(page.locator("#profile")).to_contain_text(number, timeout=ARRIVES_MS)
    expect(page.locator("#profile .figures").first).to_contain_text(
        f"{(whole - due) / 100:,.2f}"
    )
    picture(page, "two-stores-8-member")
    owed = office.open("/settlements")
    expect(owed.locator("#settlements")).to_contain_text("人民路店", timeout=ARRIVES_MS)
    picture(owed, "two-stores-9-owed")


@pytest.mark.feature("STO-02")
@pytest.mark.feature("STO-07")
@pytest.mark.feature("SYS-07")
def test_with_its_line_pulled_a_store_sells_on_and_everything_arrives_once(
    first, second, office, lines, guest
):
    left = cents_here(second, guest)
    lines.wait_until_all_is_up("B")
    lines.pull("B")
    office.open("/stores")
    name = "解放路店"
    recognise(second, guest)
    offline = [sell(second, stored="50"), sell(second)]
    newcomer = dict(zip(("name", "phone"), fresh_person(), strict=True))
    newcomer["id"] = register(second, newcomer["name"], newcomer["phone"])
    second.open("/")
    expect(second.page.locator("header")).to_contain_text(
        re.compile("待上传|总部未连接"), timeout=ARRIVES_MS
    )
    picture(second.page, "two-stores-10-cut-till")
    assert cents_here(second, guest) == left - 5_000
    expect(lines.of("B").locator(".chip.warn")).to_be_visible(timeout=ARRIVES_MS)
    assert lines.waiting("B") > 0
    assert lines.waiting("A") == 0
    picture(lines.page, "two-stores-11-cut-lines")
    online = sell(first)
    page = office.open("/sales")
    expect(office.bill(online)).to_be_visible(timeout=ARRIVES_MS)
    for number in offline:
        expect(office.bill(number)).to_have_count(0)
    page = office.open("/stores")
    expect(office.store(name)).to_contain_text("连不上", timeout=40_000)
    picture(page, "two-stores-12-cut-office")
    office.open("/sales")
    lines.plug_in("B")
    for number in offline:
        expect(office.bill(number)).to_be_visible(timeout=ARRIVES_MS)
    lines.wait_until_all_is_up("B")
    picture(lines.page, "two-stores-13-healed-lines")
    office.open("/sales")
    for number in (*offline, online):
        expect(office.bill(number)).to_have_count(1)
    picture(office.page, "two-stores-14-healed-office")
    eventually(lambda: len(ask(first.demo, f"/members?q={newcomer['phone']}")["members"]), 1)
    office.open("/stores")
    expect(office.store(name)).to_contain_text("在线", timeout=ARRIVES_MS)


@pytest.mark.feature("STO-02")
def test_a_line_that_falls_silent_delays_bills_and_loses_none(first, office, lines):
    lines.wait_until_all_is_up("A")
    lines.fall_silent("A")
    number = sell(first)
    office.open("/sales")
    expect(office.bill(number)).to_have_count(0)
    lines.plug_in("A")
    expect(office.bill(number)).to_be_visible(timeout=ARRIVES_MS)
    lines.wait_until_all_is_up("A")
    expect(office.bill(number)).to_have_count(1)


def test_at_the_end_of_the_day_every_side_counts_the_same(chain, office, lines, first, second):
    for code in ("A", "B"):
        lines.wait_until_all_is_up(code)
    page = office.open("/sales")
    for store in chain["stores"]:
        bills, revenue = day_of(Path(store["data"]))
        row = page.locator("main tbody tr", has=page.locator("td", has_text="实时"))
        shown = row.filter(has_text=store["store"]["name"])
        expect(shown.locator("td").nth(1)).to_have_text(str(bills), timeout=ARRIVES_MS)
        expect(shown.locator("td").nth(2)).to_contain_text(f"{revenue / 100:,.2f}")


@pytest.mark.feature("EXP-03")
def test_what_stores_owe_each_other_this_month_ties_to_the_postings(chain, office, lines):
    for code in ("A", "B"):
        lines.wait_until_all_is_up(code)
    names = [store["store"]["name"] for store in chain["stores"]]
    page = office.open("/settlements")
    month = page.locator("#settlements [name=first]").input_value()[:7]
    owed = owed_by_postings([Path(store["data"]) for store in chain["stores"]], month)
    assert owed
    for (took, spent), by_asset in owed.items():
        row = page.locator("#settlements section").last.locator("tbody tr")
        row = row.filter(has=page.locator("th", has_text=names[took]))
        row = row.filter(has=page.locator("td", has_text=names[spent]))
        for asset, cell in (("principal", 1), ("bonus", 2)):
            shown = f"{by_asset[asset] / 100:,.2f}" if by_asset[asset] else "0.00"
            expect(row.locator("td").nth(cell)).to_contain_text(shown, timeout=ARRIVES_MS)


def owed_by_postings(folders, month):
    """Return by (place that took it in, place that spent it) how much, from journals alone."""
    spent, issued = [], {}
    for place, folder in enumerate(folders):
        box = open_hub(folder)
        try:
            with box.door.read() as db:
                rows = db.all(
                    "SELECT j.raw FROM journal j JOIN origin o"
                    " ON o.origin = j.origin AND o.epoch = j.epoch WHERE o.own = 1"
                )
        finally:
            box.close()
        for event in (decode(row["raw"]) for row in rows):
            for posting in event.postings:
                if posting.account.startswith("mint/") and posting.amount < 0:
                    issued.setdefault(posting.lot, place)
                if posting.account == "revenue" and event.date.startswith(month):
                    spent.append((place, posting))
    owed = {}
    for place, posting in spent:
        if issued.get(posting.lot, place) != place:
            pair = owed.setdefault((issued[posting.lot], place), Counter())
            pair[posting.asset] += posting.amount
    return owed


def day_of(folder):
    """Return how many bills a hub has for today, and what they come to in fen."""
    box = open_hub(folder)
    try:
        drain_all(box.door, box.parts)
        with box.door.read() as db:
            today = box.act(db).date
            row = db.one(
                "SELECT count(*) AS bills, COALESCE(SUM(sign * total), 0) AS revenue"
                " FROM sale WHERE date = :today AND store = :store",
                today=today,
                store=box.store_id(db),
            )
            return row["bills"], row["revenue"]
    finally:
        box.close()

"""The owner sets the shop up in the browser, and the till follows from the next tap."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.browser import PHONE, picture, swipe
from tests.journeys.counter import Till, ask, paper_with

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def till(browser, demo):
    """Stand at the first till as the owner, with an open shift."""
    opened = Till(browser, demo, role="owner")
    opened.open_shift()
    yield opened
    opened.close()


def save(till, path, **fields):
    """Fill a settings page as a person does, and save it."""
    till.open(path)
    page = till.page
    for name, value in fields.items():
        field = page.locator(f"main [name={name}]")
        kind = field.first.get_attribute("type")
        if kind == "radio":
            page.locator(f"main [name={name}][value='{value}']").check(force=True)
        elif kind == "checkbox":
            field.first.set_checked(value, force=True)
        elif field.first.evaluate("e => e.tagName") == "SELECT":
            field.select_option(label=value)
        else:
            field.first.fill(value)
    page.locator("main form:has([name]) button.primary", has_text="保存").first.click()
    expect(page.locator("main .notice.ok, main [role=status].notice").first).to_be_visible()


def new_word(start):
    return f"{start}{uuid.uuid4().hex[:4].upper()}"


def register(till, name, **fields):
    """Register somebody; return what the API says of them."""
    till.open("/members/new")
    page = till.page
    page.fill("#f-name", name)
    for field, value in fields.items():
        where = page.locator(f"main [name={field}]")
        if where.first.evaluate("e => e.tagName") == "SELECT":
            where.select_option(label=value)
        else:
            where.first.fill(value)
    page.locator("#register .primary").click()
    page.get_by_role("button", name="确认登记").click()
    page.wait_for_url(re.compile(r"/members/[0-9a-f-]{36}"))
    member = page.url.partition("?")[0].rpartition("/")[2]
    return ask(till.demo, f"/members/{member}") | {"id": member}


@pytest.mark.feature("MEM-03")
def test_the_next_member_follows_the_new_format_of_numbers(till):
    save(till, "/settings/numbers", prefix="VIP", digits="5")
    number = register(till, new_word("甲"))["number"]
    assert re.fullmatch(r"VIPA\d{5}", number)
    save(till, "/settings/numbers", prefix="M", digits="6")


@pytest.mark.feature("MEM-06")
def test_a_birthday_is_on_the_profile_and_among_this_weeks(till):
    today = datetime.now(ZoneInfo("Asia/Shanghai"))
    name = new_word("寿星")
    register(till, name, birthday=f"1990-{today:%m-%d}")
    expect(till.page.locator("main")).to_contain_text(f"1990-{today:%m-%d}")
    till.open("/members/birthdays")
    expect(till.page.locator("main")).to_contain_text(name)


@pytest.mark.feature("MEM-07")
def test_members_carry_a_category_and_the_list_filters_by_it(till):
    category, name = new_word("类"), new_word("某")
    till.open("/settings/categories")
    page = till.page
    page.locator("main input[name=name]").last.fill(category)
    page.locator("main button.primary").last.click()
    expect(page.locator("main")).to_contain_text(category)
    register(till, name, category=category)
    till.open(f"/members?category={category}")
    expect(page.locator("main table tbody tr")).to_have_count(1)
    expect(page.locator("main")).to_contain_text(name)


@pytest.mark.feature("CAT-01")
@pytest.mark.feature("CAT-03")
@pytest.mark.feature("CAT-05")
def test_a_new_item_sells_from_the_next_tap_with_its_unit_and_type(till, demo):
    code, name = new_word("N"), new_word("玫瑰露")
    save(
        till, "/catalog/items/new", code=code, name=name, kind="product", price="66", unit="瓶"
    )
    till.open("/")
    page = till.page
    page.locator("[data-key=F9]").fill(code)
    page.keyboard.press("Enter")
    expect(page.locator("#ticket .line", has_text=name)).to_contain_text("瓶")
    assert till.due() == 6_600
    number = till.pay().locator("[data-paid]").get_attribute("data-paid")
    [receipt] = paper_with(demo, number)
    assert "1瓶" in receipt
    item = ask(demo, f"/items?q={code}")["items"][0]
    assert item["kind"] == "product"
    till.open(f"/catalog?q={code}")
    expect(page.locator("main")).to_contain_text("商品")


@pytest.mark.feature("CRD-10")
def test_a_new_card_type_is_sold_at_once(till, demo):
    name = new_word("白金卡")
    save(
        till,
        "/catalog/offers/new",
        kind="card",
        name=name,
        price="300",
        principal="300",
        bonus="60",
        term_days="30",
    )
    member = register(till, new_word("乙"))["id"]
    till.open(f"/members/{member}/topup")
    page = till.page
    page.locator(".offer-tiles a", has_text=name).click()
    swipe(page, demo["devices"]["blank_cards"][-1])
    expect(page.locator("input[name=card]").first).to_have_value(
        demo["devices"]["blank_cards"][-1]
    )
    page.locator("[data-pad-confirm]").click()
    page.wait_for_url("**/topups/**")
    wallet = ask(demo, f"/members/{member}")["wallet"]
    assert (wallet["principal_cents"], wallet["bonus_cents"]) == (30_000, 6_000)
    assert paper_with(demo, name)
    till.open("/")
    swipe(page, demo["devices"]["blank_cards"][-1])
    expect(page.locator("#ticket .member")).to_contain_text("360.00")


@pytest.mark.feature("PTS-02")
@pytest.mark.feature("PTS-03")
def test_a_rule_for_points_shows_what_a_sum_would_earn_and_then_earns_it(till, demo):
    till.open("/settings/points")
    page = till.page
    page.locator("main [name=per]").fill("2")
    page.locator("main [name=points]").fill("3")
    page.locator("main [name=earns][value=balance]").check(force=True)
    for day in page.locator("main [name=days]").all():
        day.set_checked(False, force=True)
    page.locator("main [name=try]").fill("128")
    expect(page.locator("[data-earned=sale]")).to_contain_text("192")
    expect(page.locator("[data-earned=balance]")).to_contain_text("192")
    expect(page.locator("[data-earned=topup]")).to_contain_text("0")
    picture(page, "points")
    page.locator("main button.primary", has_text="保存").click()
    expect(page.locator("main .notice").first).to_be_visible()
    member = register(till, new_word("丙"))
    till.open("/")
    swipe(page, member["number"])
    till.tap("草本足疗 60 分钟")
    due = till.due()
    till.pay()
    assert ask(demo, f"/members/{member['id']}")["wallet"]["points"] == due * 3 // 200
    save(till, "/settings/points", per="1", points="1", earns="topup")


@pytest.mark.feature("POS-02")
def test_scan_scan_pay(till, demo):
    codes = list(demo["devices"]["barcodes"])[2:5]
    till.open("/")
    page = till.page
    for code in codes:
        swipe(page, code)
    expect(page.locator("#ticket .line")).to_have_count(3)
    page.keyboard.press("F8")
    expect(page.locator("#pay-form")).to_be_visible()
    page.wait_for_timeout(200)
    page.keyboard.press("Enter")
    expect(page.locator("[data-paid]")).to_be_visible()


@pytest.mark.feature("POS-10")
def test_a_new_tender_is_on_the_pay_screen_and_in_the_shift_report(till):
    name = new_word("代金券")
    till.open("/settings/tenders")
    page = till.page
    page.locator("main input[name=name]").last.fill(name)
    page.locator("main button.primary").last.click()
    expect(page.locator("main")).to_contain_text(name)
    till.open("/")
    till.tap("肩颈推拿 30 分钟")
    page.locator("[data-key=F8]").click()
    page.get_by_role("link", name=f"全部{name}").click()
    expect(page.locator("#pay-form")).to_contain_text("不用收现金")
    page.locator("#pay [data-pad-confirm]").click()
    expect(page.locator("[data-paid]")).to_contain_text(name)
    till.open("/shift")
    expect(page.locator("main")).to_contain_text(name)


@pytest.mark.feature("POS-19")
def test_a_receipt_comes_by_itself_or_on_request_as_the_owner_likes(till, demo):
    save(till, "/settings/receipts", receipt_auto_print=False)
    try:
        till.open("/")
        till.tap("肩颈推拿 30 分钟")
        paid = till.pay()
        number = paid.locator("[data-paid]").get_attribute("data-paid")
        paid.get_by_role("button", name="打印小票").click()
        [receipt] = paper_with(demo, number)
        assert "补打" not in receipt, "the first one is no copy"
    finally:
        save(till, "/settings/receipts", receipt_auto_print=True)
    till.open("/")
    till.tap("肩颈推拿 30 分钟")
    number = till.pay().locator("[data-paid]").get_attribute("data-paid")
    assert len(paper_with(demo, number)) == 1


@pytest.mark.feature("SYS-02")
def test_the_shops_new_name_is_on_the_next_receipt(till, demo):
    name = new_word("清和养生馆")
    save(till, "/settings/company", name=name, footer="欢迎再来")
    till.open("/")
    till.tap("肩颈推拿 30 分钟")
    number = till.pay().locator("[data-paid]").get_attribute("data-paid")
    [receipt] = paper_with(demo, number)
    assert name in receipt
    assert "欢迎再来" in receipt


@pytest.mark.feature("DEV-13")
def test_a_phone_and_a_printer_are_enough_to_open_sell_and_close(browser, demo):
    phone = Till(browser, demo, till="前台2", role="manager", size=PHONE)
    try:
        phone.open_shift("100")
        page = phone.page
        page.locator("#tiles button", has_text="草本足疗 60 分钟").click()
        expect(page.locator(".sheet-bar .badge")).to_have_text("1")
        page.locator(".sheet-bar a.primary").click()
        page.locator("#pay [data-pad-confirm]").click()
        expect(page.locator("[data-paid]")).to_be_visible()
        assert paper_with(demo, page.locator("[data-paid]").get_attribute("data-paid"))
        phone.open("/shift/close")
        page.locator("body").click(position={"x": 2, "y": 2})
        for digit in "228":
            page.keyboard.press(digit)
        page.locator("#count [data-pad-confirm]").click()
        page.get_by_role("button", name="确认交班").click()
        expect(page.locator("main")).to_contain_text("¥228.00")
        picture(page, "phone-z")
    finally:
        phone.close()

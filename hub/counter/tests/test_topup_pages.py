"""A top-up: chosen, paid by one tender or several, booked once, shown apart; and corrections."""

from __future__ import annotations

import re

import pytest

from hub.tests.shop import fault, faults_above, partly, words
from hub.wallet import balance


@pytest.fixture
def member(shop):
    shop.open_shift()
    return shop.member()


def pay(browser, member, **sent):
    told = {"offer": "p1", "tender": "cash", "received": "100000", "step": "take", "key": "t1"}
    return browser.post(f"/members/{member}/topup", data=told | sent)


def held(shop, member):
    found = shop.ask(lambda db: balance(db, shop.box.act(db), member))
    return found.principal, found.bonus, found.points


def due(answer):
    match = re.search(r'<money-keypad due="(\d+)"', answer.text)
    return int(match[1]) if match else None


def test_a_package_shows_what_it_books_before_it_is_paid(shop, member):
    page = shop.browser("cashier").get(f"/members/{member}/topup?offer=p1")
    assert "充1000送100 ¥1,000.00 本金 ¥1,000.00 赠金 ¥100.00 积分 +1,000" in words(page)
    assert due(page) == 100_000


def test_a_package_paid_in_cash_books_principal_and_bonus_apart(shop, member):
    browser = shop.browser("cashier")
    paid = pay(browser, member, received="120000")
    receipt = browser.get(paid.location)
    assert held(shop, member) == (100_000, 10_000, 1_000)
    assert "李慧敏 充值成功" in words(receipt)
    assert "找零 ¥200.00" in words(receipt)
    assert "本金 ¥1,000.00 赠金 ¥100.00 积分 +1,000" in words(receipt)
    jobs = shop.ask(lambda db: db.all("SELECT kind FROM print_job ORDER BY kind"))
    assert [job["kind"] for job in jobs] == ["receipt"]


def test_change_is_not_shown_where_the_shop_does_not_want_it(shop, member):
    shop.browser("owner").post(
        "/settings/receipts", data={"topup_max": "5000", "idle_lock_s": "120"}
    )
    browser = shop.browser("cashier")
    receipt = browser.get(pay(browser, member, received="120000").location)
    assert "找零" not in words(receipt)
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM print_job")) == 0


def test_a_free_amount_is_typed_then_paid(shop, member):
    browser = shop.browser("cashier")
    asked = browser.get(f"/members/{member}/topup?offer=free")
    assert due(asked) is None
    assert "充值金额" in words(asked)
    step = browser.get(f"/members/{member}/topup?offer=free&amount=30050")
    assert due(step) == 30_050
    pay(browser, member, offer="free", amount="30050", received="30050")
    assert held(shop, member) == (30_050, 0, 300)


def test_two_tenders_are_taken_one_after_the_other_and_nothing_is_booked_between(shop, member):
    browser = shop.browser("cashier")
    part = pay(browser, member, tender="bank_card", received="30000")
    assert (part.status_code, due(part)) == (200, 70_000)
    assert "已收银行卡" in words(part)
    assert re.search(r'value="cash" checked', part.text)
    assert held(shop, member) == (0, 0, 0)
    taken = re.findall(r'name="part" value="([^"]*)"', part.text)
    key = re.search(r'name="key" value="([^"]*)"', part.text)[1]
    paid = pay(browser, member, part=taken, key=key, received="80000")
    receipt = words(browser.get(paid.location))
    assert "找零 ¥100.00" in receipt
    assert "银行卡 ¥300.00 现金 ¥700.00" in receipt
    totals = shop.ask(
        lambda db: db.all("SELECT tender, amount FROM till_total ORDER BY tender")
    )
    assert [tuple(row) for row in totals] == [("bank_card", 30_000), ("cash", 70_000)]


def test_what_was_taken_can_be_started_over(shop, member):
    browser = shop.browser("cashier")
    again = pay(browser, member, part="bank_card:30000:30000", step="again")
    assert due(again) == 100_000
    assert held(shop, member) == (0, 0, 0)


def test_parts_that_somebody_made_up_do_not_pay(shop, member):
    browser = shop.browser("cashier")
    for part in ("cash:-5:1", "cash:99999999999999999999999:1", "cash", "gold:100000:100000"):
        answer = pay(browser, member, part=part, received="1")
        assert answer.status_code in {200, 422}
        assert held(shop, member) == (0, 0, 0)


def test_the_same_form_sent_twice_pays_once(shop, member):
    browser = shop.browser("cashier")
    first, second = pay(browser, member), pay(browser, member)
    assert first.location == second.location
    assert held(shop, member) == (100_000, 10_000, 1_000)


def test_htmx_is_led_to_the_receipt(shop, member):
    sent = {"offer": "p1", "tender": "cash", "received": "100000", "step": "take", "key": "x"}
    answer = partly(shop.browser("cashier"), "POST", f"/members/{member}/topup", data=sent)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/members/topups/")


def test_a_card_is_sold_with_its_medium(shop, member):
    browser = shop.browser("cashier")
    offered = browser.get(f"/members/{member}/topup?offer=k1")
    assert 'id="card-field"' in offered.text
    assert "生日当天足疗一次" in words(offered)
    paid = pay(browser, member, offer="k1", received="298000", card="04 A1 B2 C3")
    receipt = words(browser.get(paid.location))
    assert "04A1B2C3" in receipt
    assert "有效期至 2027-09-21" in receipt


def test_a_card_of_somebody_else_is_told_at_its_field_and_the_money_waits(shop, member):
    shop.member("王建国", "", card="04A1B2C3")
    sent = {"offer": "k1", "received": "298000", "card": "04A1B2C3"}
    answer = pay(shop.browser("cashier"), member, **sent)
    assert answer.status_code == 422
    assert fault(answer, "card") == "卡 04A1B2C3 已发给 王建国"
    assert due(answer) == 298_000
    assert held(shop, member) == (0, 0, 0)


@pytest.mark.parametrize(
    ("sent", "said", "english"),
    [
        ({"received": "0"}, "请输入金额", "Enter an amount"),
        ({"received": "1e5"}, "金额“1e5”不对，请重输", "The amount “1e5” is not right"),
        ({"received": "-100"}, "金额“-100”不对", "The amount “-100” is not right"),
        ({"tender": "bank_card", "received": "130000"}, "银行卡不能多收", "gives no change"),
        ({"offer": "nope"}, "这个项目已下架", "no longer sold"),
        ({"offer": "free", "amount": "x"}, "金额“x”不对", "is not right"),
        ({"key": ""}, "请求缺少 Idempotency-Key", "has no Idempotency-Key"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_booked(shop, member, sent, said, english):
    for lang, words_ in (("zh-CN", said), ("en", english)):
        answer = pay(shop.browser("cashier", lang=lang), member, **sent)
        assert words_ in " ".join(faults_above(answer))
    assert held(shop, member) == (0, 0, 0)


def test_more_than_a_card_may_hold_is_warned_of_and_refused(shop, member):
    browser = shop.browser("manager")
    step = browser.get(f"/members/{member}/topup?offer=free&amount=500001")
    assert "充值后会超过单张卡上限 ¥5,000.00，超出 ¥0.01" in words(step)
    answer = pay(browser, member, offer="free", amount="500001", received="500001")
    assert faults_above(answer) == ["充值后余额 ¥5,000.01 超过上限 ¥5,000.00，请减少金额"]


def test_more_than_a_cashier_may_take_is_refused(shop, member):
    answer = pay(
        shop.browser("cashier"), member, offer="free", amount="500001", received="500001"
    )
    assert "超出你的限额 ¥5,000.00" in " ".join(faults_above(answer))


def test_without_a_shift_the_page_leads_to_one_and_takes_nothing(shop):
    member = shop.member()
    browser = shop.browser("cashier")
    page = browser.get(f"/members/{member}/topup?offer=p1")
    assert 'href="/shift"' in page.text
    assert re.search(r'name="step" value="take"[^>]* disabled', page.text)
    refused = pay(browser, member)
    assert faults_above(refused) == ["还没有开班，请先开班并点入备用金"]


def test_the_receipt_can_be_printed_again_as_a_copy(shop, member):
    browser = shop.browser("cashier")
    topup = shop.top_up(member)
    browser.post(f"/members/topups/{topup}/print")
    copies = shop.ask(lambda db: db.all("SELECT is_copy FROM print_job ORDER BY is_copy"))
    assert [job["is_copy"] for job in copies] == [0, 1]


def test_a_top_up_that_is_not_there_is_told(shop):
    assert shop.browser("cashier").get("/members/topups/nope").status_code == 404


def adjust(browser, member, **sent):
    told = {"asset": "principal", "way": "down", "amount": "10", "reason": "录错", "key": "a1"}
    return browser.post(f"/members/{member}/adjust", data=told | sent)


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ({}, (99_000, 0, 1_000)),
        ({"way": "up", "amount": "0.5"}, (100_050, 0, 1_000)),
        ({"asset": "bonus", "way": "up", "amount": "20"}, (100_000, 2_000, 1_000)),
        ({"asset": "points", "amount": "300"}, (100_000, 0, 700)),
        ({"asset": "points", "way": "up", "amount": "50"}, (100_000, 0, 1_050)),
    ],
)
def test_a_balance_is_corrected_with_its_reason(shop, member, sent, left):
    shop.top_up(member)
    browser = shop.browser("manager")
    answer = adjust(browser, member, **sent)
    assert held(shop, member) == left
    assert "调整 · 录错" in words(browser.get(answer.location))


@pytest.mark.parametrize(
    ("sent", "field", "said", "english"),
    [
        ({"reason": " "}, "reason", "请写明原因", "Give a reason"),
        ({"amount": ""}, "amount", "请填写", "Fill this in"),
        ({"amount": "0"}, "amount", "金额“0”不对，请重输", "is not right"),
        ({"amount": "10元5"}, "amount", "金额“10元5”不对，请重输", "is not right"),
        ({"amount": "1001"}, "amount", "余额只有 ¥1,000.00，不能再减 ¥1,001.00", "only"),
        ({"asset": "points", "amount": "1.5"}, "amount", "请填写整数", "a whole number"),
        (
            {"asset": "points", "amount": "1001"},
            "amount",
            "积分只有 1000，不能再减 1001",
            "only",
        ),
    ],
)
def test_a_wrong_correction_is_told_and_moves_nothing(shop, member, sent, field, said, english):
    shop.top_up(member)
    for lang, told in (("zh-CN", said), ("en", english)):
        answer = adjust(shop.browser("manager", lang=lang), member, **sent)
        assert answer.status_code == 422
        assert told in fault(answer, field)
    assert held(shop, member) == (100_000, 0, 1_000)


def test_a_correction_sent_twice_counts_once(shop, member):
    shop.top_up(member)
    for _ in range(2):
        adjust(shop.browser("manager"), member)
    assert held(shop, member) == (99_000, 0, 1_000)

"""The shift's pages: opened with a float, cash moved, counted blind, closed for good."""

from __future__ import annotations

import re

import pytest

from hub.tests.shop import faults_above, partly, typed, words


def open_shift(browser, **sent):
    return browser.post("/shift/open", data={"float": "50000", "key": "open-1"} | sent)


def close_shift(browser, counted, **sent):
    told = {"counted": str(counted), "key": "close-1", "step": "confirmed"}
    return browser.post("/shift/close", data=told | sent)


def counting(browser):
    """Open the page of the count and return what it carries along unseen."""
    carried = hidden(browser.get("/shift/close"))
    return {name: carried[name] for name in ("key", "period", "seen")}


def hidden(answer):
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))


def state(shop):
    return shop.ask(lambda db: db.value("SELECT state FROM till_period ORDER BY id DESC"))


def last_event(shop):
    return shop.ask(lambda db: db.value("SELECT raw FROM journal ORDER BY seq DESC LIMIT 1"))


def test_a_shift_opens_with_its_float_once(shop):
    browser = shop.browser("cashier")
    assert "前台 开班" in words(browser.get("/shift"))
    first, again = open_shift(browser), open_shift(browser)
    assert first.location == again.location
    page = words(browser.get(first.location))
    assert "已开班，可以收款了" in page
    assert "前台 · 王芳 当班中" in page
    assert "备用金 ¥500.00" in page


@pytest.mark.parametrize(
    ("sent", "said", "english"),
    [
        ({"float": "x"}, "金额“x”不对，请重输", "is not right"),
        ({"float": "-5"}, "金额“-5”不对，请重输", "is not right"),
        ({"float": "9999999999"}, "金额“9999999999”不对，请重输", "is not right"),
        ({"key": ""}, "请求缺少 Idempotency-Key", "no Idempotency-Key"),
    ],
)
def test_a_wrong_float_is_told_and_opens_nothing(shop, sent, said, english):
    for lang, told in (("zh-CN", said), ("en", english)):
        answer = open_shift(shop.browser("cashier", lang=lang), **sent)
        assert answer.status_code == 422
        assert told in " ".join(faults_above(answer))
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM till_period")) == 0


def test_a_till_that_is_open_says_by_whom(shop):
    open_shift(shop.browser("cashier"))
    answer = open_shift(shop.browser("manager"), key="open-2")
    assert faults_above(answer) == ["这个收银台已经开班（王芳）"]


def test_the_x_report_counts_at_once_and_hides_cash_from_who_will_count_it(shop):
    shop.open_shift()
    member = shop.member()
    shop.top_up(member, 20_000)
    shop.sale("i1", tender="bank_card")
    shop.sale("i2")
    manager = words(shop.browser("manager").get("/shift"))
    assert "应有现金 ¥738.00" in manager
    assert "充值 现金 1 ¥200.00" in manager
    cashier = words(shop.browser("cashier").get("/shift"))
    assert "销售 银行卡 1 ¥128.00" in cashier
    for hidden in ("¥738.00", "¥200.00", "¥38.00", "应有现金"):
        assert hidden not in cashier
    assert "现金金额在点钞之前不显示" in cashier


def test_cash_goes_in_and_out_with_a_reason_and_opens_the_drawer(shop):
    browser = shop.browser("manager")
    browser.post(
        "/settings/printers",
        data={
            "name": "前台",
            "address": "tcp://192.168.1.9:9100",
            "columns": "48",
            "drawer_pin": "2",
        },
    )
    shop.open_shift()
    out = {"way": "out", "amount": "3000", "reason": "采购", "key": "c1"}
    for _ in range(2):
        browser.post("/shift/cash", data=out)
    browser.post(
        "/shift/cash",
        data={"way": "in", "amount": "10000", "reason": "采购", "other": "零钱包", "key": "c2"},
    )
    page = words(browser.get("/shift"))
    assert "刘洋 采购 −¥30.00" in page
    assert "刘洋 零钱包 +¥100.00" in page
    assert "应有现金 ¥570.00" in page
    kicks = shop.ask(lambda db: db.value("SELECT count(*) FROM print_job WHERE kind = 'kick'"))
    assert kicks == 2


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"amount": "0"}, "请输入金额"),
        ({"amount": "1.5"}, "金额“1.5”不对，请重输"),
        ({"reason": ""}, "请写明原因"),
    ],
)
def test_a_wrong_cash_move_is_told_and_moves_nothing(shop, sent, said):
    shop.open_shift()
    told = {"way": "in", "amount": "100", "reason": "补零钱", "key": "c"} | sent
    answer = shop.browser("manager").post("/shift/cash", data=told)
    assert answer.status_code == 422
    assert said in words(answer)
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM cash_move")) == 0


def test_a_cashier_moves_no_more_cash_than_allowed(shop):
    shop.open_shift()
    told = {"way": "out", "amount": "50001", "reason": "交款", "key": "c"}
    answer = shop.browser("cashier").post("/shift/cash", data=told)
    assert faults_above(answer) == ["“现金存取”超出你的限额 ¥500.00，请找店长"]


def test_cash_taken_out_in_several_goes_keeps_to_the_limit_of_who_takes_it(shop):
    shop.open_shift(float_cents=200_000)
    cashier, manager = shop.browser("cashier"), shop.browser("manager")

    def take(browser, amount, key):
        told = {"way": "out", "amount": str(amount), "reason": "交款", "key": key}
        return faults_above(browser.post("/shift/cash", data=told))

    assert take(manager, 40_000, "m") == []
    assert take(cashier, 30_000, "c1") == []
    assert take(cashier, 20_001, "c2") == ["“现金存取”超出你的限额 ¥500.00，请找店长"]
    assert take(cashier, 20_000, "c3") == []
    assert take(cashier, 1, "c4") == ["“现金存取”超出你的限额 ¥500.00，请找店长"]
    close_shift(manager, 110_000)
    shop.open_shift()
    assert take(cashier, 50_000, "c5") == []


def test_no_more_cash_is_taken_out_than_lies_in_the_drawer(shop):
    shop.open_shift(float_cents=1_000)
    shop.sale("i2")
    shop.sale("i1", tender="bank_card")
    told = {"way": "out", "amount": "4801", "reason": "交款", "key": "c"}
    for lang, said in (("zh-CN", "钱箱里没有这么多现金"), ("en", "not that much cash")):
        answer = shop.browser("cashier", lang=lang).post("/shift/cash", data=told)
        assert said in " ".join(faults_above(answer))
        assert "48.00" not in answer.text
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM cash_move")) == 0
    browser = shop.browser("cashier")
    assert browser.post("/shift/cash", data=told | {"amount": "4800"}).status_code == 303


def test_the_drawer_opened_without_a_sale_stands_on_the_report(shop):
    shop.open_shift()
    browser = shop.browser("manager")
    refused = browser.post("/shift/drawer", data={"reason": ""})
    assert (refused.status_code, "请写明原因" in words(refused)) == (422, True)
    told = {"reason": "换零钱", "key": typed(refused, "key")}
    for _ in range(2):
        assert browser.post("/shift/drawer", data=told).status_code == 303
    assert "无交易开箱 1" in words(browser.get("/shift"))
    assert browser.post("/shift/drawer", data=told | {"key": ""}).status_code == 422


def test_notes_and_coins_are_added_up_for_the_count(shop):
    shop.open_shift()
    browser = shop.browser("cashier")
    pad = browser.get("/shift/close/sum?n10000=4&n5000=1&n50=3&n10=2&n2000=x&n100=-1")
    assert typed(pad, "counted") == "45170"


def test_the_count_is_shown_once_more_before_it_closes(shop):
    shop.open_shift()
    browser = shop.browser("cashier")
    look = browser.post(
        "/shift/close", data={"counted": "49900", "note": "少一元", "key": "k", "n10000": "4"}
    )
    assert "实点现金 ¥499.00 少一元" in words(look)
    assert "应有" not in words(look)
    assert shop.ask(lambda db: db.value("SELECT state FROM till_period")) == "open"
    carried = hidden(look)
    back = browser.post("/shift/close", data=carried | {"step": "back"})
    assert (typed(back, "counted"), typed(back, "n10000")) == ("49900", "4")
    browser.post("/shift/close", data=carried | {"step": "confirmed"})
    assert shop.ask(lambda db: db.value("SELECT state FROM till_period")) == "closed"


def test_a_count_is_refused_when_something_was_sold_after_it(shop):
    shop.open_shift()
    browser = shop.browser("cashier")
    told = counting(browser) | {"counted": "50000", "note": "整", "n10000": "5"}
    look = browser.post("/shift/close", data=told)
    shop.sale("i2")
    confirmed = hidden(look) | {"step": "confirmed"}
    again = browser.post("/shift/close", data=confirmed)
    assert faults_above(again) == ["点钞之后又有收支，请再点一次"]
    assert (typed(again, "counted"), typed(again, "n10000")) == ("0", "")
    assert typed(again, "note") == "整"
    assert state(shop) == "open"
    english = shop.browser("cashier", lang="en").post("/shift/close", data=confirmed)
    assert "Count again" in " ".join(faults_above(english))
    recounted = hidden(again) | {"counted": "53800", "step": "confirmed"}
    closed = browser.post("/shift/close", data=recounted)
    assert "长短款 ¥0.00 正好" in words(browser.get(closed.location))


def test_a_drawer_opened_to_count_it_does_not_spoil_the_count(shop):
    shop.open_shift()
    browser = shop.browser("manager")
    told = counting(browser)
    browser.post("/shift/drawer", data={"reason": "核对现金", "key": "d"})
    assert close_shift(browser, 50_000, **told).status_code == 303
    assert state(shop) == "closed"


def test_a_stale_page_never_closes_the_next_cashiers_shift(shop):
    shop.open_shift()
    browser = shop.browser("cashier")
    stale = counting(browser)
    close_shift(shop.browser("manager"), 50_000)
    assert faults_above(close_shift(browser, 50_000, **stale)) == ["这一班已经交班"]
    shop.open_shift()
    refused = close_shift(browser, 50_000, **stale)
    assert faults_above(refused) == ["这一班已经交班"]
    insisting = hidden(refused) | {"counted": "50000", "step": "confirmed"}
    assert faults_above(browser.post("/shift/close", data=insisting)) == ["这一班已经交班"]
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM z_report")) == 1


@pytest.mark.parametrize("seen", ["", "x", "-1", "99999999999"])
def test_a_count_of_a_state_that_never_was_closes_nothing(shop, seen):
    shop.open_shift()
    browser = shop.browser("cashier")
    answer = close_shift(browser, 50_000, **counting(browser) | {"seen": seen})
    assert "点钞之后又有收支，请再点一次" in faults_above(answer)
    assert state(shop) == "open"


def test_a_count_whose_answer_was_lost_is_answered_again(shop):
    shop.open_shift()
    browser = shop.browser("cashier")
    told = counting(browser)
    first, again = (close_shift(browser, 50_000, **told) for _ in range(2))
    assert (first.status_code, first.location) == (303, again.location)


def test_closing_gives_a_numbered_report_with_variance_note_and_exceptions(shop):
    shop.open_shift()
    browser = shop.browser("manager")
    browser.post("/shift/drawer", data={"reason": "换零钱", "key": "d"})
    bill = shop.sale("i2")
    browser.post(f"/sales/{bill}/reverse", data={"reason": "点错项目", "key": "r"})
    shop.sale("i1")
    closed = close_shift(browser, 62_700, note="少一元")
    page = words(browser.get(closed.location))
    assert "已交班" in page
    assert "应有现金 ¥628.00" in page
    assert "长短款 −¥1.00 短款" in page
    assert "少一元" in page
    assert "冲正的单 1 无交易开箱 1" in page
    again = close_shift(browser, 62_700, note="少一元")
    assert again.location == closed.location


def test_a_report_never_changes_though_its_exceptions_are_settled_later(shop):
    shop.open_shift()
    shop.sale("i2")
    browser = shop.browser("manager")
    report = close_shift(browser, 53_800).location.split("?")[0]
    before = words(browser.get(report))
    shop.open_shift()
    bill = shop.sale("i1")
    browser.post(f"/sales/{bill}/reverse", data={"reason": "点错项目", "key": "r"})
    assert words(browser.get(report)) == before


def test_the_next_shift_starts_clean_and_the_last_is_listed(shop):
    shop.open_shift()
    shop.sale("i2")
    browser = shop.browser("cashier")
    close_shift(browser, 53_900)
    assert "上一班：Z1，" in words(browser.get("/shift"))
    open_shift(browser, key="open-2")
    assert "这一班还没有收支" in words(browser.get("/shift"))
    assert "Z1 2026-09-21 前台 刘洋" in words(browser.get("/shift/reports"))
    assert "¥539.00 +¥1.00" in words(browser.get("/shift/reports"))


def test_a_report_is_printed_again_as_a_copy_and_that_is_written_down(shop):
    shop.open_shift()
    browser = shop.browser("manager")
    report = close_shift(browser, 50_000).location.split("?")[0]
    browser.post(f"{report}/print")
    jobs = shop.ask(lambda db: db.all("SELECT kind, is_copy FROM print_job ORDER BY is_copy"))
    assert [tuple(job) for job in jobs] == [("report", 0), ("report", 1)]
    assert b"receipt.reprinted" in last_event(shop)


@pytest.mark.parametrize("counted", ["-1", "12.5", "x"])
def test_a_wrong_count_is_told_and_closes_nothing(shop, counted):
    shop.open_shift()
    answer = close_shift(shop.browser("cashier"), counted)
    assert answer.status_code == 422
    assert f"金额“{counted}”不对，请重输" in faults_above(answer)
    assert shop.ask(lambda db: db.value("SELECT state FROM till_period")) == "open"


def test_without_a_shift_there_is_nothing_to_count(shop):
    browser = shop.browser("cashier")
    assert browser.get("/shift/close").location == "/shift"
    assert faults_above(close_shift(browser, 0)) == ["还没有开班，请先开班并点入备用金"]


def test_an_open_period_is_no_report(shop):
    period = shop.open_shift()
    assert shop.browser("manager").get(f"/shift/reports/{period}").status_code == 409


def test_htmx_gets_the_part_that_it_asked_for(shop):
    answer = partly(shop.browser("cashier"), "POST", "/shift/open", data={"float": "x"})
    assert answer.text.lstrip().startswith('<form class="panel stack" id="open-shift"')

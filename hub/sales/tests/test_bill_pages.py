"""The day's bills, each whole and proved; printed again, reversed; and what waits for paper."""

from __future__ import annotations

import re

import pytest

from core.clock import DAY_MS
from core.ids import seeded
from hub.devices import jobs
from hub.tests.shop import faults_above, partly, words
from hub.wallet import balance


@pytest.fixture
def till(shop):
    """A till that is open, with a printer."""
    shop.browser("owner").post(
        "/settings/printers",
        data={
            "name": "前台",
            "address": "tcp://192.168.1.9:9100",
            "columns": "48",
            "drawer_pin": "2",
        },
    )
    shop.open_shift()
    return shop


def test_the_day_lists_its_bills_and_top_ups_with_totals_for_those_who_may(till):
    member = till.member()
    till.top_up(member, 50_000)
    till.sale("i1", "i2", member=member, tender="stored_value")
    till.sale("i2")
    manager = words(till.browser("manager").get("/sales"))
    assert "销售 ¥175.00 2 单" in manager
    assert "充值 ¥500.00 1 笔" in manager
    assert "单据收储值 ¥137.00 单据收现金 ¥38.00" in manager
    assert "A-260921-0001 李慧敏 足疗 60 分钟、茉莉花茶 王芳 ¥137.00" in manager
    assert "A-C260921-0001 李慧敏 充值 刘洋 ¥500.00 ¥0.00 ¥500.00" in manager
    cashier = words(till.browser("cashier").get("/sales"))
    assert "A-260921-0002 散客" in cashier
    assert "¥175.00" not in cashier


def test_another_day_is_asked_for_and_the_future_is_today(till):
    till.sale("i2")
    till.clock.advance(DAY_MS)
    browser = till.browser("manager")
    assert "A-260921-0001" not in words(browser.get("/sales"))
    assert "A-260921-0001" in words(browser.get("/sales?date=2026-09-21"))
    for odd in ("2099-01-01", "tomorrow", "2026-02-30"):
        page = browser.get("/sales", query_string={"date": odd})
        assert 'value="2026-09-22"' in page.text


def test_a_bill_shows_list_price_price_paid_rule_tender_points_and_proof(till):
    member = till.member()
    bill = till.sale("i1", "i2", member=member)
    page = words(till.browser("cashier").get(f"/sales/{bill}"))
    assert "101 足疗 60 分钟 1 次 ¥128.00 ¥99.00 会员价 — ¥99.00" in page
    assert "201 茉莉花茶 1 壶 ¥38.00 ¥38.00 门市价 — ¥38.00" in page
    assert "优惠 −¥29.00" in page
    assert "应收 ¥137.00" in page
    assert "现金 ¥137.00 积分 +137" in page
    head = re.search(r"#([0-9A-F]{8})", page)[1]
    heads = till.ask(
        lambda db: [row["head"].hex() for row in db.all("SELECT head FROM journal")]
    )
    assert any(known.startswith(head.lower()) for known in heads)


def test_a_bill_is_printed_again_marked_as_a_copy(till):
    bill = till.sale("i2")
    browser = till.browser("cashier")
    browser.post(f"/sales/{bill}/print")
    copies = till.ask(
        lambda db: db.all(
            "SELECT is_copy FROM print_job WHERE kind = 'receipt' ORDER BY is_copy"
        )
    )
    assert [job["is_copy"] for job in copies] == [0, 1]
    kicks = till.ask(lambda db: db.value("SELECT count(*) FROM print_job WHERE kind = 'kick'"))
    assert kicks == 1


def test_a_reversal_gives_all_back_in_one_step_and_leaves_the_bill(till):
    member = till.member()
    till.top_up(member, 50_000)
    browser = till.browser("manager")
    browser.post("/catalog/items/i2/stock", data={"move": "received", "quantity": "5"})
    bill = till.sale("i1", "i2", member=member, tender="stored_value")
    asked = words(browser.get(f"/sales/{bill}/reverse"))
    assert "退储值 ¥137.00" in asked
    done = browser.post(f"/sales/{bill}/reverse", data={"reason": "点错项目", "key": "r1"})
    reversal = browser.get(done.location)
    page = words(reversal)
    assert "这是冲正单，原因：点错项目" in page
    assert f'href="/sales/{bill}"' in reversal.text
    assert "退回 −¥137.00" in page
    held = till.ask(lambda db: balance(db, till.box.act(db), member))
    assert (held.total, held.points) == (50_000, 500)
    assert till.ask(lambda db: db.value("SELECT on_hand FROM stock WHERE item = 'i2'")) == 5
    original = browser.get(f"/sales/{bill}")
    assert "这张单已冲正，原因：点错项目" in words(original)
    assert f"/sales/{bill}/reverse" not in original.text
    assert "应收 ¥137.00" in words(original)


def test_a_bill_is_reversed_once_however_often_it_is_asked(till):
    bill = till.sale("i2")
    browser = till.browser("manager")
    first, again = (
        browser.post(f"/sales/{bill}/reverse", data={"reason": "点错项目", "key": "r"})
        for _ in range(2)
    )
    assert first.location == again.location
    other = browser.post(f"/sales/{bill}/reverse", data={"reason": "点错项目", "key": "r2"})
    assert other.status_code == 409
    assert till.ask(lambda db: db.value("SELECT count(*) FROM sale WHERE sign = -1")) == 1


def test_a_reversal_needs_a_reason_and_an_open_shift(shop):
    period = shop.open_shift()
    assert period
    bill = shop.sale("i2")
    browser = shop.browser("manager")
    without = browser.post(f"/sales/{bill}/reverse", data={"key": "r"})
    assert (without.status_code, "请写明原因" in words(without)) == (422, True)
    browser.post("/shift/close", data={"counted": "0", "key": "c", "step": "confirmed"})
    page = browser.get(f"/sales/{bill}/reverse")
    assert "还没有开班" in words(page)
    assert re.search(r"<button[^>]*danger[^>]* disabled", page.text)
    refused = browser.post(f"/sales/{bill}/reverse", data={"reason": "x", "key": "r"})
    assert faults_above(refused) == ["还没有开班，请先开班并点入备用金"]


@pytest.mark.parametrize("path", ["/sales/nope", "/sales/nope/reverse"])
def test_a_bill_that_is_not_there_is_told(shop, path):
    answer = shop.browser("manager").get(path)
    assert answer.status_code == 404
    assert "没有找到这张单" in words(answer)


def set_state(shop, job, state, reason=""):
    shop.box.door.write(
        lambda tx: tx.run(
            "UPDATE print_job SET state = :state, reason = :reason WHERE id = :id",
            state=state,
            reason=reason,
            id=job,
        )
    )


def receipt_job(shop):
    return shop.ask(lambda db: db.value("SELECT id FROM print_job WHERE kind = 'receipt'"))


@pytest.mark.parametrize(
    ("reason", "chinese", "english"),
    [
        ("paper_out", "打印机没有纸了", "out of paper"),
        ("unreachable", "连不上打印机", "cannot be reached"),
        ("address_port", "打印机地址不能用", "address cannot be used"),
    ],
)
def test_what_waits_for_paper_says_why(till, reason, chinese, english):
    till.sale("i2")
    set_state(till, receipt_job(till), "queued", reason)
    assert chinese in words(till.browser("cashier").get("/sales/print-jobs"))
    assert english in words(till.browser("cashier", lang="en").get("/sales/print-jobs"))
    badge = words(till.browser("cashier").get("/sales"))
    assert "打印任务 2" in badge


def test_a_receipt_of_unknown_fate_is_printed_again_as_a_copy_only_when_asked(till):
    bill = till.sale("i2")
    job = receipt_job(till)
    set_state(till, job, "unknown", "stopped")
    browser = till.browser("cashier")
    page = browser.get("/sales/print-jobs")
    assert "不确定 打印时主机停了" in words(page)
    assert "先看一眼打印机" in words(page)
    for _ in range(2):
        browser.post(f"/sales/print-jobs/{job}/retry")
    rows = till.ask(
        lambda db: db.all(
            "SELECT state, is_copy FROM print_job WHERE subject = :bill AND kind = 'receipt'"
            " ORDER BY is_copy",
            bill=bill,
        )
    )
    assert [tuple(row) for row in rows] == [("dropped", 0), ("queued", 1)]


def test_a_top_up_and_a_report_of_unknown_fate_are_printed_again_too(till):
    topup = till.top_up(till.member())
    browser = till.browser("manager")
    browser.post("/shift/close", data={"counted": "0", "key": "c", "step": "confirmed"})
    for row in till.ask(jobs):
        set_state(till, row["id"], "unknown")
        browser.post(f"/sales/print-jobs/{row['id']}/retry")
    copies = till.ask(
        lambda db: db.all("SELECT kind, subject FROM print_job WHERE is_copy = 1 ORDER BY kind")
    )
    assert [row["kind"] for row in copies] == ["receipt", "report"]
    assert copies[0]["subject"] == topup


def test_a_job_that_waits_is_tried_at_once_when_asked(till):
    till.sale("i2")
    job = receipt_job(till)
    till.box.door.write(lambda tx: tx.run("UPDATE print_job SET due_at = 99999999999999"))
    till.browser("cashier").post(f"/sales/print-jobs/{job}/retry")
    due = till.ask(lambda db: db.value("SELECT due_at FROM print_job WHERE id = :id", id=job))
    assert due == 0


def test_a_job_is_given_up_once(till):
    till.sale("i2")
    job = receipt_job(till)
    browser = till.browser("cashier")
    assert browser.post(f"/sales/print-jobs/{job}/drop").status_code == 303
    again = browser.post(f"/sales/print-jobs/{job}/drop")
    assert again.status_code == 404
    assert "没有这个打印任务" in words(again)


def test_a_job_that_is_not_there_is_told(till):
    made_up = seeded(1).new(0)
    answer = till.browser("cashier").post(f"/sales/print-jobs/{made_up}/retry")
    assert answer.status_code == 404


def test_the_list_of_jobs_refreshes_as_a_part(till):
    answer = partly(till.browser("cashier"), "GET", "/sales/print-jobs")
    assert answer.text.lstrip().startswith('<section class="stack" id="print-jobs"')

"""Some lines of a bill go back: chosen, shown before it is booked, and never twice."""

from __future__ import annotations

import pytest

from core.ids import seeded
from core.till import Offered
from hub.checkout import pay_ticket
from hub.devices import jobs
from hub.tests.shop import TILL, faults_above, partly, words
from hub.tickets import add_line, open_ticket, read_ticket
from hub.wallet import balance

KEYS = seeded(41)


@pytest.fixture
def till(shop):
    shop.open_shift()
    return shop


@pytest.fixture
def bill(till):
    """Two foot massages and a pot of tea: ¥236, of them ¥100 in cash and ¥136 by the balance."""
    member = till.member()
    till.top_up(member, 50_000)

    def sell(tx, act):
        ticket = act.new_id()
        open_ticket(tx, act, ticket=ticket, member=member)
        for item in ("i1", "i1", "i2"):
            add_line(tx, act, ticket=ticket, line=act.new_id(), item=item)
        found = read_ticket(tx, ticket)
        paid = (
            Offered(tender="stored_value", amount=found.bill.total - 10_000),
            Offered(tender="cash", amount=10_000),
        )
        pay_ticket(
            tx,
            act,
            ticket=ticket,
            version=found.version,
            till=TILL,
            payments=paid,
            key=act.new_id(),
        )
        return ticket

    return till.do(sell, role="cashier"), member


def chosen(**fields):
    return {"reason": "顾客退单", "key": KEYS.new(0), **fields}


def stock(shop):
    return shop.ask(lambda db: db.value("SELECT SUM(on_hand) FROM stock WHERE item = 'i2'"))


def test_what_would_come_back_is_shown_before_and_then_booked(till, bill):
    ticket, member = bill
    browser, before = till.browser(), stock(till)
    page = words(browser.get(f"/sales/{ticket}/lines"))
    assert "足疗 60 分钟 还能退 2次，¥198.00" in page
    back = partly(browser, "GET", f"/sales/{ticket}/lines/back", query_string={"piece-1": "1"})
    assert "退回 ¥38.00 退现金 ¥38.00" in words(back)
    done = browser.post(f"/sales/{ticket}/lines", data=chosen(**{"piece-1": "1"}))
    page = words(browser.get(done.headers["Location"]))
    assert "已部分冲正" in page
    assert "−¥38.00" in page
    assert stock(till) == before + 1
    whole = words(browser.get(f"/sales/{ticket}"))
    assert "已退 ¥38.00，原因：顾客退单" in whole
    assert (
        till.do(lambda tx, act: balance(tx, act, member)).points == 600 - 100 * 3_800 // 23_600
    )
    paper = [row for row in till.ask(jobs) if row["kind"] == "receipt"]
    assert len(paper) == 3


def test_the_rest_goes_back_in_one_tap_and_then_nothing_more(till, bill):
    ticket, member = bill
    browser = till.browser()
    fields = {"piece-0": "1", "fen-0": "50", "tender-0": "30", "tender-1": "20"}
    browser.post(f"/sales/{ticket}/lines", data=chosen(**fields))
    page = words(browser.get(f"/sales/{ticket}/reverse"))
    assert "¥186.00 退储值 ¥106.00 退现金 ¥80.00" in page
    done = browser.post(f"/sales/{ticket}/reverse", data=chosen())
    assert done.status_code in {302, 303}
    assert till.do(lambda tx, act: balance(tx, act, member)).here == 50_000
    assert "只退几项" not in browser.get(f"/sales/{ticket}").text
    assert browser.get(f"/sales/{ticket}/lines").status_code == 409
    assert "销售" in words(browser.get("/shift"))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "还没有选要退的项目"),
        ({"piece-0": "3"}, "“足疗 60 分钟”最多还能退 2 件、¥198.00，请核对"),
        ({"piece-1": "1", "fen-1": "38.01"}, "“茉莉花茶”最多还能退 1 件、¥38.00，请核对"),
        (
            {"piece-1": "1", "tender-0": "30"},
            "各种退款方式合计要等于 ¥38.00，且不超过原来付的",
        ),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_goes_back(till, bill, fields, said):
    ticket, member = bill
    answer = till.browser().post(f"/sales/{ticket}/lines", data=chosen(**fields))
    assert answer.status_code == 422
    assert faults_above(answer) == [said]
    assert till.do(lambda tx, act: balance(tx, act, member)).here == 50_000 - 13_600


def test_the_same_form_sent_twice_gives_back_once(till, bill):
    ticket, _member = bill
    browser, fields = till.browser(), chosen(**{"piece-1": "1"})
    places = {
        browser.post(f"/sales/{ticket}/lines", data=fields).headers["Location"]
        for _ in range(2)
    }
    assert len(places) == 1


def test_a_cashier_may_give_back_no_line(till, bill):
    ticket, _member = bill
    assert till.browser("cashier").get(f"/sales/{ticket}/lines").status_code == 403


def test_the_api_says_what_is_left_and_takes_lines_back(till, bill):
    ticket, _member = bill
    browser = till.browser()
    left = browser.get(f"/api/v1/tickets/{ticket}/refundable").json
    assert [line["amount_cents"] for line in left["lines"]] == [19_800, 3_800]
    assert [one["amount_cents"] for one in left["payments"]] == [13_600, 10_000]
    asked = {"lines": [{"line": left["lines"][1]["line"]}], "reason": "退茶"}
    done = browser.post(
        f"/api/v1/tickets/{ticket}/reverse-lines",
        json=asked,
        headers={"Idempotency-Key": KEYS.new(0)},
    )
    assert (done.status_code, done.json["total_cents"], done.json["closes"]) == (
        200,
        3_800,
        False,
    )
    paper = browser.get(f"/api/v1/tickets/{done.json['reversal']}/receipt").json["text"]
    assert "部分冲正单" in paper
    assert "1壶" in paper
    assert "足疗" not in paper
    again = browser.post(
        f"/api/v1/tickets/{ticket}/reverse-lines",
        json=asked,
        headers={"Idempotency-Key": KEYS.new(0)},
    )
    assert (again.status_code, again.json["error"]["code"]) == (422, "return_nothing")

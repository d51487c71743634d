"""Reversing another store's bill at the till: asked for by number, and only where its right is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.tickets import Origin, SoldLine, TicketSent, TicketSettled
from core.verifying import Book, examine
from core.wallet import (
    CLOUD,
    Granted,
    Payment,
    Recalled,
    grant,
    issue,
    refund_held,
    refund_right,
    take_in,
    written_legs,
)
from hub.checkout import note_wish, release_right
from hub.tests.shop import fault, faults_above, words
from hub.wallet.tests.head_office import HeadOffice

NUMBER = "B260921-0007"
BILL = "bill-7"
OTHER = "0123456789abcdef"


@pytest.fixture
def office(shop):
    shop.open_shift()
    told = HeadOffice(shop)
    told.line(live=True)
    return told


def send_bill(shop, office):
    """Send down what head office sends: the bill, then its right."""
    line = SoldLine(
        line="l1",
        item="i2",
        code="201",
        name="茉莉花茶",
        kind="product",
        unit="壶",
        quantity=1,
        list_price=3_800,
        price=3_800,
        amount=3_800,
        rule="list",
    )
    sale = TicketSettled(
        ticket=BILL,
        number=NUMBER,
        version=3,
        member=None,
        period="p9",
        lines=(line,),
        list_total=3_800,
        total=3_800,
        payments=(Payment(tender="cash", amount=3_800, tendered=3_800),),
    )
    settled = Origin(
        origin=OTHER,
        epoch=1,
        seq=9,
        at=shop.clock.at - 60_000,
        date="2026-09-21",
        store="s2",
        opened_at=shop.clock.at - 90_000,
    )

    def arrive(tx, act):
        down = replace(act, journal=office.stream, actor=None)
        down.append(tx, TicketSent(sale=sale, settled=settled))
        legs = refund_right(BILL)
        body = Granted(
            transfer=act.new_id(),
            member=BILL,
            hub=office.hub,
            hub_epoch=1,
            legs=written_legs(legs),
        )
        postings = [*issue(BILL, CLOUD, legs), *grant(BILL, body.transfer, legs)]
        down.append(tx, body, postings=postings)
        take_in(tx, replace(act, actor=None), body, place=office.hub)

    shop.do(arrive)


def test_a_bill_of_another_store_is_asked_for_and_reversed_once_it_is_here(shop, office):
    owner = shop.browser("owner")
    assert "退别店的单" in words(owner.get("/sales"))
    answer = owner.post("/sales/elsewhere", data={"number": NUMBER.lower()})
    assert answer.status_code == 303
    page = answer.headers["Location"]
    assert "正在向总部要这张单" in words(owner.get(page))
    (wish,) = shop.ask(lambda db: [dict(r) for r in db.all("SELECT * FROM refund_wish")])
    assert (wish["number"], wish["state"]) == (NUMBER, "asked")
    send_bill(shop, office)
    said = words(owner.get(page))
    assert "退款权已调到本店" in said
    assert "退现金 ¥38.00" in said
    answer = owner.post(f"{page}/reverse", data={"key": "k1", "reason": "顾客退单"})
    assert answer.status_code == 303, words(answer)
    assert "已冲正" in words(owner.get(answer.headers["Location"]))
    again = owner.post(f"{page}/reverse", data={"key": "k2", "reason": "顾客退单"})
    assert again.status_code == 422
    assert shop.ask(lambda db: refund_held(db, BILL, office.hub)) == 0
    box = shop.box
    book = Book(
        name="", door=box.door, parts=box.parts, key=box.database_key, folder=box.folder
    )
    assert examine(book).problems == []
    day = words(owner.get("/sales"))
    assert "销售 ¥0.00 0 单" in day
    assert "冲正 −¥38.00 1 单" in day


def test_with_the_line_cut_the_till_says_what_can_be_done_instead(shop, office):
    office.line(live=False)
    answer = shop.browser("owner").post("/sales/elsewhere", data={"number": NUMBER})
    assert answer.status_code == 422
    assert "请到开单的门店退" in fault(answer, "number")
    assert shop.ask(lambda db: db.value("SELECT count(*) FROM refund_wish")) == 0


def test_what_head_office_does_not_find_is_told_and_can_be_asked_for_again(shop, office):
    owner = shop.browser("owner")
    page = owner.post("/sales/elsewhere", data={"number": NUMBER}).headers["Location"]
    wish = shop.ask(lambda db: db.value("SELECT id FROM refund_wish"))
    shop.do(lambda tx, _act: note_wish(tx, request=wish, state="nothing"))
    said = words(owner.get(page))
    assert "没有要到" in said
    assert "再要一次" in said
    assert owner.post("/sales/elsewhere", data={"number": NUMBER}).status_code == 303
    assert shop.ask(lambda db: db.value("SELECT id FROM refund_wish")) != wish


def test_the_number_of_a_bill_of_this_store_leads_to_its_own_reversal(shop, office):
    ticket = shop.sale("i2")
    number = shop.ask(lambda db: db.value("SELECT number FROM ticket WHERE id = :t", t=ticket))
    answer = shop.browser("owner").post("/sales/elsewhere", data={"number": number})
    assert answer.headers["Location"].endswith(f"/sales/{ticket}/reverse")


def test_a_bill_whose_right_was_sent_off_cannot_be_reversed_here(shop, office):
    ticket = shop.sale("i2")

    def send(tx, act):
        asked = Recalled(request="q1", member=ticket, hub=office.hub, hub_epoch=1)
        quiet = replace(act, actor=None)
        assert release_right(tx, quiet, asked, transfer=act.new_id()) is not None
        assert release_right(tx, quiet, asked, transfer=act.new_id()) is None

    shop.do(send)
    answer = shop.browser("owner").post(
        f"/sales/{ticket}/reverse", data={"key": "k1", "reason": "顾客退单"}
    )
    assert answer.status_code == 422
    assert any("退款权在开单的门店或总部" in said for said in faults_above(answer))
    assert shop.ask(
        lambda db: db.value("SELECT state FROM ticket WHERE id = :t", t=ticket)
    ) == ("settled")


def test_who_may_not_reverse_may_not_ask_either(shop, office):
    cashier = shop.browser("cashier")
    assert cashier.get("/sales/elsewhere").status_code == 403
    assert cashier.post("/sales/elsewhere", data={"number": NUMBER}).status_code == 403
    assert "退别店的单" not in words(cashier.get("/sales"))
    assert faults_above(shop.browser("owner").get("/sales/elsewhere")) == []

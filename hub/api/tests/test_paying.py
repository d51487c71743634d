"""A bill is paid once, in full, as the cashier saw it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.api.tests.counter import FLOAT, bank_card, cash, open_counter, stored_value
from tests.started import GONE, MASSAGE, PACKAGE, TEA, new_key

TRIES = 50


def settle(counter, bill, *payments, key=None, version=None):
    asked = {"version": version or bill["version"], "payments": list(payments)}
    return counter.cashier.post(f"/tickets/{bill['id']}/settle", asked, key=key)


def cash_in_drawer(counter):
    return counter.owner.done("GET", "/shifts/current")["expected_cents"]


def test_a_topped_up_member_spends_and_ledger_and_receipt_say_what_is_left(counter):
    member = counter.member()
    paid = [cash(100_000)]
    topped = counter.cashier.done(
        "POST", "/topups", {"member": member, "amount_cents": 100_000, "payments": paid}
    )
    assert topped["left"] == {
        "principal_cents": 100_000,
        "bonus_cents": 0,
        "points": 1_000,
        "elsewhere_cents": 0,
        "passes": [],
    }
    bill = counter.bill(member, MASSAGE, TEA)
    assert (bill["list_total_cents"], bill["total_cents"]) == (16_600, 13_700)
    sold = settle(counter, bill, stored_value(12_800), cash(900, tendered_cents=1_000)).body

    assert sold["change_cents"] == 100
    assert sold["left"]["principal_cents"] == 87_200
    wallet = counter.wallet(member)
    assert (wallet["here_cents"], wallet["total_cents"]) == (87_200, 87_200)
    assert [lot["amount_cents"] for lot in wallet["lots"]] == [87_200]
    moved = counter.owner.done("GET", f"/members/{member}/movements")["movements"]
    assert sum(row["amount_cents"] for row in moved) == 87_200
    receipt = counter.cashier.done("GET", f"/tickets/{bill['id']}/receipt")
    assert "872.00" in receipt["text"]
    assert receipt["number"] == sold["number"]
    assert f"#{sold['head']}" in receipt["text"]


@pytest.mark.feature("POS-09")
def test_a_bill_is_split_over_balance_cash_and_card_and_the_sum_must_match(counter):
    member = counter.rich_member()
    bill = counter.bill(member, MASSAGE, TEA)
    before = cash_in_drawer(counter)
    short = settle(counter, bill, stored_value(5_000), cash(4_000), bank_card(4_699))
    over = settle(counter, bill, stored_value(5_000), cash(4_000), bank_card(4_701))
    for refused, paid in ((short, 13_699), (over, 13_701)):
        assert (refused.status, refused.code) == (422, "payments_differ")
        assert refused.body["error"]["facts"] == {"paid_cents": paid, "due_cents": 13_700}
    assert counter.wallet(member)["principal_cents"] == 100_000

    sold = settle(counter, bill, stored_value(5_000), cash(4_000), bank_card(4_700)).body
    amounts = {payment["tender"]: payment["amount_cents"] for payment in sold["payments"]}
    assert amounts == {"stored_value": 5_000, "cash": 4_000, "bank_card": 4_700}
    assert counter.wallet(member)["principal_cents"] == 95_000
    assert cash_in_drawer(counter) == before + 4_000


@pytest.mark.feature("PTS-01")
def test_a_paid_bill_adds_its_points_at_once_and_only_once_however_often_it_is_sent(counter):
    member = counter.member()
    bill = counter.bill(member, MASSAGE, TEA)
    key = new_key()
    with ThreadPoolExecutor(max_workers=16) as tills:
        replies = list(
            tills.map(lambda _: settle(counter, bill, cash(13_700), key=key), range(TRIES))
        )
    assert {reply.status for reply in replies} == {200}
    assert sum(not reply.replayed for reply in replies) == 1
    assert len({str(reply.body) for reply in replies}) == 1
    assert replies[0].body["points"] == 137
    assert counter.wallet(member)["points"] == 137
    bought = counter.owner.done("GET", f"/members/{member}/tickets")["tickets"]
    assert [row["id"] for row in bought] == [bill["id"]]
    assert cash_in_drawer(counter) == FLOAT + 13_700
    jobs = counter.owner.done("GET", "/print-jobs")["print_jobs"]
    assert sorted(job["kind"] for job in jobs if job["subject"] == bill["id"]) == [
        "kick",
        "receipt",
    ]


def test_two_cashiers_who_settle_one_bill_at_the_same_moment_take_the_money_once(counter):
    bill = counter.bill(None, TEA)
    with ThreadPoolExecutor(max_workers=8) as tills:
        replies = list(tills.map(lambda _: settle(counter, bill, cash(3_800)), range(8)))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 7
    assert {reply.code for reply in replies} == {"", "ticket_closed"}
    assert cash_in_drawer(counter) == FLOAT + 3_800


def test_the_same_key_with_other_content_is_refused_and_books_nothing(counter):
    bill = counter.bill(None, TEA)
    key = new_key()
    assert settle(counter, bill, cash(3_800), key=key).status == 200
    other = settle(counter, bill, cash(3_800, tendered_cents=5_000), key=key)
    assert (other.status, other.code) == (422, "key_reused")
    elsewhere = counter.cashier.post(
        "/shifts/current/cash", {"amount_cents": 1, "reason": "x"}, key=key
    )
    assert (elsewhere.status, elsewhere.code) == (422, "key_reused")
    assert cash_in_drawer(counter) == FLOAT + 3_800


def test_a_key_whose_first_try_was_refused_can_be_used_again(counter):
    bill = counter.bill(None, TEA)
    key = new_key()
    assert settle(counter, bill, cash(3_700), key=key).code == "payments_differ"
    assert settle(counter, bill, cash(3_800), key=key).status == 200


def test_without_a_key_no_money_moves(counter):
    bill = counter.bill(None, TEA)
    asked = {"version": bill["version"], "payments": [cash(3_800)]}
    for key in (None, "", "k" * 81):
        reply = counter.cashier.call("POST", f"/tickets/{bill['id']}/settle", asked, key=key)
        assert (reply.status, reply.code) == (400, "key_missing")
    assert counter.owner.done("GET", f"/tickets/{bill['id']}")["state"] == "open"


def test_a_bill_that_was_changed_elsewhere_is_not_settled_unseen(counter):
    bill = counter.bill(None, TEA)
    counter.owner.done("POST", f"/tickets/{bill['id']}/lines", {"item": MASSAGE})
    reply = settle(counter, bill, cash(3_800))
    assert (reply.status, reply.code) == (409, "stale_ticket")
    assert counter.owner.done("GET", f"/tickets/{bill['id']}")["state"] == "open"


def test_a_member_with_too_little_pays_nothing(counter):
    member = counter.member()
    bill = counter.bill(member, MASSAGE)
    reply = settle(counter, bill, stored_value(9_900))
    assert (reply.status, reply.code) == (409, "insufficient_balance")
    assert reply.body["error"]["facts"] == {
        "available_cents": 0,
        "total_cents": 0,
        "needed_cents": 9_900,
    }
    assert "99.00" in reply.body["error"]["message"]


def test_a_walk_in_has_no_balance_to_pay_from(counter):
    bill = counter.bill(None, TEA)
    assert settle(counter, bill, stored_value(3_800)).code == "no_member_to_charge"


def test_no_money_is_taken_before_the_shift_is_opened(shop, hub, till):
    cashier = hub.caller(shop.token("cashier", till))
    bill = cashier.done("POST", "/tickets", {"lines": [{"item": TEA}]})
    asked = {"version": bill["version"], "payments": [cash(3_800)]}
    refused = cashier.post(f"/tickets/{bill['id']}/settle", asked)
    assert (refused.status, refused.code) == (409, "no_period")
    open_counter(hub, shop, till)
    assert cashier.post(f"/tickets/{bill['id']}/settle", asked).status == 200


def test_what_is_no_longer_sold_does_not_reach_a_bill(counter):
    reply = counter.cashier.post("/tickets", {"lines": [{"item": GONE}]})
    assert (reply.status, reply.code) == (409, "item_gone")
    bill = counter.bill(None, TEA)
    assert (
        counter.cashier.post(f"/tickets/{bill['id']}/lines", {"item": "nothing"}).code
        == "item_gone"
    )
    assert len(counter.owner.done("GET", f"/tickets/{bill['id']}")["lines"]) == 1


def test_an_empty_bill_is_not_settled(counter):
    bill = counter.cashier.done("POST", "/tickets", {})
    assert settle(counter, bill).code == "empty_ticket"


def test_a_reversal_gives_money_value_points_and_stock_back_to_where_they_came_from(counter):
    member = counter.rich_member()
    before, drawer = counter.wallet(member), cash_in_drawer(counter)
    stock = counter.owner.done("GET", f"/items/{TEA}")["on_hand"] or 0
    bill = counter.bill(member, MASSAGE, TEA)
    settle(counter, bill, stored_value(9_900), cash(3_800))
    assert counter.owner.done("GET", f"/items/{TEA}")["on_hand"] == stock - 1
    assert counter.wallet(member) != before

    refused = counter.cashier.post(f"/tickets/{bill['id']}/reverse", {"reason": "点错"})
    assert (refused.status, refused.code) == (403, "not_allowed")
    unsaid = counter.owner.post(f"/tickets/{bill['id']}/reverse", {"reason": "  "})
    assert (unsaid.status, unsaid.code) == (422, "reason_missing")
    key = new_key()
    back = counter.owner.post(f"/tickets/{bill['id']}/reverse", {"reason": "点错"}, key=key)
    again = counter.owner.post(f"/tickets/{bill['id']}/reverse", {"reason": "点错"}, key=key)
    assert again.replayed
    assert again.body == back.body
    assert (back.body["total_cents"], back.body["points_short"]) == (13_700, 0)
    assert counter.wallet(member) == before
    assert cash_in_drawer(counter) == drawer
    assert counter.owner.done("GET", f"/items/{TEA}")["on_hand"] == stock
    twice = counter.owner.post(f"/tickets/{bill['id']}/reverse", {"reason": "点错"})
    assert (twice.status, twice.code) == (409, "not_settled")
    slip = counter.owner.done("GET", f"/tickets/{back.body['reversal']}/receipt")["text"]
    assert "冲正单" in slip
    assert "找零" not in slip


def test_a_copy_of_a_receipt_says_what_the_original_said_and_is_marked(counter):
    member = counter.rich_member()
    bill = counter.bill(member, MASSAGE)
    settle(counter, bill, stored_value(9_900))
    text = counter.cashier.done("GET", f"/tickets/{bill['id']}/receipt")["text"]
    later = counter.bill(member, MASSAGE)
    settle(counter, later, stored_value(9_900))
    assert counter.cashier.done("GET", f"/tickets/{bill['id']}/receipt")["text"] == text
    job = counter.cashier.done("POST", f"/tickets/{bill['id']}/prints")["print_job"]
    jobs = {row["id"]: row for row in counter.owner.done("GET", "/print-jobs")["print_jobs"]}
    assert (jobs[job]["copy"], jobs[job]["kind"]) == (True, "receipt")


def test_a_top_up_under_one_key_is_booked_once_by_fifty_senders(counter):
    member = counter.member()
    asked = {"member": member, "offer": PACKAGE, "payments": [cash(100_000)]}
    key = new_key()
    with ThreadPoolExecutor(max_workers=16) as tills:
        replies = list(
            tills.map(lambda _: counter.cashier.post("/topups", asked, key=key), range(TRIES))
        )
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body["topup"] for reply in replies}) == 1
    assert sum(reply.replayed for reply in replies) == TRIES - 1
    wallet = counter.wallet(member)
    assert (wallet["principal_cents"], wallet["bonus_cents"]) == (100_000, 10_000)
    assert cash_in_drawer(counter) == FLOAT + 100_000

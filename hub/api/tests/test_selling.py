"""Bills as they are written, and the two ways of selling that end in one ledger."""

from __future__ import annotations

import pytest

from hub.api.tests.counter import cash, stored_value
from tests.started import MASSAGE, TEA


def pay(counter, bill, *payments):
    asked = {"version": bill["version"], "payments": list(payments)}
    return counter.cashier.done("POST", f"/tickets/{bill['id']}/settle", asked)


@pytest.mark.feature("POS-23")
def test_a_walk_in_has_one_bill_and_needs_no_membership(counter):
    bill = counter.bill(None, MASSAGE)
    assert (bill["member"], bill["total_cents"]) == (None, 12_800)
    sold = pay(counter, bill, cash(12_800, tendered_cents=20_000))
    assert (sold["member"], sold["left"], sold["points"]) == (None, None, 0)
    assert sold["change_cents"] == 7_200


@pytest.mark.feature("POS-27")
def test_scan_and_pay_and_a_bill_over_time_end_in_the_same_ledger_of_a_member(counter):
    member = counter.rich_member()
    barcode = "6901234567892"
    (scanned,) = counter.cashier.done("GET", f"/items?q={barcode}")["items"]
    quick = counter.bill(member, scanned["id"])
    pay(counter, quick, stored_value(3_800))

    slow = counter.cashier.done("POST", "/tickets", {"member": member})
    counter.cashier.done("POST", f"/tickets/{slow['id']}/lines", {"item": MASSAGE})
    listed = counter.cashier.done("GET", "/tickets?state=open")["tickets"]
    assert slow["id"] in {row["id"] for row in listed}
    slow = counter.cashier.done("POST", f"/tickets/{slow['id']}/lines", {"item": TEA})
    pay(counter, slow, stored_value(13_700))

    moved = counter.owner.done("GET", f"/members/{member}/movements")["movements"]
    spent = [row["amount_cents"] for row in moved if row["kind"] == "ticket.settled"]
    assert [amount for amount in spent if amount] == [-13_700, -3_800]
    assert sum(row["amount_cents"] for row in moved) == counter.wallet(member)["total_cents"]
    bought = counter.owner.done("GET", f"/members/{member}/tickets")["tickets"]
    assert [row["id"] for row in bought] == [slow["id"], quick["id"]]
    assert [line["code"] for line in bought[0]["lines"]] == ["101", "201"]


def test_the_member_price_holds_once_the_bill_is_a_members(counter):
    bill = counter.bill(None, MASSAGE)
    assert bill["lines"][0]["rule"] == "list"
    member = counter.rich_member()
    bill = counter.cashier.done("PUT", f"/tickets/{bill['id']}/member", {"member": member})
    assert (bill["list_total_cents"], bill["total_cents"]) == (12_800, 9_900)
    assert (bill["lines"][0]["rule"], bill["from_balance_cents"]) == ("member", 9_900)
    bill = counter.cashier.done("PUT", f"/tickets/{bill['id']}/member", {"member": None})
    assert bill["total_cents"] == 12_800


def test_a_line_changes_how_many_and_who_and_goes_at_zero(counter):
    bill = counter.bill(None, MASSAGE, TEA)
    line = bill["lines"][0]["id"]
    path = f"/tickets/{bill['id']}/lines/{line}"
    bill = counter.cashier.done("PATCH", path, {"quantity": 3, "staff": "technician"})
    assert (bill["lines"][0]["quantity"], bill["lines"][0]["staff"]) == (3, "technician")
    bill = counter.cashier.done("PATCH", path, {"staff": None})
    assert (bill["lines"][0]["quantity"], bill["lines"][0]["staff"]) == (3, None)
    assert counter.cashier.call("PATCH", path, {"staff": "nobody"}).code == "no_staff"
    bill = counter.cashier.done("PATCH", path, {"quantity": 0})
    assert [row["code"] for row in bill["lines"]] == ["201"]
    assert counter.cashier.call("PATCH", path, {"quantity": 1}).code == "no_line"


def test_the_same_item_again_counts_up_and_a_retry_of_it_does_not(counter):
    bill = counter.bill(None, TEA)
    path = f"/tickets/{bill['id']}/lines"
    first = counter.cashier.post(path, {"item": TEA}, key=f"once-{bill['id']}")
    again = counter.cashier.post(path, {"item": TEA}, key=f"once-{bill['id']}")
    assert again.replayed
    assert first.body == again.body
    assert [line["quantity"] for line in again.body["lines"]] == [2]


def test_an_open_bill_is_given_up_with_a_reason_and_then_cannot_be_paid(counter):
    bill = counter.bill(None, TEA)
    path = f"/tickets/{bill['id']}/void"
    assert counter.cashier.post(path, {}).code == "reason_missing"
    assert counter.cashier.done("POST", path, {"reason": "客人走了"})["state"] == "void"
    asked = {"version": bill["version"] + 1, "payments": [cash(3_800)]}
    reply = counter.cashier.post(f"/tickets/{bill['id']}/settle", asked)
    assert (reply.status, reply.code) == (409, "ticket_closed")
    assert counter.cashier.get(f"/tickets/{bill['id']}/receipt").code == "not_settled"


def test_a_settled_bill_shows_how_it_was_paid_and_cannot_be_changed(counter):
    bill = counter.bill(None, TEA)
    pay(counter, bill, cash(3_800, tendered_cents=5_000))
    shown = counter.cashier.done("GET", f"/tickets/{bill['id']}")
    assert shown["state"] == "settled"
    assert [row["tendered_cents"] for row in shown["payments"]] == [5_000]
    reply = counter.cashier.post(f"/tickets/{bill['id']}/lines", {"item": TEA})
    assert (reply.status, reply.code) == (409, "ticket_closed")


def test_an_item_is_found_by_code_barcode_name_pinyin_and_initials(counter):
    for typed in ("201", "6901234567892", "茉莉", "moli", "mlhc", "花茶"):
        found = counter.cashier.done("GET", f"/items?q={typed}")["items"]
        assert [item["id"] for item in found][:1] == [TEA], typed
    assert counter.cashier.done("GET", "/items?q=什么都不是")["items"] == []
    every = counter.cashier.done("GET", "/items")["items"]
    assert [item["code"] for item in every] == ["101", "201"]
    assert counter.cashier.done("GET", "/items/item-3")["active"] is False
    assert counter.cashier.get("/items/nothing").code == "no_item"
    offers = counter.cashier.done("GET", "/offers")["offers"]
    assert {(offer["kind"], offer["bonus_cents"]) for offer in offers} == {
        ("topup", 10_000),
        ("card", 0),
    }

"""Several people on one account: relatives spend the holder's money, bills say who came."""

from __future__ import annotations

import pytest

from hub.api.tests.counter import cash, stored_value
from tests.started import MASSAGE


@pytest.fixture
def family(counter):
    """A holder with ¥1,100 and a daughter without money: (holder, daughter)."""
    holder, daughter = counter.rich_member(), counter.member("李小敏")
    join(counter, daughter, holder)
    return holder, daughter


def join(counter, member, holder, limit=0):
    told = {"holder": holder, "limit_cents": limit}
    return counter.owner.done("PUT", f"/members/{member}/family", told)


def settle(counter, bill, *payments):
    asked = {"version": bill["version"], "payments": list(payments)}
    return counter.cashier.post(f"/tickets/{bill['id']}/settle", asked)


def bills(counter, member):
    return counter.owner.done("GET", f"/members/{member}/tickets")["tickets"]


@pytest.mark.feature("EXP-29")
def test_a_relative_pays_from_the_holders_account_and_the_bill_says_who_came(counter, family):
    holder, daughter = family
    bill = counter.bill(daughter, MASSAGE)
    total = bill["total_cents"]
    assert (bill["member"], bill["payer"]) == (daughter, holder)
    assert bill["from_balance_cents"] == total
    sold = settle(counter, bill, stored_value(total)).body
    assert (sold["member"], sold["payer"]) == (daughter, holder)
    assert counter.wallet(holder)["here_cents"] == 110_000 - total
    assert counter.wallet(daughter)["total_cents"] == 0
    for person in (holder, daughter):
        (listed,) = bills(counter, person)
        assert (listed["member"], listed["payer"]) == (daughter, holder)
    receipt = counter.cashier.done("GET", f"/tickets/{bill['id']}/receipt")["text"]
    assert "李小敏" in receipt
    assert "付款账户" in receipt


def test_what_is_taken_back_goes_into_the_account_that_paid(counter, family):
    holder, daughter = family
    before = counter.wallet(holder)
    bill = counter.bill(daughter, MASSAGE)
    settle(counter, bill, stored_value(bill["total_cents"]))
    told = counter.owner.done("POST", f"/tickets/{bill['id']}/reverse", {"reason": "退"})
    assert (told["member"], told["payer"]) == (daughter, holder)
    assert counter.wallet(holder) == before


@pytest.mark.feature("EXP-29")
def test_a_limit_holds_for_the_month_and_counts_what_was_taken_back(counter):
    holder, daughter = counter.rich_member(), counter.member("李小敏")
    bill = counter.bill(daughter, MASSAGE)
    total = bill["total_cents"]
    seen = join(counter, daughter, holder, limit=total + 100)
    assert seen["family"]["limit_cents"] == total + 100
    counter.cashier.done("POST", f"/tickets/{bill['id']}/void", {"reason": "x"})

    first = counter.bill(daughter, MASSAGE)
    assert settle(counter, first, stored_value(total)).status == 200
    second = counter.bill(daughter, MASSAGE)
    refused = settle(counter, second, stored_value(total))
    assert (refused.status, refused.code) == (409, "family_limit")
    assert "本月还可用 ¥1.00" in refused.body["error"]["message"]
    (relative,) = counter.owner.done("GET", f"/members/{holder}")["family"]["relatives"]
    assert (relative["member"], relative["spent_cents"]) == (daughter, total)
    counter.owner.done("POST", f"/tickets/{first['id']}/reverse", {"reason": "退"})
    assert settle(counter, second, stored_value(total)).status == 200


def test_a_relative_may_pay_from_their_own_account_instead(counter, family):
    holder, daughter = family
    paid = [cash(20_000)]
    counter.owner.done(
        "POST", "/topups", {"member": daughter, "amount_cents": 20_000, "payments": paid}
    )
    bill = counter.bill(daughter, MASSAGE)
    own = counter.owner.done("PUT", f"/tickets/{bill['id']}/payer", {"shared": False})
    assert own["payer"] is None
    assert settle(counter, own, stored_value(own["total_cents"])).status == 200
    assert counter.wallet(holder)["here_cents"] == 110_000
    assert counter.wallet(daughter)["here_cents"] == 20_000 - own["total_cents"]


def test_leaving_moves_nothing_and_an_open_bill_says_so(counter, family):
    holder, daughter = family
    bill = counter.bill(daughter, MASSAGE)
    left = counter.owner.done("PUT", f"/members/{daughter}/family", {"holder": None})
    assert left["family"]["holder"] is None
    refused = settle(counter, bill, stored_value(bill["total_cents"]))
    assert (refused.status, refused.code) == (409, "not_in_family")
    own = counter.owner.done("PUT", f"/tickets/{bill['id']}/payer", {"shared": False})
    assert settle(counter, own, cash(own["total_cents"])).status == 200
    assert counter.wallet(holder)["here_cents"] == 110_000
    assert counter.owner.done("GET", f"/members/{holder}")["family"]["relatives"] == []


def test_a_family_has_one_holder_and_one_level(counter, family):
    holder, daughter = family
    third = counter.member("王建国")
    for member, of, code in (
        (holder, holder, "family_self"),
        (third, daughter, "family_nested"),
        (holder, third, "family_nested"),
    ):
        told = {"holder": of, "limit_cents": 0}
        reply = counter.owner.call("PUT", f"/members/{member}/family", told)
        assert reply.code == code

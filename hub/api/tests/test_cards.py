"""A lost card is refused at once, a new one has the same balances, a found one is good again."""

from __future__ import annotations

import pytest

from hub.api.tests.counter import stored_value
from tests.started import MASSAGE


@pytest.fixture
def carded(counter, till):
    """A member with money and a card: (member's id, card's number)."""
    member = counter.rich_member()
    card = f"8100{till.removeprefix('till-'):0>6}"
    counter.owner.done("POST", f"/members/{member}/cards", {"card": card})
    return member, card


def found(counter, typed):
    return [one["id"] for one in counter.cashier.done("GET", f"/members?q={typed}")["members"]]


def test_a_lost_card_finds_nobody_and_its_replacement_has_the_same_balances(counter, carded):
    member, card = carded
    assert found(counter, card) == [member]
    lost = counter.cashier.done("POST", f"/cards/{card}/lost", {})
    assert (lost["state"], lost["member"]) == ("lost", member)
    assert found(counter, card) == []
    taken = counter.owner.post(f"/members/{member}/cards", {"card": card})
    assert (taken.status, taken.code) == (409, "card_blocked")
    before = counter.wallet(member)

    new = counter.cashier.done("POST", f"/cards/{card}/replacements", {"card": f"{card}-N"})
    assert (new["state"], new["says"], new["generation"]) == ("good", f"{card}-N", 2)
    assert found(counter, f"{card}-N") == [member]
    assert counter.wallet(member) == before
    assert counter.owner.done("GET", f"/cards/{card}")["state"] == "replaced"
    again = counter.owner.post(f"/cards/{card}/found", {})
    assert (again.status, again.code) == (409, "card_replaced")
    sold = counter.bill(member, MASSAGE)
    paid = {"version": sold["version"], "payments": [stored_value(sold["total_cents"])]}
    counter.cashier.done("POST", f"/tickets/{sold['id']}/settle", paid)


def test_the_same_number_again_is_a_new_generation_and_the_old_medium_is_dead(counter, carded):
    member, card = carded
    counter.cashier.done("POST", f"/cards/{card}/lost", {})
    new = counter.cashier.done("POST", f"/cards/{card}/replacements", {"card": card})
    assert (new["number"], new["says"], new["state"]) == (card, f"{card}/2", "good")
    assert found(counter, f"{card}/2") == [member]
    assert found(counter, card) == []
    assert found(counter, f"{card}/1") == []


def test_only_those_who_may_take_a_card_off_the_list(counter, carded):
    member, card = carded
    counter.cashier.done("POST", f"/cards/{card}/lost", {})
    refused = counter.cashier.post(f"/cards/{card}/found", {})
    assert (refused.status, refused.code) == (403, "not_allowed")
    assert counter.owner.done("POST", f"/cards/{card}/found", {})["state"] == "good"
    assert found(counter, card) == [member]


def test_a_card_that_nobody_knows_cannot_be_lost(counter):
    for verb in ("lost", "found"):
        refused = counter.owner.post(f"/cards/NOBODYS-9/{verb}", {})
        assert (refused.status, refused.code) == (404, "card_unknown")

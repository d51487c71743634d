"""A bill is reversed once: where its right lies, and that is one place at a time."""

from __future__ import annotations

import pytest

from cloud.epochs import close_epoch
from cloud.ingest import differences
from cloud.ingest.tests.stores import kinds_in
from core.errors import Refused
from core.wallet import refund_held, refund_places
from tests.rights.shops import sync


@pytest.fixture
def sold(desk, first, second):
    """A bill of ¥99 that the first store sold to a member out of ¥120."""
    member = first.register()
    first.fill(member, offer="week")
    ticket = first.spend(member)
    sync(desk, first, second)
    return member, ticket


def refused(shop, ticket):
    with pytest.raises(Refused) as caught:
        shop.reverse(ticket)
    return caught.value.code


def total(merchant, member):
    with merchant.door.read() as db:
        return db.value(
            "SELECT SUM(amount) FROM holding WHERE member = :m"
            " AND asset IN ('principal', 'bonus')",
            m=member,
        )


def test_a_sale_costs_no_byte_for_its_right_and_is_reversed_where_it_was_sold(
    merchant, desk, first, sold
):
    member, ticket = sold
    with merchant.door.read() as db:
        assert refund_places(db, ticket) == {}
    first.reverse(ticket)
    sync(desk, first)
    assert total(merchant, member) == 12_000
    assert refused(first, ticket) == "not_settled"
    assert desk.alarms() == []


def test_another_store_asks_by_the_number_and_reverses(
    platform, merchant, desk, first, second, sold
):
    member, ticket = sold
    number = second.ask_for(first.number(ticket))
    sync(desk, first, second)
    wish = second.wish(number)
    assert (wish.ticket, wish.state) == (ticket, "granted")
    assert refused(first, ticket) == "refund_elsewhere"
    back = second.reverse(ticket)
    assert (back.member, back.total) == (member, 9_900)
    assert second.balance(member).here == 9_900, "in the week's own lot, which came along"
    assert refused(second, ticket) in {"not_settled", "refund_elsewhere"}
    sync(desk, first, second)
    assert total(merchant, member) == 12_000
    assert refused(first, ticket) == "refund_elsewhere"
    assert desk.alarms() == []
    assert differences(platform, merchant) == []


def test_a_walk_ins_bill_has_a_right_too(merchant, desk, first, second):
    ticket = first.sell()
    sync(desk, first, second)
    number = second.ask_for(first.number(ticket))
    sync(desk, first, second)
    assert second.reverse(second.wish(number).ticket).member is None
    sync(desk, first, second)
    with merchant.door.read() as db:
        assert refund_places(db, ticket)[second.place] == 0
    assert desk.alarms() == []


def test_with_the_line_cut_nothing_is_asked_and_another_stores_bill_is_unknown(
    desk, first, second, sold
):
    _member, ticket = sold
    with pytest.raises(Refused, match="refund_needs_line"):
        second.ask_for(first.number(ticket), connected=False)
    with pytest.raises(Refused, match="no_ticket"):
        second.reverse(ticket)
    assert second.wish(first.number(ticket)) is None


def test_two_stores_that_are_cut_off_never_both_have_it(desk, first, second, sold):
    _member, ticket = sold
    second.ask_for(first.number(ticket))
    sync(desk, second)
    # The first store is off the line: the right has not moved, and it may still reverse.
    assert second.wish(first.number(ticket)).ticket == ""
    first.reverse(ticket)
    sync(desk, first, second)
    wish = second.wish(first.number(ticket))
    assert (wish.ticket, wish.state) == ("", "nothing")
    assert desk.alarms() == []


def test_a_right_comes_back_to_where_it_was(merchant, desk, first, second, sold):
    member, ticket = sold
    number = first.number(ticket)
    second.ask_for(number)
    sync(desk, first, second)
    first.ask_for(number)
    sync(desk, first, second)
    assert refused(second, ticket) == "refund_elsewhere"
    first.reverse(ticket)
    sync(desk, first, second)
    assert total(merchant, member) == 12_000
    assert desk.alarms() == []


def test_a_number_that_nobody_knows_and_a_bill_that_was_reversed_bring_nothing(
    desk, first, second, sold
):
    _member, ticket = sold
    first.reverse(ticket)
    sync(desk, first)
    for number in ("A-260921-9999", first.number(ticket)):
        second.ask_for(number)
        sync(desk, first, second)
        assert second.wish(number.upper()).state == "nothing"


def test_what_a_box_reverses_without_the_right_counts_nowhere(merchant, desk, first, sold):
    member, ticket = sold
    first.reverse(ticket)
    first.door.write(
        lambda tx: tx.run("UPDATE ticket SET state = 'settled' WHERE id = :t", t=ticket)
    )
    first.reverse(ticket)
    sync(desk, first)
    assert total(merchant, member) == 12_000
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"]


def test_the_right_of_a_box_that_is_no_more_comes_from_head_office(
    platform, merchant, desk, first, second, sold
):
    member, ticket = sold
    number = first.number(ticket)
    close_epoch(platform, first.id, reason="broken")
    desk.exchange.look_again(desk.now)
    desk.carry(merchant.id)
    desk.work()
    second.ask_for(number)
    sync(desk, second)
    assert second.wish(number).ticket == ticket
    second.reverse(ticket)
    sync(desk, second)
    assert total(merchant, member) == 12_000
    with second.door.read() as db:
        assert refund_held(db, ticket, second.place) == 0
    assert "ticket.sent" in kinds_in(merchant, f"{second.id}.dn")
    assert desk.alarms() == []
    assert differences(platform, merchant) == []

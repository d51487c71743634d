"""Single lines are reversed in any store, and all of it together is never more than was paid."""

from __future__ import annotations

import contextlib
import random
from collections import Counter

import msgspec
import pytest

from cloud.epochs import close_epoch
from cloud.ingest import differences
from core.errors import Refused
from core.journal import decode
from core.tickets import LineWish
from core.till import STORED_VALUE, Offered
from hub import checkout, tickets
from tests.rights.shops import TILL, drained, sync

ITEMS = ("i1", "i2", "i1", "i2")
TOTAL = 2 * 9_900 + 2 * 3_800


def sell(shop, member, *, cash):
    """Settle a bill of two lines of two pieces, so much of it in cash and the rest by the balance."""

    def settle(tx, act):
        ticket = act.new_id()
        tickets.open_ticket(tx, act, ticket=ticket, member=member)
        for item in ITEMS:
            tickets.add_line(tx, act, ticket=ticket, line=act.new_id(), item=item)
        found = tickets.read_ticket(tx, ticket)
        offered = [("cash", cash), (STORED_VALUE, found.bill.total - cash)]
        checkout.settle(
            tx,
            act,
            ticket=ticket,
            version=found.version,
            till=TILL,
            payments=tuple(Offered(tender=t, amount=a) for t, a in offered if a),
        )
        return ticket

    return shop.do(settle)


def give_back(shop, ticket, *, pieces=None, amounts=None):
    """Reverse so many pieces of lines, by their place on the bill; None is all that is left."""

    def reverse(tx, act):
        sale = checkout.settled_bill(tx, ticket)
        wishes = pieces and tuple(
            LineWish(line=sale.lines[at].line, quantity=many, amount=(amounts or {}).get(at))
            for at, many in pieces.items()
        )
        return checkout.reverse_lines(
            tx,
            act,
            ticket=ticket,
            reversal=act.new_id(),
            till=TILL,
            reason="退",
            wanted=checkout.Wanted(lines=wishes),
        )

    drained(shop)
    return shop.do(reverse)


def refused(shop, ticket, **what):
    with pytest.raises(Refused) as caught:
        give_back(shop, ticket, **what)
    return caught.value.code


def hand_over(desk, ticket, giver, taker, *others):
    taker.ask_for(giver.number(ticket))
    sync(desk, giver, taker, *others)
    return taker.wish(giver.number(ticket))


def stored(merchant, member):
    with merchant.door.read() as db:
        return db.value(
            "SELECT SUM(amount) FROM (SELECT asset, amount FROM holding WHERE member = :m"
            " UNION ALL SELECT asset, amount FROM transit WHERE member = :m)"
            " WHERE asset IN ('principal', 'bonus')",
            m=member,
        )


@pytest.fixture
def member(desk, first, second):
    known = first.register()
    for _ in range(3):
        first.fill(known, offer="week")
    sync(desk, first, second)
    return known


def test_a_line_goes_back_where_it_was_sold_and_the_rest_in_another_store(
    platform, merchant, desk, first, second, member
):
    before = stored(merchant, member)
    ticket = sell(first, member, cash=10_000)
    back = give_back(first, ticket, pieces={1: 1})
    assert [(one.tender, one.amount) for one in back.payments] == [("cash", 3_800)]
    sync(desk, first, second)
    wish = hand_over(desk, ticket, first, second)
    assert wish.ticket == ticket
    assert refused(first, ticket) == "refund_elsewhere"
    assert refused(second, ticket, pieces={1: 2}) == "return_beyond", "one went back already"
    rest = second.reverse(ticket)
    assert (rest.total, rest.closes) == (TOTAL - 3_800, True)
    assert refused(second, ticket) == "not_settled"
    sync(desk, first, second)
    assert stored(merchant, member) == before
    assert desk.alarms() == []
    assert differences(platform, merchant) == []


def test_the_rest_of_a_right_travels_on_and_comes_back(merchant, desk, first, second, member):
    before = stored(merchant, member)
    ticket = sell(first, member, cash=0)
    sync(desk, first, second)
    hand_over(desk, ticket, first, second)
    give_back(second, ticket, pieces={0: 1})
    sync(desk, first, second)
    hand_over(desk, ticket, second, first)
    assert refused(second, ticket) == "refund_elsewhere"
    give_back(first, ticket, pieces={0: 0}, amounts={0: 5_000})
    last = first.reverse(ticket)
    assert last.total == TOTAL - 9_900 - 5_000
    sync(desk, first, second)
    assert stored(merchant, member) == before
    assert desk.alarms() == []


def test_the_rest_of_a_box_that_is_no_more_is_given_out_by_head_office(
    platform, merchant, desk, first, second, member
):
    ticket = sell(first, member, cash=10_000)
    give_back(first, ticket, pieces={0: 1})
    sync(desk, first, second)
    number = first.number(ticket)
    close_epoch(platform, first.id, reason="broken")
    desk.exchange.look_again(desk.now)
    desk.carry(merchant.id)
    desk.work()
    second.ask_for(number)
    sync(desk, second)
    assert second.wish(number).ticket == ticket
    assert second.reverse(ticket).total == TOTAL - 9_900
    sync(desk, second)
    assert desk.alarms() == []
    assert differences(platform, merchant) == []


def test_what_a_box_gives_back_beyond_its_parts_counts_nowhere(
    merchant, desk, first, second, member
):
    ticket = sell(first, member, cash=0)
    sync(desk, first, second)
    before = stored(merchant, member)
    give_back(first, ticket, pieces={0: 1})
    # Its own tables are a stranger's word: the parts are made to be there once more.
    first.door.write(
        lambda tx: tx.run(
            "UPDATE holding SET amount = :whole WHERE member = :b AND lot LIKE '%.line.%'"
            " AND amount = :half",
            b=ticket,
            whole=2 * 9_900,
            half=9_900,
        )
    )
    give_back(first, ticket, pieces={0: 0}, amounts={0: 9_900})
    again = give_back(first, ticket, pieces={0: 1}, amounts={0: 7_600})
    assert again.total == 7_600, "the box itself was deceived"
    sync(desk, first)
    assert stored(merchant, member) == before + 2 * 9_900
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"]


@pytest.mark.parametrize("seed", range(5))
def test_two_stores_that_reverse_lines_while_the_line_is_cut_give_back_what_was_paid(
    platform, merchant, desk, first, second, member, seed
):
    chance = random.Random(seed)
    shops, before = (first, second), stored(merchant, member)
    bills = [
        sell(first, member, cash=chance.choice([0, 10_000])),
        sell(first, None, cash=TOTAL),
    ]
    sync(desk, *shops)
    for _ in range(12):
        match chance.randrange(3):
            case 0:
                on_the_line = [shop for shop in shops if chance.random() < 0.6]
                sync(desk, *on_the_line, rounds=2)
            case 1:
                chance.choice(shops).ask_for(first.number(chance.choice(bills)))
            case _:
                _reverse_some(chance, chance.choice(shops), chance.choice(bills))
        assert min(left_of(shops).values()) >= 0
    sync(desk, *shops, rounds=6)
    for ticket in bills:
        _reverse_the_rest(desk, shops, ticket, first.number(ticket))
    sync(desk, *shops)
    assert set(left_of(shops).values()) == {0}, "by line and by tender, all of it and no more"
    assert stored(merchant, member) == before
    assert desk.alarms() == []
    assert differences(platform, merchant) == []


def _reverse_some(chance, shop, ticket):
    pieces = {at: chance.randint(0, 1) for at in (0, 1) if chance.random() < 0.7}
    amounts = {at: chance.randint(1, 3_800) for at in pieces if chance.random() < 0.4}
    # Not every store has the bill, the right or that much left of it.
    with contextlib.suppress(Refused):
        give_back(shop, ticket, pieces=pieces or {0: 1}, amounts=amounts)


def _reverse_the_rest(desk, shops, ticket, number):
    for _ in range(3):
        for shop in shops:
            try:
                shop.reverse(ticket)
            except Refused as refused:
                if refused.code == "not_settled":
                    return
        shops[0].ask_for(number)
        sync(desk, *shops)


def left_of(shops):
    """Return what was paid less what went back, by bill and line, and by bill and tender."""
    left = Counter()
    for shop in shops:
        with shop.door.read() as db:
            rows = db.all(
                'SELECT raw FROM journal WHERE origin = :me AND raw LIKE \'%"kind":"ticket.%\'',
                me=shop.id,
            )
        for row in rows:
            body = msgspec.json.decode(decode(row["raw"]).body)
            sign = {"ticket.settled": 1, "ticket.reversed": -1, "ticket.part_reversed": -1}.get(
                body["kind"], 0
            )
            for line in body["lines"] if sign else ():
                left[body["ticket"], line["line"]] += sign * line["amount"]
            for payment in body["payments"] if sign else ():
                left[body["ticket"], payment["tender"]] += sign * payment["amount"]
    return left

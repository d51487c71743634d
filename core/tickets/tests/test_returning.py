"""Lines go back one by one, and all of it together is what was paid: by line, tender and lot."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from core.money import Cents, split
from core.tickets import LineWish, SoldLine, TicketSettled, parts_of, plan_return
from core.wallet import Payment


def sold(line, amount, quantity=1):
    return SoldLine(
        line=line,
        item=line,
        code="1",
        name=line,
        kind="service",
        unit="次",
        quantity=quantity,
        list_price=amount,
        price=amount // quantity,
        amount=amount,
        rule="list",
    )


def bill(lines, payments, points=0):
    return TicketSettled(
        ticket="b1",
        number="A-1",
        version=1,
        member="m1",
        period="p",
        lines=tuple(lines),
        list_total=sum(line.amount for line in lines),
        total=sum(line.amount for line in lines),
        payments=tuple(payments),
        points=points,
    )


def by_balance(principal, bonus, lot="l1"):
    legs = tuple(
        (asset, lot, amount)
        for asset, amount in (("principal", principal), ("bonus", bonus))
        if amount
    )
    return Payment(tender="stored_value", amount=principal + bonus, legs=legs)


def cash(amount):
    return Payment(tender="cash", amount=amount)


def give_back(sale, rest, wishes, **more):
    planned = plan_return(sale, rest, wishes, **more)
    for name, amount in planned.used.items():
        assert 0 < amount <= rest[name]
        rest[name] -= amount
    return planned


def back_by(planned):
    return {payment.tender: payment.amount for payment in planned.payments}


@st.composite
def bills(draw):
    """A bill of a few lines, paid by a few tenders, some of them out of several lots."""
    lines = [
        sold(f"i{n}", draw(st.integers(0, 400)) * quantity, quantity)
        for n in range(draw(st.integers(1, 4)))
        for quantity in [draw(st.integers(1, 3))]
    ]
    total = sum(line.amount for line in lines)
    parts = split(Cents(total), draw(st.lists(st.integers(0, 9), min_size=1, max_size=4)))
    payments = []
    for number, part in enumerate(parts):
        kind = draw(st.sampled_from(["cash", "bank_card", "stored", "pass"]))
        if kind == "stored":
            shares = split(part, draw(st.lists(st.integers(0, 5), min_size=1, max_size=3)))
            legs = tuple(
                ("bonus" if at % 2 else "principal", f"l{number}.{at}", int(share))
                for at, share in enumerate(shares)
                if share
            )
            payments.append(Payment(tender="stored_value", amount=part, legs=legs))
        elif kind == "pass":
            units = draw(st.integers(1, 90))
            line = draw(st.sampled_from(["", *(one.line for one in lines)]))
            leg = ("minutes", f"t{number}", units)
            payments.append(Payment(tender="minutes", amount=part, legs=(leg,), line=line))
        else:
            payments.append(Payment(tender=kind, amount=part))
    return bill(lines, payments, points=draw(st.integers(0, 300)))


@given(bills(), st.data())
def test_whatever_goes_back_in_whatever_order_it_is_never_more_than_was_paid(sale, data):
    rest = dict(parts_of(sale))
    lines, tenders, values, points = Counter(), Counter(), Counter(), 0
    for _ in range(data.draw(st.integers(0, 6))):
        wishes = [
            LineWish(
                line=line.line,
                quantity=data.draw(st.integers(0, rest.get(f"piece.{line.line}", 0))),
                amount=data.draw(st.none() | st.integers(0, rest.get(f"line.{line.line}", 0))),
            )
            for line in sale.lines
            if data.draw(st.booleans())
        ]
        try:
            planned = give_back(sale, rest, wishes)
        except Refused as refused:
            assert refused.code == "return_nothing"
            continue
        _count(planned, lines, tenders, values)
        points += planned.points
        assert planned.total == sum(payment.amount for payment in planned.payments)
        assert 0 <= points <= sale.points
    if any(rest.values()):
        planned = give_back(sale, rest, None)
        _count(planned, lines, tenders, values)
        points += planned.points
        assert planned.closes
    assert not any(rest.values()), "all of it went back in the end"
    assert lines == Counter({line.line: line.amount for line in sale.lines if line.amount})
    paid, by_lot = Counter(), Counter()
    for payment in sale.payments:
        paid[payment.tender] += payment.amount
        for asset, lot, amount in payment.legs:
            by_lot[asset, lot] += amount
    assert (+tenders, +values, points) == (+paid, +by_lot, sale.points)


def _count(planned, lines, tenders, values):
    for line in planned.lines:
        lines[line.line] += line.amount
    for payment in planned.payments:
        tenders[payment.tender] += payment.amount
        for asset, lot, amount in payment.legs:
            values[asset, lot] += amount


def test_money_goes_back_before_stored_value_and_each_lot_gets_its_share():
    sale = bill([sold("a", 100), sold("b", 100)], [by_balance(90, 30), cash(80)])
    rest = parts_of(sale)
    first = give_back(sale, rest, [LineWish(line="a")])
    assert back_by(first) == {"cash": 80, "stored_value": 20}
    assert first.payments[0].legs == (("principal", "l1", 15), ("bonus", "l1", 5))
    second = give_back(sale, rest, None)
    assert second.payments[0].legs == (("principal", "l1", 75), ("bonus", "l1", 25))
    assert second.closes


def test_the_cashier_may_say_by_what_it_goes_back_but_not_more_than_that_paid():
    sale = bill([sold("a", 100), sold("b", 100)], [by_balance(120, 0), cash(80)])
    rest = parts_of(sale)
    planned = give_back(sale, rest, [LineWish(line="a")], by_tender={0: 100})
    assert back_by(planned) == {"stored_value": 100}
    for wrong in ({1: 100}, {0: 20, 1: 70}, {0: 100, 7: 0}, {0: -10, 1: 110}):
        with pytest.raises(Refused, match="return_split"):
            plan_return(sale, rest, [LineWish(line="b")], by_tender=wrong)


def test_a_line_goes_back_to_the_pass_that_paid_for_it():
    visit = Payment(tender="punches", amount=100, legs=(("punches", "t", 1),), line="b")
    sale = bill([sold("a", 100), sold("b", 100)], [visit, cash(100)])
    planned = plan_return(sale, parts_of(sale), [LineWish(line="b")])
    assert back_by(planned) == {"punches": 100}
    half = plan_return(sale, parts_of(sale), [LineWish(line="b", quantity=0, amount=50)])
    assert half.payments[0].legs == (), "half a visit is none"


def test_pieces_go_back_at_their_price_and_a_line_no_more_than_once():
    sale = bill([sold("a", 300, quantity=3)], [cash(300)], points=10)
    rest = parts_of(sale)
    planned = give_back(sale, rest, [LineWish(line="a", quantity=2)])
    assert (planned.total, planned.points, planned.closes) == (200, 6, False)
    with pytest.raises(Refused) as caught:
        plan_return(sale, rest, [LineWish(line="a", quantity=2)])
    assert caught.value.code == "return_beyond"
    assert caught.value.facts == {"name": "a", "pieces": 1, "left_cents": 100}
    with pytest.raises(Refused, match="return_beyond"):
        plan_return(sale, rest, [LineWish(line="a", quantity=1, amount=101)])
    with pytest.raises(Refused, match="no_line"):
        plan_return(sale, rest, [LineWish(line="a"), LineWish(line="a")])
    with pytest.raises(Refused, match="return_nothing"):
        plan_return(sale, rest, [LineWish(line="a", quantity=0)])
    last = give_back(sale, rest, None)
    assert (last.total, last.points, last.closes) == (100, 4, True)

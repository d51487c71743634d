"""One place prices a bill; its parts sum to the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.tickets import LIST_PRICE, MEMBER_PRICE, Priceable, price

lines_drawn = st.lists(
    st.builds(
        Priceable,
        line=st.uuids().map(str),
        quantity=st.integers(min_value=1, max_value=999),
        list_price=st.integers(min_value=0, max_value=1_000_000),
        member_price=st.none() | st.integers(min_value=0, max_value=1_000_000),
    ),
    max_size=10,
)


@given(lines_drawn, st.booleans())
def test_the_lines_sum_to_the_total_and_nobody_pays_more_than_the_list(lines, member):
    bill = price(lines, member=member)
    assert sum(line.amount for line in bill.lines) == bill.total
    assert 0 <= bill.saved == bill.list_total - bill.total
    for asked, priced in zip(lines, bill.lines, strict=True):
        assert priced.line == asked.line
        assert priced.amount == priced.price * asked.quantity
        assert priced.price <= asked.list_price
        assert priced.rule in {LIST_PRICE, MEMBER_PRICE}


@given(lines_drawn)
def test_a_walk_in_pays_the_list_price(lines):
    bill = price(lines, member=False)
    assert bill.total == bill.list_total


def test_a_member_price_above_the_list_is_no_price():
    line = Priceable(line="1", quantity=1, list_price=100, member_price=120)
    assert price([line], member=True).lines[0].rule == LIST_PRICE

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import AMOUNT_MAX, Cents, parse_yuan, split, yuan

amounts = st.integers(-AMOUNT_MAX, AMOUNT_MAX).map(Cents)
weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (128050, "1,280.50"),
        (-1, "−0.01"),
        (-123456789, "−1,234,567.89"),
        (AMOUNT_MAX, "10,000,000.00"),
    ],
)
def test_fen_are_written_as_yuan(amount, written):
    assert yuan(amount) == written


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("12", 1200),
        ("12.5", 1250),
        ("12.50", 1250),
        ("0.05", 5),
        (" ¥ 1,280.50 ", 128050),
        ("￥1，280.5元", 128050),
        ("1,234,567元", 123456700),
        ("-3", -300),
        ("−3.10", -310),
        ("¥-3", -300),
        ("１２．５", None),
    ],
)
def test_what_people_type_is_read(typed, amount):
    if amount is None:
        with pytest.raises(ValueError, match=typed):
            parse_yuan(typed)
    else:
        assert parse_yuan(typed) == amount


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "元",
        "¥",
        "-",
        ".5",
        "12.",
        "12.345",
        "1.2.3",
        "1e3",
        "十二",
        "+5",
        "--5",
        "5-",
        "0x10",
        "NaN",
        "3元5",  # three yuan fifty to whoever types it, not thirty-five
        "元5",
        "5¥",
        "1,5",  # a comma that stands where no thousands are
        "12,50",
        "1,2800",
        ",128",
        "9" * 10,
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_text(typed):
    with pytest.raises(ValueError, match=f"^{re.escape(typed)}$"):
        parse_yuan(typed)


@given(amounts)
def test_what_is_written_is_read_back(amount):
    assert parse_yuan(yuan(amount)) == amount
    assert parse_yuan(f"¥{yuan(amount)}元") == amount
    assert parse_yuan(yuan(amount).replace(",", "，")) == amount


@given(amounts, weights)
def test_parts_sum_to_the_whole_and_none_is_a_fen_off_its_share(amount, by):
    parts = split(amount, by)
    assert sum(parts) == amount
    assert len(parts) == len(by)
    total, shares = (sum(by), by) if sum(by) else (len(by), [1] * len(by))
    for part, share in zip(parts, shares, strict=True):
        assert abs(part * total - amount * share) < total


@given(amounts, weights)
def test_nobody_without_a_weight_gets_a_part(amount, by):
    if sum(by):
        for part, share in zip(split(amount, by), by, strict=True):
            assert share or part == 0


@given(amounts, st.integers(1, 10**6), st.integers(1, 40))
def test_equal_weights_differ_by_a_fen_and_the_first_get_it(amount, weight, count):
    parts = split(amount, [weight] * count)
    assert parts == sorted(parts, reverse=True)
    assert parts[0] - parts[-1] <= 1


def test_the_largest_fractions_get_what_is_left():
    assert split(Cents(100), [1, 1, 1]) == [34, 33, 33]
    assert split(Cents(100), [1, 2, 3]) == [17, 33, 50]
    assert split(Cents(-100), [1, 1, 1]) == [-33, -33, -34]
    assert split(Cents(10), [0, 0]) == [5, 5]


def test_nothing_is_not_split_among_nobody():
    with pytest.raises(ValueError, match="no weights"):
        split(Cents(0), [])

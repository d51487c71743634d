from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.devices.printer import PAPER_58MM, PAPER_80MM, Columns, Pair, Rule, Text
from hub.devices.printer.characters import cells
from hub.devices.printer.layout import Page, column_widths, wrap

PAGE = Page(columns=48, code_of=PAPER_80MM.code_of)
NARROW = Page(columns=32, code_of=PAPER_58MM.code_of)


def shown(lines):
    return ["".join(cell.text for cell in line.cells) for line in lines]


def wrapped(text, room):
    return ["".join(cell.text for cell in row) for row in wrap(cells(text, PAGE.code_of), room)]


def test_han_text_breaks_anywhere_and_latin_between_words():
    assert wrapped("中式足疗六十分钟", 8) == ["中式足疗", "六十分钟"]
    assert wrapped("Rose Essential Oil", 10) == ["Rose", "Essential", "Oil"]


def test_punctuation_neither_begins_a_line_nor_hangs_open_at_its_end():
    assert wrapped("谢谢惠顾，欢迎", 8) == ["谢谢惠", "顾，欢迎"]
    assert wrapped("足疗足（点钟）", 8) == ["足疗足", "（点钟）"]


def test_an_amount_is_kept_with_its_sign_and_its_currency():
    assert wrapped("合计共 ¥1,280.50", 12) == ["合计共", "￥1,280.50"]
    assert wrapped("合计合计共-¥99.00", 12) == ["合计合计共", "-￥99.00"]


def test_a_word_longer_than_the_line_is_broken_at_the_edge():
    assert wrapped("https://dianshu.example", 10) == ["https://di", "anshu.exam", "ple"]


def test_blank_text_is_a_blank_line():
    assert shown(PAGE.lines(Text(""))) == [""]
    assert shown(PAGE.lines(Text("   "))) == [""]


def test_double_size_text_wraps_at_half_the_columns():
    assert shown(NARROW.lines(Text("云栖足道养生会所店", size=2))) == ["云栖足道养生会所", "店"]


def test_a_pair_fills_between_label_and_amount():
    assert shown(NARROW.lines(Pair("现金", "300.00"))) == ["现金" + " " * 22 + "300.00"]
    assert shown(NARROW.lines(Pair("现金", "300.00", fill="."))) == [
        "现金 " + "." * 20 + " 300.00"
    ]


def test_a_long_label_wraps_beside_its_amount_which_stands_on_the_last_line():
    assert shown(NARROW.lines(Pair("玫瑰精油护理套餐加钟三十分钟", "1,280.00"))) == [
        "玫瑰精油护理套餐加钟三",
        "十分钟                  1,280.00",
    ]


def test_a_pair_of_two_long_texts_takes_lines_of_its_own():
    left, right = "甲" * 10, "乙" * 20
    assert shown(NARROW.lines(Pair(left, right))) == [left, "乙" * 16, " " * 24 + "乙" * 4]


def test_columns_wrap_each_in_its_own_place():
    row = Columns(
        ("中式足疗六十分钟点钟", "1", "168.00"), (4, 1, 2), ("left", "right", "right")
    )
    assert shown(NARROW.lines(row)) == [
        "中式足疗六十分钟点    1   168.00",
        "钟",
    ]


def test_an_amount_takes_room_from_the_name_before_it_is_broken():
    row = Columns(("足疗足疗足疗", "¥1,234,567.00"), (4, 1), ("left", "right"))
    assert shown(NARROW.lines(row)) == ["足疗足疗足疗      ￥1,234,567.00"]


def test_names_keep_four_characters_when_amounts_want_too_much():
    row = Columns(("足疗足疗足", "¥" + "9" * 40), (1, 1), ("left", "right"))
    first, second = shown(NARROW.lines(row))
    assert first == "足疗足疗 ￥" + "9" * 21
    assert second == "足" + " " * 11 + "9" * 19


def test_a_short_heading_over_amounts_stays_on_one_line():
    row = Columns(("项目", "数量", "金额"), (9, 1, 2), ("left", "right", "right"))
    assert shown(NARROW.lines(row)) == ["项目                  数量  金额"]


def test_a_rule_is_as_wide_as_the_paper():
    assert shown(NARROW.lines(Rule("="))) == ["=" * 32]


@pytest.mark.parametrize(
    ("weights", "columns", "shares"),
    [
        ((4, 1, 2), 48, (27, 6, 13)),
        ((4, 1, 2), 32, (18, 4, 8)),
        ((1, 1, 1), 32, (10, 10, 10)),
        ((1,), 48, (48,)),
        ((100, 1, 1), 32, (26, 2, 2)),
    ],
)
def test_columns_share_the_line_by_weight(weights, columns, shares):
    assert column_widths(weights, needs=[0] * len(weights), columns=columns) == shares


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=6),
    st.integers(24, 64),
    st.data(),
)
def test_columns_fit_every_paper_whatever_was_asked(widths, columns, data):
    needs = [data.draw(st.integers(0, 80)) for _ in widths]
    shares = column_widths(widths, needs=needs, columns=columns)
    assert sum(shares) + len(shares) - 1 == columns
    assert min(shares) >= 2


@given(st.text("足疗￥，（）.:- 1280abé·", max_size=80), st.integers(2, 48))
def test_wrapping_loses_nothing_but_spaces_and_keeps_the_width(text, room):
    placed = cells(text, PAGE.code_of)
    rows = wrap(placed, room)
    assert [c for row in rows for c in row if c.text != " "] == [
        c for c in placed if c.text != " "
    ]
    assert all(sum(cell.width for cell in row) <= room for row in rows)


@given(
    st.lists(st.text("足疗￥，.- 1280abé", max_size=30), min_size=2, max_size=4),
    st.sampled_from([32, 48]),
    st.data(),
)
def test_every_column_begins_where_the_one_above_begins(texts, columns, data):
    widths = tuple(data.draw(st.integers(1, 9)) for _ in texts)
    page = Page(columns=columns, code_of=PAPER_80MM.code_of)
    lines = page.lines(Columns(tuple(texts), widths))
    shares = column_widths(widths, needs=[0] * len(texts), columns=columns)
    printed = [b"".join(c.code or b"" for c in line.cells).ljust(columns) for line in lines]
    left = 0
    for text, share in zip(texts, shares, strict=True):
        # A column cut through a double byte would not decode.
        column = "".join(row[left : left + share].decode("gb18030") for row in printed)
        assert column.replace(" ", "") == text.replace(" ", "")
        left += share + 1

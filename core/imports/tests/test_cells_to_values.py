"""Each field's cells as values; `read` goes through the schema, as a file's cells do."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import MAC_EPOCH, to_excel

from core.imports import ITEMS, MEMBERS
from core.imports.cells import BadCell, YearHidden, clean_line, clean_lines
from core.imports.fields import CellRefused, Context
from core.imports.limits import NOTE_LINES_MAX, POINTS_MAX
from core.money import AMOUNT_MAX

TODAY = date(2026, 6, 30)
NOW = Context(today=TODAY)


def moment(*parts):
    return datetime(*parts)  # noqa: DTZ001 - a spreadsheet's moments have no zone


def read(name, cell, context=NOW, schema=MEMBERS):
    return schema.field(name).read(cell, context)


def refused(name, cell, context=NOW, schema=MEMBERS):
    with pytest.raises(CellRefused) as caught:
        read(name, cell, context, schema)
    return caught.value.code


@pytest.mark.parametrize(
    "cell",
    [
        "13812345678",
        13812345678,
        13812345678.0,
        "13812345678.0",
        "13812345678.00",
        "1.3812345678E+10",
        "1.3812345678e10",
        "1.38123456780E+10",
        " 138 1234 5678 ",
        "138-1234-5678",
        "+86 138-1234-5678",
        "+8613812345678",
        "１３８１２３４５６７８",
        "13812345678\t",
        "'13812345678",
        "\u202d13812345678\u202c",
    ],
)
def test_a_phone_is_read_however_a_spreadsheet_spoiled_it(cell):
    assert read("phone", cell) == "13812345678"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1381234567", "phone_invalid"),
        ("张三", "phone_invalid"),
        (1381234567, "phone_invalid"),
        ("138****5678", "phone_masked"),
        ("138xxxx5678", "phone_masked"),
        ("13812345678/13912345678", "phone_several"),
        ("13812345678、010-65432100", "phone_several"),
        ("1.38E+10", "digits_lost"),
        ("1.381235E+10", "digits_lost"),
        (1.3812345678e18, "digits_lost"),
        ("138\ufffd", "text_broken"),
        (BadCell("cell_is_error", "#N/A"), "cell_is_error"),
    ],
)
def test_a_phone_that_cannot_be_known_is_refused(cell, code):
    assert refused("phone", cell) == code


@pytest.mark.parametrize(
    "cell", ["", "  ", "-", "——", "无", "NULL", "N/A", "\u3000", "\u200b", "/"]
)
@pytest.mark.parametrize("name", [field.name for field in MEMBERS.fields])
def test_placeholders_say_nothing_in_any_field(name, cell):
    assert read(name, cell) is None


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("800 1234", "8001234"),
        ("Ａ００１", "A001"),
        (80012345, "80012345"),
        (80012345.0, "80012345"),
        ("80012345.0", "80012345"),
        ("0012", "0012"),
        ("'0012", "0012"),
        ("1.23456789E+11", "123456789000"),
        (999_999_999_999_999, "999999999999999"),
    ],
)
def test_a_card_keeps_all_its_digits(cell, meant):
    if "E+" in str(cell):
        assert refused("card", cell) == "digits_lost"
        assert read("card", "1.23456789000E+11") == meant
    else:
        assert read("card", cell) == meant


def test_a_card_of_more_digits_than_a_spreadsheet_keeps_is_refused():
    assert refused("card", 10**15) == "digits_lost"
    assert refused("card", "6.22202E+18") == "digits_lost"
    assert read("card", "6222021234567890123") == "6222021234567890123"


DATES = [
    "2024-01-02",
    "2024-1-2",
    "2024/1/2",
    "2024/01/02",
    "2024.1.2",
    "2024年1月2日",
    "2024年01月02号",
    "2024 年 1 月 2 日",
    "２０２４年１月２日",
    "24年1月2日",
    "20240102",
    "20240102.0",
    "20240102134510",
    20240102,
    20240102.0,
    "2024-01-02 13:45",
    "2024-01-02 13:45:10",
    "2024-01-02T13:45:10",
    "2024-01-02 13:45:10.123",
    "2024/1/2 0:00",
    "2024/1/2 0:00:00",
    "2024年1月2日 13时45分10秒",
    "2024年1月2日 星期二",
    "2024/1/2 周二",
    "2024/1/2 下午 1:45:10",
    "2024/1/2 1:45:10 PM",
    45293,
    45293.0,
    45293.5729,
    "45293",
    "45293.5729",
    datetime(2024, 1, 2),  # noqa: DTZ001
    datetime(2024, 1, 2, 13, 45),  # noqa: DTZ001
    "'2024-01-02",
]


@pytest.mark.parametrize("cell", DATES)
def test_every_style_of_date_is_read(cell):
    assert read("joined_on", cell) == date(2024, 1, 2)
    assert read("expires_on", cell) == date(2024, 1, 2)
    assert read("birthday", cell) == "2024-01-02"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("24-01-02", "date_year_short"),
        ("24/1/2", "date_year_short"),
        ("24.1.2", "date_year_short"),
        ("240102", "date_year_short"),
        (240102, "date_unreadable"),
        ("1/2/2024", "date_order_unclear"),
        ("31.12.2024", "date_order_unclear"),
        ("2024-02-30", "date_not_real"),
        ("2023年2月29日", "date_not_real"),
        ("20241301", "date_not_real"),
        (20240230, "date_not_real"),
        ("2024-01/02", "date_unreadable"),
        ("2024年1月", "date_unreadable"),
        ("2024", "date_unreadable"),
        (2024, "date_unreadable"),
        (1990.0, "date_unreadable"),
        ("2024-01-02T16:00:00Z", "date_unreadable"),
        ("农历八月十五", "date_unreadable"),
        ("昨天", "date_unreadable"),
        ("2024-01-02" * 10, "date_unreadable"),
        (time(13, 45), "date_unreadable"),
        (1e300, "date_unreadable"),
        ("2026-07-01", "date_future"),
        (datetime(2026, 7, 1), "date_future"),  # noqa: DTZ001
        (BadCell("cell_formula_unsaved"), "cell_formula_unsaved"),
    ],
)
def test_a_date_that_would_be_guessed_is_refused(cell, code):
    assert refused("joined_on", cell) == code
    assert refused("birthday", cell) == code


def test_a_day_without_its_year_is_a_birthday_and_no_date():
    for cell in ("01-02", "1-2", "1/2", "1月2日", "01月02号", "01.02"):
        assert read("birthday", cell) == "01-02"
        assert refused("joined_on", cell) == "date_year_missing"
    assert read("birthday", "2月29日") == "02-29"
    assert refused("birthday", "2月30日") == "date_not_real"
    assert refused("birthday", "13月1日") == "date_not_real"


def test_the_year_that_a_spreadsheet_made_up_is_not_taken_for_a_birthday():
    hidden = YearHidden(2026, 5, 20)
    assert read("birthday", hidden) == "05-20"
    assert read("joined_on", hidden) == date(2026, 5, 20)


def test_a_short_chinese_year_is_the_last_that_has_been():
    assert read("birthday", "85年3月2日") == "1985-03-02"
    assert read("birthday", "05年3月2日") == "2005-03-02"
    assert read("joined_on", "24年3月2日") == date(2024, 3, 2)
    assert read("expires_on", "28年3月2日") == date(2028, 3, 2)


@pytest.mark.parametrize(
    "cell",
    [
        "0000-00-00",
        "0000-00-00 00:00:00",
        "1900-01-00",
        "1900/1/0",
        "1900-01-01",
        "0",
        0,
        time(),
    ],
)
def test_what_programs_write_where_there_is_no_date_is_blank(cell):
    assert read("joined_on", cell) is None
    assert read("birthday", cell) is None


@pytest.mark.parametrize("cell", ["永久", "长期有效", "9999-12-31", "2999-01-01"])
def test_an_end_that_never_comes_is_none(cell):
    assert read("expires_on", cell) is None


def test_an_end_may_lie_ahead_and_a_beginning_not_long_ago():
    assert read("expires_on", "2030-01-01") == date(2030, 1, 1)
    assert refused("joined_on", "1950-01-01") == "date_too_early"
    assert refused("expires_on", "1950-01-01") == "date_too_early"
    assert read("birthday", "1950-01-01") == "1950-01-01"
    assert refused("birthday", "1899-01-01") == "date_too_early"


@settings(deadline=None)
@given(st.dates(date(1928, 1, 1), TODAY))
def test_serial_numbers_of_both_epochs_name_their_day(day):
    assert read("birthday", to_excel(day)) == day.isoformat()
    mac = Context(today=TODAY, epoch_1904=True)
    if day > date(1932, 1, 1):
        assert read("birthday", to_excel(day, MAC_EPOCH), mac) == day.isoformat()


@settings(deadline=None)
@given(st.dates(date(1900, 1, 2), TODAY), st.sampled_from(["-", "/", "."]), st.booleans())
def test_every_day_is_read_in_every_spelling(day, between, padded):
    parts = (f"{day:%m}", f"{day:%d}") if padded else (str(day.month), str(day.day))
    assert read("birthday", between.join((str(day.year), *parts))) == day.isoformat()
    assert read("birthday", f"{day.year}年{parts[0]}月{parts[1]}日") == day.isoformat()
    assert read("birthday", f"{day:%Y%m%d}") == day.isoformat()


@pytest.mark.parametrize(
    ("cell", "fen"),
    [
        ("1280.5", 128050),
        ("1280.50", 128050),
        ("1,280.50", 128050),
        ("1，280.50元", 128050),
        ("¥1280", 128000),
        ("￥1,280.50", 128050),
        ("RMB 1280.5", 128050),
        ("１２８０．５", 128050),
        ("1280元整", 128000),
        (" ¥ 1,280 元 ", 128000),
        ("+5", 500),
        ("0.05", 5),
        ("0", 0),
        ("-0.00", 0),
        ("7.", 700),
        (1280, 128000),
        (1280.5, 128050),
        (12.300000000000001, 1230),
        ("12.300000000000001", 1230),
        (0.1 + 0.2, 30),
        (1.005 - 0.005, 100),
        ("99.99999999999", 10000),
        (99.9999999999, 10000),
        (AMOUNT_MAX / 100, AMOUNT_MAX),
    ],
)
def test_an_amount_is_read_to_the_fen(cell, fen):
    assert read("principal", cell) == fen


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("12.345", "amount_below_fen"),
        (12.345, "amount_below_fen"),
        ("0.001", "amount_below_fen"),
        (12.30001, "amount_below_fen"),
        ("12.3000001", "amount_below_fen"),
        ("-50", "amount_negative"),
        ("−50", "amount_negative"),
        ("¥-50.00", "amount_negative"),
        ("-¥50.00", "amount_negative"),
        ("(50.00)", "amount_negative"),
        (-0.01, "amount_negative"),
        (-50, "amount_negative"),
        ("12,80", "amount_unreadable"),
        ("1.2万", "amount_unreadable"),
        ("一百", "amount_unreadable"),
        ("100 200", "amount_unreadable"),
        ("100/200", "amount_unreadable"),
        ("1.2.3", "amount_unreadable"),
        ("1e3", "amount_unreadable"),
        ("(50", "amount_unreadable"),
        ("50)", "amount_unreadable"),
        ("1" * 400, "amount_unreadable"),
        (1e300, "amount_unreadable"),
        (AMOUNT_MAX / 100 + 0.01, "amount_too_large"),
        ("99999999999", "amount_too_large"),
        (datetime(2024, 1, 2), "amount_unreadable"),  # noqa: DTZ001
        (BadCell("cell_too_long", "x" * 50), "cell_too_long"),
    ],
)
def test_an_amount_that_would_be_guessed_is_refused(cell, code):
    assert refused("principal", cell) == code


@settings(deadline=None)
@given(st.integers(0, AMOUNT_MAX))
def test_every_amount_is_read_from_its_text_and_from_its_float(fen):
    assert read("bonus", f"{fen // 100}.{fen % 100:02d}") == fen
    assert read("bonus", f"¥{fen // 100:,}.{fen % 100:02d}") == fen
    assert read("bonus", fen / 100) == fen


@settings(deadline=None)
@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=50))
def test_a_sum_of_floats_is_read_as_the_sum_of_its_fen(parts):
    assert read("bonus", sum(part / 100 for part in parts)) == sum(parts)


@settings(deadline=None)
@given(st.integers(0, 10**8), st.integers(1, 99))
def test_a_part_of_a_fen_is_never_rounded_away(fen, hundredths):
    assert (
        refused("bonus", f"{fen // 100}.{fen % 100:02d}{hundredths:02d}") == "amount_below_fen"
    )


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("12", 12),
        ("1,200", 1200),
        ("1200.0", 1200),
        ("1200分", 1200),
        (7, 7),
        (7.0, 7),
        ("-0", 0),
    ],
)
def test_a_count_is_a_whole_number(cell, number):
    assert read("points", cell) == number


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("12.5", "count_not_whole"),
        (12.5, "count_not_whole"),
        ("-3", "count_negative"),
        (-3, "count_negative"),
        ("很多", "count_unreadable"),
        ("面部5次;足疗3次", "count_unreadable"),
        (str(POINTS_MAX + 1), "count_too_large"),
        (1e300, "count_too_large"),
        ("1e3", "count_unreadable"),
        ("12 30", "count_unreadable"),
    ],
)
def test_a_count_that_is_none_is_refused(cell, code):
    assert refused("points", cell) == code


@pytest.mark.parametrize(
    ("words", "gender"),
    [
        (["男", "男士", "先生", "M", "m", "male", "Ｍ", " 男 "], "male"),
        (["女", "女士", "小姐", "F", "female"], "female"),
        (["未知", "保密", "unknown", ""], None),
    ],
)
def test_gender_words(words, gender):
    assert [read("gender", word) for word in words] == [gender] * len(words)


def test_a_gender_that_nobody_can_tell_is_refused():
    for cell in ("1", 0, "男女", "X"):
        assert refused("gender", cell) == "gender_unclear"


def test_kinds_of_items():
    assert read("kind", "服务项目", schema=ITEMS) == "service"
    assert read("kind", "商品", schema=ITEMS) == "product"
    assert read("kind", "其它", schema=ITEMS) == "other"
    assert refused("kind", "美容", schema=ITEMS) == "kind_unclear"


def test_text_is_cleaned_of_what_cannot_be_seen():
    assert read("name", "\u202e张\x00三\x1b[2J\u200d ") == "张三[2J"
    assert read("name", "张\n三\t丰") == "张 三 丰"
    assert read("note", "一\r\n\r\n二\x07\n 三 ") == "一\n二\n三"
    assert read("level", 1) == "1"
    assert read("level", 1.5) == "1.5"
    assert read("note", moment(2024, 1, 2, 13, 45)) == "2024-01-02 13:45:00"


def test_text_of_too_many_letters_is_refused_and_not_cut():
    assert read("name", "长" * 60) == "长" * 60
    assert refused("name", "长" * 61) == "text_too_long"
    assert refused("note", "长" * 1001) == "text_too_long"


def test_the_last_lines_of_a_long_note_become_one():
    note = read("note", "\n".join(map(str, range(50))))
    assert note.count("\n") == NOTE_LINES_MAX - 1
    assert note.split() == [str(number) for number in range(50)]
    assert read("note", note) == note


def test_broken_text_is_refused_in_every_field():
    for field in (*MEMBERS.fields, *ITEMS.fields):
        with pytest.raises(CellRefused, match="text_broken"):
            field.read("1\ufffd2", NOW)


CELLS = st.one_of(
    st.text(max_size=60),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(),
    st.times(),
    st.sampled_from([None, BadCell("cell_is_error", "#N/A"), YearHidden(2024, 1, 2)]),
    st.dates(date(1900, 1, 1), TODAY + timedelta(days=900)).map(
        lambda day: f"{day.year}/{day.month}/{day.day}"
    ),
)


@settings(deadline=None)
@given(CELLS)
def test_any_cell_is_a_value_or_is_refused(cell):
    for field in (*MEMBERS.fields, *ITEMS.fields):
        try:
            value = field.read(cell, NOW)
        except CellRefused:
            continue
        if isinstance(value, str):
            assert value
            assert value == clean_lines(value)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_cleaning_a_clean_text_changes_nothing(text):
    assert clean_line(clean_line(text)) == clean_line(text)
    assert clean_lines(clean_lines(text)) == clean_lines(text)
    assert "\n" not in clean_line(text)

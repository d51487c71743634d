import csv
import stat
import tracemalloc
from datetime import date

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Refused
from core.imports import (
    ITEMS,
    MEMBERS,
    BadRow,
    MemberRow,
    find_mapping,
    read_rows,
    read_table,
    write_csv,
    write_xlsx,
)
from core.imports import export as export_module
from core.imports.fields import CellRefused, Context, row_key
from core.imports.tests.messy import TODAY, write_members

WRITERS = {".csv": write_csv, ".xlsx": write_xlsx}
NOW = Context(today=TODAY)
NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1",
    "'=1",
    "''=1",
    '="x"',
    "a_x0041_b",
    "<&>",
    '"',
    "a,b;c d",
    "𠮷",
]


def read_back(path, schema):
    with read_table(path) as table:
        mapping = find_mapping(table, schema)
        assert not mapping.unmapped
        return list(read_rows(table, schema, mapping, today=TODAY))


def typed(schema, cells):
    """Return the row that cells mean, or None; fields that are only read are left out."""
    values = {}
    for name, cell in cells.items():
        try:
            value = schema.field(name).read(cell, NOW)
        except CellRefused:
            continue
        if value is not None:
            values[name] = value
    if not set(schema.required) <= values.keys():
        return None
    if schema.one_of and not values.keys() & set(schema.one_of):
        return None
    defaults = {field.name: field.default for field in schema.fields}
    return schema.row(line=0, row_key=row_key(schema.kind, values, defaults), **values)


def rows_of(schema, number_names):
    wild = st.one_of(
        st.text(max_size=30), st.sampled_from(NASTY), st.text("'=\"＝ -+1aE.0\n\t", max_size=8)
    )
    amounts = st.integers(0, 10**9).map(lambda fen: f"{fen // 100}.{fen % 100:02d}")
    days = st.dates(date(1980, 1, 1), TODAY).map(date.isoformat)
    forms = {"amount": amounts, "count": st.integers(0, 1000), "date": days}
    cells = {
        field.name: forms.get(field.form, wild)
        for field in schema.fields
        if field.form != "never"
    }
    cells |= dict.fromkeys(
        number_names, st.one_of(wild, st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
    )
    some = {name: st.one_of(st.none(), strategy) for name, strategy in cells.items()}
    return st.fixed_dictionaries(some).map(lambda given: typed(schema, given)).filter(bool)


def unlike(schema):
    """Return a key for st.lists: no number, card or phone twice, whatever the case."""
    return tuple(
        (lambda row, name=name: getattr(row, name).casefold() or object())
        for name in schema.unique
    )


SOME_MEMBERS = st.lists(
    rows_of(MEMBERS, ["phone", "card"]), max_size=6, unique_by=unlike(MEMBERS)
)
SOME_ITEMS = st.lists(rows_of(ITEMS, ["barcode"]), max_size=6, unique_by=unlike(ITEMS))


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.deep)])
@settings(max_examples=150, deadline=None)
@given(members=SOME_MEMBERS, items=SOME_ITEMS)
def test_what_is_exported_is_imported_unchanged(
    tmp_path_factory, suffix, language, members, items
):
    path = tmp_path_factory.getbasetemp() / f"out{suffix}"
    for schema, rows in ((MEMBERS, members), (ITEMS, items)):
        assert WRITERS[suffix](path, schema, rows, language=language) == len(rows)
        back = read_back(path, schema)
        assert [getattr(row, "errors", None) for row in back] == [None] * len(rows)
        assert [row.row_key for row in back] == [row.row_key for row in rows]


def member(number=0, **values):
    return MemberRow(line=0, row_key="", name="张三", phone=f"138{number:08d}", **values)


@pytest.mark.parametrize("text", [text for text in NASTY if "_x" not in text])
def test_no_text_is_a_formula_in_either_format(tmp_path, text):
    row = member(note=text, level=text, number=0)
    write_xlsx(tmp_path / "out.xlsx", MEMBERS, [row])
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    cells = [
        cell
        for line in book.active.iter_rows(min_row=2)
        for cell in line
        if cell.value is not None
    ]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    said = [cell for cell in cells if cell.value == text]
    assert len(said) == 2
    assert {cell.quotePrefix for cell in said} == {text.lstrip("'")[0] in "=+-@＝"}
    book.close()
    write_csv(tmp_path / "out.csv", MEMBERS, [row])
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert not [
            cell
            for line in csv.reader(stream)
            for cell in line
            if cell[:1] in "=+-@＝" and cell
        ]


def test_another_program_reads_numbers_dates_and_texts_as_such(tmp_path):
    path = tmp_path / "out.xlsx"
    row = member(
        principal=128050, points=7, joined_on=date(2024, 1, 2), card="0012", gender="female"
    )
    assert write_xlsx(path, MEMBERS, [row, member(1)]) == 2
    book = openpyxl.load_workbook(path, read_only=True)
    titles, first, second = [[cell.value for cell in line] for line in book["会员"].iter_rows()]
    told = dict(zip(titles, first, strict=False))
    assert told["本金余额"] == 1280.5
    assert told["积分"] == 7
    assert told["入会日期"].date() == date(2024, 1, 2)
    assert (told["会员卡号"], told["手机号码"], told["性别"]) == ("0012", "13800000000", "女")
    assert second[titles.index("赠送余额")] == 0
    book.close()


def test_an_export_appears_only_when_it_is_whole(tmp_path):
    def stops():
        yield member()
        raise ZeroDivisionError

    for suffix, write in WRITERS.items():
        path = tmp_path / f"out{suffix}"
        path.write_bytes(b"before")
        with pytest.raises(ZeroDivisionError):
            write(path, MEMBERS, stops())
        assert path.read_bytes() == b"before"
        write(path, MEMBERS, [])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.csv", "out.xlsx"]


def test_more_rows_than_come_back_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "ROWS_MAX", 5)
    rows = [member(number) for number in range(5)]
    for suffix, write in WRITERS.items():
        path = tmp_path / f"out{suffix}"
        assert write(path, MEMBERS, rows[:4]) == 4
        with pytest.raises(Refused, match=r"export_rows_too_many\(limit=4\)"):
            write(path, MEMBERS, rows)
        assert len(read_back(path, MEMBERS)) == 4


@pytest.mark.parametrize("suffix", WRITERS)
def test_memory_does_not_grow_with_the_rows(tmp_path, suffix):
    peaks = []
    for rows in (2_000, 8_000):
        tracemalloc.start()
        WRITERS[suffix](
            tmp_path / f"out{suffix}",
            MEMBERS,
            (member(n, note="备注" * 20) for n in range(rows)),
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 500_000


@pytest.mark.parametrize("name", ["m.csv", "m.xlsx"])
@pytest.mark.parametrize("suffix", WRITERS)
def test_a_messy_list_comes_back_from_its_export(tmp_path, name, suffix):
    write_members(tmp_path / name, 1_000, 0.03, seed=3)
    with read_table(tmp_path / name) as table:
        mapping = find_mapping(table, MEMBERS)
        rows = [
            row
            for row in read_rows(table, MEMBERS, mapping, today=TODAY)
            if not isinstance(row, BadRow)
        ]
    path = tmp_path / f"out{suffix}"
    WRITERS[suffix](path, MEMBERS, rows)
    assert [row.row_key for row in read_back(path, MEMBERS)] == [row.row_key for row in rows]

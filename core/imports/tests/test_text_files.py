import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Refused
from core.imports import ROWS_MAX, read_table
from core.imports.cells import BadCell
from core.imports.limits import (
    CELL_CHARS_MAX,
    COLUMNS_MAX,
    LINE_CHARS_MAX,
    LINES_MAX,
    RECORD_LINES_MAX,
)

TABLE = [
    ["会员姓名", "手机", "备注"],
    ["张三", "13812342046", "喜欢安静"],
    ["欧阳𠮷", "13912342046", "说：“好”"],
]


def lines_of(path, **options):
    with read_table(path, **options) as table:
        return [(row.line, list(row.cells)) for row in table.rows()]


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    return path


def joined(delimiter, end="\r\n"):
    return end.join(delimiter.join(row) for row in TABLE) + end


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [
        (encoding, delimiter)
        for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16-le-bom", "utf-16-be-bom")
        for delimiter in ",\t;"
    ],
)
def test_every_encoding_and_separator_is_read(tmp_path, encoding, delimiter):
    text = joined(delimiter)
    if encoding.endswith("-bom"):
        text, encoding = "\ufeff" + text, encoding.removesuffix("-bom")
    path = written(tmp_path, text, encoding)
    assert lines_of(path) == [(1, TABLE[0]), (2, TABLE[1]), (3, TABLE[2])]
    with read_table(path) as table:
        assert table.delimiter == delimiter
        assert table.form == "csv"
        assert table.sheets == (table.sheet,) == ("list",)


def test_gbk_letters_are_read(tmp_path):
    path = written(tmp_path, "姓名,手机\n罗镕,13812342046\n", "gbk")
    assert lines_of(path)[1] == (2, ["罗镕", "13812342046"])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(tmp_path, end):
    assert [cells for _, cells in lines_of(written(tmp_path, joined(",", end)))] == TABLE


def test_the_extension_does_not_matter_but_the_content(tmp_path):
    path = tmp_path / "会员.xls"
    path.write_bytes(joined("\t").encode("gb18030"))
    assert [cells for _, cells in lines_of(path)] == TABLE


def test_a_quoted_line_break_stays_in_its_cell_and_counts_as_one_row(tmp_path):
    path = written(tmp_path, 'a,b,c\r\n1,"x\r\ny, z ""q""",3\r\n4,5,6\r\n')
    assert lines_of(path) == [
        (1, ["a", "b", "c"]),
        (2, ["1", 'x\r\ny, z "q"', "3"]),
        (3, ["4", "5", "6"]),
    ]


def test_blank_rows_are_passed_and_counted_as_a_spreadsheet_counts(tmp_path):
    path = written(tmp_path, 'a,b\n\n , \n,,,\n"",\u3000\n1,2\n')
    assert lines_of(path) == [(1, ["a", "b"]), (6, ["1", "2"])]


def test_the_line_that_names_the_separator_is_no_row(tmp_path):
    assert lines_of(written(tmp_path, "sep=;\r\na;b,c\r\n1;2,5\r\n")) == [
        (1, ["a", "b,c"]),
        (2, ["1", "2,5"]),
    ]


def test_commas_in_notes_do_not_beat_the_tabs_between_columns(tmp_path):
    text = "姓名\t手机\t备注\n" + "张三\t138\ta,b\n" * 5
    assert lines_of(written(tmp_path, text))[1] == (2, ["张三", "138", "a,b"])


def test_one_column_is_read_whole(tmp_path):
    assert lines_of(written(tmp_path, "姓名\n张三\n")) == [(1, ["姓名"]), (2, ["张三"])]


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("'=1+1", "=1+1"),
        ("''=1+1", "'=1+1"),
        ("'-50%", "-50%"),
        ("'＝cmd", "＝cmd"),
        ('"=""0138"""', "0138"),
        ('=""', ""),
        ("'王", "'王"),
        ("-5", "-5"),
    ],
)
def test_what_keeps_a_spreadsheet_from_calculating_is_taken_off(tmp_path, cell, meant):
    assert lines_of(written(tmp_path, f"a,b\nx,{cell},y\n"))[1] == (2, ["x", meant, "y"])


def test_a_quote_that_nobody_closed_costs_its_row_only(tmp_path):
    good = "".join(f"张{n},1381234{n:04d},好\r\n" for n in range(300))
    path = written(tmp_path, f'姓名,手机,备注\r\n李四,139,"没有关\r\n{good}')
    with read_table(path) as table:
        rows = list(table.rows())
    assert [row.broken for row in rows[:3]] == ["", "row_quotes_broken", ""]
    assert len(rows) == 302
    assert rows[2].cells == ("张0", "13812340000", "好")
    assert rows[-1].line == 302


def test_a_quote_that_nobody_closed_at_the_end_costs_its_row_only(tmp_path):
    with read_table(written(tmp_path, 'a,b\n1,"x\n3,4\n5,6')) as table:
        rows = [(row.broken, row.cells) for row in table.rows()]
    assert rows[1:] == [("row_quotes_broken", ()), ("", ("3", "4")), ("", ("5", "6"))]


def test_letters_behind_a_closing_quote_cost_their_row_only(tmp_path):
    with read_table(written(tmp_path, 'a,b\n"x"y,1\n3,4\n')) as table:
        assert [row.broken for row in table.rows()] == ["", "row_quotes_broken", ""]


def test_rows_that_two_stray_quotes_swallow_are_found(tmp_path):
    path = written(tmp_path, '姓名,手机,备注\n李,139,"好\n张,138,坏\n王,137,瘦5寸"\n赵,136,x\n')
    with read_table(path) as table:
        rows = list(table.rows())
    assert [row.broken for row in rows] == ["", "row_quotes_broken", "", "", ""]
    assert ("张", "138", "坏") in [row.cells for row in rows]
    assert ("赵", "136", "x") in [row.cells for row in rows]


def test_a_real_note_of_several_lines_is_no_stray_quote(tmp_path):
    note = "\n".join(["第一行", "第二行, 有逗号"] * 10)
    assert note.count("\n") < RECORD_LINES_MAX
    assert lines_of(written(tmp_path, f'a,b,c\n1,2,"{note}"\n'))[1] == (2, ["1", "2", note])


def test_a_letter_that_a_program_cut_in_half_breaks_its_cell_only(tmp_path):
    text = "姓名,手机\n" + "".join(f"张三李四,138{n}\n" for n in range(40))
    for encoding in ("utf-8", "gb18030"):
        content = text.encode(encoding) + "王".encode(encoding)[:1] + b",139\n"
        path = tmp_path / "list.csv"
        path.write_bytes(content)
        rows = lines_of(path)
        assert rows[1] == (2, ["张三李四", "1380"])
        assert rows[-1] == (42, ["\ufffd", "139"])


def test_a_cell_of_too_many_letters_is_marked_and_its_row_goes_on(tmp_path):
    long = "长" * (CELL_CHARS_MAX + 1)
    (_, cells) = lines_of(written(tmp_path, f"a,b,c\n1,{long},3\n"))[1]
    assert cells == ["1", BadCell("cell_too_long", long[:CELL_CHARS_MAX]), "3"]
    fits = "长" * CELL_CHARS_MAX
    assert lines_of(written(tmp_path, f"a,b,c\n1,{fits},3\n"))[1][1][1] == fits


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import_file_empty"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00" * 40, "import_encoding_unknown"),
        ("姓名,手机\n张三,138\n".encode("utf-16-le"), "import_encoding_unknown"),
        (bytes(range(256)) * 20, "import_encoding_unknown"),
        (b"%PDF-1.7 ...", "import_is_no_table"),
        (b"\x89PNG\r\n\x1a\n", "import_is_no_table"),
        (b"\n <html><table><tr><td>x", "import_is_web_page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook/>", "import_is_web_page"),
    ],
)
def test_what_is_no_text_table_is_refused_with_its_reason(tmp_path, content, code):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(Refused) as caught:
        read_table(path)
    assert caught.value.code == code


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(Refused, match="import_file_absent"):
            read_table(path)


def test_a_file_above_the_limit_is_refused_unread(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(Refused, match=r"import_file_too_large\(megabytes=65, limit=64\)"):
        read_table(path)


def test_a_sheet_of_another_name_is_refused_for_a_text_file(tmp_path):
    path = written(tmp_path, joined(","))
    assert len(lines_of(path, sheet="list")) == 3
    with pytest.raises(Refused, match="import_sheet_absent"):
        read_table(path, sheet="会员")


def test_too_many_columns_are_refused_and_empty_ones_do_not_count(tmp_path):
    fits = ",".join("x" * COLUMNS_MAX)
    assert len(lines_of(written(tmp_path, fits + "," * 5000 + "\n"))[0][1]) == COLUMNS_MAX
    with pytest.raises(Refused, match="import_columns_too_many"):
        lines_of(written(tmp_path, fits + ",y\n"))


def test_too_many_rows_are_refused_and_as_many_as_allowed_are_read(tmp_path):
    path = written(tmp_path, "1,2\n" * ROWS_MAX)
    with read_table(path) as table:
        assert sum(1 for _ in table.rows()) == ROWS_MAX
    path.write_bytes(path.read_bytes() + b"3,4\n")
    with read_table(path) as table, pytest.raises(Refused, match="import_rows_too_many"):
        for _ in table.rows():
            pass


def test_a_million_blank_rows_are_refused(tmp_path):
    path = written(tmp_path, "a,b\n" + "\n" * (LINES_MAX - 2) + "1,2\n")
    assert lines_of(path)[-1] == (LINES_MAX, ["1", "2"])
    with pytest.raises(Refused, match="import_rows_too_many"):
        lines_of(written(tmp_path, "a,b\n" + "\n" * LINES_MAX))


def test_a_line_without_end_is_refused(tmp_path):
    text = "a,b\n" * 100 + "x" * (LINE_CHARS_MAX + 1)
    with pytest.raises(Refused, match=r"import_line_too_long\(line=101\)"):
        lines_of(written(tmp_path, text))


def test_rows_can_be_read_again_and_left_in_the_middle(tmp_path):
    with read_table(written(tmp_path, joined(","))) as table:
        first = table.rows()
        next(first)
        first.close()
        assert len(list(table.rows())) == 3
        assert len(list(table.rows())) == 3


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        lines_of(path)
    except Refused:
        return


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from("\",;\n\r\t='張ａ1 \0"), max_size=120))
def test_any_mixture_of_quotes_and_breaks_gives_rows_in_order(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "mix.csv"
    path.write_bytes(text.encode())
    try:
        lines = [line for line, _ in lines_of(path)]
    except Refused:
        return
    assert lines == sorted(set(lines))

from datetime import datetime, time

import pytest
from openpyxl import Workbook

from core.errors import Refused
from core.imports import ITEMS, MEMBERS, find_mapping, preview, read_table
from core.imports.cells import BadCell, YearHidden
from core.imports.limits import CELL_CHARS_MAX, COLUMNS_MAX, LINES_MAX
from core.imports.tests.messy import TODAY
from core.imports.tests.raw_xlsx import (
    CHINESE_31,
    CHINESE_58,
    CHINESE_DATE,
    DATE,
    DATE_TIME,
    HEAD,
    MAIN,
    MONEY,
    MONTH_DAY,
    OFFICE,
    PACKAGE,
    SIX_DIGITS,
    Raw,
    Styled,
    write_workbook,
)

RICH_TEXT = (
    '<c r="{ref}" t="inlineStr"><is><r><t>张</t></r><r><t>三</t></r>'
    "<rPh><t>zhang</t></rPh></is></c>"
)
SHEET1 = "xl/worksheets/sheet1.xml"


def moment(*parts):
    return datetime(*parts)  # noqa: DTZ001 - a spreadsheet's moments have no zone


def lines_of(path, **options):
    with read_table(path, **options) as table:
        return [(row.line, list(row.cells)) for row in table.rows()]


def cell_of(path, value, **options):
    write_workbook(path, {"会员": [["姓名"], [value]]}, **options)
    rows = lines_of(path)
    return rows[1][1][0] if len(rows) > 1 else None


@pytest.fixture
def path(tmp_path):
    return tmp_path / "会员.xlsx"


def sheet(rows_xml, namespace=MAIN):
    return f'{HEAD}<worksheet xmlns="{namespace}"><sheetData>{rows_xml}</sheetData></worksheet>'


def test_a_workbook_that_another_program_wrote_is_read(path):
    book = Workbook()
    shown = book.active
    shown.append(["姓名", "手机", "余额", "开卡日期", "备注"])
    shown.append(["张三", 13812342046, 1280.5, moment(2024, 1, 2), "=1+1"])
    shown["E2"].data_type = "s"
    book.save(path)
    book.close()
    assert lines_of(path) == [
        (1, ["姓名", "手机", "余额", "开卡日期", "备注"]),
        (2, ["张三", 13812342046, 1280.5, moment(2024, 1, 2), "=1+1"]),
    ]


def test_missing_cells_and_rows_keep_their_places(path):
    write_workbook(path, {"会员": [["a", None, "c"], [], [None, "b"], [None, "  "]]})
    assert lines_of(path) == [(1, ["a", None, "c"]), (3, [None, "b"])]


@pytest.mark.parametrize(
    ("number", "style", "meant"),
    [
        (45293, DATE, moment(2024, 1, 2)),
        (45293, CHINESE_DATE, moment(2024, 1, 2)),
        (45293, CHINESE_31, moment(2024, 1, 2)),
        (45293.5625, DATE_TIME, moment(2024, 1, 2, 13, 30)),
        (1, DATE, moment(1900, 1, 1)),
        (0, DATE, time()),
        (1280.5, MONEY, 1280.5),
        (45293, MONEY, 45293),
        (7, SIX_DIGITS, "000007"),
        (7.5, SIX_DIGITS, 7.5),
        (1e12, DATE, BadCell("date_unreadable", "1000000000000.0")),
    ],
)
def test_a_number_means_what_its_style_shows(path, number, style, meant):
    assert cell_of(path, Styled(number, style)) == meant


@pytest.mark.parametrize("style", [MONTH_DAY, CHINESE_58])
def test_a_date_shown_without_its_year_is_told_apart(path, style):
    cell = cell_of(path, Styled(45293, style))
    assert isinstance(cell, YearHidden)
    assert (cell.month, cell.day) == (1, 2)


def test_days_are_counted_from_the_epoch_that_the_workbook_names(path):
    assert cell_of(path, Styled(45293, DATE), epoch_1904=True) == moment(2028, 1, 3)
    with read_table(path) as table:
        assert table.epoch_1904


@pytest.mark.parametrize(
    ("xml", "meant"),
    [
        ('<c r="{ref}" t="inlineStr"><is><t>张三</t></is></c>', "张三"),
        (RICH_TEXT, "张三"),
        ('<c r="{ref}" t="str"><f>A1</f><v>张三</v></c>', "张三"),
        ('<c r="{ref}" t="str"><f>""</f><v></v></c>', None),
        ('<c r="{ref}"><f>SUM(1,2)</f><v>3</v></c>', 3),
        ('<c r="{ref}"><f>SUM(1,2)</f></c>', BadCell("cell_formula_unsaved")),
        ('<c r="{ref}" t="e"><v>#REF!</v></c>', BadCell("cell_is_error", "#REF!")),
        ('<c r="{ref}" t="b"><v>1</v></c>', "TRUE"),
        ('<c r="{ref}" t="d"><v>2024-01-02T13:30:00</v></c>', moment(2024, 1, 2, 13, 30)),
        ('<c r="{ref}" t="d"><v>2024-01-02</v></c>', moment(2024, 1, 2)),
        ('<c r="{ref}"><v>1.3812342046E10</v></c>', 13812342046),
        ('<c r="{ref}"><v>nan</v></c>', BadCell("cell_is_error", "nan")),
        ('<c r="{ref}"><v>1e999</v></c>', BadCell("cell_is_error", "1e999")),
        (
            '<c r="{ref}" t="inlineStr"><is><t>a_x000D_&#10;b_x005F_x0041_</t></is></c>',
            "a\r\nb_x0041_",
        ),
        ('<c r="{ref}" s="3"/>', None),
        ("<c><v>5</v></c>", 5),
    ],
)
def test_every_kind_of_cell_is_read(path, xml, meant):
    assert cell_of(path, Raw(xml)) == meant


def test_a_prefixed_namespace_is_read(path):
    xml = (
        f'{HEAD}<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="2">'
        '<x:c r="B2" t="inlineStr"><x:is><x:t>张三</x:t></x:is></x:c>'
        "</x:row></x:sheetData></x:worksheet>"
    )
    write_workbook(path, {"会员": []}, parts={SHEET1: xml})
    assert lines_of(path) == [(2, [None, "张三"])]


def test_a_workbook_without_styles_and_shared_texts_is_read(path):
    relations = (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/worksheet" Target="/xl/worksheets/sheet1.xml"/></Relationships>'
    )
    write_workbook(path, {"会员": [[1, 2]]}, parts={"xl/_rels/workbook.xml.rels": relations})
    assert lines_of(path) == [(1, [1, 2])]


def test_the_first_sheet_with_something_in_it_is_read(path):
    rows = [["姓名", "手机"], ["张三", "138"]]
    write_workbook(
        path, {"字典": [["男"], ["女"]], "空": [[" "]], "会员": rows}, hidden=["字典"]
    )
    with read_table(path) as table:
        assert table.sheet == "会员"
        assert table.sheets == ("字典", "空", "会员")
    assert lines_of(path, sheet="字典 ") == [(1, ["男"]), (2, ["女"])]


def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(path):
    write_workbook(path, {"甲": [[1]], "乙": [[2]]})
    with pytest.raises(Refused, match="import_sheet_absent") as caught:
        read_table(path, sheet="丙")
    assert caught.value.facts == {"sheet": "丙", "sheets": "甲、乙"}


def test_a_workbook_without_rows_is_refused(path):
    write_workbook(path, {"甲": [], "乙": [[None, " "]]})
    with pytest.raises(Refused, match="import_no_rows"):
        read_table(path)


def test_a_long_text_is_marked_and_its_row_goes_on(path):
    fits, long = "长" * CELL_CHARS_MAX, "长" * (CELL_CHARS_MAX + 500)
    inline = Raw('<c r="{ref}" t="inlineStr"><is><t>' + long + "</t></is></c>")
    write_workbook(path, {"会员": [[fits, long, inline, "x"]]})
    [(_, cells)] = lines_of(path)
    assert cells[0] == fits
    assert [cell.code for cell in cells[1:3]] == ["cell_too_long", "cell_too_long"]
    assert cells[3] == "x"


def test_empty_cells_far_to_the_right_do_not_count_as_columns(path):
    far = Raw('<c r="XFD{ref}" s="1"/>'.replace("{ref}", "1"))
    write_workbook(path, {"会员": [["a", far]]})
    assert lines_of(path) == [(1, ["a"])]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ('<row r="1"><c r="XFD1"><v>1</v></c></row>', "import_columns_too_many"),
        (f'<row r="{LINES_MAX + 1}"><c><v>1</v></c></row>', "import_rows_too_many"),
        ('<row r="99999999999"><c><v>1</v></c></row>', "import_rows_too_many"),
        (
            '<row r="2"><c><v>1</v></c></row><row r="1"><c><v>2</v></c></row>',
            "import_xlsx_broken",
        ),
        ('<row r="1"><c t="s"><v>7</v></c></row>', "import_xlsx_broken"),
        ('<row r="1"><c><v>one</v></c></row>', "import_xlsx_broken"),
        ('<row r="1"><c r="?1"><v>1</v></c></row>', "import_xlsx_broken"),
        ('<row r="1"><c r="A1" s="x"><v>1</v></c></row>', "import_xlsx_broken"),
        ('<row r="1"><c r="A1"><v>1</v></row>', "import_xlsx_broken"),
    ],
)
def test_a_sheet_that_no_good_program_writes_is_refused(path, rows, code):
    write_workbook(path, {"会员": []}, parts={SHEET1: sheet(rows)})
    with pytest.raises(Refused) as caught:
        lines_of(path)
    assert caught.value.code == code


def test_column_200_is_read(path):
    write_workbook(path, {"会员": [[*[None] * (COLUMNS_MAX - 1), "x"]]})
    assert lines_of(path)[0][1][-1] == "x"


def test_titles_above_and_merged_groups_over_the_headings_are_understood(path):
    write_workbook(
        path,
        {
            "会员": [
                ["丽人美容会员资料"],
                [],
                ["导出时间：2026-06-30"],
                ["会员姓名", "联系电话", "储值", None, "赠送", None],
                [None, None, "本金", "次数", "余额", "赠送时间"],
                ["张三", "13812342046", 1280.5, 3, 100],
            ]
        },
    )
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS)
        shown = preview(table, MEMBERS, today=TODAY)
    # 赠送时间 is no known heading, so the two rows are not one, and the names row stands alone.
    assert mapping.line == 4
    assert shown.mapping == mapping


def test_two_heading_rows_are_joined_when_the_lower_is_all_headings(path):
    write_workbook(
        path,
        {
            "会员": [
                ["丽人美容会员资料"],
                ["会员姓名", "联系电话", "储值", None, "赠送", None],
                [None, None, "本金", "次数", "余额"],
                ["张三", "13812342046", 1280.5, 3, 100],
            ]
        },
    )
    with read_table(path) as table:
        shown = preview(table, MEMBERS, today=TODAY)
    assert shown.mapping.line == 3
    [row] = shown.rows
    assert (row.principal, row.punches, row.bonus) == (128050, 3, 10000)


def test_the_same_rows_can_be_read_twice(path):
    write_workbook(path, {"项目": [["名称", "价格"], ["护理", 198]]})
    with read_table(path) as table:
        assert (
            preview(table, ITEMS, today=TODAY).rows == preview(table, ITEMS, today=TODAY).rows
        )
        assert len(list(table.rows())) == 2

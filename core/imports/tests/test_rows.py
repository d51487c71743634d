import json
from datetime import date

import msgspec
import pytest

from core.imports import ITEMS, MEMBERS, BadRow, find_mapping, preview, read_rows, read_table
from core.imports.fields import row_key
from core.imports.tests.messy import TODAY
from core.imports.tests.raw_xlsx import DATE, MONEY, MONTH_DAY, Raw, Styled, write_workbook


def read(tmp_path, rows, schema=MEMBERS, *, headings=None, overrides=None):
    path = tmp_path / "list.xlsx"
    titles = headings or ["会员编号", "卡号", "姓名", "手机", "余额", "赠金", "生日"]
    write_workbook(path, {"资料": [titles, *rows]})
    with read_table(path) as table:
        mapping = find_mapping(table, schema, overrides)
        return list(read_rows(table, schema, mapping, today=TODAY))


def errors_of(bad):
    assert isinstance(bad, BadRow)
    return [(error.line, error.field, error.code) for error in bad.errors]


def test_a_row_becomes_typed_values(tmp_path):
    [row] = read(
        tmp_path,
        [
            [
                "M01",
                80010203,
                " 张三 ",
                13812342046.0,
                Styled(1280.5, MONEY),
                "¥100",
                Styled(45293, MONTH_DAY),
            ]
        ],
    )
    assert (row.line, row.number, row.card, row.name) == (2, "M01", "80010203", "张三")
    assert (row.phone, row.principal, row.bonus) == ("13812342046", 128050, 10000)
    assert (row.birthday, row.joined_on, row.points, row.note) == ("01-02", None, 0, "")


def test_all_fields_of_a_member(tmp_path):
    from core.imports import MemberRow

    values = {
        "会员号": ("number", "M1", "M1"),
        "卡号": ("card", "80 01", "8001"),
        "姓名": ("name", "张三", "张三"),
        "手机": ("phone", "13812342046", "13812342046"),
        "性别": ("gender", "女士", "female"),
        "生日": ("birthday", "1990年5月2日", "1990-05-02"),
        "等级": ("level", "金卡", "金卡"),
        "类别": ("category", "美容", "美容"),
        "本金": ("principal", "1,280.5", 128050),
        "赠金": ("bonus", "100", 10000),
        "积分": ("points", "1,200", 1200),
        "剩余次数": ("punches", "3次", 3),
        "开卡日期": ("joined_on", Styled(45293, DATE), date(2024, 1, 2)),
        "有效期": ("expires_on", "2030/1/2", date(2030, 1, 2)),
        "状态": ("status", "正常", "正常"),
        "门店": ("store", "总店", "总店"),
        "顾问": ("staff", "小王", "小王"),
        "推荐人": ("referrer", "李四", "李四"),
        "微信": ("wechat", "wx_1", "wx_1"),
        "邮箱": ("email", "a@b.cn", "a@b.cn"),
        "地址": ("address", "人民路 1 号", "人民路 1 号"),
        "备注": ("note", "一\n二", "一\n二"),
    }
    [row] = read(tmp_path, [[cell for _, cell, _ in values.values()]], headings=list(values))
    told = {name: getattr(row, name) for name in MemberRow.__struct_fields__}
    told.pop("line")
    told.pop("row_key")
    assert told == {name: value for name, _, value in values.values()}
    assert json.loads(msgspec.json.encode(row))["joined_on"] == "2024-01-02"


def test_all_fields_of_an_item(tmp_path):
    headings = [
        "编码",
        "条码",
        "名称",
        "类型",
        "分类",
        "品牌",
        "规格",
        "单位",
        "原价",
        "会员价",
    ]
    cells = ["F01", 6901234567892, "面部护理", "服务", "面部", "自有", "60ml", "次", 198, 168.5]
    more = {"成本": "50.00", "库存": "12", "时长(分钟)": 60, "备注": "热卖"}
    [row] = read(tmp_path, [[*cells, *more.values()]], ITEMS, headings=[*headings, *more])
    assert (row.number, row.barcode, row.name, row.kind) == (
        "F01",
        "6901234567892",
        "面部护理",
        "service",
    )
    assert (row.category, row.brand, row.specification, row.unit) == (
        "面部",
        "自有",
        "60ml",
        "次",
    )
    assert (row.price, row.member_price, row.cost) == (19800, 16850, 5000)
    assert (row.stock, row.minutes, row.note) == (12, 60, "热卖")


def test_an_item_tells_no_price_from_nothing_and_needs_one(tmp_path):
    headings = ["名称", "价格", "会员价", "库存"]
    rows = [
        ["赠品", 0, None, None],
        ["护理", None, 1, 1],
        ["套盒", 5, 0, 0],
        ["坏", "面议", 1, 1],
    ]
    free, bad, boxed, unreadable = read(tmp_path, rows, ITEMS, headings=headings)
    assert (free.price, free.member_price, free.stock) == (0, None, None)
    assert errors_of(bad) == [(3, "price", "text_missing")]
    assert (boxed.member_price, boxed.stock) == (0, 0)
    assert errors_of(unreadable) == [(5, "price", "amount_unreadable")]


def test_a_bad_row_tells_all_that_is_wrong_and_the_others_go_on(tmp_path):
    rows = [
        ["M1", "", "张三", "13812342046", 1],
        ["M2", "", "", "138", -1, "x", "2024-02-30"],
        [],
        ["M3", "", "李四", "13912342046", 2],
    ]
    first, bad, last = read(tmp_path, rows)
    assert (first.name, first.line, last.name, last.line) == ("张三", 2, "李四", 5)
    assert errors_of(bad) == [
        (3, "phone", "phone_invalid"),
        (3, "principal", "amount_negative"),
        (3, "bonus", "amount_unreadable"),
        (3, "birthday", "date_not_real"),
        (3, "name", "text_missing"),
    ]
    assert bad.cells == ("M2", None, None, "138", -1, "x", "2024-02-30")
    assert bad.errors[1].facts == {"amount_cents": -100}


def test_a_row_without_any_key_is_refused(tmp_path):
    [bad] = read(tmp_path, [[None, "-", "张三", "无", 5]])
    assert errors_of(bad) == [(2, "", "row_has_no_key")]


def test_a_bad_key_is_not_a_missing_one_as_well(tmp_path):
    [bad] = read(tmp_path, [[None, None, "张三", "138"]])
    assert errors_of(bad) == [(2, "phone", "phone_invalid")]


@pytest.mark.parametrize(
    ("first", "second", "fields"),
    [
        (["M1", "C1", "甲", "13812342046"], ["M2", "C2", "乙", "138 1234 2046"], ["phone"]),
        (["M1", "C1", "甲", "13812342046"], ["M2", "c 1", "乙", "13912342046"], ["card"]),
        (["m1", "C1", "甲", None], ["M1", "C2", "乙", None], ["number"]),
        (
            ["M1", "C1", "甲", "13812342046"],
            ["M1", "C1", "甲", "13812342046"],
            ["number", "card", "phone"],
        ),
    ],
)
def test_what_comes_twice_is_reported_on_the_later_line(tmp_path, first, second, fields):
    good, bad = read(tmp_path, [first, second])
    assert good.name == "甲"
    assert errors_of(bad) == [(3, field, "duplicate_in_file") for field in fields]
    assert {error.facts["earlier"] for error in bad.errors} == {2}


def test_a_bad_row_holds_its_phone_against_later_ones(tmp_path):
    rows = [["M1", None, None, "13812342046"], ["M2", None, "乙", "13812342046"]]
    first, second = read(tmp_path, rows)
    assert errors_of(first) == [(2, "name", "text_missing")]
    assert errors_of(second) == [(3, "phone", "duplicate_in_file")]


def test_blanks_and_placeholders_are_no_duplicates(tmp_path):
    rows = [["-", "无", f"张{n}", f"1381234204{n}"] for n in range(5)]
    assert [row.name for row in read(tmp_path, rows)] == [f"张{n}" for n in range(5)]


def test_totals_and_headings_that_come_again_are_told_apart(tmp_path):
    headings = ["会员编号", "卡号", "姓名", "手机", "余额", "赠金", "生日"]
    rows = [
        ["M1", None, "张三", "13812342046", 1],
        headings,
        ["合 计：", None, None, None, 12345.67],
        [None, None, "小计", None, 5],
        [None, None, "Sum", "13912342046", 5],
    ]
    good, again, total, part, person = read(tmp_path, rows)
    assert errors_of(again) == [(3, "", "row_repeats_headings")]
    assert errors_of(total) == [(4, "", "row_is_total")]
    assert errors_of(part) == [(5, "", "row_is_total")]
    assert (good.name, person.name) == ("张三", "Sum")


def test_cells_that_a_spreadsheet_could_not_compute_are_refused(tmp_path):
    unsaved = Raw('<c r="{ref}"><f>SUM(A1)</f></c>')
    error = Raw('<c r="{ref}" t="e"><v>#N/A</v></c>')
    [bad] = read(tmp_path, [["M1", None, "张三", "13812342046", unsaved, error]])
    assert errors_of(bad) == [
        (2, "principal", "cell_formula_unsaved"),
        (2, "bonus", "cell_is_error"),
    ]


def test_faults_in_columns_that_are_not_read_do_not_matter(tmp_path):
    error = Raw('<c r="{ref}" t="e"><v>#N/A</v></c>')
    headings = ["姓名", "手机", "血型"]
    [row] = read(tmp_path, [["张三", "13812342046", error]], headings=headings)
    assert row.name == "张三"


def test_a_total_balance_must_be_principal_and_bonus(tmp_path):
    headings = ["姓名", "手机", "余额", "本金", "赠金"]
    rows = [
        ["甲", "13812342041", 150, 100, 50],
        ["乙", "13812342042", 150, 100, 40],
        ["丙", "13812342043", None, 100, 40],
    ]
    good, bad, untold = read(tmp_path, rows, headings=headings)
    assert (good.principal, good.bonus) == (10000, 5000)
    assert errors_of(bad) == [(3, "principal", "amounts_disagree")]
    assert bad.errors[0].facts == {
        "total_cents": 15000,
        "principal_cents": 10000,
        "bonus_cents": 4000,
    }
    assert (untold.principal, untold.bonus) == (10000, 4000)


def test_a_total_without_principals_is_parted(tmp_path):
    rows = [["甲", "13812342041", 150, 50], ["乙", "13812342042", 30, 50]]
    for heading, overrides in (("总余额", None), ("余额", {"余额": "total"})):
        headings = ["姓名", "手机", heading, "赠金"]
        good, bad = read(tmp_path, rows, headings=headings, overrides=overrides)
        assert (good.principal, good.bonus) == (10000, 5000)
        assert errors_of(bad) == [(3, "principal", "amounts_disagree")]


def test_a_balance_beside_a_bonus_is_the_principal(tmp_path):
    headings = ["姓名", "手机", "余额", "赠金"]
    [row] = read(tmp_path, [["甲", "13812342041", 150, 50]], headings=headings)
    assert (row.principal, row.bonus) == (15000, 5000)


def test_the_same_member_has_the_same_key_however_the_row_is_written(tmp_path):
    headings = ["姓名", "手机", "余额", "生日", "血型"]
    [first] = read(
        tmp_path, [["张三", "13812342046", 1280.5, "1990年5月2日"]], headings=headings
    )
    moved = ["手机", "余额", "会员姓名", "出生日期", "积分"]
    again = ["138-1234-2046", "¥1,280.50元", " 张三", "1990/5/2", "0"]
    [second] = read(tmp_path, [[], again], headings=moved)
    assert first.row_key == second.row_key
    assert first.line != second.line
    assert len(first.row_key) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"name": "李四"},
        {"phone": "13912342046"},
        {"principal": 1},
        {"note": "x"},
        {"points": 1},
    ],
)
def test_another_member_has_another_key(change):
    defaults = {field.name: field.default for field in MEMBERS.fields}
    values = {"name": "张三", "phone": "13812342046"}
    key = row_key("member", values, defaults)
    assert key != row_key("member", values | change, defaults)
    assert key != row_key("item", values, defaults)
    assert key == row_key("member", {"phone": values["phone"], "note": "", **values}, defaults)


def test_a_key_is_the_same_in_every_version():
    defaults = {field.name: field.default for field in MEMBERS.fields}
    values = {
        "name": "张三",
        "phone": "13812342046",
        "joined_on": date(2024, 1, 2),
        "points": 0,
    }
    # Stores keep these keys: a change here would import everybody a second time.
    assert row_key("member", values, defaults) == KEY


KEY = "6a91f269a8c6a6afdbe5879e4be8872c517c08e31fda2beb628b7fa3e6ebea1f"


def test_a_preview_shows_the_first_rows_and_the_columns(tmp_path):
    path = tmp_path / "list.xlsx"
    people = [[f"张{n}", f"1381234204{n}" if n else "138", "A"] for n in range(9)]
    write_workbook(path, {"资料": [["姓名", "手机", "血型"], *people], "别的": [[1]]})
    with read_table(path) as table:
        shown = preview(table, MEMBERS, today=TODAY)
        named = preview(table, MEMBERS, today=TODAY, overrides={"血型": "note"})
    assert (shown.sheet, shown.sheets) == ("资料", ("资料", "别的"))
    assert [column.heading for column in shown.mapping.unmapped] == ["血型"]
    assert len(shown.rows) == 5
    assert errors_of(shown.rows[0]) == [(2, "phone", "phone_invalid")]
    assert [row.name for row in shown.rows[1:]] == ["张1", "张2", "张3", "张4"]
    assert named.rows[1].note == "A"

import csv
import stat

import pytest

from core.imports import (
    MEMBERS,
    ROW_REFUSALS,
    BadRow,
    Rejects,
    RowError,
    find_mapping,
    read_rows,
    read_table,
    rejects_path,
    tell,
)
from core.imports.tests.messy import TODAY, write_members


def import_all(path, **options):
    """Read a file and write its rejects, as an import does; return the good rows and rejects."""
    good = []
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS)
        with Rejects(path, MEMBERS, mapping, **options) as rejects:
            for row in read_rows(table, MEMBERS, mapping, today=TODAY):
                if isinstance(row, BadRow):
                    rejects.write(row)
                else:
                    good.append(row)
    return good, rejects


def cells_of(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "会员.csv"


def test_rejected_rows_are_written_with_line_and_reason(path):
    path.write_text(
        "姓名,手机,余额,血型\n张三,138,-5,A\n李四,13812342046,1,B\n王五,无,1,O\n", "utf-8"
    )
    good, rejects = import_all(path)
    assert [row.name for row in good] == ["李四"]
    assert rejects.count == 2
    assert rejects.path == rejects_path(path) == path.with_name("会员.rejected.csv")
    assert cells_of(rejects.path) == [
        ["原文件行号", "未导入原因", "姓名", "手机", "余额", "血型"],
        [
            "2",
            "手机号码：“138”不是正确的电话号码；座机请加区号 / 本金余额：金额 −5.00 元小于零；欠款请不要写成余额",
            "张三",
            "138",
            "'-5",
            "A",
        ],
        [
            "4",
            "手机号码 (Phone) / 会员卡号 (Card No.) / 会员编号 (Member No.)至少填一项，否则认不出是谁",
            "王五",
            "无",
            "1",
            "O",
        ],
    ]
    assert rejects.path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert stat.S_IMODE(rejects.path.stat().st_mode) == 0o600


def test_no_cell_of_the_report_is_a_formula(path):
    evil = ["=1+1", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠x", "\t=1", "'=1", " =1"]
    rows = "".join(f'"{cell}",138,"{cell}"\n' for cell in evil)
    path.write_text("姓名,手机,=cmd|' /C calc'!A0\n" + rows, "utf-8")
    _, rejects = import_all(path)
    rows = cells_of(rejects.path)
    assert len(rows) == len(evil) + 1
    for row in rows:
        for cell in row:
            assert cell.lstrip()[:1] not in set("=+-@＝＋－＠")


def test_mended_rejects_are_imported_and_the_rest_is_not_touched(path):
    path.write_text("姓名,手机,备注\n张三,138,=好\n李四,13812342046,\n", "utf-8")
    _, rejects = import_all(path)
    text = rejects.path.read_text("utf-8-sig").replace('"138"', '"13912342046"')
    rejects.path.write_text(text, "utf-8-sig")
    [mended], again = import_all(rejects.path)
    assert (mended.name, mended.phone, mended.note) == ("张三", "13912342046", "=好")
    assert again.count == 0
    assert not again.path.exists()


def test_without_bad_rows_there_is_no_report_and_an_old_one_goes(path):
    path.write_text("姓名,手机\n张三,138\n", "utf-8")
    import_all(path)
    assert rejects_path(path).exists()
    path.write_text("姓名,手机\n张三,13812342046\n", "utf-8")
    import_all(path)
    assert list(path.parent.iterdir()) == [path]


def test_an_import_that_stops_leaves_no_half_report(path):
    path.write_text("姓名,手机\n张三,138\n李四,139\n", "utf-8")
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS)
        bad = next(read_rows(table, MEMBERS, mapping, today=TODAY))

    def stopped_half_way():
        with Rejects(path, MEMBERS, mapping) as rejects:
            rejects.write(bad)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_half_way()
    assert list(path.parent.iterdir()) == [path]


def test_reasons_are_told_in_the_language_of_the_reader(path):
    path.write_text("姓名,手机\n张三,138\n", "utf-8")
    words = {
        "原文件行号": "Line",
        "未导入原因": "Reason",
        "手机号码": "Phone",
        "%(field)s：%(reason)s": "%(field)s: %(reason)s",
        ROW_REFUSALS["phone_invalid"].sentence: "“%(value)s” is not a phone number",
    }
    _, rejects = import_all(path, translate=lambda sentence: words[sentence])
    assert cells_of(rejects.path) == [
        ["Line", "Reason", "姓名", "手机"],
        ["2", "Phone: “138” is not a phone number", "张三", "138"],
    ]


def test_amounts_are_told_in_yuan():
    facts = {"total_cents": 123456, "principal_cents": 100, "bonus_cents": 5}
    error = RowError(7, "principal", "amounts_disagree", facts)
    assert tell(error, MEMBERS) == (
        "本金余额：总余额 1,234.56 元不等于本金 1.00 元加赠金 0.05 元"
    )


@pytest.mark.parametrize(
    ("name", "encoding"), [("m.csv", "gb18030"), ("m.csv", "utf-8"), ("m.xlsx", "")]
)
def test_every_bad_row_of_a_messy_list_is_in_the_report_and_no_other(tmp_path, name, encoding):
    path = tmp_path / name
    expected = write_members(path, 2_000, 0.05, seed=11, encoding=encoding or "utf-8")
    good, rejects = import_all(path)
    assert len(good) == expected.good
    lines = [int(row[0]) for row in cells_of(rejects.path)[1:]]
    assert lines == list(expected.bad_lines)
    assert all(row[1] for row in cells_of(rejects.path))

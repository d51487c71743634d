"""Lists go in once, with every bad row told, and come out as they went in."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from core.imports import MEMBERS, BadRow, find_mapping, read_rows, read_table
from core.imports.tests.messy import TODAY, write_members
from tests.started import assert_sound, reading, seed

ROOT = Path(__file__).parents[3]
ROWS = 300
RUN_S = 120


def run(folder, *words):
    """Run the program as an operator does."""
    done = subprocess.run(
        [sys.executable, "-m", "hub", "admin", *words, "--data", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def what(path):
    """Return what a list says, row by row, whatever its line numbers and form."""
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS)
        rows = list(read_rows(table, MEMBERS, mapping, today=TODAY))
    assert not [row for row in rows if isinstance(row, BadRow)]
    return sorted(row.row_key for row in rows)


@pytest.mark.feature("MEM-18")
def test_a_messy_list_goes_in_once_and_comes_out_unchanged(tmp_path):
    shop = seed(tmp_path / "hub")
    old = tmp_path / "members.csv"
    listed = write_members(old, ROWS, 0.03, 5)

    dry = run(shop.folder, "import", "members", str(old), "--dry-run")
    assert f"可导入 {listed.good} 行" in dry
    with reading(shop.folder) as db:
        assert db.value("SELECT count(*) FROM member") == 0

    first = run(shop.folder, "import", "members", str(old), "--yes")
    assert f"新增 {listed.good} 行" in first
    with (tmp_path / "members.rejected.csv").open(encoding="utf-8-sig", newline="") as told:
        rejected = list(csv.reader(told))
    assert len(rejected) == listed.bad + 1
    with reading(shop.folder) as db:
        held = db.all("SELECT asset, SUM(amount) AS total FROM holding GROUP BY asset")
        sums = {row["asset"]: row["total"] for row in held}
    assert sums["principal"] == listed.principal_cents
    assert sums["bonus"] == listed.bonus_cents
    assert sums["points"] == listed.points

    again = run(shop.folder, "import", "members", str(old), "--yes")
    assert "新增 0 行" in again
    assert_sound(shop.folder)

    for name in ("out.csv", "out.xlsx"):
        run(shop.folder, "export", "members", str(tmp_path / name))
    assert what(tmp_path / "out.csv") == what(tmp_path / "out.xlsx")
    other = seed(tmp_path / "other")
    run(other.folder, "import", "members", str(tmp_path / "out.xlsx"), "--yes")
    run(other.folder, "export", "members", str(tmp_path / "again.csv"))
    assert what(tmp_path / "again.csv") == what(tmp_path / "out.csv")


def test_items_go_in_with_categories_prices_and_stock(tmp_path):
    shop = seed(tmp_path / "hub")
    old = tmp_path / "items.csv"
    old.write_bytes(
        "编号,名称,类别,单位,价格,会员价,库存,条码\n"
        "901,艾草足疗,足疗,次,¥128.00,99元,,\n"
        "902,护手霜,养生用品,支,58,48,20,6930000000017\n"
        "903,坏行,足疗,次,一百,,,\n".encode("gb18030")
    )
    said = run(shop.folder, "import", "items", str(old), "--yes")
    assert "新增 2 行" in said
    assert "第 4 行" in said
    assert "新增 0 行" in run(shop.folder, "import", "items", str(old), "--yes")
    with reading(shop.folder) as db:
        cream = db.one(
            """SELECT i.*, s.on_hand, c.name AS heading FROM item i
                 JOIN stock s ON s.item = i.id JOIN category c ON c.id = i.category
                WHERE i.code = '902'"""
        )
        assert (cream["price"], cream["member_price"], cream["on_hand"]) == (5_800, 4_800, 20)
        assert (cream["kind"], cream["unit"], cream["heading"]) == ("product", "支", "养生用品")
        assert db.value("SELECT kind FROM item WHERE code = '901'") == "service"


def test_a_name_and_a_phone_that_are_there_already_are_told(shop, tmp_path):
    shop.member("李慧敏", "13812342046")
    listed = tmp_path / "m.csv"
    listed.write_text("姓名,手机\n王五,13812342046\n赵六,13900001111\n", "utf-8")
    said = run(shop.box.folder, "import", "members", str(listed), "--yes")
    assert "新增 1 行" in said
    assert "已登记给" in (tmp_path / "m.rejected.csv").read_text("utf-8-sig")


def test_a_file_that_is_no_list_is_refused_in_words(shop, tmp_path):
    picture = tmp_path / "members.xlsx"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "hub",
            "admin",
            "import",
            "members",
            str(picture),
            "--data",
            str(shop.box.folder),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Error" in done.stderr

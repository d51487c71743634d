"""An operator takes a list in and out at the server itself."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from cloud.app import open_cloud
from cloud.edits.tests.desk import Desk
from cloud.imports.tests.test_lists import ITEMS_CSV, MEMBERS_CSV, what

pytestmark = pytest.mark.wide

ROOT = Path(__file__).parents[3]
RUN_S = 120
LATER = date(2100, 1, 1)
"""The program reads the real clock; whatever day it is, nobody joined in the future."""


def run(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "cloud", "admin", *words, "--data", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def said(folder, *words):
    done = run(folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_lists_go_in_by_command_and_out_again(tmp_path):
    folder = tmp_path / "cloud"
    desk = Desk(folder)
    merchant = desk.merchant.id
    desk.close()
    members, items = tmp_path / "members.csv", tmp_path / "items.csv"
    members.write_text(MEMBERS_CSV, "utf-8")
    items.write_text(ITEMS_CSV, "utf-8")
    whose = ("--merchant", merchant)

    dry = said(folder, "import", "members", str(members), *whose, "--dry-run")
    assert "可导入 2 行，不能导入 2 行" in dry
    first = said(folder, "import", "members", str(members), *whose, "--store", "b", "--yes")
    assert "新增 2 行，已有 0 行，未导入 2 行" in first
    assert "新增 0 行，已有 2 行" in said(
        folder, "import", "members", str(members), *whose, "--yes"
    )
    assert "新增 2 行" in said(folder, "import", "items", str(items), *whose, "--yes")
    told = (tmp_path / "items.rejected.csv").read_text("utf-8-sig")
    assert "会员价不能高于门市价" in told

    for name in ("out.csv", "out.xlsx"):
        assert "写出 2 行" in said(folder, "export", "members", str(tmp_path / name), *whose)
    assert what(tmp_path / "out.csv", LATER) == what(tmp_path / "out.xlsx", LATER)
    platform = open_cloud(folder)
    with platform.merchant(merchant).door.read() as db:
        assert {row["store"] for row in db.all("SELECT store FROM member")} == {"s2"}
        assert db.value("SELECT count(*) FROM item") == 3
    platform.close()


def test_a_command_that_cannot_be_done_says_why_in_one_line(tmp_path):
    folder = tmp_path / "cloud"
    desk = Desk(folder)
    merchant = desk.merchant.id
    desk.close()
    listed = tmp_path / "members.csv"
    listed.write_text(MEMBERS_CSV, "utf-8")
    for words, reason in (
        (("import", "members", str(listed), "--merchant", "nobody00"), "没有这个商户"),
        (
            ("import", "members", str(listed), "--merchant", merchant, "--store", "Z"),
            "没有代号为 Z 的门店",
        ),
        (("import", "items", str(tmp_path / "no.csv"), "--merchant", merchant), "找不到文件"),
        (("export", "items", str(tmp_path / "x.pdf"), "--merchant", merchant), "FILE.csv"),
    ):
        done = run(folder, *words)
        assert done.returncode != 0
        assert reason in done.stderr
        assert "Traceback" not in done.stderr

"""A shop backed up to a folder comes back whole on a blank machine, and only there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.backup import BadBackup, new_recovery_key
from core.clock import DAY_MS
from core.journal import drain_all
from core.organisation import stores
from core.room import room_of
from hub import fence
from hub.__main__ import hub
from hub.app import open_hub
from hub.backup import (
    Daily,
    NotBlank,
    back_up,
    backups,
    make_recovery_key,
    restore,
    set_daily_folder,
    verify_backup,
)
from hub.backup.daily import daily_folder
from hub.wallet import balance
from tests.architecture.sources import ROOT


def copied(shop, folder):
    folder.mkdir(exist_ok=True)
    made = back_up(shop.box, folder, open_at=open_hub, version="0.1")
    return Path(made.file)


def tables(box):
    drain_all(box.door, box.parts)
    with box.door.read() as db:
        return {
            name: [
                tuple(row) for row in db.all(f"SELECT * FROM {name} ORDER BY {', '.join(key)}")
            ]
            for name, key in sorted(box.parts.tables.items())
        }


def run(*words, data=None, code=0):
    known = ["admin", *map(str, words)]
    if data is not None:
        known += ["--data", str(data)]
    done = CliRunner().invoke(hub, known, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def sold(shop):
    shop.open_shift()
    member = shop.member()
    shop.top_up(member, 100_000)
    shop.sale("i1", member=member, tender="stored_value")
    return member


def test_a_lone_shop_comes_back_with_every_balance_and_goes_on(tmp_path, shop, sold):
    key = make_recovery_key(shop.box)
    file = copied(shop, tmp_path / "usb")
    before, head = tables(shop.box), shop.ask(shop.box.journal.head)
    here = shop.ask(lambda db: balance(db, shop.box.act(db), sold))
    restore(file, tmp_path / "new", keys=[key], open_at=open_hub)
    box = open_hub(tmp_path / "new", clock=shop.box.journal.clock)
    try:
        assert tables(box) == before
        assert box.findings() == []
        with box.door.read() as db:
            assert box.journal.head(db) == head
            assert balance(db, box.act(db), sold) == here
            assert stores(db)
            assert fence.fence(db) is None
            waiting = "SELECT COUNT(*) FROM print_job WHERE state IN ('queued', 'claimed')"
            assert db.value(waiting) == 0
        with shop.box.door.read() as db:
            assert db.value(waiting) > 0
    finally:
        box.close()


def test_a_joined_box_writes_nothing_before_head_office_was_heard(tmp_path, shop, sold):
    shutil.copy(ROOT / "pyproject.toml", shop.box.folder / "link.json")
    file = copied(shop, tmp_path / "usb")
    restore(file, tmp_path / "new", keys=[], open_at=open_hub)
    assert (tmp_path / "new" / "secrets" / "link.key").stat().st_size == 32
    box = open_hub(tmp_path / "new")
    try:
        with box.door.read() as db:
            held = fence.fence(db)
        assert (held.state, held.reason) == (fence.TAKING_UP, "restored")
    finally:
        box.close()


def test_the_box_cannot_open_what_it_has_sealed(tmp_path, shop, sold):
    key = make_recovery_key(shop.box)
    file = copied(shop, tmp_path / "usb")
    raw = file.read_bytes()
    assert shop.box.database_key not in raw
    assert "李慧敏".encode() not in raw
    for keys in ([], [new_recovery_key()]):
        with pytest.raises(BadBackup):
            verify_backup(file, keys=keys, open_at=open_hub)
    verify_backup(file, keys=[key], open_at=open_hub)


def test_a_shop_is_never_overwritten_nor_one_whose_programs_run(tmp_path, shop, sold):
    file = copied(shop, tmp_path / "usb")
    with pytest.raises(NotBlank, match="is a shop"):
        restore(file, shop.box.folder, keys=[], open_at=open_hub)
    blank = tmp_path / "blank"
    jobs = subprocess.Popen(
        [sys.executable, "-m", "hub", "jobs", "--data", str(blank)], cwd=ROOT
    )
    try:
        ends_at = time.monotonic() + 30
        while not (blank / "run" / "jobs.bell").exists() and time.monotonic() < ends_at:
            time.sleep(0.05)
        with pytest.raises(NotBlank, match="jobs"):
            restore(file, blank, keys=[], open_at=open_hub)
    finally:
        jobs.terminate()
        jobs.wait(20)
    # A blank box that has stopped is set aside, and nothing of it is lost.
    was = open_hub(blank)
    origin = was.journal.identity.origin
    was.close()
    restore(file, blank, keys=[], open_at=open_hub)
    box = open_hub(blank)
    try:
        assert box.journal.identity.origin == shop.box.journal.identity.origin != origin
    finally:
        box.close()
    (aside,) = blank.glob("before-restore-*")
    assert {"hub.db", "secrets"} <= {path.name for path in aside.iterdir()}


def test_a_backup_that_is_spoilt_changes_nothing(tmp_path, shop, sold):
    file = copied(shop, tmp_path / "usb")
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(BadBackup):
        restore(file, tmp_path / "new", keys=[], open_at=open_hub)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_journal_that_was_tampered_with_is_not_told_as_read_back(tmp_path, shop, sold):
    shop.box.door.write(
        lambda tx: tx.run("UPDATE journal SET raw = CAST(raw || ' ' AS BLOB) WHERE seq = 3")
    )
    with pytest.raises(BadBackup, match="not what was chained"):
        copied(shop, tmp_path / "usb")
    (noted,) = shop.ask(backups)
    assert noted.verified_at is None


def test_a_backup_is_due_once_a_day_and_only_while_the_medium_is_there(
    tmp_path, shop, sold, monkeypatch
):
    daily = Daily(shop.box, open_hub)
    assert daily.due() is None
    usb = tmp_path / "usb"
    usb.mkdir()
    shop.box.door.write(lambda tx: set_daily_folder(tx, shop.box, usb))
    assert daily.due() == usb
    daily.look(room_of(shop.box.folder))
    daily.finish()
    (made,) = shop.ask(backups)
    assert made.verified_at is not None
    assert daily.due() is None
    shop.box.journal.clock.raise_floor(made.made_at + DAY_MS)
    assert daily.due() == usb
    usb.rename(tmp_path / "pulled")
    assert daily.due() is None


def test_old_daily_backups_go_and_those_of_another_box_stay(tmp_path, shop, sold):
    usb = tmp_path / "usb"
    usb.mkdir()
    shop.box.door.write(lambda tx: set_daily_folder(tx, shop.box, usb))
    origin = shop.box.journal.identity.origin
    for day in range(1, 29):
        (usb / f"dianshu-hub-{origin}-00000-202001{day:02}T000000Z.tar.zst").touch()
    (usb / "dianshu-hub-ffffffffffffffff-00001-20200101T000000Z.tar.zst").touch()
    daily = Daily(shop.box, open_hub)
    daily.look(room_of(shop.box.folder))
    daily.finish()
    mine = sorted(path.name for path in usb.glob(f"dianshu-hub-{origin}-*"))
    # Seven days with the new one, and of four weeks the one that no day of them is in.
    assert len(mine) == 8
    assert Path(shop.ask(backups)[0].file).name == mine[-1]
    assert len(list(usb.glob("*ffffffffffffffff*"))) == 1


@pytest.mark.feature("SYS-04")
@pytest.mark.feature("SYS-09")
def test_the_commands_back_a_shop_up_and_bring_it_back_on_a_new_card(tmp_path, shop, sold):
    folder = shop.box.folder
    (tmp_path / "usb").mkdir()
    assert "没有加密" in run("backup", tmp_path / "usb", data=folder).stderr
    (tmp_path / "key.txt").write_text(run("recovery-key", data=folder).stdout)
    file = run("backup", tmp_path / "usb", data=folder).stdout.strip()
    assert file.endswith(".age")
    assert "recovery key" in run("verify-backup", file, code=1).stderr
    good = run("verify-backup", file, "--key", tmp_path / "key.txt")
    assert shop.box.journal.identity.origin in good.stdout
    again = ("restore", file, "--key", tmp_path / "key.txt")
    assert "不是空的" in run(*again, data=folder, code=1).stderr
    told = run(*again, data=tmp_path / "card")
    assert "小票" in told.stderr
    box = open_hub(tmp_path / "card")
    try:
        with box.door.read() as db:
            mine = balance(db, box.act(db), sold)
    finally:
        box.close()
    assert mine == shop.ask(lambda db: balance(db, shop.box.act(db), sold))
    shown = run("backup-daily", tmp_path / "usb", data=folder)
    assert "同一块存储" in shown.stderr
    assert "NOT sealed" in shown.stdout
    assert "每天不备份" in run("backup-daily", "--off", data=folder).stdout


@pytest.mark.parametrize("command", ["backup", "backup-daily"])
def test_a_medium_that_is_not_there_is_no_folder_to_be_made(tmp_path, shop, command):
    """Else the copy would lie on the very disk that it is to outlive."""
    missing = tmp_path / "media" / "usb"
    told = run(command, missing, data=shop.box.folder, code=1).stderr
    assert f"mkdir -p {missing}" in told
    assert not missing.parent.exists()
    assert shop.ask(backups) == []
    assert shop.ask(daily_folder) is None

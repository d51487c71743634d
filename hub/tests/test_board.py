"""A shop's disk in another machine: read, and written only once a person has decided."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from core.errors import Refused
from hub.__main__ import hub
from hub.alarms import ALONE_WORDS, JOINED_WORDS, alarms
from hub.app import open_hub
from hub.backup import back_up, restore
from hub.board import PLACE, board_in, bound, this_board
from hub.tests.test_full_disk import web
from tests.started import ROOT, seed

MOVED_SAID = "已确认"


@pytest.fixture
def board(tmp_path, monkeypatch):
    """Let this machine have another number from now on."""

    def put(number: bytes) -> None:
        path = tmp_path / "serial-number"
        path.write_bytes(number)
        monkeypatch.setenv(PLACE, str(path))

    put(b"10000000a1b2c3d4\0")
    return put


@pytest.fixture
def copy(tmp_path, board):
    """A shop, and a copy of its disk that was put into another machine."""
    original = seed(tmp_path / "hub")
    shutil.copytree(original.folder, tmp_path / "copy")
    board(b"10000000ffffffff\0")
    return original, type(original)(folder=tmp_path / "copy", tokens=original.tokens)


def admin(*words, data, code=0, typed=None):
    done = CliRunner().invoke(hub, ["admin", *words, "--data", str(data)], input=typed)
    assert done.exit_code == code, done.output
    return done.output


def test_a_copy_in_another_machine_books_nothing_until_somebody_says_it_was_moved(
    tmp_path, copy, board
):
    original, other = copy
    with web(other, tmp_path) as till:
        refused = till.owner.post("/tickets", {"lines": []})
        assert refused.code == "other_board"
        assert "请勿收款" in refused.body["error"]["message"]
        assert till.sees(till.cashier, ALONE_WORDS)
        assert "Aborted" in admin("moved", data=other.folder, typed="n\n", code=1)
        assert till.owner.post("/tickets", {"lines": []}).code == "other_board"
        assert MOVED_SAID in admin("moved", data=other.folder, typed="y\n")
        till.open_shift()
        assert till.pay(till.bill()) == {}
        assert not till.sees(till.owner, "alarm-bar")
    board(b"10000000a1b2c3d4\0")
    with web(original, tmp_path) as till:
        till.open_shift()
        assert till.pay(till.bill()) == {}
    assert "原来的主机" in admin("moved", data=original.folder, code=1)


def test_a_joined_box_asks_head_office_and_stays_off_its_line(tmp_path, copy):
    _original, other = copy
    (other.folder / "link.json").write_text("{}")
    assert "replace" in admin("moved", "--yes", data=other.folder, code=1)
    box = open_hub(other.folder)
    try:
        with box.door.read() as db:
            assert alarms(db, box, {}) == [JOINED_WORDS]
    finally:
        box.close()
    said = tmp_path / "sync.log"
    with said.open("wb") as log:
        sync = subprocess.Popen(
            [sys.executable, "-m", "hub", "sync", "--data", str(other.folder)],
            cwd=ROOT,
            stderr=log,
        )
    try:
        ends = time.monotonic() + 20
        while "another machine" not in said.read_text() and time.monotonic() < ends:
            time.sleep(0.1)
        # It has not even read the link, which is none and would have ended it.
        assert "another machine" in said.read_text()
        assert sync.poll() is None
    finally:
        sync.terminate()
        assert sync.wait(10) == 0


def test_a_backup_belongs_to_the_machine_that_it_is_brought_back_on(tmp_path, board):
    original = seed(tmp_path / "hub")
    box = open_hub(original.folder)
    try:
        (tmp_path / "usb").mkdir()
        made = back_up(box, tmp_path / "usb", open_at=open_hub, version="")
        first = box.board
    finally:
        box.close()
    board(b"10000000ffffffff\0")
    restore(tmp_path / "usb" / made.file, tmp_path / "new", keys=[], open_at=open_hub)
    box = open_hub(tmp_path / "new")
    try:
        with box.door.read() as db:
            assert bound(db) == box.board == this_board() != first
        box.door.write(lambda tx: box.journal.guard(tx, None, ()))
    finally:
        box.close()
    moved = open_hub(original.folder)
    try:
        with pytest.raises(Refused, match="other_board"):
            moved.door.write(lambda tx: moved.journal.guard(tx, None, ()))
    finally:
        moved.close()


def test_a_machine_without_a_number_of_its_own_is_not_asked_for_one(tmp_path):
    serial, machine = tmp_path / "serial", tmp_path / "machine"
    for nothing in (b"", b"\0", b"0000000000000000\0", b"123\n"):
        serial.write_bytes(nothing)
        assert board_in((serial, machine)) == ""
    machine.write_text("5f3c1c0b6d7e4f0a9b8c7d6e5f4a3b2c\n")
    fallen_back = board_in((serial, machine))
    serial.write_bytes(b"10000000a1b2c3d4\0")
    assert "" != fallen_back != board_in((serial, machine)) != ""


def test_a_box_from_before_numbers_were_noted_is_bound_at_its_next_start(tmp_path, board):
    original = seed(tmp_path / "hub")
    box = open_hub(original.folder)
    box.door.write(lambda tx: tx.run("DELETE FROM box WHERE name = 'board'"))
    box.close()
    board(b"10000000ffffffff\0")
    box = open_hub(original.folder)
    with box.door.read() as db:
        assert bound(db) == box.board
    box.close()

"""What nobody else has lies on the second medium, sealed, and brings a lost card back whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from core.backup import BadBackup, new_recovery_key
from core.errors import Refused
from core.journal import decode, drain_all
from hub import fence
from hub.__main__ import hub
from hub.alarms import MEDIUM_WORDS, NO_MEDIUM_WORDS, alarms
from hub.app import open_hub
from hub.backup import back_up, make_recovery_key, restore
from hub.mirror import (
    KEPT,
    MISSING,
    Mirror,
    mirror_told,
    read_tails,
    set_mirror_folder,
    take_mirrored,
)
from hub.sync.disk import Disk
from hub.sync.outbox import sealed_segments
from tests.architecture.sources import ROOT
from tests.torture.faults import fill

SOON_S = 1.0
OWNER = {"settings.edit": None}


@pytest.fixture
def usb(tmp_path):
    folder = tmp_path / "usb"
    folder.mkdir()
    return folder


@pytest.fixture
def key(shop):
    return make_recovery_key(shop.box)


@pytest.fixture
def mirror(shop, usb, key):
    shop.box.door.write(lambda tx: set_mirror_folder(tx, shop.box, usb))
    (shop.box.bells).mkdir(exist_ok=True)
    return Mirror(shop.box)


@pytest.fixture
def sold(shop):
    shop.open_shift()
    shop.top_up(shop.member())
    shop.sale("i1")
    return shop


def events(segments):
    return [decode(raw).seq for one in segments for raw in one.events]


def head_of(box):
    with box.door.read() as db:
        return box.journal.head(db)


def tables(box):
    drain_all(box.door, box.parts)
    with box.door.read() as db:
        return {
            name: [
                tuple(row) for row in db.all(f"SELECT * FROM {name} ORDER BY {', '.join(key)}")
            ]
            for name, key in sorted(box.parts.tables.items())
        }


def admin(*words, data, code=0):
    done = CliRunner().invoke(hub, ["admin", *map(str, words), "--data", str(data)])
    assert done.exit_code == code, done.output
    return done.output


def test_each_sale_is_there_sealed_and_once(shop, sold, mirror, usb, key):
    origin = shop.box.journal.identity.origin
    assert mirror.look()
    assert events(read_tails(usb, origin, [key])) == list(range(1, head_of(shop.box).seq + 1))
    shop.sale("i2")
    mirror.look()
    mirror.look()
    assert events(read_tails(usb, origin, [key])) == list(range(1, head_of(shop.box).seq + 1))
    written = b"".join(path.read_bytes() for path in usb.iterdir())
    assert "李慧敏".encode() not in written
    assert b"13812342046" not in written
    with pytest.raises(BadBackup):
        read_tails(usb, origin, [new_recovery_key()])
    assert mirror_told(shop.box).state == KEPT


def test_nothing_goes_there_before_there_is_a_key_to_seal_it_for(shop, usb):
    with pytest.raises(Refused, match="mirror_unsealed"):
        shop.box.door.write(lambda tx: set_mirror_folder(tx, shop.box, usb))


def test_a_medium_that_is_pulled_out_is_told_of_and_caught_up_with(
    shop, sold, mirror, usb, key
):
    mirror.look()
    usb.rename(usb.with_name("pulled"))
    shop.sale("i2")
    mirror.look()
    assert mirror_told(shop.box).state == MISSING
    with shop.box.door.read() as db:
        assert alarms(db, shop.box, OWNER) == [NO_MEDIUM_WORDS]
        assert alarms(db, shop.box, {}) == []
    usb.with_name("pulled").rename(usb)
    mirror.look()
    found = read_tails(usb, shop.box.journal.identity.origin, [key])
    assert events(found) == list(range(1, head_of(shop.box).seq + 1))
    with shop.box.door.read() as db:
        assert alarms(db, shop.box, OWNER) == []


def test_what_a_pulled_plug_left_half_is_written_again(shop, sold, mirror, usb, key):
    mirror.look()
    (file,) = usb.iterdir()
    whole = file.read_bytes()
    for cut in (1, len(whole) // 2, len(whole) - 3):
        for path in usb.iterdir():
            path.unlink()
        file.write_bytes(whole[:-cut])
        Mirror(shop.box).look()
        found = read_tails(usb, shop.box.journal.identity.origin, [key])
        assert set(events(found)) == set(range(1, head_of(shop.box).seq + 1))


def test_what_a_backup_has_is_not_kept_twice(shop, sold, mirror, usb, key):
    mirror.look()
    (usb / "backups").mkdir()
    back_up(shop.box, usb / "backups", open_at=open_hub, version="")
    before = head_of(shop.box).seq
    shop.sale("i2")
    mirror.look()
    found = read_tails(usb, shop.box.journal.identity.origin, [key])
    assert min(events(found)) > 1
    assert set(events(found)) >= set(range(before + 1, head_of(shop.box).seq + 1))


def test_a_full_medium_is_told_of_and_no_sale_waits_for_it(shop, sold, mirror, usb):
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(usb)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        fill(usb / "photos")
        mirror.look()
        with shop.box.door.read() as db:
            assert alarms(db, shop.box, OWNER) == [MEDIUM_WORDS]
        shop.sale("i2")
        (usb / "photos").unlink()
        mirror.look()
        assert mirror_told(shop.box).upto == head_of(shop.box).seq
    finally:
        subprocess.run(["umount", "--lazy", str(usb)], check=True)


@pytest.mark.feature("SYS-04")
def test_a_lost_card_comes_back_whole_from_a_backup_and_the_second_medium(tmp_path, shop, usb):
    folder = shop.box.folder
    (tmp_path / "key.txt").write_text(admin("recovery-key", data=folder))
    assert str(usb) in admin("mirror", usb, data=folder)
    shop.open_shift()
    file = admin("backup", usb, data=folder).split()[-1]
    shop.box.bells.mkdir(exist_ok=True)
    member = shop.member()
    shop.top_up(member)
    shop.sale("i1", member=member)
    Mirror(shop.box).look()
    assert str(head_of(shop.box).seq) in admin("mirror", data=folder)
    lost = tables(shop.box), head_of(shop.box)
    said = admin(
        "restore", file, "--key", tmp_path / "key.txt", "--mirror", usb, data=tmp_path / "new"
    )
    assert "从备份盘取回" in said
    box = open_hub(tmp_path / "new")
    try:
        assert (tables(box), head_of(box)) == lost
        assert box.findings() == []
    finally:
        box.close()
    assert "没有" in admin("mirror", "--off", data=folder)


def test_a_joined_box_takes_the_tail_once_it_has_head_offices_part(
    tmp_path, shop, sold, mirror, usb, key
):
    shutil.copy(ROOT / "pyproject.toml", shop.box.folder / "link.json")
    (usb / "backups").mkdir()
    made = back_up(shop.box, usb / "backups", open_at=open_hub, version="")
    shop.sale("i2")
    mirror.look()
    acked = head_of(shop.box).seq
    shop.sale("i1")
    mirror.look()
    tail = [
        one
        for one in read_tails(usb, shop.box.journal.identity.origin, [key])
        if one.last > acked
    ]
    restore(usb / "backups" / made.file, tmp_path / "new", keys=[key], open_at=open_hub)
    box = open_hub(tmp_path / "new")
    disk = Disk(box=box, stream=None)
    try:
        assert take_mirrored(box, tail) > 0
        assert head_of(box).seq < acked
        with shop.box.door.read() as db:
            told = list(sealed_segments(db, disk.me, first=head_of(box).seq + 1, limit=99))
        # Head office has what was acknowledged; the rest comes from the medium alone.
        assert disk.take_own([one for one in told if one.last <= acked])
        disk.unbar(fence.TAKING_UP)
        assert head_of(box) == head_of(shop.box)
        with box.door.read() as db:
            assert db.value("SELECT count(*) FROM waiting_segment") == 0
            assert fence.fence(db) is None
    finally:
        box.close()


def test_the_started_program_has_it_there_within_a_second(shop, usb, key):
    shop.open_shift()
    shop.box.door.write(lambda tx: set_mirror_folder(tx, shop.box, usb))
    jobs = subprocess.Popen(
        [sys.executable, "-m", "hub", "jobs", "--no-reserve", "--data", str(shop.box.folder)],
        cwd=ROOT,
    )
    origin = shop.box.journal.identity.origin
    try:
        ends = time.monotonic() + 20
        while not read_tails(usb, origin, [key]):
            assert time.monotonic() < ends
            time.sleep(0.1)
        waited = []
        for _ in range(5):
            shop.sale("i1")
            sold_at, last = time.monotonic(), head_of(shop.box).seq
            while last not in events(read_tails(usb, origin, [key])):
                assert time.monotonic() < ends + 20
                time.sleep(0.02)
            waited.append(time.monotonic() - sold_at)
        assert sorted(waited)[2] < SOON_S
    finally:
        jobs.terminate()
        assert jobs.wait(20) == 0

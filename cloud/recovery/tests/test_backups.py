"""A backup of head office is whole, opens with the recovery key only, and is read back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloud.__main__ import cloud
from cloud.app import open_cloud
from cloud.ingest import differences
from cloud.ingest.tests.test_value import ask
from cloud.platform.tests.office import edit
from cloud.recovery import (
    NotEmpty,
    backups_of,
    incarnation_of,
    make_backup,
    make_recovery_key,
    recovery_of,
    restore,
    safe_of,
    verify_backup,
)
from core.backup import BadBackup, new_recovery_key, open_package
from core.errors import Refused

TEA = {"code": "201", "name": "茉莉花茶", "price": 3_800}


def back_up(platform, folder):
    folder.mkdir(exist_ok=True)
    return make_backup(platform, folder, open_at=open_cloud, version="0.1")


def traded(merchant, desk, first, second):
    member = first.member("李慧敏", "13812342046")
    first.top_up(member, 10_000)
    edit(merchant, topic="item", key="i1", content=TEA)
    desk.dirty[merchant.id] = None
    desk.sync(first, second)
    ask(desk, second, member)
    desk.sync(first, second)
    return member


def test_a_sealed_backup_restores_to_the_same_books_as_the_next_incarnation(
    tmp_path, platform, merchant, desk, first, second
):
    traded(merchant, desk, first, second)
    key = make_recovery_key(platform)
    made = back_up(platform, tmp_path / "away")
    assert made.sealed
    assert made.verified_at is not None
    assert made.file.endswith(".age")
    with merchant.door.read() as db:
        before = [tuple(row) for row in db.all("SELECT * FROM holding ORDER BY 1, 2, 3, 4")]

    done = restore(made_path(made), tmp_path / "again", keys=[key], open_at=open_cloud)

    assert (done.incarnation, done.merchants) == (2, 1)
    again = open_cloud(tmp_path / "again", clock=platform.clock)
    try:
        restored = again.merchant(merchant.id)
        assert restored.findings() == []
        assert differences(again, restored) == []
        with restored.door.read() as db:
            assert [
                tuple(row) for row in db.all("SELECT * FROM holding ORDER BY 1, 2, 3, 4")
            ] == before
        with again.door.read() as db:
            assert incarnation_of(db) == 2
            assert recovery_of(db, merchant.id).why == "restored"
        assert (
            again.pki.joinpath("ca-key.pem").read_bytes()
            == (platform.pki / "ca-key.pem").read_bytes()
        )
    finally:
        again.close()


def made_path(made):
    return Path(made.file)


def test_head_office_itself_cannot_open_what_it_has_sealed(
    tmp_path, platform, merchant, desk, first, second
):
    traded(merchant, desk, first, second)
    key = make_recovery_key(platform)
    made = back_up(platform, tmp_path / "away")
    raw = made_path(made).read_bytes()
    assert platform.secret not in raw
    for keys in ([], [new_recovery_key()]):
        with pytest.raises(BadBackup):
            verify_backup(made_path(made), keys=keys, open_at=open_cloud)
    assert key.secret.encode() not in (platform.folder / "platform.db").read_bytes()
    verify_backup(made_path(made), keys=[key], open_at=open_cloud)


def test_what_is_safe_is_what_the_newest_backup_has_that_was_read_back(
    tmp_path, platform, merchant, desk, first, second
):
    traded(merchant, desk, first, second)
    with platform.door.read() as db:
        assert safe_of(db, first.id, 1) == 0
    back_up(platform, tmp_path / "away")
    with platform.door.read() as db:
        first_safe = safe_of(db, first.id, 1)
    assert first_safe == first.hello().n > 0
    first.top_up(first.member("王丽"), 500)
    desk.sync(first)
    with platform.door.read() as db:
        assert safe_of(db, first.id, 1) == first_safe
    back_up(platform, tmp_path / "away")
    with platform.door.read() as db:
        assert safe_of(db, first.id, 1) == first.hello().n > first_safe
        numbers = [one.number for one in backups_of(db)]
    assert numbers == [2, 1]


def test_nothing_is_relied_on_that_cannot_be_put_back(
    tmp_path, platform, merchant, desk, first, second
):
    traded(merchant, desk, first, second)
    merchant.door.write(
        lambda tx: tx.run(
            "UPDATE journal SET raw = CAST(raw || ' ' AS BLOB) WHERE origin = :o",
            o=first.id,
        )
    )
    with pytest.raises(BadBackup, match="not what was chained"):
        back_up(platform, tmp_path / "away")
    with platform.door.read() as db:
        (noted,) = backups_of(db)
        assert noted.verified_at is None
        assert safe_of(db, first.id, 1) == 0


def test_a_backup_is_taken_while_stores_go_on_and_holds_one_moment_of_each_file(
    tmp_path, platform, merchant, desk, first, second
):
    traded(merchant, desk, first, second)
    original = merchant.door.copy_to

    def and_then_more(path):
        # Between the copy of the shared database and this one a store sends more.
        first.top_up(first.member("王丽"), 500)
        desk.sync(first)
        original(path)

    object.__setattr__(merchant.door, "copy_to", and_then_more)
    made = back_up(platform, tmp_path / "away")
    del merchant.door.__dict__["copy_to"]
    restore(made_path(made), tmp_path / "again", keys=[], open_at=open_cloud)
    again = open_cloud(tmp_path / "again", clock=platform.clock)
    try:
        with again.door.read() as shared, again.merchant(merchant.id).door.read() as db:
            kept = shared.value("SELECT seq FROM stream_cursor WHERE origin = :o", o=first.id)
            assert kept == db.value(
                "SELECT MAX(seq) FROM journal WHERE origin = :o", o=first.id
            )
        assert again.merchant(merchant.id).findings() == []
    finally:
        again.close()


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path, platform, merchant):
    made = back_up(platform, tmp_path / "away")
    with pytest.raises(NotEmpty):
        restore(made_path(made), platform.folder, keys=[], open_at=open_cloud)
    (tmp_path / "spoilt").write_bytes(made_path(made).read_bytes()[:-100])
    with pytest.raises(BadBackup):
        restore(tmp_path / "spoilt", tmp_path / "again", keys=[], open_at=open_cloud)
    assert not (tmp_path / "again").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".again")] == []


def test_backups_are_chained_so_that_one_that_was_taken_away_shows(
    tmp_path, platform, merchant
):
    manifests = []
    for _ in range(2):
        made = back_up(platform, tmp_path / "away")
        into = tmp_path / f"look-{made.number}"
        into.mkdir()
        manifests.append((made, open_package(made_path(made), into)))
    (one, first_), (_two, second_) = manifests
    assert first_.previous == ""
    assert second_.previous == one.manifest


def test_a_recipient_that_is_none_is_refused(platform):
    from cloud.recovery import add_recipient

    with pytest.raises(Refused, match="bad_recipient"):
        add_recipient(platform, "age1nobody")


@pytest.mark.feature("SYS-04")
def test_the_commands_back_up_check_and_restore(tmp_path, platform, merchant, desk, first):
    first.top_up(first.member(), 10_000)
    desk.sync(first)
    folder = platform.folder

    def run(*words, data=folder, code=0):
        known = ["admin", *map(str, words)]
        if data is not None:
            known += ["--data", str(data)]
        done = CliRunner().invoke(cloud, known, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    away = tmp_path / "away"
    assert f"mkdir -p {away}" in run("backup", away, code=1).stderr
    assert not away.exists()
    away.mkdir()
    unsealed = run("backup", away)
    assert "没有加密" in unsealed.stderr
    (tmp_path / "key.txt").write_text(run("recovery-key").stdout)
    file = run("backup", tmp_path / "away").stdout.strip()
    assert re.search(r"dianshu-cloud-1-00002-.*\.tar\.zst\.age$", file)
    assert "NOT sealed" in run("backups").stdout.splitlines()[1]
    bad = run("verify-backup", file, data=None, code=1)
    assert "recovery key" in bad.stderr
    good = run("verify-backup", file, "--key", tmp_path / "key.txt", data=None)
    assert "merchants 1" in good.stdout
    run("restore", file, "--key", tmp_path / "key.txt", data=folder, code=1)
    run("restore", file, "--key", tmp_path / "key.txt", data=tmp_path / "again")
    listed = run("recovery", "list", data=tmp_path / "again").stdout
    assert f"{first.id}  awaited" in listed
    words = ("recovery", "release", merchant.id, first.id, "--reason", "坏了")
    assert "72" in run(*words, data=tmp_path / "again", code=1).stderr
    assert run("merchant", "check", merchant.id, data=tmp_path / "again").exit_code == 0

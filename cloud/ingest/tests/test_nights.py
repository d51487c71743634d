"""What head office does each night by itself: look at a merchant's books, and back all of it up."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cloud.__main__ import cloud
from cloud.app import open_cloud
from cloud.fleet.standing import books_differ
from cloud.platform import Check, create_merchant, next_to_check, note_check
from cloud.recovery import make_backup
from core.clock import DAY_MS


@pytest.fixture
def run(platform, monkeypatch):
    monkeypatch.setattr("cloud.night_commands.os.nice", lambda _by: None)

    def command(*words, code=0):
        known = ["admin", *map(str, words), "--data", str(platform.folder)]
        done = CliRunner().invoke(cloud, known, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    return command


@pytest.fixture
def busy(desk, first):
    member = first.member()
    first.top_up(member, 10_000)
    desk.sync(first)
    return member


def test_books_that_hold_are_told_so_and_each_merchant_has_its_turn(
    run, platform, merchant, busy
):
    other = create_merchant(platform, "别家足道")
    assert "还没有核对过" in run("checks").stdout
    seen = {run("verify-nightly").stdout.split()[0] for _ in range(2)}
    assert seen == {merchant.id, other.id}
    told = run("checks").stdout
    assert told.count("全部一致") == 2
    assert "从来没有" in told, "no backup was ever made"
    assert books_differ(platform, merchant) is None


def test_a_table_that_is_not_what_the_journal_says_is_told_in_plain_words(
    run, platform, merchant, busy
):
    merchant.door.write(lambda tx: tx.run("UPDATE holding SET amount = amount + 1"))
    found = run("verify-nightly", "--merchant", merchant.id, code=1)
    assert "对不上，请联系维护" in found.stdout
    assert "holding" in found.stderr
    assert "对不上" in run("checks").stdout
    assert books_differ(platform, merchant) is not None
    merchant.door.write(lambda tx: tx.run("UPDATE holding SET amount = amount - 1"))
    run("verify-nightly", "--merchant", merchant.id)
    assert books_differ(platform, merchant) is None


def test_whose_turn_it_is_nobody_knows_but_all_have_one(platform):
    merchants = [f"m{number}" for number in range(5)]

    def nights():
        order = []
        for at in range(1, 6):
            with platform.door.read() as db:
                chosen = next_to_check(db, merchants)
            check = Check(merchant=chosen, at=at, took_ms=1, events=1, problems="")
            platform.door.write(lambda tx, check=check: note_check(tx, check))
            order.append(chosen)
        platform.door.write(lambda tx: tx.run("DELETE FROM night_check"))
        return tuple(order)

    lived = {nights() for _ in range(8)}
    assert all(sorted(order) == merchants for order in lived)
    assert len(lived) > 1
    with platform.door.read() as db:
        assert next_to_check(db, []) is None


def test_the_backup_of_the_night_is_read_back_and_old_ones_go(run, platform, busy, tmp_path):
    into = tmp_path / "backups"
    assert "mkdir -p" in run("backup-daily", "--into", into, code=1).stderr
    into.mkdir()
    (into / "holiday.jpg").touch()
    other = into / "dianshu-cloud-1-00001-20200101T000000Z.tar.zst"
    other.touch()
    made = []
    for _night in range(9):
        one = make_backup(platform, into, open_at=open_cloud, version="")
        made.append(Path(one.file))
        platform.clock.advance(DAY_MS)
    said = run("backup-daily", "--into", into).stdout.splitlines()
    newest = Path(said[0])
    left = set(into.glob("dianshu-cloud-1-*"))
    assert newest in left
    assert {*made[-6:]} <= left, "with the newest, seven days"
    gone = {*made} - left
    assert gone
    assert {line.rpartition(" ")[2] for line in said[1:]} == {path.name for path in gone}
    assert other in left, "another head office's is not ours to remove"
    assert (into / "holiday.jpg").exists()
    assert "newest good backup: 20" in run("checks").stdout

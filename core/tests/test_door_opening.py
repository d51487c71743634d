"""Opening: keys, versions and migrations, also when two processes open at once."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as driver

from core.sqlite import PAGE_BYTES, Door, Migration
from core.tests.conftest import CHILD_END_S, ROOT
from core.tests.till_process import ENDLESS, FACTS, SLOW, SLOW_ROWS, open_facts
from core.tests.world import KEY

OTHER_KEY = bytes(32)


def tables(path: Path, migrations: tuple[Migration, ...]) -> set[str]:
    door = Door(path, key=KEY, migrations=migrations)
    try:
        with door.read() as db:
            return {row["name"] for row in db.all("SELECT name FROM sqlite_schema")}
    finally:
        door.close()


def test_a_wrong_key_is_refused_in_words(database):
    open_facts(database).close()
    with pytest.raises(RuntimeError, match=r"store\.db .*this key"):
        Door(database, key=OTHER_KEY)
    open_facts(database).close()


def test_a_file_that_is_no_database_is_refused_in_words(database):
    database.write_bytes("这不是数据库".encode() * 500)
    with pytest.raises(RuntimeError, match="this key"):
        open_facts(database)


def test_a_key_has_32_bytes(database):
    with pytest.raises(ValueError, match="32 bytes"):
        Door(database, key=b"short")
    assert not database.exists()


def test_nothing_is_plain_in_the_files(database):
    name, phone = "欧阳静雯", "13812345678"
    door = open_facts(database)
    for number in range(50):
        door.write(
            lambda tx: tx.run("INSERT INTO fact (id) VALUES (:id)", id=f"{name} {phone}")
        )
        if number == 25:
            door.checkpoint()
    files = sorted(database.parent.glob("store.db*"))
    assert [file.suffix for file in files] == [".db", ".db-shm", ".db-wal"]
    for file in files:
        held = file.read_bytes()
        assert held
        for text in (name, phone, "CREATE TABLE", "SQLite format"):
            for coding in ("utf-8", "utf-16-le", "gb18030"):
                assert text.encode(coding) not in held
    door.close()


def test_the_same_facts_in_a_plain_database_would_be_found(tmp_path):
    # The control for the test above: searching the bytes does find what is not encrypted.
    plain = sqlite3.connect(tmp_path / "plain.db")
    plain.execute("CREATE TABLE fact (id TEXT)")
    plain.execute("INSERT INTO fact VALUES ('欧阳静雯 13812345678')")
    plain.commit()
    plain.close()
    held = (tmp_path / "plain.db").read_bytes()
    assert "欧阳静雯".encode() in held
    assert b"13812345678" in held


def test_what_is_sorted_or_undone_stays_in_memory(door):
    # A temporary file would hold the members' names in plain text.
    options = door.write(lambda tx: [row[0] for row in tx.all("PRAGMA compile_options")])
    assert "TEMP_STORE=2" in options


def test_every_connection_has_the_promised_settings(door):
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with door.read() as db, door.connection() as bare:
        for name, value in wanted.items():
            assert door.write(lambda tx, name=name: tx.value(f"PRAGMA {name}")) == value
            assert db.value(f"PRAGMA {name}") == value
            assert bare.execute(f"PRAGMA {name}").fetchone()[0] == value
        assert int(db.value("PRAGMA page_size")) == PAGE_BYTES


def test_python_without_assertions_is_refused(database):
    program = (
        "import pathlib, sys; from core.sqlite import Door;"
        "Door(pathlib.Path(sys.argv[1]), key=bytes(32))"
    )
    ran = subprocess.run(
        [sys.executable, "-O", "-c", program, database],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=CHILD_END_S,
        check=False,
    )
    assert ran.returncode == 1
    assert "do not run with python -O" in ran.stderr
    assert not database.exists()


def test_an_old_sqlite_is_refused(database, monkeypatch):
    monkeypatch.setattr(driver, "sqlite_version_info", (3, 51, 2))
    with pytest.raises(RuntimeError, match="can lose writes"):
        open_facts(database)


def test_a_database_of_a_newer_version_is_refused(database):
    Door(database, key=KEY, migrations=(FACTS, Migration("later/7", ()))).close()
    with pytest.raises(RuntimeError, match=r"newer version: later/7"):
        open_facts(database)


def test_a_migration_runs_once(database):
    counted = Migration(
        "counted/1",
        ("CREATE TABLE counted (n INTEGER) STRICT", "INSERT INTO counted VALUES (1)"),
    )
    for _ in range(3):
        door = Door(database, key=KEY, migrations=(counted,))
        with door.read() as db:
            assert db.value("SELECT COUNT(*) FROM counted") == 1
        door.close()


def test_later_migrations_are_added_to_an_older_database(database):
    open_facts(database).close()
    assert {"fact", "early", "late"} <= tables(database, (FACTS, SLOW))


def test_a_migration_that_fails_leaves_nothing_half(database):
    broken = Migration("step/1", ("CREATE TABLE half (n INTEGER) STRICT", "CREATE NONSENSE"))
    with pytest.raises(driver.OperationalError, match="NONSENSE"):
        Door(database, key=KEY, migrations=(FACTS, broken))
    assert "half" not in tables(database, (FACTS,))
    mended = Migration("step/1", ("CREATE TABLE half (n INTEGER) STRICT",))
    assert "half" in tables(database, (FACTS, mended))


def test_a_migration_that_is_killed_leaves_nothing_half(database, till):
    child = till("migrate_for_ever", database)
    assert child.stdout.readline() == "begun\n"
    log = Path(f"{database}-wal")
    deadline = time.monotonic() + CHILD_END_S
    # Past 4 MB the rows have outgrown the cache and stand in the log, uncommitted.
    while not log.exists() or log.stat().st_size < 4_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait(CHILD_END_S)
    assert "early" not in tables(database, (FACTS,))
    assert ENDLESS.name not in migrations_done(database)
    assert {"early", "late"} <= tables(database, (FACTS, SLOW))


def test_a_program_that_finds_the_file_being_made_waits(database):
    # As it stands for a moment at a hub's first boot: not yet in write-ahead mode, and locked.
    maker = driver.connect(str(database), isolation_level=None, check_same_thread=False)
    maker.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
    maker.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}")
    maker.execute("CREATE TABLE being_made (n INTEGER)")
    maker.execute("BEGIN IMMEDIATE")
    finish = threading.Timer(0.3, maker.execute, ["COMMIT"])
    finish.start()
    began = time.monotonic()
    assert {"being_made", "fact"} <= tables(database, (FACTS,))
    assert time.monotonic() - began > 0.2
    finish.join()
    maker.close()


def migrations_done(path: Path) -> set[str]:
    door = open_facts(path)
    try:
        with door.read() as db:
            return {row["name"] for row in db.all("SELECT name FROM migration")}
    finally:
        door.close()


@pytest.mark.parametrize("round_number", range(4))
def test_processes_that_open_a_new_database_at_once_migrate_it_once(
    database, till, round_number
):
    children = [till("migrate", database) for _ in range(3)]
    assert [child.stdout.readline() for child in children] == ["ready\n"] * 3
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    assert [child.wait(CHILD_END_S) for child in children] == [0, 0, 0]
    door = Door(database, key=KEY, migrations=(FACTS, SLOW))
    with door.read() as db:
        assert db.value("SELECT COUNT(*) FROM early") == SLOW_ROWS
        assert db.value("SELECT n FROM late") == SLOW_ROWS
    assert door.integrity() == []
    door.close()

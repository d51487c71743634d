"""A log that damage has cut is told from one that a power cut left unfinished."""

from __future__ import annotations

import random
import shutil

import pytest

from core.sqlite import PAGE_BYTES
from core.tests.till_process import booking, open_facts
from core.tests.wal_file import HEADER_BYTES, wal_of
from core.write_ahead import FRAME_HEADER_BYTES

SALES = 12
BITS = 60
STEP = FRAME_HEADER_BYTES + PAGE_BYTES


@pytest.fixture
def logged(database, tmp_path):
    """A store that died with all of its sales in the log, and how long that was after each."""
    door = open_facts(database)
    lengths = []
    for number in range(SALES):
        door.write(booking(f"{number}"))
        lengths.append(HEADER_BYTES + wal_of(database).frames * STEP)
    folder = tmp_path / "dead"
    folder.mkdir()
    for name in ("store.db", "store.db-wal"):
        shutil.copy(database.with_name(name), folder)
    door.close()
    return folder / "store.db", lengths


def opened_with(path, log, tmp_path):
    """Open a copy with another log; return what it holds and what is said of it."""
    folder = tmp_path / f"copy-{random.getrandbits(64):x}"
    folder.mkdir()
    shutil.copy(path, folder)
    (folder / "store.db-wal").write_bytes(log)
    door = open_facts(folder / "store.db")
    try:
        with door.read() as db:
            held = db.value("SELECT count(*) FROM fact")
        kept = door.damaged_log.read_bytes() if door.damaged_log.exists() else None
        return held, door.integrity(), kept
    finally:
        door.close()


def test_a_bit_that_turns_in_the_middle_of_the_log_is_told_and_the_log_is_kept(
    logged, tmp_path
):
    path, lengths = logged
    log = path.with_name("store.db-wal").read_bytes()
    chance = random.Random(20261122)
    # Behind the last commit but one nobody can tell: it may never have been answered.
    for bit in chance.sample(range(lengths[-3] * 8), BITS):
        damaged = bytearray(log)
        damaged[bit // 8] ^= 1 << bit % 8
        held, said, kept = opened_with(path, bytes(damaged), tmp_path)
        if held < SALES:
            assert any("damaged" in line for line in said), bit
            assert kept == damaged
        else:
            assert said == []


def test_a_log_that_a_power_cut_left_unfinished_is_no_damage(logged, tmp_path):
    path, lengths = logged
    log = path.with_name("store.db-wal").read_bytes()
    chance = random.Random(20261122)
    for _ in range(BITS):
        # Of the last sale any sectors are there, and of its file any length.
        torn = bytearray(log)
        for at in range(lengths[-2], len(log), 512):
            if chance.random() < 0.5:
                end = min(at + 512, len(log))
                torn[at:end] = bytes(end - at)
        held, said, kept = opened_with(
            path, bytes(torn[: chance.randint(lengths[-2], len(torn))]), tmp_path
        )
        assert held >= SALES - 1
        assert (said, kept) == ([], None)


def test_what_is_left_of_an_earlier_log_is_no_damage(database, tmp_path):
    door = open_facts(database)
    for number in range(SALES):
        door.write(booking(f"{number}"))
    with door.connection() as connection:
        # Moved but not cut: the next sale begins the log anew over what is left of it.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    door.write(booking("anew"))
    log = database.with_name("store.db-wal").read_bytes()
    assert wal_of(database).commits < SALES < len(log) // STEP
    assert opened_with(database, log, tmp_path) == (SALES + 1, [], None)
    door.close()

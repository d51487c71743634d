"""Two processes, a kill, a power cut, a full disk and a broken one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Refused
from core.sqlite import Door, Writer
from core.tests import flush_shim
from core.tests.conftest import CHILD_END_S
from core.tests.till_process import booking, open_facts

KILLS = 30
POWER_CUTS = 12
LINES_BEFORE_KILL_MAX = 60
KILL_DELAY_MAX_S = 0.01


def read_until_killed(child: subprocess.Popen[str], chance: random.Random) -> list[str]:
    """Take some answers, kill the child at no particular moment, take the rest."""
    said = [child.stdout.readline() for _ in range(chance.randrange(1, LINES_BEFORE_KILL_MAX))]
    time.sleep(chance.random() * KILL_DELAY_MAX_S)
    child.send_signal(signal.SIGKILL)
    said += child.stdout.readlines()
    child.wait(CHILD_END_S)
    return [line.strip() for line in said if line.endswith("\n") and line != "flushed\n"]


def check_kept(path: Path, answered: set[str]) -> None:
    door = open_facts(path)
    try:
        with door.read() as db:
            held = Counter(row["id"] for row in db.all("SELECT id FROM fact"))
        assert answered <= held.keys()
        assert set(held.values()) == {1}
        assert door.integrity() == []
    finally:
        door.close()


def test_what_was_answered_survives_a_kill_at_any_moment(database, till):
    chance = random.Random(20260302)
    answered: set[str] = set()
    for _ in range(KILLS):
        answered.update(read_until_killed(till("sell", database), chance))
        check_kept(database, answered)
    assert len(answered) >= KILLS


def test_what_was_answered_survives_a_power_cut_at_any_moment(database, till, shim):
    # The image holds of each file only what was flushed; the store goes on from there.
    chance = random.Random(20260303)
    answered: set[str] = set()
    for cut in range(POWER_CUTS):
        image = database.parent / f"image-{cut}"
        image.mkdir()
        for file in database.parent.glob("store.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, image)
        environment = flush_shim.environment(shim, image_folder=image)
        child = till("sell", database, env=os.environ | environment)
        answered.update(read_until_killed(child, chance))
        database = image / "store.db"
        # Reading changes the files, so what is checked is a copy.
        copy = database.parent / "copy"
        copy.mkdir()
        for file in image.glob("store.db*"):
            shutil.copy(file, copy)
        check_kept(copy / "store.db", answered)
    assert len(answered) >= POWER_CUTS


def test_a_power_cut_while_the_log_is_moved_is_not_called_damage(database, tmp_path):
    door = open_facts(database)
    door.write(booking(*(f"{n:05}" * 20 for n in range(200))))
    door.checkpoint()
    door.write(booking(*(f"{n:05}" * 20 for n in range(200, 300))))
    before, log = database.read_bytes(), database.with_name("store.db-wal").read_bytes()
    door.checkpoint()
    after = database.read_bytes()
    door.close()
    # Of every page that was moved, half has reached the file; the log still holds all of it.
    half = bytearray(after)
    for at in range(0, len(before), 1024):
        half[at + 512 : at + 1024] = before[at + 512 : at + 1024]
    assert bytes(half) not in {before, after}
    image = tmp_path / "image"
    image.mkdir()
    (image / "store.db").write_bytes(bytes(half))
    (image / "store.db-wal").write_bytes(log)
    door = open_facts(image / "store.db")
    assert len(held_by(door)) == 300
    assert door.integrity() == []
    door.close()


def test_every_answer_comes_after_a_flush_of_its_own(database, till, shim):
    environment = flush_shim.environment(shim, report_fd=1)
    child = till("sell_slowly", database, env=os.environ | environment)
    said = child.communicate(timeout=CHILD_END_S)[0].split()
    sales = said[said.index("open") + 1 :]
    assert sales == ["flushed", "answered"] * 20


def test_a_writer_in_a_second_process_waits_its_turn(door, database, till):
    child = till("hold", database)
    assert child.stdout.readline() == "held\n"
    done = threading.Event()

    def sell() -> None:
        door.write(booking("from the parent"))
        done.set()

    waiting = threading.Thread(target=sell)
    waiting.start()
    assert not done.wait(0.5)
    child.stdin.close()
    waiting.join(CHILD_END_S)
    assert done.is_set()
    assert child.wait(CHILD_END_S) == 0
    with door.read() as db:
        held = [row["id"] for row in db.all("SELECT id FROM fact ORDER BY id")]
    assert held == ["from the child", "from the parent"]


def test_after_a_flush_that_failed_nothing_is_tried_again(database, till, shim):
    environment = flush_shim.environment(
        shim, report_fd=1, fail_while_exists=database.with_name("disk-is-broken")
    )
    child = till("fail", database, env=os.environ | environment, stderr=subprocess.PIPE)
    said, logged = child.communicate(timeout=CHILD_END_S)
    lines = said.splitlines()
    assert lines[lines.index("before: booked") + 1 :] == [
        "flush failed",
        "while: storage_failing",
        # The disk is well again by now, and yet: not even one flush.
        "after: storage_failing",
    ]
    assert logged.count("storage is failing") == 1
    door = open_facts(database)
    with door.read() as db:
        held = [row["id"] for row in db.all("SELECT id FROM fact")]
    # What the failed flush carried may be there or not: nobody knows, the disk included.
    assert held in (["before"], ["before", "while"])
    assert door.integrity() == []
    door.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("no mount command")
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return ballast


def held_by(door: Door) -> set[str]:
    with door.read() as db:
        return {row["id"] for row in db.all("SELECT id FROM fact")}


def test_a_full_disk_refuses_and_the_same_door_works_once_there_is_room(small_disk):
    door = open_facts(small_disk / "store.db")
    booked, codes = {"early"}, set()
    door.write(booking("early"))
    ballast = fill(small_disk)
    for number in range(40):
        # What the last page of the log has left may still take a sale or two.
        sale = {f"{number}/{line}/{'x' * 300}" for line in range(4)}
        try:
            door.write(booking(*sale))
            booked |= sale
        except Refused as answer:
            codes.add(answer.code)
    assert codes == {"disk_full"}
    assert held_by(door) == booked
    ballast.unlink()
    door.write(booking("there is room again"))
    assert held_by(door) == booked | {"there is room again"}
    assert door.integrity() == []
    door.close()
    door = open_facts(small_disk / "store.db")
    assert held_by(door) == booked | {"there is room again"}
    door.close()


def test_tills_that_meet_a_full_disk_together_are_told_one_by_one(small_disk):
    door = open_facts(small_disk / "store.db")
    ballast = fill(small_disk)
    booked: set[str] = set()
    codes: set[str] = set()

    def till(number: int) -> None:
        for sale in range(10):
            fact = f"{number}/{sale}/{'x' * 2000}"
            try:
                door.write(booking(fact))
                booked.add(fact)
            except Refused as answer:
                codes.add(answer.code)

    tills = [threading.Thread(target=till, args=(number,)) for number in range(8)]
    for thread in tills:
        thread.start()
    for thread in tills:
        thread.join(CHILD_END_S)
    assert codes == {"disk_full"}
    assert held_by(door) == booked
    ballast.unlink()
    door.write(booking("there is room again"))
    assert door.integrity() == []
    door.close()


def test_a_database_that_may_not_grow_refuses_like_a_full_disk(door):
    # Needs no mount: SQLite is told that the file has reached its end.
    pages = door.write(lambda tx: tx.value("PRAGMA page_count"))

    def limit(tx: Writer, most: int) -> int:
        return int(tx.value(f"PRAGMA max_page_count = {most}"))

    door.write(lambda tx: limit(tx, pages + 4))
    with pytest.raises(Refused) as caught:
        door.write(booking(*(f"{n}" * 500 for n in range(100))))
    assert caught.value.code == "disk_full"
    assert held_by(door) == set()
    door.write(booking("small enough"))
    door.write(lambda tx: limit(tx, 1_000_000))
    door.write(booking(*(f"{n}" * 500 for n in range(100))))
    assert len(held_by(door)) == 101


def test_a_page_that_was_changed_on_the_disk_is_found(database):
    door = open_facts(database)
    door.write(booking(*(f"{n:05}" * 20 for n in range(500))))
    door.close()
    held = bytearray(database.read_bytes())
    held[len(held) // 2] ^= 1
    database.write_bytes(held)
    door = open_facts(database)
    assert door.integrity() != []
    with pytest.raises(Refused) as caught:
        door.write(lambda tx: tx.all("SELECT id, till FROM fact"))
    assert caught.value.code == "storage_failing"
    door.close()

"""A shop on a disk of its own that fills up or can only be read: the started programs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.journal import is_behind
from core.room import RESERVE_FILE
from core.sqlite import looking_into
from hub.alarms import FULL_WORDS, LOW_WORDS, READ_ONLY_WORDS, RESERVE_WORDS
from hub.reading import MEMORY, PREFIX
from tests.started import MASSAGE, ROOT, Caller, seed
from tests.torture.faults import NotPermitted, fill, small_disk

SOON_S = 20.0


@pytest.fixture
def disk(tmp_path):
    try:
        with small_disk(tmp_path) as mounted:
            yield mounted
    except NotPermitted as why:
        pytest.skip(str(why))


@pytest.fixture
def store(disk):
    return seed(disk / "hub")


@contextmanager
def program(shop, beside, *words):
    """Run a program of the hub; what it says is beside the disk and not on it."""
    with (beside / f"{words[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub", *words, "--data", str(shop.folder)],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(SOON_S)


@contextmanager
def web(shop, beside):
    address = beside / "address"
    address.unlink(missing_ok=True)
    bound = ("--bind", "127.0.0.1:0", "--address-file", str(address))
    with program(shop, beside, "web", *bound) as process:
        until(address.exists)
        port = int(address.read_text().rpartition(":")[2])
        yield Till(port, shop, process)


class Till:
    """A program of the owner's and one of the cashier's, over HTTP."""

    def __init__(self, port, shop, process):
        self.process = process
        self.owner = Caller(host="127.0.0.1", port=port, token=shop.token("owner"))
        self.cashier = Caller(host="127.0.0.1", port=port, token=shop.token("cashier"))
        until(self.answers)

    def answers(self):
        try:
            return self.owner.get("/tickets").status == 200
        except OSError:
            return False

    def open_shift(self):
        self.cashier.done("POST", "/shifts", {"float_cents": 10_000})

    def bill(self):
        return self.owner.done("POST", "/tickets", {"lines": [{"item": MASSAGE}]})

    def pay(self, bill):
        """Pay a bill in cash; return the refusal."""
        paid = [{"tender": "cash", "amount_cents": bill["total_cents"]}]
        asked = {"version": bill["version"], "payments": paid}
        reply = self.cashier.post(f"/tickets/{bill['id']}/settle", asked)
        return reply.body.get("error", {})

    def sees(self, caller, words):
        return words in page(caller, "/link/standing")


def page(caller, path):
    asked = [sys.executable, "-c", PAGE, str(caller.port), path, caller.token]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    return done.stdout


PAGE = """
import sys, urllib.request
url = f"http://127.0.0.1:{sys.argv[1]}{sys.argv[2]}"
asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {sys.argv[3]}"})
print(urllib.request.urlopen(asked, timeout=20).read().decode())
"""


def until(true, *, within=SOON_S):
    ends = time.monotonic() + within
    while not true():
        assert time.monotonic() < ends, true
        time.sleep(0.1)


def behind(shop):
    """Say whether history waits to be written."""
    key = (shop.folder / "secrets" / "database.key").read_bytes()
    with looking_into(shop.folder / "hub.db", key=key) as db:
        return is_behind(db)


def reserve(shop):
    path = shop.folder / RESERVE_FILE
    return path.stat().st_size if path.exists() else 0


def test_a_shop_sells_on_in_its_reserve_and_is_told_of_it(tmp_path, disk, store):
    with program(store, tmp_path, "jobs"), web(store, tmp_path) as till:
        until(lambda: reserve(store) > 0)
        whole = reserve(store)
        till.open_shift()
        assert not till.sees(till.owner, "alarm-bar")
        bills = [till.bill() for _ in range(4)]
        fill(disk / "filler")
        until(lambda: reserve(store) < whole)
        until(lambda: till.sees(till.owner, RESERVE_WORDS))
        assert not till.sees(till.cashier, "alarm-bar")
        assert [till.pay(bill) for bill in bills[:3]] == [{}, {}, {}]
        (disk / "filler").unlink()
        until(lambda: reserve(store) == whole)
        until(lambda: not till.sees(till.owner, "alarm-bar"))
        assert till.pay(bills[3]) == {}


def test_where_room_is_short_history_waits_and_nobody_is_refused(tmp_path, disk, store):
    with program(store, tmp_path, "jobs"), web(store, tmp_path) as till:
        until(lambda: reserve(store) > 0)
        till.open_shift()
        left = os.statvfs(disk)
        keep = left.f_blocks * left.f_frsize // 20 - 200_000
        with (disk / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, left.f_bavail * left.f_frsize - keep)
        until(lambda: till.sees(till.owner, LOW_WORDS))
        bill = till.bill()
        assert till.pay(bill) == {}
        time.sleep(3)
        assert behind(store)
        (disk / "filler").unlink()
        until(lambda: not behind(store))


def test_a_box_that_starts_on_a_full_disk_is_read_and_sells_again_once_there_is_room(
    tmp_path, disk, store
):
    with web(store, tmp_path) as till:
        till.open_shift()
        bill = till.bill()
    fill(disk / "filler")
    with program(store, tmp_path, "jobs") as jobs, web(store, tmp_path) as till:
        assert till.owner.get("/tickets").body["tickets"][0]["id"] == bill["id"]
        refused = till.pay(bill)
        assert refused["code"] == "disk_full"
        assert "请勿收款" in refused["message"]
        assert till.sees(till.cashier, FULL_WORDS)
        assert FULL_WORDS in page(till.owner, "/sales")
        assert jobs.poll() is None
        (disk / "filler").unlink()
        until(lambda: reserve(store) > 0)
        until(lambda: till.answers() and till.pay(bill) == {})
        assert not till.sees(till.cashier, "alarm-bar")
        assert copies() == []


def test_a_box_on_a_disk_that_can_only_be_read_shows_all_that_was_written(
    tmp_path, disk, store
):
    with web(store, tmp_path) as till:
        till.open_shift()
        bill = till.bill()
        # Killed, so that the last of it stands in the log and not in the database.
        subprocess.run(["kill", "-9", *children(till.process)], check=True)
        till.process.kill()
        till.process.wait()
    assert (store.folder / "hub.db-wal").stat().st_size > 0
    until(lambda: remount(disk, "ro"))
    with web(store, tmp_path) as till:
        assert till.owner.get("/tickets").body["tickets"][0]["id"] == bill["id"]
        assert till.pay(bill)["code"] == "disk_read_only"
        assert till.sees(till.cashier, READ_ONLY_WORDS)
        assert remount(disk, "rw")
        until(lambda: till.answers() and till.pay(bill) == {})


def copies():
    """Return the copies in memory of programs that are no more."""
    pids = [path.name.split("-")[2] for path in MEMORY.glob(f"{PREFIX}*")]
    return [pid for pid in pids if not Path("/proc", pid).exists()]


def children(process):
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


def remount(disk, how):
    asked = ["mount", "-o", f"remount,{how}", str(disk)]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0

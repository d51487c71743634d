"""The real web program on a disk that fills up, breaks or turns read-only under its hands.

What fails is chosen by the shim, or it is an ext4 in a file that is really full or really
read-only, where mounting is permitted. A till is told before it takes money; nothing is half
there; and what happens next depends on the fault: room that is made is used at once, while a
disk that failed a flush is not trusted again by the same process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.started import Caller, new_key
from tests.torture.disk_shim import build
from tests.torture.inspection import Promises, inspect
from tests.torture.life import SALE, Recorder, serving_web
from tests.torture.recording import Kind, read_records
from tests.torture.scenarios import prepare

DO_NOT_TAKE_MONEY = {"disk_full": "请勿收款", "storage_failing": "没有记账"}
DISK_BYTES = 24 * 1024 * 1024
TRIES_MAX = 60
"""What the log's last page has left may still take a few sales."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to the disk, and what a till must be told then."""

    name: str
    says: str
    """The shim's words for it; empty where the disk is a real one."""
    code: str
    heals: bool
    """Whether the same process may go on once it is over."""


FAULTS = (
    Fault(name="full", says="ENOSPC write", code="disk_full", heals=True),
    Fault(name="no flush", says="EIO sync", code="storage_failing", heals=False),
    Fault(name="no write", says="EIO write", code="storage_failing", heals=False),
    Fault(name="read-only", says="EROFS all", code="storage_failing", heals=False),
)
REAL_FAULTS = (
    Fault(name="full ext4", says="", code="disk_full", heals=True),
    Fault(name="aborted ext4", says="", code="storage_failing", heals=False),
)


@dataclass(slots=True, kw_only=True)
class Shop:
    """A prepared shop, its program's recorder, and what tills were promised."""

    recorder: Recorder
    token: str
    promised: Promises = field(default_factory=Promises)
    wrong: list[str] = field(default_factory=list)

    def sell(self, port: int, key: str, bill: dict) -> str:
        """Pay a bill in cash; return the refusal's code, or nothing."""
        caller = Caller(host="127.0.0.1", port=port, token=self.token)
        self.promised.hear({"wish": key, "verb": SALE})
        paid = [{"tender": "cash", "amount_cents": bill["total_cents"]}]
        asked = {"version": bill["version"], "payments": paid}
        reply = caller.post(f"/tickets/{bill['id']}/settle", asked, key=key)
        if reply.status < 300:
            self.promised.hear({"done": key, "verb": SALE, "body": reply.body})
        elif DO_NOT_TAKE_MONEY.get(reply.code, "?") not in reply.body["error"]["message"]:
            self.wrong.append(f"no clear word: {reply.body}")
        return reply.code

    def open_bill(self, port: int) -> dict:
        caller = Caller(host="127.0.0.1", port=port, token=self.token)
        return caller.done("POST", "/tickets", {"lines": [{"item": "item-1"}]})

    def reads(self, port: int) -> bool:
        caller = Caller(host="127.0.0.1", port=port, token=self.token)
        return caller.get("/tickets").status == 200

    def expect(self, found: object, wanted: object, what: str) -> None:
        if found != wanted:
            self.wrong.append(f"{what}: {found!r} and not {wanted!r}")


def shop_on(beside: Path, folder: Path) -> Shop:
    """Prepare a shop and move it to where the disk will fail."""
    library = build(beside)
    prepared = prepare(beside)
    shutil.copytree(prepared.folder, folder)
    os.sync()  # It has stood there for long: none of it is what the fault may take.
    recorder = Recorder(
        library=library, folder=folder, log=beside / "log", fault=beside / "fault"
    )
    shop = Shop(recorder=recorder, token=prepared.token)
    for told in prepared.said:
        shop.promised.hear(told)
    return shop


def by_the_shim(beside: Path, fault: Fault) -> list[str]:
    """Let the disk fail by the shim; return what was not as promised."""
    shop = shop_on(beside, beside / "disk" / "hub")
    switch = shop.recorder.fault
    _suffer(shop, fault, lambda: switch.write_text(fault.says), switch.unlink)
    if fault.says.endswith("sync"):
        shop.wrong += _flushes_after_failure(shop.recorder.log)
    return shop.wrong


def _suffer(
    shop: Shop,
    fault: Fault,
    begin: Callable[[], object],
    end: Callable[[], object] = lambda: None,
    repair: Callable[[], object] = lambda: None,
) -> None:
    """Sell before the fault, in it and after its end, and once more by a new process."""
    with serving_web(shop.recorder) as port:
        bills = [shop.open_bill(port) for _ in range(TRIES_MAX)]
        shop.expect(shop.sell(port, new_key(), bills.pop()), "", "before")
        begin()
        key, bill, code = new_key(), bills.pop(), ""
        while not (code := shop.sell(port, key, bill)) and bills:
            key, bill = new_key(), bills.pop()
        shop.expect(code, fault.code, "while it lasts")
        shop.expect(shop.reads(port), True, "what can be read meanwhile")
        again = shop.sell(port, key, bill)
        shop.expect(again, fault.code, "while it lasts, again")
        end()
        code = shop.sell(port, key, bill)
        shop.expect(code, "" if fault.heals else fault.code, "afterwards")
    repair()
    with serving_web(shop.recorder) as port:
        shop.expect(shop.sell(port, key, bill), "", "after a new start")
        shop.expect(shop.sell(port, new_key(), shop.open_bill(port)), "", "the next sale")
    # What was opened and not paid has keys that nobody wrote down here.
    shop.wrong += inspect(shop.recorder.folder, shop.promised, thoroughly=True)


def _flushes_after_failure(log: Path) -> list[str]:
    """Find a flush of the process whose flush failed: the kernel may call it clean."""
    failed: set[int] = set()
    wrong = []
    for record in read_records(log):
        if record.kind is Kind.FAILED and record.path == "sync":
            failed.add(record.process)
        elif record.process in failed and record.kind in {Kind.SYNCED, Kind.WRITTEN}:
            wrong.append(f"after a flush that failed: {record.kind} {record.path}")
    return wrong if failed else ["no flush failed"]


# -- a real ext4 ---------------------------------------------------------------------------


class NotPermitted(Exception):
    """Why this machine cannot mount a disk of its own."""


@contextmanager
def small_disk(beside: Path) -> Iterator[Path]:
    """Mount an ext4 of a few megabytes. Raises NotPermitted."""
    tools = [tool for tool in ("mkfs.ext4", "mount") if shutil.which(tool) is None]
    if sys.platform != "linux" or os.geteuid() != 0 or tools:
        raise NotPermitted(f"needs root on Linux and {', '.join(tools) or 'mount'}")
    image, disk = beside / "ext4", beside / "disk"
    image.write_bytes(b"")
    os.truncate(image, DISK_BYTES)
    disk.mkdir()
    for command in (["mkfs.ext4", "-q", "-m", "0", str(image)], _mounting(image, disk)):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotPermitted(done.stderr.strip())
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def on_ext4(beside: Path, fault: Fault) -> list[str]:
    """Fill a real disk up, or let its file system abort. Raises NotPermitted."""
    with small_disk(beside) as disk:
        shop = shop_on(beside, disk / "hub")
        ballast = disk / "ballast"
        if fault.heals:
            _suffer(shop, fault, lambda: fill(ballast), ballast.unlink)
            return shop.wrong
        _suffer(shop, fault, lambda: abort(disk), repair=lambda: repair(beside, disk))
        return shop.wrong


def fill(ballast: Path) -> None:
    """Leave no byte of room on a disk."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


def abort(disk: Path) -> None:
    """Let the file system end its journal, as it does after an error of the medium."""
    subprocess.run(["mount", "-o", "remount,abort", str(disk)], check=True)


def repair(beside: Path, disk: Path) -> None:
    """Do what a new start of the machine does: check the file system and mount it."""
    image = beside / "ext4"
    subprocess.run(["umount", str(disk)], check=True)
    subprocess.run(["e2fsck", "-p", str(image)], check=False, capture_output=True)
    subprocess.run(_mounting(image, disk), check=True)


def _mounting(image: Path, disk: Path) -> list[str]:
    return ["mount", "-o", "loop", str(image), str(disk)]

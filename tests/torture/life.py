"""A hub's life under the recorder: made, joined, sold at, closed, synced, migrated.

Every program is one of the product's and a process of its own; tills talk HTTP. Beside each
operation on the disk the log says what tills asked for and what they were promised.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.wire import pack, pack_batch
from hub.sync.tests.office import Office
from tests.broker.papers import Authority
from tests.started import MASSAGE, TEA, Caller, new_key
from tests.torture.disk_shim import environment
from tests.torture.programs import SYNCHRONOUS
from tests.torture.recording import Notes

ROOT = Path(__file__).parents[2]
START_S = 30.0
STOP_S = 10.0
RUN_S = 120.0
TILLS = 2
TOP_UP = 50_000
GRANT = 2_000
SALE, TOPUP, REFUND, CLOSE, OTHER = "sale", "topup", "refund", "close", "other"


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """Where programs are watched, and how they are told."""

    library: Path
    folder: Path
    log: Path
    synchronous: str = "FULL"
    fault: Path | None = None
    """While this file is there, what it names fails."""
    kill_at: int | None = None
    turned: Path | None = None
    """Where the wall clock is set; `library` is the clock's shim then."""

    def environment(self) -> dict[str, str]:
        watched = environment(
            self.library, self.folder, log=self.log, fault=self.fault, kill_at=self.kill_at
        )
        if self.turned is not None:
            watched["CLOCK_TURNED"] = str(self.turned)
        return watched | {SYNCHRONOUS: self.synchronous}


def run(recorder: Recorder, notes: Notes, *words: str) -> list[dict]:
    """Run a program to its end; what it says is noted when it says it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.torture.programs", *words],
        cwd=ROOT,
        env=recorder.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    ends = threading.Timer(RUN_S, process.kill)
    ends.start()
    said = []
    with process.stdout:
        for line in process.stdout:
            said.append(json.loads(line))
            notes.say(**said[-1])
    ends.cancel()
    if process.wait() != 0:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}")
    return said


@contextmanager
def serving(recorder: Recorder) -> Iterator[int]:
    """Run the hub's web and jobs programs; yield the port."""
    with _program(recorder, "jobs"), serving_web(recorder) as port:
        yield port


@contextmanager
def serving_web(recorder: Recorder) -> Iterator[int]:
    """Run the hub's web program alone; yield the port."""
    address = recorder.log.parent / "address"
    address.unlink(missing_ok=True)
    bound = ("--bind", "127.0.0.1:0", "--address-file", str(address))
    with _program(recorder, "web", *bound) as web:
        yield _port(web, address)


@contextmanager
def _program(recorder: Recorder, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.torture.programs", "hub", *words]
    with (recorder.log.parent / f"{words[0]}.said").open("ab") as out:
        process = subprocess.Popen(
            [*command, "--data", str(recorder.folder)],
            cwd=ROOT,
            env=recorder.environment(),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_S)


def _port(web: subprocess.Popen[bytes], address: Path) -> int:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and web.poll() is None:
        if address.exists():
            port = int(address.read_text().rpartition(":")[2])
            caller = Caller(host="127.0.0.1", port=port, token=None, timeout_s=1)
            with contextlib.suppress(OSError, http.client.HTTPException):
                if caller.get("/health").status == 200:
                    return port
        time.sleep(0.02)
    raise RuntimeError("the hub's web program did not come up")


class Till:
    """Somebody who sells, and writes down what was asked and what was promised."""

    def __init__(self, port: int, token: str, notes: Notes, chance: random.Random) -> None:
        self._caller = Caller(host="127.0.0.1", port=port, token=token)
        self._notes, self._chance = notes, chance
        self.sold: list[str] = []

    def ask(self, verb: str, path: str, body: dict) -> dict:
        key = new_key()
        self._notes.say(wish=key, verb=verb)
        reply = self._caller.post(path, body, key=key)
        if reply.status >= 300:
            raise RuntimeError(f"{verb}: {reply}")
        self._notes.say(done=key, verb=verb, body=reply.body)
        return reply.body

    def open(self) -> None:
        self.ask(OTHER, "/shifts", {"float_cents": 10_000})

    def top_up(self, member: str) -> None:
        paid = [{"tender": "cash", "amount_cents": TOP_UP}]
        asked = {"member": member, "amount_cents": TOP_UP, "payments": paid}
        self.ask(TOPUP, "/topups", asked)

    def sell(self, member: str) -> None:
        lines = [{"item": self._chance.choice((MASSAGE, TEA))}]
        bill = self.ask(OTHER, "/tickets", {"member": member, "lines": lines})
        due = bill["total_cents"]
        balance = self._chance.choice((0, due // 2, due))
        parts = (("stored_value", balance), ("cash", due - balance))
        payments = [{"tender": name, "amount_cents": part} for name, part in parts if part]
        asked = {"version": bill["version"], "payments": payments}
        self.ask(SALE, f"/tickets/{bill['id']}/settle", asked)
        self.sold.append(bill["id"])

    def give_back(self) -> None:
        ticket = self.sold.pop()
        self.ask(REFUND, f"/tickets/{ticket}/reverse", {"reason": "点错"})

    def close(self) -> None:
        self.ask(CLOSE, "/shifts/current/close", {"counted_cents": 10_000, "note": "数过"})

    def work(self, members: list[str], turns: int) -> None:
        self.open()
        for member in members:
            self.top_up(member)
        for turn in range(turns):
            member = self._chance.choice(members)
            if turn % 5 == 0:
                self.top_up(member)
            elif turn % 5 == 3 and self.sold:
                self.give_back()
            else:
                self.sell(member)
        self.close()


class Parcels:
    """What head office sends down, as files that the sending program takes."""

    def __init__(self, office: Office, folder: Path, hub: str) -> None:
        self._office, self._folder, self._hub = office, folder, hub
        folder.mkdir()
        self._number = 0

    def put(self, member: str, grants: int) -> None:
        """Lay down grants for a member, each in a segment of its own, and a changed price."""
        for _ in range(grants):
            self._office.grant(self._hub, member, GRANT)
        for segment in self._office.down_segments(self._hub):
            self._lay("dn", pack(segment))
        known = {"code": "101", "name": "足疗 60 分钟", "price": 13_000, "category": "c1"}
        after = self._office.feed_pos
        self._office.publish("item", MASSAGE, known)
        self._lay("feed", pack_batch(self._office.batch(after)))

    def _lay(self, suffix: str, raw: bytes) -> None:
        self._number += 1
        (self._folder / f"{self._number:03}.{suffix}").write_bytes(raw)


@contextmanager
def an_office(beside: Path) -> Iterator[Office]:
    authority = Authority(beside / "authority")
    office = Office(beside / "office", authority, 1)
    try:
        yield office
    finally:
        office.close()


def live(recorder: Recorder, *, turns: int, seed: int = 20261122) -> None:
    """Let a hub be made and worked at; all that it did to its folder is in the log then."""
    beside = recorder.log.parent
    recorder.folder.mkdir(parents=True)
    notes = Notes(recorder.log)
    chance = random.Random(seed)
    try:
        with an_office(beside) as office:
            tokens = run(recorder, notes, "furnish", str(recorder.folder), str(TILLS))
            authority = str(office.authority.file)
            run(recorder, notes, "join", str(recorder.folder), office.url, authority)
            with serving(recorder) as port:
                members = sell(port, tokens[0]["tokens"], notes, chance, turns)
            parcels = beside / "parcels"
            hub = hub_of(recorder.folder)
            Parcels(office, parcels, hub).put(members[0], grants=3)
            run(recorder, notes, "sync", str(recorder.folder), str(parcels))
            notes.say(migrating=True)
            run(recorder, notes, "migrate", str(recorder.folder))
    finally:
        notes.close()


def sell(port, tokens, notes, chance, turns) -> list[str]:
    tills = [Till(port, token, notes, random.Random(chance.random())) for token in tokens]
    members = [tills[0].ask(OTHER, "/members", {"name": name})["id"] for name in "甲乙丙"]
    notes.say(members=members)
    with ThreadPoolExecutor(max_workers=TILLS) as pool:
        for working in [pool.submit(till.work, members, turns) for till in tills]:
            working.result(RUN_S)
    return members


def hub_of(folder: Path) -> str:
    """Return who the hub is, without touching its folder under the recorder."""
    link = json.loads((folder / "link.json").read_text())
    return str(link["hub"])

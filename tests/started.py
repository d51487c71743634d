"""A small shop in a folder, its web process started for real, and a program that calls it.

shop = seed(tmp_path)
with start(shop.folder) as hub:
    hub.caller(shop.token("owner")).post("/members", {"name": "李慧敏"})
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from core.clock import Clock
from core.feed import FeedDocument, load
from core.journal import drain_all, rebuild, seal
from core.sqlite import Reader
from hub.access import make_token
from hub.app import open_hub
from hub.box import Box, settle_in
from hub.devices import set_printer

ROOT = Path(__file__).parents[1]
START_S = 20.0
STOP_S = 10.0
CALL_S = 20.0
TILLS = 160
ROLES = ("owner", "manager", "cashier", "technician", "device")

MASSAGE, TEA, GONE, PACKAGE, CARD_TYPE = "item-1", "item-2", "item-3", "offer-1", "offer-2"
DOCUMENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("company", "-"): {"name": "清和养生", "phone": "02112345678"},
    ("store", "s1"): {"name": "人民路店", "code": "A", "cutoff_minutes": 240},
    ("category", "c1"): {"name": "足疗"},
    ("item", MASSAGE): {
        "code": "101",
        "name": "足疗 60 分钟",
        "price": 12_800,
        "member_price": 9_900,
        "category": "c1",
    },
    ("item", TEA): {
        "code": "201",
        "name": "茉莉花茶",
        "kind": "product",
        "unit": "壶",
        "price": 3_800,
        "barcode": "6901234567892",
        "category": "c1",
    },
    ("item", GONE): {"code": "301", "name": "旧项目", "price": 100, "active": False},
    ("offer", PACKAGE): {
        "name": "充1000送100",
        "price": 100_000,
        "principal": 100_000,
        "bonus": 10_000,
    },
    ("offer", CARD_TYPE): {
        "name": "年卡",
        "kind": "card",
        "price": 50_000,
        "principal": 50_000,
        "term_days": 365,
    },
    **{
        ("staff", role): {"number": f"{n:02}", "name": role, "role": role}
        for n, role in enumerate(ROLES, start=1)
    },
}


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A seeded folder and the tokens by which programs act in it, by role and till."""

    folder: Path
    tokens: dict[tuple[str, str], str]

    def token(self, role: str, till: str = "till-0") -> str:
        return self.tokens[role, till]


def seed(folder: Path, *, clock: Clock | None = None) -> Shop:
    """Set up a shop: what it sells, who works there, a printer with a drawer, tokens."""
    box = open_hub(folder, clock=clock)
    try:
        return Shop(folder=folder, tokens=furnish(box))
    finally:
        box.close()


def furnish(box: Box) -> dict[tuple[str, str], str]:
    """Bring the shop into an opened box; return its tokens."""
    documents = [
        FeedDocument(topic=topic, key=key, pos=pos, content=content)
        for pos, ((topic, key), content) in enumerate(DOCUMENTS.items(), start=1)
    ]

    def settle(tx: Any) -> dict[tuple[str, str], str]:
        load(tx, box.parts, documents)
        settle_in(tx, "s1")
        set_printer(
            tx,
            name="前台",
            address="tcp://127.0.0.1:9",
            columns=48,
            raster=False,
            drawer_pin=2,
        )
        act = box.act(tx)
        return {
            (role, till): make_token(tx, act, name=f"{role}/{till}", staff_id=role, till=till)
            for role in ROLES
            for till in (f"till-{n}" for n in range(TILLS))
        }

    return box.door.write(settle)


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """The refusal's code, empty where nothing was refused."""
        return str(self.body["error"]["code"]) if "error" in self.body else ""

    @property
    def replayed(self) -> bool:
        return self.headers.get("idempotent-replay") == "true"


@dataclass(kw_only=True)
class Caller:
    """A program that calls the API with a token."""

    host: str
    port: int
    token: str | None
    timeout_s: float = CALL_S

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> Reply:
        """Send one request on a connection of its own; raises OSError or HTTPException."""
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if sent is not None else {}
        return self.raw(method, path, sent, headers=headers, key=key)

    def raw(
        self,
        method: str,
        path: str,
        body: bytes | None,
        *,
        headers: dict[str, str],
        key: str | None = None,
    ) -> Reply:
        if self.token is not None:
            headers = {**headers, "Authorization": f"Bearer {self.token}"}
        if key is not None:
            headers = {**headers, "Idempotency-Key": key}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_s)
        with contextlib.closing(connection):
            connection.request(method, quote(f"/api/v1{path}", "/?=&%"), body, headers)
            answer = connection.getresponse()
            text = answer.read()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(status=answer.status, body=json.loads(text), headers=told)

    def get(self, path: str, **query: object) -> Reply:
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any, *, key: str | None = None) -> Reply:
        """Post under a fresh key where none is given."""
        return self.call("POST", path, body, key=key or new_key())

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """Call where nothing but success is expected, and return the answer."""
        reply = self.call(method, path, body, key=new_key())
        assert reply.status < 300, reply
        return reply.body


def new_key() -> str:
    return str(uuid.uuid4())


@dataclass(kw_only=True)
class Hub:
    """A started web process."""

    folder: Path
    host: str
    port: int
    process: subprocess.Popen[bytes]
    ended: bool = field(default=False)

    def caller(self, token: str | None, *, timeout_s: float = CALL_S) -> Caller:
        return Caller(host=self.host, port=self.port, token=token, timeout_s=timeout_s)

    def workers(self) -> list[int]:
        """Return the process ids of gunicorn's workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill(self) -> None:
        """End all of it at once, as a pulled plug would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)
        self.ended = True

    def stop(self) -> None:
        if not self.ended:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self.ended = True


@contextmanager
def start(folder: Path) -> Iterator[Hub]:
    """Start `python -m hub web` on a port that the kernel chooses."""
    hub = launch(folder)
    try:
        yield hub
    finally:
        hub.stop()


def launch(folder: Path) -> Hub:
    """Start the web process and wait until it answers; the caller stops it."""
    address = folder / "address"
    address.unlink(missing_ok=True)
    options = ["--data", str(folder), "--bind", "127.0.0.1:0", "--address-file", str(address)]
    with (folder / "web.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub", "web", *options],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_S
    hub = None
    while time.monotonic() < deadline and process.poll() is None:
        if hub is None and address.exists():
            host, _, port = address.read_text().rpartition(":")
            hub = Hub(folder=folder, host=host, port=int(port), process=process)
        if hub is not None and _answers(hub):
            return hub
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError((folder / "web.log").read_text())


def _answers(hub: Hub) -> bool:
    try:
        return hub.caller(None).get("/health").status == 200
    except (OSError, http.client.HTTPException):
        return False


def assert_sound(folder: Path) -> None:
    """Check that the journal holds and that every table follows from it."""
    box = open_hub(folder)
    try:
        drain_all(box.door, box.parts)
        box.door.write(lambda tx: seal(tx, box.journal.identity, box.secrets.log_key.sign))
        assert box.findings() == []
        scratch = folder / f"rebuilt-{new_key()}.db"
        assert list(rebuild(box.door, scratch, box.parts, key=box.database_key)) == []
    finally:
        box.close()


@contextmanager
def reading(folder: Path) -> Iterator[Reader]:
    """Look into a stopped shop's tables, history brought to the journal's head."""
    box = open_hub(folder)
    try:
        drain_all(box.door, box.parts)
        with box.door.read() as db:
            yield db
    finally:
        box.close()

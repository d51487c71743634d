from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.feed import FeedDocument, load
from core.sqlite import Row
from hub.app import open_hub
from hub.box import Box, settle_in
from hub.devices import Cut, Document, Text, set_printer, spool
from hub.simulator.paper import PaperPrinter

ROOT = Path(__file__).parents[3]
END_S = 20
WAIT_S = 20.0
FEED = (
    ("company", "-", {"name": "清和养生"}),
    ("store", "s1", {"name": "人民路店", "code": "A"}),
)


@pytest.fixture
def box(tmp_path):
    """Open a hub that knows its store, beside the process under test."""
    box = open_hub(tmp_path / "hub")

    def set_up(tx):
        documents = [
            FeedDocument(topic=topic, key=key, pos=pos, content=content)
            for pos, (topic, key, content) in enumerate(FEED, start=1)
        ]
        load(tx, box.parts, documents)
        settle_in(tx, "s1")

    box.door.write(set_up)
    yield box
    box.close()


@pytest.fixture
def paper(tmp_path):
    with PaperPrinter(tmp_path / "roll") as printer:
        yield printer


@pytest.fixture
def devices(box, tmp_path):
    """Start `dianshu hub devices`; whatever still runs at the end is killed."""
    running: list[subprocess.Popen[bytes]] = []
    said = (tmp_path / "said").open("ab")

    def start(*, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "hub", "devices", "--simulated"]
        child = subprocess.Popen(
            [*command, "--data", str(box.folder)],
            cwd=ROOT,
            env=os.environ | (env or {}),
            stdout=said,
            stderr=said,
        )
        running.append(child)
        return child

    yield start
    for child in running:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        child.wait(END_S)
    said.close()


def receipt(number: int | str, *, lines: int = 0) -> Document:
    return Document(parts=(Text(f"单号 {number}"), *[Text("足疗 60 分钟")] * lines, Cut()))


def put(box: Box, document: object, **kind: object) -> str:
    """Spool one job and ring, as a page does."""
    words = {"kind": "receipt", "subject": "t1"} | kind
    job = box.door.write(lambda tx: spool(tx, box.act(tx), document, **words))
    box.written()
    # Within one millisecond the order is chance, because ids are random below it.
    time.sleep(0.002)
    return job


def set_up_printer(
    box: Box, printer: PaperPrinter | str, name: str = "front", **how: object
) -> None:
    address = printer if isinstance(printer, str) else f"tcp://127.0.0.1:{printer.port}"
    known = {"columns": 48, "raster": False, "drawer_pin": 2} | how
    box.door.write(lambda tx: set_printer(tx, name=name, address=address, **known))
    box.written()


def job(box: Box, job_id: str) -> Row:
    with box.door.read() as db:
        row = db.one("SELECT * FROM print_job WHERE id = :id", id=job_id)
    assert row is not None
    return row


def wait_for(what: Callable[[], object], timeout_s: float = WAIT_S) -> None:
    ends_at = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < ends_at, "it did not come about in time"
        time.sleep(0.02)


def wait_until(box: Box, job_id: str, state: str, **facts: object) -> Row:
    """Return the job's row once it is in a state and its other columns are these."""

    def there() -> bool:
        row = job(box, job_id)
        return row["state"] == state and all(row[name] == fact for name, fact in facts.items())

    wait_for(there)
    return job(box, job_id)

"""The one command by which a stranger meets the shop: it starts, resumes, starts over, ends."""

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
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hub.simulator.paper import papers_in
from tests.journeys.browser import ROOT
from tests.journeys.conftest import STOP_S, wait_for_urls

ANSWER_S = 10
WAIT_S = 30
STARTS_IT = [sys.executable, "-c", "from hub.demo import demo; demo()", "--no-browser"]


class Demo:
    """A started demo, as a program sees it: by urls.json."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.said = folder.with_suffix(".said")
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [*STARTS_IT, "--dir", str(folder), *words],
                cwd=ROOT,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self.urls = wait_for_urls(self.process, folder / "urls.json", self.said)
        self.children = children_of(self.process.pid)

    def end(self, number=signal.SIGINT) -> str:
        """Stop it as Ctrl-C does; return what it said."""
        self.process.send_signal(number)
        assert self.process.wait(STOP_S) == 0, self.said.read_text()
        return self.said.read_text()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)

    def ask(self, path, content=None, *, role="cashier"):
        """Call the API; return the status and the answer."""
        headers = {"Authorization": f"Bearer {self.urls['tokens'][role]}"}
        return call(self.urls["addresses"]["api"] + path, content, headers)

    def papers(self):
        return papers_in(Path(self.urls["devices"]["printer"]["paper_folder"]))


def call(url, content=None, headers=None):
    """Ask as a program does whose resolver knows no name below localhost."""
    place = urlsplit(url)
    link = http.client.HTTPConnection("127.0.0.1", place.port, timeout=ANSWER_S)
    headers = {"Host": place.netloc, **(headers or {})}
    body = None
    if content is not None:
        body = json.dumps(content)
        headers |= {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    try:
        path = f"{place.path}?{place.query}" if place.query else place.path
        link.request("POST" if body else "GET", path, body=body, headers=headers)
        answer = link.getresponse()
        told = answer.read().decode()
    finally:
        link.close()
    is_json = answer.headers.get_content_type() == "application/json"
    return answer.status, json.loads(told) if is_json else told


def children_of(pid):
    """Return every process below one, however deep."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children_of(child)]
    return found


def alive(pids):
    """Return those that still run; one that is dead and not yet buried does not."""
    running = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
            if stat.rpartition(") ")[2][0] != "Z":
                running.append(pid)
    return running


def wait_for(what):
    ends_at = time.monotonic() + WAIT_S
    while not (found := what()):
        assert time.monotonic() < ends_at, "it did not come about in time"
        time.sleep(0.05)
    return found


@pytest.fixture
def start(tmp_path):
    """Start the demo in one folder; whatever still runs at the end is killed."""
    running = []

    def start(*words):
        running.append(Demo(tmp_path / "shop", *words))
        return running[-1]

    yield start
    for demo in running:
        demo.kill()


def refused(folder, *words):
    """Start where it must not; return what it said."""
    done = subprocess.run(
        [*STARTS_IT, "--dir", str(folder), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


@pytest.mark.deep
def test_every_address_answers_and_what_was_done_stays_until_it_is_reset(start, tmp_path):
    demo = start()
    addresses = demo.urls["addresses"]
    answers = {name: call(url)[0] for name, url in addresses.items() if name != "api"}
    # The till's own pages first ask who is there.
    let_in = dict.fromkeys(("till", "members", "shift", "catalog"), 302)
    assert answers == dict.fromkeys(answers, 200) | let_in
    for role in ("owner", "manager", "cashier"):
        assert demo.ask("/items", role=role)[0] == 200
    assert "runs already" in refused(tmp_path / "shop", "--reset")
    member = {"name": "欧阳锦", "phone": "13912345678"}
    status, known = demo.ask("/members", member)
    assert status == 201
    first_children = demo.children
    assert len(first_children) >= 13
    assert call(demo.urls["head_office"]["address"] + "/login")[0] == 200
    said = demo.end()
    assert alive(first_children) == []
    assert "Traceback" not in said
    assert not (tmp_path / "shop/urls.json").exists()

    again = start()
    assert again.urls == demo.urls
    assert again.ask(f"/members/{known['id']}")[1]["name"] == "欧阳锦"
    again.end(signal.SIGTERM)
    assert alive(again.children) == []

    anew = start("--reset")
    assert anew.urls["addresses"] == demo.urls["addresses"]
    assert anew.urls["tokens"] != demo.urls["tokens"]
    assert anew.ask(f"/members/{known['id']}")[0] == 404
    anew.end(signal.SIGHUP)
    assert alive(anew.children) == []


def test_a_printer_that_is_off_stops_no_sale_and_its_receipt_comes_out_once(start):
    demo = start("--alone")
    printer = demo.urls["devices"]["printer"]
    assert demo.ask("/shifts", {"float_cents": 50_000})[0] == 201
    call(printer["switch"], {"state": "off"})
    _, ticket = demo.ask("/tickets", {})
    _, bill = demo.ask(f"/tickets/{ticket['id']}/lines", {"item": "item101"})
    paid = {
        "version": bill["version"],
        "payments": [{"tender": "bank_card", "amount_cents": bill["total_cents"]}],
    }
    status, settled = demo.ask(f"/tickets/{ticket['id']}/settle", paid)
    assert status == 200, settled
    waits = wait_for(
        lambda: [
            job
            for job in demo.ask("/print-jobs")[1]["print_jobs"]
            if job["reason"] == "unreachable"
        ]
    )
    assert [job["state"] for job in waits] == ["queued"]
    assert demo.papers() == []
    call(printer["switch"], {"state": "online"})
    wait_for(demo.papers)
    assert demo.ask(f"/tickets/{ticket['id']}/prints", {})[0] == 201
    first, copy = wait_for(lambda: len(papers := demo.papers()) > 1 and papers)
    assert bill["number"] in first.text
    assert ("补打" in first.text, "补打" in copy.text) == (False, True)
    told = call(printer["state"])[1]
    assert [paper["number"] for paper in told["papers"]] == [2, 1]
    demo.end()


@pytest.mark.deep
def test_a_program_that_dies_comes_back(start):
    demo = start()
    web = next(
        pid for pid in demo.children if b"\0web\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(web, signal.SIGKILL)
    wait_for(lambda: alive([web]) == [])

    def healthy():
        with contextlib.suppress(OSError):
            return call(demo.urls["addresses"]["health"])[0] == 200

    wait_for(healthy)
    demo.end()
    assert alive(demo.children) == []


def connected(demo):
    """Say how many events the stores still owe; None while one has no line."""
    told = [call(store["line"])[1] for store in demo.urls["stores"]]
    return sum(one["outbox"] for one in told) if all(one["connected"] for one in told) else None


@pytest.mark.deep
@pytest.mark.feature("STO-01")
def test_a_shop_that_was_alone_is_joined_later_and_a_second_store_after_it(start):
    alone = start("--alone")
    assert alone.urls["head_office"] is None
    assert alone.ask("/shifts", {"float_cents": 50_000})[0] == 201
    alone.end()
    one = start("--stores", "1")
    assert one.urls["head_office"]["totp_secret"]
    assert one.urls["tokens"] == alone.urls["tokens"]
    wait_for(lambda: connected(one) == 0)
    one.end()
    two = start()
    assert [store["store"]["code"] for store in two.urls["stores"]] == ["A", "B"]
    assert two.urls["head_office"] == one.urls["head_office"]
    wait_for(lambda: connected(two) == 0)
    api = two.urls["stores"][1]["addresses"]["api"]
    token = {"Authorization": f"Bearer {two.urls['stores'][1]['tokens']['cashier']}"}
    wait_for(lambda: call(f"{api}/members?q=139", headers=token)[1]["members"])
    two.end()
    assert alive(two.children) == []


@pytest.mark.deep
def test_without_mosquitto_the_stand_in_joins_the_stores_and_the_page_says_so(
    start, monkeypatch
):
    monkeypatch.setenv("DIANSHU_MOSQUITTO", "")
    demo = start()
    wait_for(lambda: connected(demo) == 0)
    assert "mosquitto" in call(demo.urls["addresses"]["start"])[1]
    assert "No mosquitto" in demo.end()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/1.jpg").write_text("dear to somebody")
    assert "holds something else" in refused(tmp_path, "--reset")
    assert (tmp_path / "photos/1.jpg").exists()


def test_a_path_that_no_socket_can_have_is_told_before_anything_is_made(tmp_path):
    deep = tmp_path / ("d" * 100)
    assert "choose another" in refused(deep)
    assert not deep.exists()

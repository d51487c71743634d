"""Head office's four programs and a store's two, each of which can be ended and started again.

office = HeadOffice(tmp_path / "office")
office.kill("broker"); office.start("broker")
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from cloud.__main__ import cloud
from cloud.app import open_cloud
from cloud.platform import Merchant, Platform
from core.clock import Clock
from core.enrolment import Broker
from hub.__main__ import hub
from hub.app import open_hub
from hub.box import Box
from hub.simulator.line import Line, LineState, Route
from hub.sync import LinkState, Options, Retry, Sending, link_state, load_link
from tests.started import ROOT, Hub, launch

HOST = "127.0.0.1"
START_S = 30.0
STOP_S = 10.0
WAIT_S = 60.0
RETRY = Retry(longest_s=0.3)
PROGRAMS = {"cloud": cloud, "hub": hub}
BROKER, GATE, WEB, INGEST = "broker", "gate", "web", "ingest"


def until(condition: Callable[[], object], timeout_s: float = WAIT_S, *, why: str = "") -> None:
    """Wait for something to come true; raises AssertionError when it does not."""
    ends_at = time.monotonic() + timeout_s
    while time.monotonic() < ends_at:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(why or "it did not come to that")


def command(side: str, folder: Path, *words: str) -> str:
    """Run `hub …` or `cloud …` to its end and return what it said.

    Here and not in a process of its own: a dozen starts of Python would be most of a test.
    """
    done = CliRunner().invoke(PROGRAMS[side], [*words, "--data", str(folder)])
    assert done.exit_code == 0, f"{done.output}{done.exception!r}"
    return done.stdout.strip()


STARTS_MAX = 4
START_PAUSE_S = 2.0


class HeadOffice:
    """Broker, gate, web and ingest over one folder, at ports that stay theirs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ports = {name: _free_port() for name in (BROKER, GATE, WEB)}
        self.url = f"http://{self.at(WEB)}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        places = ("--broker", self.at(BROKER), "--gate", f"https://{self.at(GATE)}")
        command("cloud", folder, "admin", "addresses", *places)
        command("cloud", folder, "admin", "certificates", "--name", HOST, "--name", "localhost")
        try:
            for name in (BROKER, GATE, WEB, INGEST):
                self.start(name)
        except BaseException:
            self.end()
            raise

    def at(self, name: str) -> str:
        return f"{HOST}:{self.ports[name]}"

    def start(self, name: str) -> None:
        """Start a program and wait until it listens; ingest listens nowhere."""
        words = ["--broker", self.at(BROKER)] if name == INGEST else ["--bind", self.at(name)]
        for _try in range(STARTS_MAX):
            process = self._processes[name] = run("cloud", self.folder, name, *words)
            if name not in self.ports:
                return
            until(
                lambda: _listens(self.ports[name]) or process.poll() is not None,  # noqa: B023
                START_S,
                why=f"{name} does not listen",
            )
            if process.poll() is None:
                return
            # Somebody's connection out may have stood on the port that was free before.
            time.sleep(START_PAUSE_S)
        raise AssertionError(
            f"{name} ends: {(self.folder / f'{name}.said').read_text()[-500:]}"
        )

    def kill(self, name: str) -> None:
        end(self._processes[name])

    def end(self) -> None:
        for process in self._processes.values():
            end(process)

    def admin(self, *words: str) -> str:
        return command("cloud", self.folder, "admin", *words)

    def take_in(self, merchant: str, folder: Path, *, store: str = "", bring: bool) -> None:
        """Join a box by a code, as a person does."""
        words = ("--store", store) if store else ()
        code = self.admin("code", "--merchant", merchant, *words)
        command("hub", folder, "admin", "join", self.url, code, *(["--bring"] if bring else []))

    @contextmanager
    def looked_into(self) -> Iterator[Platform]:
        """Lend head office's folder to the test itself, beside its programs."""
        platform = open_cloud(self.folder)
        try:
            yield platform
        finally:
            platform.close()

    @contextmanager
    def books(self, merchant: str) -> Iterator[Merchant]:
        with self.looked_into() as platform:
            yield platform.merchant(merchant)

    def alarms(self) -> list[tuple[str, str]]:
        with self.looked_into() as platform, platform.door.read() as db:
            return [(r["kind"], r["detail"]) for r in db.all("SELECT * FROM alarm ORDER BY id")]


@contextmanager
def head_office(folder: Path) -> Iterator[HeadOffice]:
    office = HeadOffice(folder)
    try:
        yield office
    finally:
        office.end()


class Wire:
    """A store's line to head office, with the switch in it."""

    def __init__(self, office: HeadOffice) -> None:
        routes = [Route(port=0, to=office.ports[name]) for name in (BROKER, GATE)]
        self.line = Line(tuple(routes))

    @property
    def broker(self) -> Broker:
        return Broker(host=HOST, port=self.line.ports[0])

    @property
    def gate(self) -> str:
        return f"https://{HOST}:{self.line.ports[1]}"

    def cut(self) -> None:
        self.line.switch(LineState.CUT)

    def plug_in(self) -> None:
        self.line.switch(LineState.UP)


@contextmanager
def wired(office: HeadOffice) -> Iterator[Wire]:
    wire = Wire(office)
    with wire.line:
        yield wire


class Branch:
    """A store as its programs run: web and sync, each killed and started at will."""

    def __init__(self, folder: Path, wire: Wire) -> None:
        self.folder, self.wire = folder, wire
        self.web: Hub = launch(folder)
        self._sync = self._start_sync()

    def _start_sync(self) -> subprocess.Popen[bytes]:
        broker = self.wire.broker
        words = ("--broker", f"{broker.host}:{broker.port}", "--gate", self.wire.gate)
        return run("hub", self.folder, "sync", "--retry-max", str(RETRY.longest_s), *words)

    def kill_web(self) -> None:
        """End the web process and start it again, at another port."""
        self.web.kill()
        self.web = launch(self.folder)

    def kill_sync(self) -> None:
        end(self._sync)
        self._sync = self._start_sync()

    def stop(self) -> None:
        self.web.stop()
        end(self._sync)


class Store:
    """An opened box at a clock that the test sets, and its sending in a thread beside it."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        actor: str = "owner",
        opener: Callable[..., Box] = open_hub,
    ) -> None:
        self.clock, self.actor = clock, actor
        self._open = opener
        self.box: Box = opener(folder, clock=clock)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def id(self) -> str:
        return self.box.journal.identity.origin

    @property
    def branch(self) -> str:
        return str(self.ask(self.box.store_id))

    def send_over(self, wire: Wire) -> None:
        """Begin to talk to head office."""
        self.wire = wire
        self.resume()

    def resume(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._send, name=f"sync {self.box.folder.name}")
        self._thread.start()

    def pause(self) -> None:
        """End the sending, as systemd would."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
            assert not self._thread.is_alive()

    def _send(self) -> None:
        box = self._open(self.box.folder, clock=self.clock)
        link = load_link(box.folder)
        assert link is not None
        options = Options(broker=self.wire.broker, gate=self.wire.gate, retry=RETRY)
        try:
            Sending(box, link, options).run(self._stopping)
        finally:
            box.close()

    def do(self, verb: Callable[..., Any]) -> Any:
        act = self.box.act
        answer = self.box.door.write(lambda tx: verb(tx, act(tx, actor=self.actor)))
        self.box.written()
        return answer

    def ask(self, query: Callable[..., Any]) -> Any:
        with self.box.door.read() as db:
            return query(db)

    def link(self) -> LinkState:
        link: LinkState = self.ask(lambda db: link_state(db, self.box))
        return link

    def close(self) -> None:
        self.pause()
        self.box.close()


def link_of(folder: Path) -> dict[str, Any]:
    link: dict[str, Any] = json.loads((folder / "link.json").read_text())
    return link


def run(side: str, folder: Path, *words: str) -> subprocess.Popen[bytes]:
    with (folder / f"{words[0]}.said").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", side, *words, "--data", str(folder)],
            cwd=ROOT,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_S)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as asked:
        return int(asked.getsockname()[1])


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False

"""A store whose programs are killed at random and started again, as systemd would."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.started import ROOT, Caller, Hub, Reply, launch

GIVE_UP_S = 60.0
KILL_EVERY_S = (0.15, 0.6)


class Store:
    """Web, devices and jobs over one folder; each is started again when it was killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kills = 0
        self._starting = threading.Lock()
        self._web = launch(folder)
        self._others = {name: self._start(name) for name in ("devices", "jobs")}

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        simulated = ["--simulated"] if name == "devices" else []
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "hub", name, "--data", str(self.folder), *simulated],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def web(self) -> Hub:
        with self._starting:
            return self._web

    def kill_something(self, chance: random.Random) -> None:
        """End one program at once and start it again."""
        name = chance.choice(("web", "web", "devices", "jobs"))
        if name == "web":
            with self._starting:
                self._web.kill()
                self._web = launch(self.folder)
        else:
            os.killpg(self._others[name].pid, signal.SIGKILL)
            self._others[name].wait()
            self._others[name] = self._start(name)
        self.kills += 1

    def stop(self) -> None:
        self._web.stop()
        for process in self._others.values():
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def plagued(store: Store, seed: int) -> Iterator[None]:
    """Kill programs at random as long as this lasts; the seed is printed by the test."""
    over = threading.Event()
    chance = random.Random(seed)

    def plague() -> None:
        while not over.wait(chance.uniform(*KILL_EVERY_S)):
            store.kill_something(chance)

    thread = threading.Thread(target=plague)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def insist(store: Store, token: str, method: str, path: str, body: object, key: str) -> Reply:
    """Send one wish under its key until there is an answer, as a till does."""
    deadline = time.monotonic() + GIVE_UP_S
    while time.monotonic() < deadline:
        web = store.web
        caller = Caller(host=web.host, port=web.port, token=token, timeout_s=10)
        try:
            return caller.call(method, path, body, key=key)
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(0.05)
    raise AssertionError(f"no answer to {method} {path}")

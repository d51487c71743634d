"""The programs of the demo as children of one: started, watched, started again, stopped."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 8.0
ASK_TIMEOUT_S = 2.0
POLL_S = 0.1
DEATHS_EARLY_MAX = 3
PAUSE_MAX_S = 10.0
LOG_LINES_TOLD = 12
SYSTEM_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


class WillNotStart(Exception):
    """A program ends again and again; the message has the end of its log."""


@dataclass(slots=True, kw_only=True)
class Program:
    """One child: `python -m hub` or `cloud` with these words, and how it is known to serve."""

    name: str
    place: str = "hub"
    words: tuple[str, ...]
    log: Path
    serves: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    again_at_s: float = field(default=0.0)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only its parent."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own words
                [*_ends_with_parent(), sys.executable, "-m", self.place, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"DIANSHU_SIMULATED": "1", "PYTHONUNBUFFERED": "1"},
            )

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tell(self, number: signal.Signals) -> None:
        """Send a signal to the program and to whatever it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Say whether it has ended in time."""
        if self.process is None:
            return True
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES_TOLD:])


class Crew:
    """All programs of the demo."""

    def __init__(self) -> None:
        self._programs: list[Program] = []
        self._waiting: list[Program] = []

    def launch(self, programs: Iterable[Program]) -> None:
        """Start these beside the others, without waiting for them."""
        for program in programs:
            program.log.write_bytes(b"")
            self._programs.append(program)
            program.start()
            self._waiting.append(program)

    def ready(self, stopping: Event) -> bool:
        """Wait until all that were launched serve; False when told to stop meanwhile.

        Raises WillNotStart.
        """
        ends_at = time.monotonic() + READY_TIMEOUT_S
        while self._waiting:
            self._mend(DEATHS_EARLY_MAX)
            self._waiting = [program for program in self._waiting if not program.serves()]
            if self._waiting and time.monotonic() > ends_at:
                raise WillNotStart(_told(self._waiting[0]))
            if stopping.wait(POLL_S):
                return False
        for program in self._programs:
            program.deaths = 0
        return True

    def watch(self, stopping: Event) -> None:
        """Start again whatever ends, until told to stop."""
        while not stopping.wait(POLL_S):
            self._mend(None)

    def stop(self) -> None:
        """End all, the slow ones by force; nothing is left behind."""
        for program in self._programs:
            program.tell(signal.SIGTERM)
        ends_at = time.monotonic() + STOP_TIMEOUT_S
        for program in self._programs:
            program.wait(max(0.0, ends_at - time.monotonic()))
            program.tell(signal.SIGKILL)
            program.wait(STOP_TIMEOUT_S)

    def _mend(self, deaths_max: int | None) -> None:
        now = time.monotonic()
        for program in self._programs:
            if program.runs:
                continue
            if program.again_at_s == 0.0:
                program.deaths += 1
                if deaths_max is not None and program.deaths > deaths_max:
                    raise WillNotStart(_told(program))
                # Pauses grow, so that one that cannot live does not eat the machine.
                program.again_at_s = now + min(2.0 ** (program.deaths - 1) / 2, PAUSE_MAX_S)
            elif now >= program.again_at_s:
                program.tell(signal.SIGKILL)  # What its dead parent may have left.
                program.again_at_s = 0.0
                program.start()


def no_mosquitto() -> bool:
    """Say whether head office's broker must be the one that stands in."""
    named = os.environ.get("DIANSHU_MOSQUITTO")
    if named is not None:
        return not named or shutil.which(named) is None
    places = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_PLACES])
    return shutil.which("mosquitto", path=places) is None


def listens(port: int) -> bool:
    """Say whether a program on this machine takes calls at a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=ASK_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def answers(port: int, path: str) -> bool:
    """Say whether a program on this machine answers a page with 200."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=ASK_TIMEOUT_S)
    try:
        link.request("GET", path)
        return link.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def _ends_with_parent() -> list[str]:
    """Have the kernel end a child whose parent was killed; where it can, on Linux."""
    tool = shutil.which("setpriv")
    return [tool, "--pdeathsig", "TERM", "--"] if tool else []


def _told(program: Program) -> str:
    return f"{program.name} ({program.log}):\n{program.last_words}"

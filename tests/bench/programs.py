"""Programs started as their units start them, and what Linux says of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 30.0
STOP_S = 10.0
POLL_S = 0.002
ANSWER_S = 10.0
MESSAGE_BYTES_MAX = 4096
HEALTH = "/api/v1/health"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Of a program with all its processes, in bytes.

    RSS counts a page that several share once for each of them; PSS shares it out.
    """

    rss: int
    pss: int


@dataclass(kw_only=True)
class Program:
    """A started program, with the processes that it has forked."""

    process: subprocess.Popen[bytes]
    began: float
    """By the clock of `time.perf_counter`."""
    ready_s: float = 0.0
    """From its start until it did its work."""
    host: str = ""
    port: int = 0

    def pids(self) -> list[int]:
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *(int(pid) for pid in children)]

    def cpu_s(self) -> float:
        """Return the CPU time that it has used so far, user and system."""
        return sum(_cpu_s(pid) for pid in self.pids())

    def memory(self) -> Memory:
        rolled = [_rolled_up(pid) for pid in self.pids()]
        return Memory(
            rss=sum(known["Rss"] for known in rolled), pss=sum(known["Pss"] for known in rolled)
        )

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STOP_S)


def _cpu_s(pid: int) -> float:
    # The kernel's clock of another process: /proc/PID/stat counts the same in steps of 10 ms,
    # which is more than a request takes.
    return time.clock_gettime((~pid << 3) | 2)


def _rolled_up(pid: int) -> dict[str, int]:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    cells = (row.split() for row in rows)
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _unit in cells}


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Program]:
    """Start `python -m ARGUMENTS` and wait until it says, as to systemd, that it is ready.

    What it prints goes to a file in `folder`.
    """
    with ExitStack() as stack:
        with tempfile.TemporaryDirectory() as name, _ear(Path(name) / "notify") as ear:
            heard = {"NOTIFY_SOCKET": str(ear.getsockname())}
            program = stack.enter_context(_launched(folder, *arguments, environment=heard))
            while b"READY=1" not in ear.recv(MESSAGE_BYTES_MAX):
                pass
            program.ready_s = time.perf_counter() - program.began
        # Nobody listens from here on: an ear that is not emptied would hold the program up.
        yield program


@contextmanager
def listening(folder: Path, *arguments: str, at: str) -> Iterator[Program]:
    """Start a program and wait until it takes connections at `at` (host:port)."""
    with listening_command(folder, [sys.executable, "-m", *arguments], at=at) as program:
        yield program


@contextmanager
def listening_command(folder: Path, command: Sequence[str], *, at: str) -> Iterator[Program]:
    """Start any command and wait until it takes connections at `at` (host:port)."""
    host, _, port = at.rpartition(":")

    def listens() -> bool:
        with suppress(OSError), socket.create_connection((host, int(port)), ANSWER_S):
            return True
        return False

    with _launched_command(folder, command) as program:
        _await(program, folder, listens)
        program.ready_s = time.perf_counter() - program.began
        program.host, program.port = host, int(port)
        yield program


@contextmanager
def serving(folder: Path, *arguments: str, asked: str) -> Iterator[Program]:
    """Start a program that writes its address into a file; wait until it answers to `asked`.

    The file's name is given behind the other arguments. A program that answers to nobody
    without a certificate is asked nothing.
    """
    address = folder / f"{arguments[1]}.address"
    address.unlink(missing_ok=True)
    with _launched(folder, *arguments, str(address)) as program:
        _await(program, folder, address.exists)
        program.host, _, port = address.read_text().rpartition(":")
        program.port = int(port)
        _await(program, folder, lambda: not asked or _answers(program, asked))
        program.ready_s = time.perf_counter() - program.began
        yield program


def web(folder: Path) -> AbstractContextManager[Program]:
    """Serve a hub over plain HTTP, on a port that the kernel chooses."""
    bound = ("--data", str(folder), "--bind", "127.0.0.1:0")
    return serving(folder, "hub", "web", *bound, "--address-file", asked=HEALTH)


def _launched(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> AbstractContextManager[Program]:
    command = [sys.executable, "-m", *arguments]
    return _launched_command(folder, command, environment=environment)


@contextmanager
def _launched_command(
    folder: Path, command: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    began = time.perf_counter()
    with (folder / "programs.log").open("ab") as log:
        process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    program = Program(process=process, began=began)
    try:
        yield program
    finally:
        program.stop()


@contextmanager
def _ear(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(path))
        ear.settimeout(START_S)
        yield ear


def _await(program: Program, folder: Path, holds: Callable[[], bool]) -> None:
    deadline = program.began + START_S
    while not holds():
        if program.process.poll() is not None or time.perf_counter() > deadline:
            logs = "\n".join(path.read_text() for path in folder.glob("*.log"))
            raise RuntimeError(f"it did not start: {logs}")
        time.sleep(POLL_S)


def _answers(program: Program, asked: str) -> bool:
    connection = HTTPConnection(program.host, program.port, timeout=ANSWER_S)
    try:
        connection.request("GET", asked)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()

"""The supervisor over real children: small scripts in place of the hub's programs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hub.demo.programs import Crew, Program, WillNotStart

ROOT = Path(__file__).parents[3]
WAIT_S = 20


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Make a child that runs a script; `hub` is a package of its own here."""
    package = tmp_path / "elsewhere" / "hub"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.chdir(package.parent)

    def make(script, *, name="web"):
        (package / "__main__.py").write_text(script)
        log, up = tmp_path / f"{name}.log", tmp_path / "up"
        return Program(name=name, words=(str(up),), log=log, serves=up.exists)

    return make


SERVES = """
import pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text("")
time.sleep(60)
"""
IGNORES = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVES
LEAVES_A_CHILD = "import subprocess, sys\nsubprocess.Popen(['sleep', '61'])\n" + SERVES
DIES = "print('the port is taken'); raise SystemExit(3)"


def wait_for(what):
    ends_at = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def watched(crew, stopping):
    thread = threading.Thread(target=crew.watch, args=(stopping,))
    thread.start()
    return thread


def alive(pid):
    """Say whether a process runs; one that is dead and not yet buried does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return stat.rpartition(") ")[2][0] != "Z"


def test_a_program_that_ends_is_started_again(program):
    child = program(SERVES)
    crew, stopping = Crew(), threading.Event()
    crew.launch([child])
    assert crew.ready(stopping)
    watching = watched(crew, stopping)
    try:
        first = child.process.pid
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: child.process.pid != first and child.runs)
    finally:
        stopping.set()
        watching.join(WAIT_S)
        crew.stop()
    assert not child.runs


def test_one_that_cannot_start_is_told_with_its_last_words(program):
    crew = Crew()
    crew.launch([program(DIES)])
    with pytest.raises(WillNotStart, match="the port is taken"):
        crew.ready(threading.Event())
    crew.stop()


def test_told_to_stop_while_starting_it_stops(program):
    child = program("import time\ntime.sleep(60)")
    crew, stopping = Crew(), threading.Event()
    stopping.set()
    crew.launch([child])
    assert not crew.ready(stopping)
    crew.stop()
    assert not child.runs


def test_one_that_does_not_listen_is_ended_by_force(program, monkeypatch):
    monkeypatch.setattr("hub.demo.programs.STOP_TIMEOUT_S", 0.5)
    child = program(IGNORES)
    crew = Crew()
    crew.launch([child])
    assert crew.ready(threading.Event())
    crew.stop()
    assert child.process.returncode == -signal.SIGKILL


def test_what_a_program_started_ends_with_it(program):
    child = program(LEAVES_A_CHILD)
    crew = Crew()
    crew.launch([child])
    assert crew.ready(threading.Event())
    pid = child.process.pid
    (grandchild,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    crew.stop()
    wait_for(lambda: not alive(grandchild))


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="Linux can, others cannot")
def test_a_killed_parent_takes_its_children_along(program, tmp_path):
    """The parent dies without a word, as when a machine runs out of memory."""
    program(SERVES)
    script = f"""
import os, sys, time
from pathlib import Path
from hub.demo.programs import Program
os.chdir({str(Path.cwd())!r})
log, up = Path({str(tmp_path / "log")!r}), Path({str(tmp_path / "up")!r})
child = Program(name="web", words=(str(up),), log=log, serves=up.exists)
child.start()
while not child.serves():
    time.sleep(0.02)
print(child.process.pid, flush=True)
time.sleep(60)
"""
    own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=own, stdout=subprocess.PIPE
    ) as parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
        parent.wait(WAIT_S)
    wait_for(lambda: not alive(pid))

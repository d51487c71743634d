"""Each unit's program, started as its unit starts it, says that it serves and then obeys."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.appliance.unit_files import PROGRAMS, settings
from tests.architecture.sources import ROOT

READY_TIMEOUT_S = 30
END_TIMEOUT_S = 30
ELSEWHERE = {"web": ["--bind", "127.0.0.1:0"]}
"""Given last, these win over the unit's own words."""


@pytest.mark.parametrize("unit", PROGRAMS, ids=lambda unit: unit.stem)
def test_a_program_says_that_it_serves_and_ends_when_it_is_told(unit, tmp_path):
    """A unit of Type=notify is ended after two minutes unless its program says READY."""
    _, _, name, *words = settings(unit).words("ExecStart")
    command = [sys.executable, "-m", "hub", name, *words, *ELSEWHERE.get(name, [])]
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "DIANSHU_DATA": str(tmp_path / "hub")}
    own = {key: value for key, value in os.environ.items() if key != "CREDENTIALS_DIRECTORY"}
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        (tmp_path / "said").open("wb") as said,
    ):
        systemd.bind(told["NOTIFY_SOCKET"])
        program = subprocess.Popen(command, env=own | told, cwd=ROOT, stdout=said, stderr=said)
        try:
            assert is_ready(systemd, program), (tmp_path / "said").read_text()
            program.send_signal(signal.SIGTERM)
            assert program.wait(END_TIMEOUT_S) in {0, -signal.SIGTERM}
        finally:
            program.kill()
            program.wait()


def is_ready(systemd, program):
    """Wait for READY, but not longer than the program lives."""
    systemd.settimeout(1)
    for _ in range(READY_TIMEOUT_S):
        try:
            if "READY=1" in systemd.recv(4096).decode().splitlines():
                return True
        except TimeoutError:
            if program.poll() is not None:
                return False
    return False

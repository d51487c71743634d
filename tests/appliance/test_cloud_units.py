"""Head office's units: hardened as the hub's are, with a folder and a user of their own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cloud.__main__ import cloud
from cloud.command_line import DATA
from core.crypto import CREDENTIALS
from tests.appliance.unit_files import HARDENING, SYSTEMD, Settings, columns
from tests.architecture.sources import ROOT

FOLDER = SYSTEMD / "cloud"
PLACE = FOLDER / "dianshu-cloud-.service.d" / "place.conf"
UNITS = sorted(FOLDER.glob("*.service"))
TIMERS = sorted(FOLDER.glob("*.timer"))
BY_NIGHT = [path.with_suffix(".service") for path in TIMERS]
PROGRAMS = [path for path in UNITS if path not in BY_NIGHT]
EXPOSURE_MAX = 15
"""In tenths: 1.5, as for the hub's."""
TIMEOUT_S = 60
READY_S = 30
SYSTEM_UNITS = (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))

each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
each_program = pytest.mark.parametrize("unit", PROGRAMS, ids=lambda unit: unit.stem)
each_night = pytest.mark.parametrize("unit", BY_NIGHT, ids=lambda unit: unit.stem)


def name_of(unit):
    return unit.stem.removeprefix("dianshu-cloud-")


def settings(unit):
    """Return what holds for a unit; of what may stand once only, the last one said."""
    return Settings(unit, HARDENING, PLACE)


def test_every_program_of_head_office_has_a_unit():
    programs = {
        name for name, known in cloud.commands.items() if not hasattr(known, "commands")
    }
    assert {name_of(unit) for unit in PROGRAMS} == programs


@each_night
def test_what_a_timer_starts_is_a_command_in_the_background_that_ends(unit, monkeypatch):
    monkeypatch.delenv("DIANSHU_CLOUD_DATA", raising=False)
    own = settings(unit)
    assert own.one("Type") == "oneshot"
    program, *words = own.words("ExecStart")
    assert program == "/opt/dianshu/venv/bin/dianshu"
    assert words[:2] == ["cloud", "admin"]
    command = cloud.commands["admin"].commands[words[2]]
    context = command.make_context(words[2], words[3:])
    assert context.params["data"] == DATA
    assert not own["Restart"], "systemd refuses it for what ends by itself"
    assert int(own.one("Nice")) >= 10
    assert own.one("IOSchedulingClass") == "idle"
    if "folder" in context.params:
        made = [row[1] for row in columns(FOLDER / "tmpfiles.d/dianshu-cloud.conf")]
        assert str(context.params["folder"]) in made
        assert str(context.params["folder"]) in own["ReadWritePaths"]


@each_program
def test_a_unit_starts_a_command_that_there_is(unit, monkeypatch):
    monkeypatch.delenv("DIANSHU_CLOUD_DATA", raising=False)
    program, *words = settings(unit).words("ExecStart")
    assert program == "/opt/dianshu/venv/bin/dianshu"
    assert words[:2] == ["cloud", name_of(unit)]
    # Files that are an operator's to bring are not on this machine.
    mine = [w if not w.startswith("/etc/") else str(PLACE) for w in words[2:]]
    context = cloud.commands[words[1]].make_context(words[1], mine)
    assert context.params["data"] == DATA


@each_unit
def test_a_unit_has_head_offices_own_folder_and_user(unit):
    own = settings(unit)
    (user,) = [
        row for row in columns(FOLDER / "sysusers.d/dianshu-cloud.conf") if row[0] == "u"
    ]
    made = {row[1]: row[2:5] for row in columns(FOLDER / "tmpfiles.d/dianshu-cloud.conf")}
    assert own["User"] == own["Group"] == [user[1]]
    folder = own["WorkingDirectory"][-1]
    assert folder == str(DATA)
    assert {*own["ReadWritePaths"]} <= {str(DATA), f"/var/backups/{DATA.name}"}
    assert made[own["ReadWritePaths"][0]] == ["0700", user[1], user[1]]
    assert made[folder] == ["0700", user[1], user[1]]
    assert f"DIANSHU_CLOUD_DATA={folder}" in own.words("Environment")
    assert own["UMask"][-1] == "0077"
    assert not {*own["LoadCredential"]} & {*CREDENTIALS}


def test_what_is_ours_comes_after_what_holds_for_all():
    # systemd applies both by their names, whichever folder they lie in.
    assert HARDENING.name < PLACE.name


@each_unit
def test_only_the_pages_have_a_privilege_and_it_is_the_low_ports(unit):
    granted = "CAP_NET_BIND_SERVICE" if name_of(unit) == "web" else ""
    assert settings(unit)["CapabilityBoundingSet"] == [granted]
    assert settings(unit)["AmbientCapabilities"] == ([granted] if granted else [])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("server")
    system = next((path for path in SYSTEM_UNITS if path.is_dir()), None)
    if system is None or shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    shutil.copytree(system, root / "usr/lib/systemd/system", symlinks=True)
    installed = root / "etc/systemd/system"
    shutil.copytree(FOLDER, installed, dirs_exist_ok=True)
    shutil.copytree(HARDENING.parent, installed / HARDENING.parent.name)
    programs = root / "opt/dianshu/venv/bin"
    programs.mkdir(parents=True)
    (programs / "dianshu").write_text("#!/bin/sh\n")
    (programs / "dianshu").chmod(0o755)
    return root


def said(*words):
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@each_unit
def test_systemd_reads_the_unit_and_finds_it_little_exposed(server, unit):
    assert said("systemd-analyze", "verify", f"--root={server}", unit.name) == (0, "")
    code, told = said(
        *("systemd-analyze", "security", "--offline=yes", "--no-pager"),
        *(f"--threshold={EXPOSURE_MAX}", f"--root={server}", unit.name),
    )
    assert code == 0, told
    assert re.search(r"Overall exposure level", told)


@pytest.mark.parametrize("timer", TIMERS, ids=lambda timer: timer.stem)
def test_systemd_reads_each_timer(server, timer):
    assert said("systemd-analyze", "verify", f"--root={server}", timer.name) == (0, "")


@pytest.mark.parametrize("program", ["web", "gate"])
def test_a_program_says_that_it_serves_and_ends_when_it_is_told(program, tmp_path):
    told = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "DIANSHU_CLOUD_DATA": str(tmp_path / "office"),
    }
    command = [sys.executable, "-m", "cloud", program, "--bind", "127.0.0.1:0"]
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        (tmp_path / "said").open("wb") as out,
    ):
        systemd.bind(told["NOTIFY_SOCKET"])
        systemd.settimeout(READY_S)
        started = subprocess.Popen(
            command, env=os.environ | told, cwd=ROOT, stdout=out, stderr=out
        )
        try:
            assert b"READY=1" in systemd.recv(4096), (tmp_path / "said").read_text()
            started.send_signal(signal.SIGTERM)
            assert started.wait(READY_S) == 0
        finally:
            started.kill()
            started.wait()

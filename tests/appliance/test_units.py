"""Units, users and folders agree with each other and with the programs that they start."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from core.crypto import CREDENTIALS
from tests.appliance.unit_files import (
    HARDENING,
    PROGRAMS,
    SYSTEMD,
    UNITS,
    Settings,
    assignments,
    entry_points,
    groups,
    places,
    settings,
    users,
)

EXPOSURE_MAX = 15
"""In tenths, as systemd-analyze takes it: 1.5."""
ANALYZE_TIMEOUT_S = 60
VENV = "/opt/dianshu/venv/bin"
SYSTEM_UNITS = (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))

each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
each_program = pytest.mark.parametrize("unit", PROGRAMS, ids=lambda unit: unit.stem)


def command(name):
    """Load a command as the program itself does."""
    module, _, attribute = entry_points()[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def test_the_programs_have_a_unit_each_and_there_are_no_others():
    assert [unit.stem for unit in UNITS] == [
        "dianshu-credentials",
        "dianshu-devices",
        "dianshu-jobs",
        "dianshu-sync",
        "dianshu-web",
    ]


def test_a_line_that_systemd_would_not_understand_is_found(tmp_path):
    for text in (
        "Restart=always\n",
        "[Serivce]\n",
        "[Service]\nrestart\n",
        "[Service]\nA=b\\\n",
    ):
        (tmp_path / "unit").write_text(text)
        with pytest.raises(ValueError, match="unit:"):
            list(assignments(tmp_path / "unit"))


@each_program
def test_every_program_that_a_unit_starts_is_a_command(unit, monkeypatch):
    monkeypatch.delenv("DIANSHU_DATA", raising=False)
    program, *words = settings(unit).words("ExecStart")
    assert program == f"{VENV}/dianshu"
    assert words[:2] == ["hub", unit.stem.removeprefix("dianshu-")]
    group = command(words[0])
    assert words[1] in group.commands
    context = group.commands[words[1]].make_context(words[1], words[2:])
    assert context.params["data"] == Path("/var/lib/dianshu")


@each_program
def test_a_program_is_told_its_folder_by_a_variable_that_it_reads(unit):
    own = settings(unit)
    told = dict(word.split("=") for word in own.words("Environment"))
    (data,) = [
        option
        for option in command("hub").commands[unit.stem.removeprefix("dianshu-")].params
        if option.name == "data"
    ]
    assert told[data.envvar] == own.one("WorkingDirectory")


def test_the_secrets_are_made_by_a_module_that_exists():
    program, option, module, folder = settings(UNITS[0]).words("ExecStart")
    assert (program, option) == (f"{VENV}/python", "-m")
    assert importlib.util.find_spec(module)
    assert places()[folder] == ["d", "0700", "root", "root"]


@each_program
def test_each_program_runs_as_a_user_of_its_own_in_the_shared_group(unit):
    own = settings(unit)
    assert own.one("User") == unit.stem
    assert users()[unit.stem] == own.one("Group") == "dianshu"
    assert set(own.words("SupplementaryGroups")) <= groups()


def test_only_the_devices_program_reaches_devices():
    for unit in PROGRAMS:
        own = settings(unit)
        reaches = unit.stem == "dianshu-devices"
        assert (own.words("SupplementaryGroups") == ["hub"]) is reaches
        assert (own["PrivateDevices"] == []) is reaches
        assert bool(own["DeviceAllow"]) is reaches
        assert own.one("DevicePolicy") == "closed"


def test_drivers_are_loaded_before_the_devices_are_allowed():
    own = settings(SYSTEMD / "dianshu-devices.service")
    needed = {
        "char-ttyUSB": "modprobe@usbserial.service",
        "char-ttyACM": "modprobe@cdc_acm.service",
        "char-usb": "modprobe@usblp.service",
    }
    allowed = {line.split()[0] for line in own["DeviceAllow"]}
    assert allowed - {"char-input", "char-ttyAMA"} == set(needed)  # Those two are built in.
    for driver in needed.values():
        assert driver in own.words("Wants")
        assert driver in own.words("After")


def test_only_the_pages_have_a_privilege_and_it_is_the_low_ports():
    for unit in UNITS:
        own = settings(unit)
        granted = "CAP_NET_BIND_SERVICE" if unit.stem == "dianshu-web" else ""
        assert own.one("CapabilityBoundingSet") == granted
        assert own.words("AmbientCapabilities") == granted.split()


def test_only_the_program_that_talks_to_head_office_has_a_way_to_the_internet():
    own = settings(SYSTEMD / "dianshu-sync.service")
    assert own.words("IPAddressDeny") == ["169.254.0.0/16"]
    assert own["IPAddressAllow"] == []
    # It calls and is never called.
    assert own.one("SocketBindDeny") == "any"


@pytest.mark.parametrize(
    "unit", [u for u in UNITS if u.stem != "dianshu-sync"], ids=lambda unit: unit.stem
)
def test_no_other_unit_has_a_way_to_the_internet(unit):
    own = settings(unit)
    assert own.one("IPAddressDeny") == "any"
    private = {
        *("localhost", "multicast", "10.0.0.0/8", "172.16.0.0/12"),
        *("192.168.0.0/16", "fc00::/7", "fe80::/10"),
    }
    assert set(own.words("IPAddressAllow")) <= private


REQUIRED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "ProtectProc": "invisible",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "UMask": "0007",
}


@each_unit
@pytest.mark.parametrize("name", REQUIRED)
def test_every_unit_is_hardened(unit, name):
    assert settings(unit).one(name) == REQUIRED[name]


@each_unit
def test_every_unit_is_limited_to_the_calls_of_a_service(unit):
    assert settings(unit)["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    assert settings(unit)["RestrictAddressFamilies"]


def test_what_holds_for_all_does_not_grant_anything():
    names = {name for name, _ in assignments(HARDENING)}
    grants = {
        *("CapabilityBoundingSet", "AmbientCapabilities", "DeviceAllow", "ReadWritePaths"),
        *("IPAddressAllow", "RestrictAddressFamilies", "LoadCredential", "User", "Group"),
    }
    assert names & grants == set()


WITH_THE_LINK = {"dianshu-sync", "dianshu-jobs"}
"""Who talks to head office, and who makes backups of which that key is a part."""


@each_program
def test_a_program_is_handed_every_secret_that_the_box_asks_for(unit):
    own = settings(unit)
    handed = dict(line.split(":") for line in own["LoadCredential"])
    asked = set(CREDENTIALS) - (set() if unit.stem in WITH_THE_LINK else {"link-key"})
    assert handed == {name: f"/etc/dianshu/credentials/{name}" for name in asked}
    assert "dianshu-credentials.service" in own.words("Requires")
    assert "dianshu-credentials.service" in own.words("After")


@each_unit
def test_a_unit_writes_only_where_a_folder_is_made_for_it(unit):
    own = settings(unit)
    assert own.words("ReadWritePaths")
    for path in [*own.words("ReadWritePaths"), own.one("WorkingDirectory")]:
        assert places()[path][0] == "d"


def test_folders_belong_to_users_and_groups_that_exist():
    made = groups() | {"root", "-"}
    for path, (_, _, user, group) in places().items():
        assert user in {*users(), "root", "-"}, path
        assert group in made, path
    for group in users().values():
        assert group in groups()


def test_the_database_is_open_to_its_group_and_to_nobody_else():
    shared = {path: row for path, row in places().items() if row[3] == "dianshu"}
    assert shared == {
        "/var/lib/dianshu": ["d", "2770", "root", "dianshu"],
        "/var/lib/dianshu/hub.db": ["f", "0660", "root", "dianshu"],
        "/var/lib/dianshu-backup": ["d", "2770", "root", "dianshu"],
        "/run/dianshu": ["d", "2770", "root", "dianshu"],
    }


@each_program
def test_a_program_that_fails_is_started_again_for_ever(unit):
    own = settings(unit)
    assert own.one("Type") == "notify"
    assert own.one("Restart") == "always"
    # Five starts in ten seconds would make systemd give up; three seconds apart they are fewer.
    assert int(own.one("RestartSec")) >= 3
    assert own.one("WantedBy") == "multi-user.target"


def test_the_readme_has_a_row_for_every_unit_and_its_user():
    readme = (SYSTEMD / "README.md").read_text(encoding="utf-8")
    for unit in UNITS:
        user = Settings(unit)["User"]
        row = re.search(rf"(?m)^\| `{unit.stem}` \|.*", readme)
        assert row, unit.stem
        assert (f"`{user[0]}`" if user else "root") in row[0]


# --- systemd's own judgement, where it is installed -----------------------------------------


def systemd_tool(name):
    program = shutil.which(name)
    if not program:
        pytest.skip(f"no {name} here")
    return program


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    """A file system with systemd's units and ours."""
    root = tmp_path_factory.mktemp("box")
    system = next((path for path in SYSTEM_UNITS if path.is_dir()), None)
    if system is None:
        pytest.skip("no systemd here")
    shutil.copytree(system, root / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(SYSTEMD, root / "etc/systemd/system", dirs_exist_ok=True)
    programs = root / VENV.lstrip("/")
    programs.mkdir(parents=True)
    for program in ("dianshu", "python"):
        (programs / program).write_text("#!/bin/sh\n")
        (programs / program).chmod(0o755)
    return root


def said(*command):
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=ANALYZE_TIMEOUT_S,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@each_unit
def test_systemd_reads_the_unit_without_a_complaint(box, unit):
    analyze = systemd_tool("systemd-analyze")
    assert said(analyze, "verify", f"--root={box}", unit.name) == (0, "")


@each_unit
def test_systemd_finds_the_unit_little_exposed(box, unit):
    analyze = systemd_tool("systemd-analyze")
    code, told = said(
        *(analyze, "security", "--offline=yes", "--no-pager"),
        *(f"--threshold={EXPOSURE_MAX}", f"--root={box}", unit.name),
    )
    assert code == 0, told
    assert "Overall exposure level" in told


def test_systemd_would_find_a_unit_that_is_exposed(box):
    """The measure itself works: a bare unit is far above the limit."""
    analyze = systemd_tool("systemd-analyze")
    (box / "etc/systemd/system/bare.service").write_text("[Service]\nExecStart=/bin/true\n")
    code, told = said(
        *(analyze, "security", "--offline=yes", "--no-pager"),
        *(f"--threshold={EXPOSURE_MAX}", f"--root={box}", "bare.service"),
    )
    assert code != 0
    assert "UNSAFE" in told


def test_systemd_makes_the_users_and_groups(tmp_path):
    sysusers = systemd_tool("systemd-sysusers")
    (tmp_path / "etc").mkdir()
    code, told = said(sysusers, f"--root={tmp_path}", SYSTEMD / "sysusers.d" / "dianshu.conf")
    assert code == 0, told
    made = (tmp_path / "etc/group").read_text().splitlines()
    numbers = {line.split(":")[0]: line.split(":")[2] for line in made}
    assert groups() <= set(numbers)
    passwd = [line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()]
    of_ours = {row[0]: row[3] for row in passwd if row[0] in users()}
    assert of_ours == dict.fromkeys(users(), numbers["dianshu"])
    assert {row[6] for row in passwd if row[0] in users()} == {"/usr/sbin/nologin"}

"""Boot files, device rules and the role agree with the units."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml

from hub.devices.printer import Reach, parse_address
from tests.appliance.unit_files import HARDENING, PROGRAMS, SYSTEMD, UNITS, groups, settings
from tests.architecture.sources import ROOT, files

ROLE = ROOT / "ansible" / "roles" / "hub"
FIRMWARE = ROOT / "firmware-config"
RULES = FIRMWARE / "udev" / "72-dianshu.rules"
TOOL_TIMEOUT_S = 60


def role(path):
    return yaml.safe_load((ROLE / path).read_text(encoding="utf-8"))


def test_every_yaml_file_of_the_appliance_parses():
    found = [*files(ROOT / "ansible", ".yml"), FIRMWARE / "user-data"]
    assert len(found) >= 10
    for path in found:
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path


def test_the_role_installs_exactly_the_units_that_are_here():
    defaults = role("defaults/main.yml")
    programs = defaults["hub_programs"]
    assert sorted(programs) == sorted(unit.name for unit in PROGRAMS)
    others = re.findall(r"'([\w.-]+\.service)'", defaults["hub_units"])
    assert "+ hub_programs" in defaults["hub_units"]
    assert sorted(others + programs) == sorted(unit.name for unit in UNITS)
    (install,) = [task for task in role("tasks/units.yml") if "ansible.builtin.copy" in task]
    assert str(HARDENING.relative_to(SYSTEMD)) in install["loop"]


def test_every_file_that_the_role_copies_exists():
    copied = re.findall(
        r'src: "\{\{ hub_sources \}\}/([^"{]+)"',
        "".join((ROLE / f"tasks/{name}.yml").read_text() for name in ("system", "units")),
    )
    assert sorted(copied) == [
        "firmware-config/udev/72-dianshu.rules",
        "systemd/sysusers.d/dianshu.conf",
        "systemd/tmpfiles.d/dianshu.conf",
    ]
    assert [path for path in copied if not (ROOT / path).is_file()] == []


def test_every_file_of_systemd_is_installed_by_the_role():
    told = "".join(path.read_text(encoding="utf-8") for path in files(ROLE, ".yml"))
    for path in files(SYSTEMD, ".service", ".conf"):
        if path.is_relative_to(SYSTEMD / "cloud"):
            continue  # The role makes hubs; head office stands elsewhere.
        assert str(path.relative_to(SYSTEMD)) in told, path


def test_the_role_uses_no_network():
    told = "".join(path.read_text(encoding="utf-8") for path in files(ROLE, ".yml"))
    for word in ("builtin.apt", "get_url", "builtin.uri", "builtin.git", "http:", "https:"):
        assert word not in told
    assert "--no-index" in told
    assert "--require-hashes" in told


def test_the_role_switches_the_link_that_the_units_start_from():
    told = (ROLE / "tasks/change_over.yml").read_text(encoding="utf-8")
    for unit in UNITS:
        program = settings(unit).words("ExecStart")[0]
        assert program.startswith("/opt/dianshu/venv/bin/")
    assert told.count("dest: /opt/dianshu/venv\n") == 2


def rule_lines():
    text = RULES.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_device_rules_give_devices_to_the_group_of_the_devices_program_alone():
    given = set(re.findall(r'GROUP="([^"]+)"', RULES.read_text(encoding="utf-8")))
    assert given == {"hub"}
    assert given <= groups()
    joined = [unit.stem for unit in PROGRAMS if "hub" in settings(unit)["SupplementaryGroups"]]
    assert joined == ["dianshu-devices"]
    assert {*re.findall(r'MODE="(\d+)"', "".join(rule_lines()))} == {"0660"}


ITEM = re.compile(r'[A-Z]+(\{[^}]+\})?(==|!=|\+=|-=|:=|=)"[^"]*"', re.ASCII)


def test_device_rules_have_the_grammar_of_udev():
    for line in rule_lines():
        for item in line.split(", "):
            assert ITEM.fullmatch(item), item


def test_udev_itself_accepts_the_rules():
    """Where it is new enough; names stay unresolved, for the group hub is not on this machine."""
    udevadm = shutil.which("udevadm")
    if not udevadm:
        pytest.skip("no udevadm here")
    asked = subprocess.run(
        [udevadm, "verify", "--resolve-names=never", str(RULES)],
        capture_output=True,
        text=True,
        timeout=TOOL_TIMEOUT_S,
        check=False,
    )
    if "nrecognized" in asked.stderr or "nknown command" in asked.stderr:
        pytest.skip("this udevadm cannot verify")
    assert asked.returncode == 0, asked.stdout + asked.stderr


@pytest.mark.parametrize("kind", ["printer", "serial"])
@pytest.mark.parametrize(
    "socket",
    [
        "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0",
        "platform-xhci-hcd.0-usb-0:1:1.0",
    ],
)
def test_the_names_that_udev_gives_are_addresses_that_the_program_takes(kind, socket):
    assert f'SYMLINK+="dianshu/{kind}-$env{{ID_PATH}}"' in RULES.read_text(encoding="utf-8")
    scheme = "usb" if kind == "printer" else "serial"
    transport = parse_address(f"{scheme}:/dev/dianshu/{kind}-{socket}", reach=Reach())
    assert transport.path == f"/dev/dianshu/{kind}-{socket}"


def test_the_first_boot_leaves_no_password_and_no_foreign_key():
    text = (FIRMWARE / "user-data").read_text(encoding="utf-8")
    assert text.startswith("#cloud-config\n")
    told = yaml.safe_load(text)
    assert told["ssh_pwauth"] is False
    assert told["disable_root"] is True
    (keeper,) = told["users"]
    assert keeper["lock_passwd"] is True
    assert not {"passwd", "plain_text_passwd", "hashed_passwd"} & set(keeper)
    assert not {"chpasswd", "password"} & set(told)
    (key,) = keeper["ssh_authorized_keys"]
    assert "REPLACE-WITH-YOUR-PUBLIC-KEY" in key


def test_the_first_boot_brings_what_the_role_asks_for():
    told = yaml.safe_load((FIRMWARE / "user-data").read_text(encoding="utf-8"))
    assert {"python3-evdev", "python3-venv"} <= set(told["packages"])
    (asked,) = re.findall(r'python3 -c "import ([^"]+)"', (ROLE / "tasks/main.yml").read_text())
    assert asked.split(", ") == ["ensurepip", "venv", "evdev"]


def test_the_hubs_name_is_one_that_its_certificate_always_carries():
    told = yaml.safe_load((FIRMWARE / "user-data").read_text(encoding="utf-8"))
    assert f"{told['hostname']}.local" == "hub.local"


BOARD_KEYS = {"dtparam", "dtoverlay", "enable_uart", "gpu_mem"}


def test_board_settings_are_known_keys_under_known_filters():
    for line in (FIRMWARE / "config.txt").read_text(encoding="utf-8").splitlines():
        assert len(line) <= 98, line
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            assert line in {"[all]", "[pi4]", "[pi5]"}
        else:
            key, _, value = line.partition("=")
            assert key in BOARD_KEYS, line
            assert value == value.strip() != ""
    # What is appended after these lines must not fall under the filter of one board.
    assert (FIRMWARE / "config.txt").read_text(encoding="utf-8").endswith("[all]\n")


def test_the_boards_timer_is_on_and_is_fed_in_time():
    assert "dtparam=watchdog=on" in (FIRMWARE / "config.txt").read_text(encoding="utf-8")
    told = (FIRMWARE / "user-data").read_text(encoding="utf-8")
    (seconds,) = re.findall(r"RuntimeWatchdogSec=(\d+)s", told)
    assert int(seconds) < 15

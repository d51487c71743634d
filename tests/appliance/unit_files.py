"""Read systemd's files as systemd does, as far as ours go."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import ROOT

SYSTEMD = ROOT / "systemd"
HARDENING = SYSTEMD / "dianshu-.service.d" / "hardening.conf"
UNITS = sorted(SYSTEMD.glob("*.service"))
PROGRAMS = [SYSTEMD / f"dianshu-{name}.service" for name in ("web", "devices", "jobs", "sync")]

_SECTIONS = {"Unit", "Service", "Install"}
_ASSIGNMENT = re.compile(r"([A-Z][A-Za-z]+)=(.*)")


class Settings:
    """The settings of a unit: a list each, because most may be given more than once."""

    def __init__(self, *paths: Path) -> None:
        self._values: dict[str, list[str]] = {}
        for path in paths:
            for name, value in assignments(path):
                self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def words(self, name: str) -> list[str]:
        return " ".join(self[name]).split()

    def one(self, name: str) -> str:
        (value,) = self[name]
        return value


def assignments(path: Path) -> Iterator[tuple[str, str]]:
    """Yield names and values; raise ValueError for a line that systemd would warn about."""
    section = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{path.name}:{number}: {line}"
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            if section not in _SECTIONS:
                raise ValueError(place)
            continue
        match = _ASSIGNMENT.fullmatch(line)
        if section is None or match is None or line.endswith("\\"):
            raise ValueError(place)
        yield match[1], match[2]


def settings(unit: Path) -> Settings:
    """Return what holds for a unit: its own file, then what holds for all of them."""
    return Settings(unit, HARDENING)


def columns(path: Path) -> list[list[str]]:
    """Read a file of sysusers.d or tmpfiles.d."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line and not line.startswith("#")]
    return [re.findall(r'"[^"]*"|\S+', row) for row in rows]


def users() -> dict[str, str]:
    """Return each user that we make, with its group."""
    rows = columns(SYSTEMD / "sysusers.d" / "dianshu.conf")
    return {row[1]: row[2].partition(":")[2] for row in rows if row[0] == "u"}


def groups() -> set[str]:
    rows = columns(SYSTEMD / "sysusers.d" / "dianshu.conf")
    return {row[1] for row in rows if row[0] == "g"}


def places() -> dict[str, list[str]]:
    """Return each path that we make, with its type, mode, user and group."""
    rows = columns(SYSTEMD / "tmpfiles.d" / "dianshu.conf")
    return {row[1]: [row[0], *row[2:5]] for row in rows}


def entry_points() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points: dict[str, str] = project["entry-points"]["dianshu.commands"]
    return points

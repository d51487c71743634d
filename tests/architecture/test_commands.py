"""Every command that a person can type is in the README."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from importlib.metadata import EntryPoint, entry_points

import click
import pytest
from click.testing import CliRunner

from core.cli import COMMANDS_GROUP, main
from tests.architecture.sources import ROOT


def launcher_commands() -> list[str]:
    """Read the branches of the launcher's last case."""
    script = (ROOT / "dianshu").read_text(encoding="utf-8")
    branches = script.rpartition('case "$command" in')[2]
    return re.findall(r"(?m)^  ([a-z]+)\) ", branches)


def program_commands() -> list[str]:
    """Walk the whole tree of `dianshu`; a command whose module is not written yet has no branches."""
    found = []
    for entry in entry_points(group=COMMANDS_GROUP):
        found += [entry.name]
        if importlib.util.find_spec(entry.module):
            found += branches(entry.load(), entry.name)
    return found


def branches(command: click.Command, name: str) -> list[str]:
    found = []
    for inner_name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            path = f"{name} {inner_name}"
            found += [path, *branches(inner, path)]
    return found


def unsaid(commands: list[str]) -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return [name for name in commands if not re.search(rf"dianshu {name}\b", readme)]


def test_the_readme_names_every_launcher_command():
    commands = launcher_commands()
    assert {"setup", "check", "test", "bench", "features"} <= set(commands)
    assert unsaid(commands) == []


def test_the_readme_names_every_command_of_the_program():
    commands = program_commands()
    assert {"demo", "hub", "verify"} <= set(commands)
    assert unsaid(commands) == []


def test_a_command_that_the_readme_does_not_name_is_found():
    assert unsaid(["demo", "demolish"]) == ["demolish"]


def test_the_launchers_help_names_every_launcher_command():
    told = subprocess.run(
        [ROOT / "dianshu", "help"], capture_output=True, text=True, check=True
    ).stdout
    assert [name for name in launcher_commands() if f"  {name} " not in told] == []


@pytest.fixture
def one_broken_command(monkeypatch):
    known = [
        EntryPoint("whole", "core.cli:main", COMMANDS_GROUP),
        EntryPoint("broken", "nowhere.to.be:found", COMMANDS_GROUP),
    ]

    def found(*, group, **wanted):
        assert group == COMMANDS_GROUP
        return importlib.metadata.EntryPoints(known).select(**wanted)

    monkeypatch.setattr("core.cli.entry_points", found)


@pytest.mark.usefixtures("one_broken_command")
def test_a_command_that_cannot_be_loaded_does_not_hide_the_others():
    told = CliRunner().invoke(main, ["--help"]).output
    assert "whole   Run a membership shop" in told
    assert "broken  cannot be loaded: No module named 'nowhere'" in told


@pytest.mark.usefixtures("one_broken_command")
def test_a_command_that_cannot_be_loaded_fails_when_it_is_called():
    result = CliRunner().invoke(main, ["broken"])
    assert isinstance(result.exception, ModuleNotFoundError)


def test_an_unknown_command_is_a_usage_error():
    result = CliRunner().invoke(main, ["no-such-command"])
    assert result.exit_code == 2
    assert "No such command" in result.output

# ruff: noqa: INP001 - a program that is run by its path, no package
"""Make the tarball that the role installs: every wheel that a hub runs on, with its hash.

    .venv/bin/python ansible/wheelhouse.py [--machine aarch64] [--python 3.13]

The hashes are those of requirements.lock; what only development needs is left out. The same
input gives the same bytes, and the role names a release by them.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
GLIBC_MINORS = range(17, 42)
"""Every wheel that trixie's C library runs. The old common name alone would find old wheels."""
DOWNLOAD_TIMEOUT_S = 1800


def runtime_names(machine: str, python: str) -> set[str]:
    """Walk from the project's own dependencies to all that they need on the board."""
    board = {
        "platform_machine": machine,
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "extra": "",
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: set[str] = set()
    todo = list(project["dependencies"])
    while todo:
        wanted = Requirement(todo.pop())
        name = canonicalize_name(wanted.name)
        if name in found or (wanted.marker and not wanted.marker.evaluate(board)):
            continue
        found.add(name)
        todo += requires(name) or []
    return found


def pins(names: set[str]) -> Iterator[str]:
    """Yield the lock's own lines for these packages, hashes included."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        name = canonicalize_name(re.split(r"[=\s;\[]", entry, maxsplit=1)[0])
        if name in names:
            yield entry


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, cwd=ROOT, timeout=DOWNLOAD_TIMEOUT_S)  # noqa: S603


def download(folder: Path, *, machine: str, python: str) -> None:
    """Fetch the wheels that the folder's requirements.txt names, for the board."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in reversed(GLIBC_MINORS)]
    with tempfile.TemporaryDirectory() as made:
        venv.create(made, with_pip=True)
        run(
            *(Path(made, "bin/pip"), "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--require-hashes", "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", python),
            *(f"--platform={platform}" for platform in platforms),
            *(f"--platform=manylinux2014_{machine}", "--dest", folder),
            *("--requirement", folder / "requirements.txt"),
        )


def own_wheel(folder: Path) -> str:
    """Build the project's wheel and return its line of requirements."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (wheel,) = folder.glob("dianshu-*.whl")
    version = wheel.name.split("-")[1]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"dianshu=={version} --hash=sha256:{digest}"


def pack(folder: Path, tarball: Path) -> None:
    """Write the folder as `wheels/`, without times and owners, in order."""
    with tarfile.open(tarball, "w") as tar:
        for path in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(f"wheels/{path.name}")
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                tar.addfile(entry, content)


@click.command()
@click.option("--machine", type=click.Choice(["aarch64", "x86_64"]), default="aarch64")
@click.option("--python", default="3.13", help="The board's; trixie has 3.13.")
def main(machine: str, python: str) -> None:
    """Make ansible/dianshu-MACHINE.tar."""
    tarball = ROOT / "ansible" / f"dianshu-{machine}.tar"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        lines = "\n".join(pins(runtime_names(machine, python)))
        (folder / "requirements.txt").write_text(lines + "\n", encoding="utf-8")
        download(folder, machine=machine, python=python)
        with (folder / "requirements.txt").open("a", encoding="utf-8") as requirements:
            requirements.write(own_wheel(folder) + "\n")
        pack(folder, tarball)
    click.echo(tarball)


if __name__ == "__main__":
    main()

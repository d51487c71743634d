"""Builds the shims and says how a process is started under the disk's."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

DISK, CLOCK = "disk_shim", "clock_shim"
COMPILE_TIMEOUT_S = 60
NO_COMPILER = "no C compiler: the disk cannot be watched. Install gcc (Debian: gcc libc6-dev)"


class NoCompiler(Exception):
    """What the bench needs and this machine lacks, in words for whoever started it."""


def build(folder: Path, name: str = DISK) -> Path:
    """Compile a shim into `folder` and return the library. Raises NoCompiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoCompiler(NO_COMPILER)
    folder.mkdir(parents=True, exist_ok=True)
    source, library = Path(__file__).with_name(f"{name}.c"), folder / f"{name}.so"
    options = ["-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run([compiler, *options], check=True, timeout=COMPILE_TIMEOUT_S)
    return library


def environment(
    library: Path,
    folder: Path,
    *,
    log: Path | None = None,
    fault: Path | None = None,
    kill_at: int | None = None,
    torn: bool = False,
) -> dict[str, str]:
    """Return the environment of a process whose doings in `folder` are watched.

    `log` receives what is done; while the file `fault` exists what it names fails;
    `kill_at` is the number of the operation at which the process ends, `torn` after half of it.
    """
    wanted = {"LD_PRELOAD": library, "DISK_FOLDER": folder.absolute()}
    if log is not None:
        wanted["DISK_LOG"] = log
    if fault is not None:
        wanted["DISK_FAULT"] = fault
    if kill_at is not None:
        wanted["DISK_KILL_AT"] = kill_at
    if torn:
        wanted["DISK_KILL_TORN"] = "yes"
    return os.environ | {name: str(value) for name, value in wanted.items()}


class Killer:
    """The shim in this process, where it was preloaded: it ends the process at an operation."""

    def __init__(self, folder: Path) -> None:
        self._shim = ctypes.CDLL(None)
        self._shim.disk_operations.restype = ctypes.c_long
        os.environ["DISK_FOLDER"] = str(folder.absolute())

    def arm(self, number: int, *, torn: bool) -> None:
        """Count from here; the operation with this number is the last. 0 only counts."""
        self._shim.disk_arm(ctypes.c_long(number), ctypes.c_int(torn))

    def operations(self) -> int:
        return int(self._shim.disk_operations())

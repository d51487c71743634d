"""Builds the flush shim and says how a child process is started under it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("flush_shim.c")
COMPILE_TIMEOUT_S = 60


def compiler() -> str | None:
    return shutil.which("cc")


def build(folder: Path) -> Path:
    """Compile the shim into `folder` and return the library."""
    library = folder / "flush_shim.so"
    options = ["-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run([compiler() or "cc", *options], check=True, timeout=COMPILE_TIMEOUT_S)
    return library


def environment(
    library: Path,
    *,
    sleep_us: int = 0,
    fail_while_exists: Path | None = None,
    image_folder: Path | None = None,
    report_fd: int | None = None,
) -> dict[str, str]:
    """Return what to add to a child's environment.

    `sleep_us` before each flush is an SD card's; while the file `fail_while_exists` exists
    every flush fails with EIO; `image_folder` receives each file's bytes as of its last flush;
    `report_fd` receives a line per flush.
    """
    wanted: dict[str, object] = {"LD_PRELOAD": library}
    if sleep_us:
        wanted["FLUSH_SLEEP_US"] = sleep_us
    if fail_while_exists:
        wanted["FLUSH_FAIL_WHILE_EXISTS"] = fail_while_exists
    if image_folder:
        wanted["FLUSH_IMAGE_FOLDER"] = image_folder
    if report_fd is not None:
        wanted["FLUSH_REPORT_FD"] = report_fd
    return {name: str(value) for name, value in wanted.items()}

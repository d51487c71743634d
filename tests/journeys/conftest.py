"""The demo, started as a stranger starts it, and a browser to use it with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.browser import ROOT, launch_options

START_S = 120.0
STOP_S = 20.0


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Any:
    """Run `dianshu demo --no-browser` in a folder of its own; yield its urls.json."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-c", "from hub.demo import demo; demo()"]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [*command, "--no-browser", "--dir", str(folder / "shop")],
            cwd=ROOT,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield wait_for_urls(process, folder / "shop" / "urls.json", folder / "said")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def wait_for_urls(process: subprocess.Popen[bytes], urls: Path, said: Path) -> Any:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if urls.exists():
            return json.loads(urls.read_text(encoding="utf-8"))
        time.sleep(0.1)
    raise AssertionError(said.read_text())


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **launch_options()}

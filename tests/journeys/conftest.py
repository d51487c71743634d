"""The demo, started as a stranger starts it, and a browser to use it with.

`demo` is one shop on its own, which is enough for whoever stands at its tills; `chain` is what
the command runs without further words: two stores, their lines, head office. A file takes one
of them, so that a worker starts twelve programs only where a journey needs them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.browser import ROOT, launch_options
from tests.journeys.counter import Till
from tests.journeys.head_office import Office

START_S = 120.0
STOP_S = 20.0
COMMAND = (sys.executable, "-c", "from hub.demo import demo; demo()", "--no-browser")


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Iterator[Any]:
    """Run one shop without a head office, in a folder of its own; yield its urls.json."""
    with started(tmp_path_factory.mktemp("demo"), "--alone") as urls:
        yield urls


@pytest.fixture(scope="session")
def chain(tmp_path_factory) -> Iterator[Any]:
    """Run two stores and their head office; yield urls.json."""
    with started(tmp_path_factory.mktemp("chain")) as urls:
        yield urls


@pytest.fixture(scope="module")
def first(browser, chain):
    """Stand at a till of the store that has been there for long."""
    yield from at_till(browser, chain["stores"][0])


@pytest.fixture(scope="module")
def second(browser, chain):
    """Stand at a till of the store that was opened today."""
    yield from at_till(browser, chain["stores"][1])


@pytest.fixture(scope="module")
def office(browser, chain):
    office = Office(browser, chain)
    yield office
    office.close()


def at_till(browser, store):
    till = Till(browser, store)
    till.open_shift()
    yield till
    till.close()


@contextmanager
def started(folder: Path, *words: str) -> Iterator[Any]:
    """Run the demo below a folder; lend its urls.json."""
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [*COMMAND, "--dir", str(folder / "shop"), *words],
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

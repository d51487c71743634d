from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from core.sqlite import Door
from core.tests import flush_shim
from core.tests.till_process import open_facts

# Two cores that are shared with others: how long an example takes says nothing.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")

ROOT = Path(__file__).parents[2]
CHILD_END_S = 20


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def door(database: Path) -> Iterator[Door]:
    door = open_facts(database)
    yield door
    door.close()


@pytest.fixture
def till() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `core.tests.till_process`; whatever still runs at the end is killed."""
    children: list[subprocess.Popen[str]] = []

    def start(verb: str, database: Path, **options: Any) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", "core.tests.till_process", verb, str(database)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        if child.poll() is None:
            child.kill()
        child.wait(CHILD_END_S)
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if flush_shim.compiler() is None:
        pytest.skip("no C compiler to build the flush shim with")
    return flush_shim.build(tmp_path_factory.mktemp("shim"))

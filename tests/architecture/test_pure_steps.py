"""Both sides of the wire are pure: they reach no clock, no chance, no line and no thread."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

FORBIDDEN = {
    "asyncio",
    "datetime",
    "flask",
    "http",
    "os",
    "paho",
    "random",
    "secrets",
    "select",
    "signal",
    "socket",
    "sqlite3",
    "sqlcipher3",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib",
    "uuid",
}
REACHING_OUT = {"core.clock", "core.ids", "core.sqlite", "core.sdnotify"}
"""What of our own tells the time, draws at random or opens a file."""


def pure_files(root: Path) -> list[Path]:
    return [
        *sorted((root / "core/wire").glob("*.py")),
        root / "hub/sync/conversation.py",
        root / "hub/sync/feeding.py",
        root / "hub/sync/remembering.py",
        root / "hub/sync/step.py",
        root / "hub/sync/tail.py",
        root / "hub/sync/wishes.py",
        root / "cloud/ingest/step.py",
    ]


def impure_imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            own = ".".join(name.split(".")[:2])
            if name.split(".")[0] in FORBIDDEN or own in REACHING_OUT:
                found.append(f"{path.name} imports {name}")
    return found


def test_the_protocol_reaches_for_nothing_that_differs_from_run_to_run():
    paths = pure_files(ROOT)
    assert len(paths) > 8
    assert [found for path in paths for found in impure_imports(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "import datetime as d",
        "from random import Random",
        "import paho.mqtt.client",
        "from threading import Lock",
        "from core.clock import SystemClock",
        "def late():\n    import uuid",
    ],
)
def test_an_impure_import_is_found(tmp_path, line):
    path = tmp_path / "step.py"
    path.write_text(f"import hashlib\n{line}\n", encoding="utf-8")
    assert len(impure_imports(path)) == 1

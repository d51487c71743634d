"""What decides about money and messages is the same in production and in the simulation.

Step functions and rules are pure: they reach no database either. What works on a transaction
is given time, ids and chance as arguments; it reaches no clock, line, thread or file.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

OUTSIDE = {
    "asyncio",
    "concurrent",
    "flask",
    "http",
    "multiprocessing",
    "os",
    "paho",
    "pathlib",
    "queue",
    "random",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "sqlcipher3",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
OUR_OUTSIDE = {"core.sdnotify", "core.doorbell", "hub.doorbell", "cloud.app", "hub.app"}
"""What of our own waits, wakes others or opens a house."""
TRANSACTION = {"core.sqlite"}
NAMES = {
    "core.clock": {"Clock", "Quality", "Reading", "BusinessDay"},
    "core.ids": {"Ids"},
    "datetime": {"date", "timedelta"},
}
"""What may be taken of a module that also tells the time or draws at random; and `X_MS`."""

STEPS = (
    "core/money.py",
    "core/wire/*.py",
    "hub/sync/conversation.py",
    "hub/sync/step.py",
    "hub/sync/feeding.py",
    "hub/sync/wishes.py",
    "cloud/ingest/step.py",
)
RULES = (
    "core/journal/birth.py",
    "core/journal/changes.py",
    "core/journal/event.py",
    "core/tickets/price.py",
    "core/till/payments.py",
    "core/wallet/accounts.py",
    "core/wallet/events.py",
    "core/wallet/points.py",
    "core/wallet/rules.py",
    "cloud/placement/policy.py",
    "cloud/placement/splitting.py",
    "cloud/placement/visits.py",
)
ON_A_TRANSACTION = (
    "core/feed/*.py",
    "core/journal/*.py",
    "core/tickets/*.py",
    "core/till/*.py",
    "core/wallet/*.py",
    "cloud/epochs/*.py",
    "cloud/feed/*.py",
    "cloud/ingest/*.py",
    "cloud/placement/*.py",
    "cloud/streams/*.py",
    "hub/checkout/*.py",
    "hub/fence.py",
    "hub/sync/asks.py",
    "hub/sync/disk.py",
    "hub/sync/downlink.py",
    "hub/sync/outbox.py",
    "hub/sync/tail.py",
    "hub/tickets/*.py",
    "hub/wallet/*.py",
)
AROUND = {
    "cloud/ingest/clerk.py",
    "cloud/ingest/exchange.py",
    "cloud/ingest/line.py",
    "cloud/ingest/rebuilding.py",
    "cloud/ingest/runtime.py",
    "core/journal/rebuild.py",
    "core/wire/dictionaries.py",
}
"""What runs those that are pure: threads, the line, whole folders; and files that ship."""
CHANGES_ARE_CARRIED_OUT = {"core/journal/changes.py"}
"""Where a pure description of a change meets the transaction."""


def files_of(patterns: tuple[str, ...]) -> list[Path]:
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(path for path in found if str(path.relative_to(ROOT)) not in AROUND)


def impurities(path: Path, *, forbidden: set[str]) -> list[str]:
    """Return each reach for what differs from run to run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = [what for node in ast.walk(tree) for what in _imports(node, forbidden)]
    # Without randomness of its own it takes the machine's.
    drawn = [
        "Ids()"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Ids"
        and not node.args
        and not node.keywords
    ]
    return [f"{path.name} reaches for {what}" for what in (*imported, *drawn)]


def _imports(node: ast.AST, forbidden: set[str]) -> list[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
        return [name for name in names if _is_outside(name, forbidden) or name in NAMES]
    if not isinstance(node, ast.ImportFrom):
        return []
    module = node.module or ""
    if _is_outside(module, forbidden):
        return [module]
    if module not in NAMES:
        return []
    taken = [alias.name for alias in node.names if not alias.name.endswith("_MS")]
    return [f"{module}.{name}" for name in taken if name not in NAMES[module]]


def _is_outside(module: str, forbidden: set[str]) -> bool:
    own = ".".join(module.split(".")[:2])
    return bool({own, own.partition(".")[0]} & forbidden)


@pytest.mark.parametrize("patterns", [STEPS, RULES], ids=["steps", "rules"])
def test_what_decides_reaches_for_nothing_but_its_arguments(patterns):
    paths = [
        path
        for path in files_of(patterns)
        if str(path.relative_to(ROOT)) not in CHANGES_ARE_CARRIED_OUT
    ]
    assert len(paths) > 8
    forbidden = OUTSIDE | OUR_OUTSIDE | TRANSACTION
    assert [found for path in paths for found in impurities(path, forbidden=forbidden)] == []


def test_what_works_on_a_transaction_is_given_time_ids_and_chance():
    paths = files_of(ON_A_TRANSACTION)
    assert len(paths) > 40
    forbidden = OUTSIDE | OUR_OUTSIDE
    assert [found for path in paths for found in impurities(path, forbidden=forbidden)] == []


def test_every_name_in_the_lists_is_a_file():
    for pattern in (*STEPS, *RULES, *ON_A_TRANSACTION, *AROUND):
        assert list(ROOT.glob(pattern)), f"{pattern} is nothing any more"


@pytest.mark.parametrize(
    "line",
    [
        "import time",
        "import datetime as d",
        "from datetime import datetime",
        "from random import Random",
        "import paho.mqtt.client",
        "from threading import Lock",
        "from core.clock import SystemClock",
        "from core.ids import seeded",
        "from core.sqlite import Door",
        "def late():\n    import uuid",
        "from core.ids import Ids\nids = Ids()",
    ],
)
def test_an_impure_reach_is_found(tmp_path, line):
    path = tmp_path / "step.py"
    path.write_text(f"import hashlib\n{line}\n", encoding="utf-8")
    found = impurities(path, forbidden=OUTSIDE | OUR_OUTSIDE | TRANSACTION)
    assert len(found) == 1


def test_what_only_counts_milliseconds_is_no_clock(tmp_path):
    path = tmp_path / "policy.py"
    path.write_text(
        "from core.clock import DAY_MS, Clock\nfrom datetime import date\n"
        "from core.ids import Ids\nids = Ids(given)\n",
        encoding="utf-8",
    )
    assert impurities(path, forbidden=OUTSIDE | OUR_OUTSIDE | TRANSACTION) == []

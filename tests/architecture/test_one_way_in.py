"""There is one entry point each for price, permission, posting and migration (`core/README.md`).

A second one is found by what it would have to do: multiply a price, read what a role grants,
write a row that the journal's verbs write, or make a table.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, product_files

PRICES = {"list_price", "member_price", "price"}
QUANTITIES = {"quantity"}

ROWS = {
    "a fact": (
        re.compile(r"\bINTO (journal|document)\b", re.IGNORECASE),
        {
            "core/journal/append.py",
            # What somebody else wrote is taken in byte for byte, each on its own way in.
            "hub/sync/downlink.py",
            "hub/sync/history.py",
            "cloud/ingest/unpacking.py",
            "cloud/ingest/recovering.py",
            "cloud/ingest/rebuilding.py",
        },
    ),
    "value": (
        re.compile(
            r"\b(INTO|UPDATE( OR \w+)?|FROM) (holding|transit|movement|lot)\s+(SET|\(|VALUES)"
            r"|\bDELETE FROM (holding|transit|movement|lot)\b",
            re.IGNORECASE,
        ),
        set(),
    ),
    "a table": (
        re.compile(r"\bCREATE (TEMP )?TABLE\b", re.IGNORECASE),
        {"core/sqlite.py"},  # The list of migrations that were run is none itself.
    ),
}


def named(node: ast.expr) -> str:
    """Return the last name of an expression: of `row["price"]` and `line.price`, `price`."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case _:
            return ""


def priced(tree: ast.AST) -> Iterator[int]:
    """Return the lines where a price is multiplied by a quantity."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            sides = {named(node.left), named(node.right)}
            if sides & PRICES and sides & QUANTITIES:
                yield node.lineno


def granted(tree: ast.AST) -> Iterator[int]:
    """Return the lines that look up what a role may do."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "core.staff.permissions":
            yield node.lineno


def is_migration(node: ast.AST) -> bool:
    """Tell `Migration(…)`, and `TABLES = (…)` that a slice hands to another's migration."""
    match node:
        case ast.Call(func=func):
            return named(func) == "Migration"
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name.endswith("TABLES")
        case _:
            return False


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return every string but those that a migration is made of, with its line."""
    in_migrations = {
        id(part) for node in ast.walk(tree) if is_migration(node) for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in in_migrations:
                yield node.lineno, text


def second_ways(root: Path) -> list[str]:
    found = []
    for path in product_files(root, ".py"):
        place = str(path.relative_to(root))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not place.startswith("core/tickets/"):
            found += [f"{place}:{line} prices" for line in priced(tree)]
        if not place.startswith("core/staff/"):
            found += [f"{place}:{line} reads grants" for line in granted(tree)]
        for line, text in strings(tree):
            for what, (pattern, allowed) in ROWS.items():
                if place not in allowed and pattern.search(text):
                    found.append(f"{place}:{line} writes {what}")
    return found


def test_each_entry_point_is_the_only_one() -> None:
    assert second_ways(ROOT) == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("total = line.list_price * line.quantity", "prices"),
        ('total = row["quantity"] * row["price"]', "prices"),
        ("from core.staff.permissions import ROLES", "reads grants"),
        ('tx.change("INSERT INTO journal (origin) VALUES (1)")', "writes a fact"),
        ('tx.change("UPDATE holding SET amount = 0")', "writes value"),
        ('tx.change("DELETE FROM lot")', "writes value"),
        ('tx.change("CREATE TABLE notes (id)")', "writes a table"),
    ],
)
def test_a_second_one_would_be_found(tmp_path: Path, source: str, what: str) -> None:
    (tmp_path / "hub" / "notes").mkdir(parents=True)
    (tmp_path / "hub" / "notes" / "service.py").write_text(source, encoding="utf-8")
    assert second_ways(tmp_path) == [f"hub/notes/service.py:1 {what}"]


def test_a_migration_makes_tables(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    migration = 'M = Migration("1", "CREATE TABLE notes (id)")'
    (tmp_path / "hub" / "tables.py").write_text(migration, encoding="utf-8")
    assert second_ways(tmp_path) == []

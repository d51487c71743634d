"""Where the project's own files are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("core", "hub", "cloud")
MADE_OR_FETCHED = {"node_modules", "var", "dist", "test-results"}


def files(root: Path, *suffixes: str) -> Iterator[Path]:
    """Walk a folder for files with one of these endings, past everything made or fetched."""
    for path in sorted(root.iterdir()):
        if path.name in MADE_OR_FETCHED or path.name.startswith("."):
            continue
        if path.is_dir():
            yield from files(path, *suffixes)
        elif path.name.endswith(suffixes):
            yield path


def product_files(root: Path, *suffixes: str) -> Iterator[Path]:
    """Walk hub, cloud and core, without tests."""
    for place in PLACES:
        if (root / place).is_dir():
            for path in files(root / place, *suffixes):
                if "tests" not in path.parts and path.name != "conftest.py":
                    yield path

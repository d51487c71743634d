"""A slice is entered through its package only; what is inside is its own business."""

from __future__ import annotations

import sys
from pathlib import Path

import grimp

from tests.architecture.sources import PLACES, ROOT


def slice_of(root: Path, module: str) -> str | None:
    """Name the slice that a module is in: any folder directly under core, hub or cloud."""
    place, *inside = module.split(".")
    if inside and (root / place / inside[0]).is_dir():
        return f"{place}.{inside[0]}"
    return None


def break_ins(root: Path, graph: grimp.ImportGraph) -> list[str]:
    found = []
    for importer in sorted(graph.modules):
        if {"tests", "conftest"} & set(importer.split(".")):
            continue
        home = slice_of(root, importer)
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            entered = slice_of(root, imported)
            if entered not in {None, home, imported}:
                found.append(f"{importer} imports {imported}; {entered} is the way in")
    return found


def test_no_module_imports_the_inside_of_another_slice():
    graph = grimp.build_graph(*PLACES, cache_dir=None)
    assert break_ins(ROOT, graph) == []


def test_an_import_of_the_inside_of_another_slice_is_found(tmp_path, monkeypatch):
    sources = {
        "shop/__init__.py": "",
        "shop/app.py": "import shop.till\nimport shop.till.sql\n",
        "shop/till/__init__.py": "from shop.till import sql\n",
        "shop/till/sql.py": "",
        "shop/till/tests/__init__.py": "",
        "shop/till/tests/test_till.py": "import shop.members.sql\n",
        "shop/members/__init__.py": "from shop.till.sql import find\n",
        "shop/members/sql.py": "import shop.till\nimport shop.money\n",
        "shop/money.py": "",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    graph = grimp.build_graph("shop", cache_dir=None)
    assert break_ins(tmp_path, graph) == [
        "shop.app imports shop.till.sql; shop.till is the way in",
        "shop.members imports shop.till.sql; shop.till is the way in",
    ]

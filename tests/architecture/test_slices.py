"""A slice is entered through its package only; what is inside is its own business."""

from __future__ import annotations

import ast
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
            if entered is None or entered in {home, imported}:
                continue
            direct = imported.rpartition(".")[0] == entered
            if not (direct and is_offered(root, graph, importer, imported)):
                found.append(f"{importer} imports {imported}; {entered} is the way in")
    return found


def is_offered(root: Path, graph: grimp.ImportGraph, importer: str, imported: str) -> bool:
    """Tell `from core.journal import verify`, the function, from the module of the same name."""
    package, _, name = imported.rpartition(".")
    details = graph.get_import_details(importer=importer, imported=imported)
    if not all(detail["line_contents"].startswith(f"from {package} ") for detail in details):
        return False
    door = root / package.replace(".", "/") / "__init__.py"
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module != package
        and name in {alias.asname or alias.name for alias in node.names}
        for node in ast.parse(door.read_text(encoding="utf-8")).body
    )


def test_no_module_imports_the_inside_of_another_slice():
    graph = grimp.build_graph(*PLACES, cache_dir=None)
    assert break_ins(ROOT, graph) == []


def test_an_import_of_the_inside_of_another_slice_is_found(tmp_path, monkeypatch):
    sources = {
        "shop/__init__.py": "",
        "shop/app.py": "import shop.till\nimport shop.till.sql\nfrom shop.till import close\n",
        "shop/jobs.py": "from shop.till.close import close\nfrom shop.till import sql\n",
        "shop/till/__init__.py": "from shop.till import sql\nfrom shop.till.close import close\n",
        "shop/till/sql.py": "def find(): ...\n",
        "shop/till/close.py": "def close(): ...\n",
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
    graph = grimp.build_graph("shop", cache_dir=None)
    assert break_ins(tmp_path, graph) == [
        "shop.app imports shop.till.sql; shop.till is the way in",
        "shop.jobs imports shop.till.close; shop.till is the way in",
        "shop.jobs imports shop.till.sql; shop.till is the way in",
        "shop.members imports shop.till.sql; shop.till is the way in",
    ]

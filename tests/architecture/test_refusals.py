"""Every refusal that can be raised is declared once, with its sentence; none is left over."""

from __future__ import annotations

import ast
import importlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.errors import Refusal
from core.journal.part import Part
from tests.architecture.sources import PLACES, ROOT, product_files


def raised_codes(root: Path) -> dict[str, str]:
    """Find every code in `Refused("code", …)`: code -> where it is first written."""
    codes: dict[str, str] = {}
    for path in product_files(root, ".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) == "Refused":
                place = f"{path.relative_to(root)}:{node.lineno}"
                for code in _literals(node.args[0] if node.args else None, place):
                    codes.setdefault(code, place)
    return codes


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _literals(node: ast.expr | None, place: str) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _literals(node.body, place)
        yield from _literals(node.orelse, place)
    else:
        # A code that is put together at run time could not be looked up, by this test or a reader.
        assert isinstance(node, ast.Constant), f"{place}: the code of a refusal is a literal"
        assert isinstance(node.value, str), f"{place}: the code of a refusal is a string"
        yield node.value


def declaring_modules(root: Path) -> list[str]:
    """Name every module that assigns REFUSALS or a journal Part at its top."""
    found = []
    for path in product_files(root, ".py"):
        if any(_declares(node) for node in ast.parse(path.read_text(encoding="utf-8")).body):
            module = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
            found.append(module.removesuffix(".__init__"))
    return found


def _declares(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(targets=targets, value=value):
            names = [_name(target) for target in targets]
        case ast.AnnAssign(target=target, value=value):
            names = [_name(target)]
        case _:
            return False
    return "REFUSALS" in names or (isinstance(value, ast.Call) and _name(value.func) == "Part")


def declarations() -> list[Mapping[str, Refusal]]:
    """Load every REFUSALS, and the refusals of every journal Part, of the product."""
    found: dict[int, Mapping[str, Refusal]] = {}
    for module in map(importlib.import_module, declaring_modules(ROOT)):
        parts = [value for value in vars(module).values() if isinstance(value, Part)]
        for refusals in [getattr(module, "REFUSALS", {}), *[part.refusals for part in parts]]:
            # One table may be reached by two names.
            found[id(refusals)] = refusals
    return list(found.values())


def test_every_raised_code_is_declared():
    declared = {code for refusals in declarations() for code in refusals}
    raised = raised_codes(ROOT)
    assert {code: place for code, place in raised.items() if code not in declared} == {}


def test_every_declared_code_is_raised_somewhere():
    declared = {code for refusals in declarations() for code in refusals}
    assert declared - raised_codes(ROOT).keys() == set()


def test_a_code_is_declared_in_one_place():
    counts = Counter(code for refusals in declarations() for code in refusals)
    assert [code for code, count in counts.items() if count > 1] == []


def test_every_refusal_has_an_error_status_and_a_sentence():
    for refusals in declarations():
        for code, refusal in refusals.items():
            assert 400 <= refusal.status < 600, code
            assert refusal.sentence, code


def test_codes_and_declarations_are_found(tmp_path):
    for place in PLACES:
        (tmp_path / place / "till/tests").mkdir(parents=True)
    (tmp_path / "hub/till/__init__.py").write_text("REFUSALS: dict[str, int] = {}\n")
    (tmp_path / "core/till/rules.py").write_text("if True:\n    REFUSALS = {}\nREFUSALS = {}\n")
    (tmp_path / "core/till/__init__.py").write_text("PART = journal.Part(name='till')\n")
    (tmp_path / "hub/till/service.py").write_text(
        "raise Refused('till_closed', at=1)\nraise errors.Refused('late' if a else 'early')\n"
    )
    (tmp_path / "hub/till/tests/test_till.py").write_text("raise Refused('made_up')\n")
    assert raised_codes(tmp_path) == {
        "till_closed": "hub/till/service.py:1",
        "late": "hub/till/service.py:2",
        "early": "hub/till/service.py:2",
    }
    assert declaring_modules(tmp_path) == ["core.till", "core.till.rules", "hub.till"]

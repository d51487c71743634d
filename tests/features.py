"""FEATURES.md against the tests: a row is done when a test is marked with its id.

./dianshu features            print what is proved, and how far each section is
./dianshu features --write    also bring the Test column of FEATURES.md up to date
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNREAD_FOLDERS = {"node_modules", "var", "dist"}
NOT_A_PROOF = {"skip", "xfail"}

Proofs = Mapping[str, list[str]]
"""Row id -> the tests that prove it, as pytest names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    identity: str
    english: str
    section: str


class WrongMark(Exception):
    """A mark cannot be read, or proves no row."""


def read_rows(text: str) -> dict[str, Row]:
    """Read the tables of FEATURES.md: id -> row, in the order of the file."""
    rows: dict[str, Row] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif re.match(r"\| [A-Z]{3}-\d+ \|", line):
            identity, _, english, *_ = _cells(line)
            if identity in rows:
                raise WrongMark(f"{identity} stands twice in FEATURES.md")
            rows[identity] = Row(identity=identity, english=english, section=section)
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def find_proofs(root: Path) -> dict[str, list[str]]:
    """Read every test file under a folder; raise WrongMark for a mark that proves nothing."""
    proofs: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("test_*.py")):
        place = path.relative_to(root)
        if not any(part in UNREAD_FOLDERS or part[0] == "." for part in place.parts):
            tree = ast.parse(path.read_text(encoding="utf-8"), str(place))
            for test, identities in _marked_tests(tree, str(place)):
                for identity in identities:
                    proofs[identity].append(f"{place}::{test}")
    return dict(sorted(proofs.items()))


def _marked_tests(tree: ast.Module, place: str) -> Iterator[tuple[str, list[str]]]:
    read: set[ast.AST] = set()
    for test, decorators in _tests_in(tree):
        marks = [node for decorator in decorators for node in ast.walk(decorator)]
        feature_marks = [node for node in marks if _is_mark(node, {"feature"})]
        read.update(feature_marks)
        if not any(_is_mark(node, NOT_A_PROOF) for node in marks):
            yield test, _unique(id_ for mark in feature_marks for id_ in _ids(mark, place))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_mark(node, {"feature"}) and node not in read:
            raise WrongMark(f"{place}:{node.lineno}: this feature mark is on no test")


def _tests_in(
    body: ast.Module | ast.ClassDef, inherited: tuple[ast.expr, ...] = (), prefix: str = ""
) -> Iterator[tuple[str, list[ast.expr]]]:
    """List tests with all expressions that mark them: their own, their class's, the module's."""
    marks = (*inherited, *_pytestmarks(body))
    for node in body.body:
        match node:
            case ast.ClassDef(name=name, decorator_list=own) if name.startswith("Test"):
                yield from _tests_in(node, (*marks, *own), f"{prefix}{name}::")
            case (
                ast.FunctionDef(name=name, decorator_list=own)
                | ast.AsyncFunctionDef(name=name, decorator_list=own)
            ) if name.startswith("test"):
                yield f"{prefix}{name}", [*marks, *own]
            case _:
                pass


def _pytestmarks(body: ast.Module | ast.ClassDef) -> Iterator[ast.expr]:
    for node in body.body:
        if isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if "pytestmark" in names:
                yield node.value


def _is_mark(node: ast.AST, names: set[str]) -> bool:
    """Recognise pytest.mark.NAME; as a call, where it takes ids."""
    named = node.func if isinstance(node, ast.Call) else node
    if "feature" in names and not isinstance(node, ast.Call):
        return False
    return (
        isinstance(named, ast.Attribute)
        and named.attr in names
        and isinstance(named.value, ast.Attribute)
        and named.value.attr == "mark"
    )


def _ids(mark: ast.AST, place: str) -> list[str]:
    assert isinstance(mark, ast.Call)
    identities = [
        argument.value for argument in mark.args if isinstance(argument, ast.Constant)
    ]
    if len(identities) != len(mark.args) or not identities or mark.keywords:
        raise WrongMark(f"{place}:{mark.lineno}: a feature mark takes literal ids")
    return [str(identity) for identity in identities]


def _unique(identities: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(identities))


def unknown(rows: Mapping[str, Row], proofs: Proofs) -> list[str]:
    return [
        f"{identity} is no row of FEATURES.md, but {test} is marked with it"
        for identity, tests in proofs.items()
        if identity not in rows
        for test in tests
    ]


def refreshed(text: str, proofs: Proofs) -> str:
    """Write the proofs into the last column and the counts into the line above the tables."""
    lines = []
    for line in text.splitlines():
        match = re.match(r"\| ([A-Z]{3}-\d+) \|", line)
        if match:
            tests = "<br>".join(f"`{test}`" for test in proofs.get(match[1], []))
            cells = [*_cells(line)[:-1], tests]
            lines.append("| " + " | ".join(cells) + " |")
        else:
            lines.append(line)
    rows = read_rows(text)
    counts = f"Done: {sum(identity in proofs for identity in rows)} of {len(rows)}."
    return re.sub(r"(?m)^Done: \d+ of \d+\.$", counts, "\n".join(lines)) + "\n"


def report(rows: Mapping[str, Row], proofs: Proofs) -> Iterator[str]:
    """Yield the lines that the command prints."""
    done = [row for row in rows.values() if row.identity in proofs]
    for row in done:
        yield f"{row.identity}  {row.english}"
        yield from (f"        {test}" for test in proofs[row.identity])
    yield ""
    done_in = Counter(row.section for row in done)
    for section, count in Counter(row.section for row in rows.values()).items():
        yield f"{done_in[section]:4} / {count:<4} {section}"
    yield ""
    yield f"done {len(done)} / {len(rows)}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dianshu features", description=__doc__)
    parser.add_argument("--write", action="store_true", help="refresh FEATURES.md")
    options = parser.parse_args()
    path = ROOT / "FEATURES.md"
    text = path.read_text(encoding="utf-8")
    try:
        rows, proofs = read_rows(text), find_proofs(ROOT)
    except WrongMark as error:
        print(error, file=sys.stderr)
        return 1
    if errors := unknown(rows, proofs):
        print("\n".join(errors), file=sys.stderr)
        return 1
    if options.write:
        path.write_text(refreshed(text, proofs), encoding="utf-8")
    print("\n".join(report(rows, proofs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

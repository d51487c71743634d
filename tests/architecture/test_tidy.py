"""Short functions, short files, telling names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import ROOT, files

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
MEASURED = (".py", ".ts", ".css", ".html", ".mjs", ".js", ".sh")
MODULES = (".py", ".ts", ".mjs", ".js")
SAYS_NOTHING = {"base", "data", "helper", "helpers", "manager", "managers", "util", "utils"}

# In scripts a function's body opens with a brace after its parameters, its result type or its
# arrow, and closes on the first line with the same indentation that starts with a brace.
OPENS_SCRIPT_BLOCK = re.compile(r"(?:\)|=>)(?:\s*:\s*[^={}()]+)?\s*\{$")
OPENS_SHELL_FUNCTION = re.compile(r"^\w+\(\) \{(?:\s*#.*)?$")


def measured_files(root: Path) -> list[Path]:
    launcher = root / "dianshu"
    return [*files(root, *MEASURED), *([launcher] if launcher.is_file() else [])]


def functions(path: Path) -> Iterator[tuple[int, int]]:
    """Yield the first line and the length in lines of every function in a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield node.lineno, node.end_lineno - node.lineno + 1
    elif path.suffix in MODULES:
        yield from _blocks(text.splitlines(), OPENS_SCRIPT_BLOCK)
    elif path.suffix in {"", ".sh"}:
        yield from _blocks(text.splitlines(), OPENS_SHELL_FUNCTION)


def _blocks(lines: list[str], opens: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for first, line in enumerate(lines):
        if not opens.search(line.rstrip()):
            continue
        indent = line[: len(line) - len(line.lstrip())]
        for last in range(first + 1, len(lines)):
            if lines[last].startswith(indent + "}"):
                yield first + 1, last - first + 1
                break


def too_long(root: Path) -> list[str]:
    found = []
    for path in measured_files(root):
        place = path.relative_to(root)
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > FILE_LINES_MAX:
            found.append(f"{place} has {length} lines")
        found += [
            f"{place}:{line} is a function of {length} lines"
            for line, length in functions(path)
            if length > FUNCTION_LINES_MAX
        ]
    return found


def named_badly(root: Path) -> list[str]:
    found = []
    for path in files(root, *MODULES):
        place = path.relative_to(root)
        if SAYS_NOTHING & {*place.parts[:-1], path.name.split(".")[0]}:
            found.append(str(place))
    return found


def test_no_file_and_no_function_is_too_long():
    assert too_long(ROOT) == []


def test_no_module_is_named_after_nothing():
    assert named_badly(ROOT) == []


def test_the_launcher_and_the_sources_are_among_the_measured():
    measured = {str(path.relative_to(ROOT)) for path in measured_files(ROOT)}
    assert {"dianshu", "core/errors.py", "frontend/build.mjs", "hatch_build.py"} <= measured


def test_a_long_function_is_found_in_each_language(tmp_path):
    body = "  x\n" * FUNCTION_LINES_MAX
    (tmp_path / "long.py").write_text("async def long():\n" + body)
    (tmp_path / "long.ts").write_text(
        f"class A {{\n  pay(\n    amount: number,\n  ): Promise<void> {{\n{body}  }}\n}}\n"
        f"const act = async () => {{\n{body}}};\nfunction plain() {{\n  x\n}}\n"
    )
    (tmp_path / "dianshu").write_text(f"long() {{ # why\n{body}}}\nshort() {{\n  x\n}}\n")
    assert too_long(tmp_path) == [
        "long.py:1 is a function of 71 lines",
        "long.ts:4 is a function of 72 lines",
        "long.ts:77 is a function of 72 lines",
        "dianshu:1 is a function of 72 lines",
    ]


def test_a_long_file_is_found(tmp_path):
    (tmp_path / "page.html").write_text("<p>\n" * (FILE_LINES_MAX + 1))
    (tmp_path / "exact.css").write_text("p{}\n" * FILE_LINES_MAX)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/theirs.css").write_text("p{}\n" * (FILE_LINES_MAX + 1))
    assert too_long(tmp_path) == ["page.html has 501 lines"]


def test_an_empty_name_is_found_in_files_and_folders(tmp_path):
    (tmp_path / "utils").mkdir()
    for name in ("utils/money.py", "base.ts", "database.py", "base.html"):
        (tmp_path / name).write_text("")
    assert named_badly(tmp_path) == ["base.ts", "utils/money.py"]

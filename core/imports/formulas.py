"""Text that a spreadsheet would run, made harmless when written and plain again when read."""

from __future__ import annotations

import re

# One more apostrophe goes before those that are there, so that reading gives back what was
# written, whatever it was. A leading blank does not stop every program from calculating.
_RUNS = re.compile(r"'*\s*[=+\-@＝＋－＠﹢﹣﹦﹫\t\r\0]")
_GUARDED = re.compile(r"'+\s*[=+\-@＝＋－＠﹢﹣﹦﹫\t\r\0]")
_TEXT_FORMULA = re.compile(r'="([^"]*)"')


def would_run(text: str) -> bool:
    """Whether a spreadsheet may take the text for a formula."""
    return _RUNS.match(text) is not None


def guard(text: str) -> str:
    """Return text for a CSV cell that no spreadsheet runs."""
    return "'" + text if would_run(text) else text


def unguard(text: str) -> str:
    """Undo `guard`; also open ="0138", the trick by which old programs keep leading zeros."""
    if _GUARDED.match(text):
        return text[1:]
    wrapped = _TEXT_FORMULA.fullmatch(text)
    return wrapped[1] if wrapped else text

"""What a cell can hold before anybody knows which field it is."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, time

SHOWN_CHARS_MAX = 40
BROKEN_LETTER = "\N{REPLACEMENT CHARACTER}"

# Format marks are dropped with the controls: invisible, they make two equal names differ.
# Letters that this Python does not know yet stay: new hanzi are made for people's names.
_DROPPED = frozenset({"Cc", "Cf", "Cs"})


class YearHidden(datetime):
    """A date that its sheet shows without a year; the year in it is the spreadsheet's guess."""


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell whose value cannot be known: `code` names the row refusal that tells why."""

    code: str
    shown: str = ""


Cell = str | int | float | datetime | time | BadCell | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row, numbered from 1 as a spreadsheet numbers it; blanks at its end are cut off.

    `broken` is the code of a row refusal where the row as a whole cannot be read.
    """

    line: int
    cells: tuple[Cell, ...]
    broken: str = ""


def clean_line(text: str) -> str:
    """Return text on one line without control characters and outer blanks."""
    if text.isprintable():
        return text.strip()
    kept = (
        " " if letter.isspace() else letter
        for letter in text
        if letter.isspace() or not _is_dropped(letter)
    )
    return " ".join("".join(kept).split())


def _is_dropped(letter: str) -> bool:
    noncharacter = ord(letter) & 0xFFFE == 0xFFFE or "\ufdd0" <= letter <= "\ufdef"
    return noncharacter or unicodedata.category(letter) in _DROPPED


def clean_lines(text: str) -> str:
    """Return text without control characters, its line breaks kept as single newlines."""
    return "\n".join(filter(None, map(clean_line, text.splitlines())))


def shown(cell: Cell) -> str:
    """Return a cell as a person would read it; an unknowable one as the file shows it."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return clean_lines(cell)
    if isinstance(cell, BadCell):
        return clean_lines(cell.shown)
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() else f"{cell:.10f}".rstrip("0").rstrip(".")
    if isinstance(cell, YearHidden):
        return f"{cell:%m-%d}"
    if isinstance(cell, datetime):
        midnight = cell.time() == time()
        return cell.date().isoformat() if midnight else cell.isoformat(" ", "seconds")
    return str(cell)


def clipped(cell: Cell) -> str:
    """Return the beginning of what a cell shows, for a sentence about it."""
    text = clean_line(shown(cell))
    return text if len(text) <= SHOWN_CHARS_MAX else text[: SHOWN_CHARS_MAX - 1] + "…"


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing that can be seen."""
    return cell is None or (isinstance(cell, str) and not clean_line(cell))

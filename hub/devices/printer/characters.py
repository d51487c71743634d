"""From any text to characters that may go on paper, each with the columns that it takes.

A name is typed by strangers, so nothing here trusts it: what could steer a printer or turn the
reading direction is gone before a byte is made, and a line can only be ended by the layout.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

TEXT_CHARACTERS_MAX = 1_000
"""Longer text is cut and ends in an ellipsis: a sale must not fail for a long remark."""

GETA = "〓"
"""The typesetters' mark for a sort that is missing; two columns wide in every Chinese ROM."""

LOOKALIKES = {"¥": "￥", "•": "·", "−": "-"}
"""What the shop writes and a Chinese ROM lacks; used only where the character has no code."""

_STEERING = frozenset({"Cc", "Cf", "Cs", "Co"})
_COMBINING = frozenset({"Mn", "Me"})
_TYPED_SPACES = frozenset("\t\n\v\f\r\x85")
_IDEOGRAPHIC_SPACE = "\u3000"
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Emoji and glyph variants change nothing that a receipt printer could show."""

CodeOf = Callable[[str], bytes | None]
"""The bytes of one character in a printer's own alphabet; None where it has none."""


class Cell(NamedTuple):
    """One character in its place: `code` is None where the printer has no letter for it."""

    text: str
    code: bytes | None
    width: int


def clean(text: str) -> str:
    """Take out control, format, bidi, surrogate and private characters; make spaces plain.

    Unassigned characters stay: a rare name may be newer than this program's tables.
    """
    # Nearly every text is plain, and looking at each letter cost a receipt more than its sums.
    plain = text.isprintable() and not _VARIATION.search(text)
    kept = text if plain else "".join(_kept(character) for character in text)
    composed = unicodedata.normalize("NFC", kept)
    if len(composed) > TEXT_CHARACTERS_MAX:
        return composed[: TEXT_CHARACTERS_MAX - 1] + "…"
    return composed


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if character in _TYPED_SPACES or category in {"Zl", "Zp"}:
        return " "
    if category == "Zs":
        return character if character == _IDEOGRAPHIC_SPACE else " "
    return "" if category in _STEERING or _VARIATION.match(character) else character


def cells(text: str, code_of: CodeOf) -> list[Cell]:
    """Set text into cells; accents that have no letter of their own join the one before."""
    placed: list[Cell] = []
    for character in text:
        cell = _cell(character, code_of)
        if placed and cell.code is None and unicodedata.category(character) in _COMBINING:
            placed[-1] = Cell(placed[-1].text + character, None, placed[-1].width)
        else:
            placed.append(cell)
    return placed


def _cell(character: str, code_of: CodeOf) -> Cell:
    for candidate in (character, LOOKALIKES.get(character)):
        code = code_of(candidate) if candidate else None
        if candidate and code:
            return Cell(candidate, code, len(code))
    wide = unicodedata.east_asian_width(character) in {"W", "F", "A"}
    return Cell(character, None, 2 if wide else 1)


def width_of(placed: Iterable[Cell]) -> int:
    """Columns that these cells take."""
    return sum(cell.width for cell in placed)


def spaces(count: int) -> list[Cell]:
    return fill(" ", count)


def fill(character: str, count: int) -> list[Cell]:
    """Repeat one ASCII character; nothing where the count is not positive."""
    return [Cell(character, character.encode("ascii"), 1)] * count

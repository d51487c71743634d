"""Cells as text, numbers of cards and phones, genders and counts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from core.imports.cells import (
    BROKEN_LETTER,
    BadCell,
    Cell,
    clean_line,
    clean_lines,
    clipped,
    shown,
)
from core.imports.fields import CellRefused, Context, Reader
from core.imports.limits import CELL_CHARS_MAX, NOTE_LINES_MAX
from core.members import normalise_phone

EXACT_BELOW = 10**15
"""A spreadsheet keeps fifteen digits of a number and writes zeros for the rest."""

_PLACEHOLDERS = frozenset(
    {"-", "--", "---", "—", "——", "/", "\\", "无", "暂无", "null", "none", "nan", "n/a", "nil"}
)
_WHOLE_FLOAT = re.compile(r"([0-9]+)\.0+")
_SCIENTIFIC = re.compile(r"([0-9])(?:\.([0-9]+))?E\+?([0-9]{2})", re.IGNORECASE)
_MASKED = re.compile(r"[0-9][*xX•●]{2,}|[*•●]{2,}[0-9]")
_BETWEEN_PHONES = re.compile(r"[/,;、|或\n]+|\s{2,}")
_NEEDLESS_BLANKS = re.compile(r"(?<![0-9])\s+|\s+(?![0-9])")
_COUNT = re.compile(r"([-−+]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]*))?[分次个点枚件]?")


def words(cell: Cell) -> str:
    """Return what a cell says on one line, empty for blanks and their usual placeholders."""
    text = clean_line(cell) if isinstance(cell, str) else _known(cell)
    return _said(text)


def compact(text: str) -> str:
    """Return what is typed for a number in plain letters, blanks kept only between digits.

    There they may part two numbers, which then are read as neither.
    """
    return _NEEDLESS_BLANKS.sub("", unicodedata.normalize("NFKC", text))


def line(limit: int) -> Reader:
    """Read one line of at most `limit` characters."""

    def read(cell: Cell, _: Context) -> str | None:
        return _within(words(cell), limit)

    return read


def note(limit: int) -> Reader:
    """Read lines of at most `limit` characters together; the last few become one."""

    def read(cell: Cell, _: Context) -> str | None:
        text = clean_lines(cell) if isinstance(cell, str) else _known(cell)
        lines = text.split("\n", NOTE_LINES_MAX - 1)
        lines[-1] = lines[-1].replace("\n", " ")
        return _within(_said("\n".join(lines)), limit)

    return read


def identifier(limit: int) -> Reader:
    """Read a number that names something: no blanks in it, no digit lost."""

    def read(cell: Cell, _: Context) -> str | None:
        # Without its blanks a letter may join the accent behind it into one letter.
        text = unicodedata.normalize("NFKC", "".join(_digits(cell).split()))
        return _within(_unfloated(_said(text), cell), limit)

    return read


def phone(cell: Cell, _: Context) -> str | None:
    """Read a phone number into its one spelling."""
    text = _unfloated(_digits(cell).strip(), cell)
    if not text:
        return None
    if _MASKED.search(text):
        raise CellRefused("phone_masked", value=clipped(cell))
    try:
        return normalise_phone(text)
    except ValueError:
        several = len([part for part in _BETWEEN_PHONES.split(text) if _is_phone(part)]) > 1
        code = "phone_several" if several else "phone_invalid"
        raise CellRefused(code, value=clipped(cell)) from None


def choice(meanings: Mapping[str, str], code: str) -> Reader:
    """Read a word into its meaning; `code` refuses the others. An empty meaning is blank."""

    def read(cell: Cell, _: Context) -> str | None:
        text = unicodedata.normalize("NFKC", words(cell)).casefold()
        if not text:
            return None
        if text not in meanings:
            raise CellRefused(code, value=clipped(cell))
        return meanings[text] or None

    return read


def count(limit: int) -> Reader:
    """Read a whole number from 0 to `limit`."""

    def read(cell: Cell, _: Context) -> int | None:
        text = compact(words(cell))
        if not text:
            return None
        match = _COUNT.fullmatch(text)
        if not match:
            raise CellRefused("count_unreadable", value=clipped(cell))
        sign, whole, part = match.groups()
        if (part or "0").strip("0"):
            raise CellRefused("count_not_whole", value=clipped(cell))
        number = int(whole.replace(",", ""))
        if number and sign in {"-", "−"}:
            raise CellRefused("count_negative", value=clipped(cell))
        if number > limit:
            raise CellRefused("count_too_large", value=clipped(cell), limit=limit)
        return number

    return read


def _known(cell: Cell) -> str:
    if isinstance(cell, BadCell):
        raise CellRefused(cell.code, value=clipped(cell), limit=CELL_CHARS_MAX)
    return shown(cell)


def _said(text: str) -> str:
    if BROKEN_LETTER in text:
        raise CellRefused("text_broken", value=clipped(text))
    return "" if text.casefold() in _PLACEHOLDERS else text


def _within(text: str, limit: int) -> str | None:
    if len(text) > limit:
        raise CellRefused("text_too_long", value=clipped(text), limit=limit)
    return text or None


def _digits(cell: Cell) -> str:
    """Return an identifying number in plain letters."""
    if isinstance(cell, int | float):
        if abs(cell) >= EXACT_BELOW:
            raise CellRefused("digits_lost", value=clipped(cell))
        return shown(cell)
    text = words(cell)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    # An apostrophe in front is how people keep a spreadsheet from reading a number.
    return _said(text.lstrip("'‘’ "))


def _unfloated(text: str, cell: Cell) -> str:
    """Return digits as they were before a program took them for a float."""
    if match := _WHOLE_FLOAT.fullmatch(text):
        return match[1]
    match = _SCIENTIFIC.fullmatch(text)
    if not match:
        return text
    lead, decimals, exponent = match[1], match[2] or "", int(match[3])
    if len(decimals) < exponent:
        raise CellRefused("digits_lost", value=clipped(cell))
    return text if decimals[exponent:].strip("0") else lead + decimals[:exponent]


def _is_phone(text: str) -> bool:
    try:
        normalise_phone(text)
    except ValueError:
        return False
    return True

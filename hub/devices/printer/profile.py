"""What one model of receipt printer can do."""

from __future__ import annotations

import codecs
from typing import Literal

import msgspec

COLUMNS_MIN = 24
COLUMNS_MAX = 64
DOTS_PER_COLUMN = 12
"""A Latin letter of the usual font; a Han character is twice as wide, 24 by 24."""

Kanji = Literal["gb18030-2byte", "raster"]


class CodePage(msgspec.Struct, frozen=True, kw_only=True):
    """A single-byte alphabet: its number for ESC t, and Python's name for the same table."""

    number: int
    codec: str

    def __post_init__(self) -> None:
        codecs.lookup(self.codec)
        if not 0 <= self.number <= 255:
            raise ValueError(f"code page {self.number}")


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Paper width and abilities.

    `kanji` is how Han characters reach paper: from the printer's own Chinese ROM, or drawn by
    us where it has none; `codepage` is only used where it has none.
    """

    columns: int = 48
    dots: int = 576
    kanji: Kanji = "gb18030-2byte"
    native_qr: bool = True
    cut: bool = True
    codepage: CodePage | None = None

    def __post_init__(self) -> None:
        if not COLUMNS_MIN <= self.columns <= COLUMNS_MAX:
            raise ValueError(f"{self.columns} columns")
        if self.dots % 8 or self.dots < self.columns * DOTS_PER_COLUMN or self.dots > 1024:
            raise ValueError(f"{self.dots} dots for {self.columns} columns")

    def code_of(self, character: str) -> bytes | None:
        """Give the bytes that print one character here, one per column; None where none do.

        The only door from text to bytes: whatever was typed, no control byte passes it.
        """
        if " " <= character <= "~":
            return character.encode("ascii")
        if self.kanji == "gb18030-2byte":
            return _double_byte(character)
        return _single_byte(character, self.codepage.codec) if self.codepage else None


PAPER_80MM = Profile()
PAPER_58MM = Profile(columns=32, dots=384, cut=False)


def _double_byte(character: str) -> bytes | None:
    """Printers sold as GB18030 know its two-byte half only; four bytes would print as rubbish.

    From FE50 on lie the few that GB18030 added to GBK's own range: the codec has them, ROMs
    that are really GBK do not. Private characters have codes too, which are not ours to use.
    """
    if "\ue000" <= character <= "\uf8ff":
        return None
    try:
        code = character.encode("gb18030")
    except UnicodeEncodeError:
        return None
    return code if len(code) == 2 and code < b"\xfe\x50" else None


def _single_byte(character: str, codec: str) -> bytes | None:
    try:
        code = character.encode(codec)
    except UnicodeEncodeError:
        return None
    return code if len(code) == 1 and code >= b"\x80" else None

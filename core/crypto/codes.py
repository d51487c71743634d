"""Codes that people read aloud and type: Crockford's base 32, without I, L, O and U."""

from __future__ import annotations

import os
import unicodedata

from core.ids import Randomness

CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARACTERS_MAX = 64

_READ_AS = (
    {ord(letter): letter for letter in CODE_LETTERS}
    | {ord(letter.lower()): letter for letter in CODE_LETTERS}
    | dict.fromkeys(map(ord, "Oo"), "0")
    | dict.fromkeys(map(ord, "IiLl"), "1")
    # Hyphens and dashes of both Latin and Chinese keyboards, and the blanks of speech groups.
    | dict.fromkeys(map(ord, "-‐‑‒–—―−ー_ \t\u3000"), "")
)


def make_code(length: int, random_bytes: Randomness = os.urandom) -> str:
    """Draw a code; each character carries five bits, all equally likely."""
    if not 1 <= length <= CODE_CHARACTERS_MAX:
        raise ValueError(f"a code has 1 to {CODE_CHARACTERS_MAX} characters")
    return "".join(CODE_LETTERS[byte & 31] for byte in random_bytes(length))


def normalise_code(typed: str) -> str:
    """Read a code as it was meant: any case and width, O as 0, I and L as 1, no dashes.

    Raises ValueError where a character stands that no code has, and for an empty text.
    """
    if len(typed) > CODE_CHARACTERS_MAX * 2:
        raise ValueError("too long for a code")
    letters = []
    for character in unicodedata.normalize("NFKC", typed):
        if ord(character) not in _READ_AS:
            raise ValueError(f"no code has the character {character!r}")
        letters.append(_READ_AS[ord(character)])
    code = "".join(letters)
    if not 1 <= len(code) <= CODE_CHARACTERS_MAX:
        raise ValueError("not the length of a code")
    return code

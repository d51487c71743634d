"""Phone numbers in one spelling each, so that a person is found however one was typed."""

from __future__ import annotations

import re
import unicodedata

TYPED_CHARS_MAX = 40
MASK = "****"

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
# Beijing and the 02x cities have eight digits behind the area code, others seven or eight.
_LANDLINE = re.compile(r"0(?:(?:10|2[0-9])[2-9][0-9]{7}|[3-9][0-9]{2}[2-9][0-9]{6,7})")
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}")
_WORN_BETWEEN_DIGITS = re.compile(r"[\s().·‐‑‒–—―−-]+")


def normalise_phone(text: str) -> str:
    """Return the one spelling of a phone number; raise ValueError with the text otherwise.

    A mainland mobile becomes its 11 digits, a landline its area code and number in digits,
    a number of elsewhere `+` and 7 to 15 digits. Full-width digits, separators, +86, 0086 and
    the invisible marks that chat programs copy along are allowed.
    """
    if len(text) > TYPED_CHARS_MAX:
        raise ValueError(text)
    bare = _WORN_BETWEEN_DIGITS.sub("", _visible(unicodedata.normalize("NFKC", text)))
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    if bare.startswith("+86"):
        return _mainland(bare[3:], text, abroad=True)
    if bare.startswith("+"):
        return _matched(_INTERNATIONAL, bare, text)
    if bare.startswith("86") and _MOBILE.fullmatch(bare[2:]):
        return bare[2:]
    return _mainland(bare, text, abroad=False)


def is_mobile(text: str) -> bool:
    """Return whether a text is a mainland mobile number, in any spelling."""
    try:
        return _MOBILE.fullmatch(normalise_phone(text)) is not None
    except ValueError:
        return False


def mask_phone(phone: str) -> str:
    """Hide the middle of a normalised phone: 13812342046 -> 138****2046.

    At least four characters stay hidden, however short the number is.
    """
    shown = max(0, len(phone) - len(MASK))
    tail = min(4, shown)
    head = min(3, shown - tail)
    return phone[:head] + MASK + phone[len(phone) - tail :]


def _visible(text: str) -> str:
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def _mainland(digits: str, text: str, *, abroad: bool) -> str:
    # Seen from abroad an area code has no zero; a mobile never has one, but old lists add it.
    without_zero = digits.removeprefix("0")
    if _MOBILE.fullmatch(without_zero):
        return without_zero
    return _matched(_LANDLINE, "0" + without_zero if abroad else digits, text)


def _matched(pattern: re.Pattern[str], digits: str, text: str) -> str:
    if not pattern.fullmatch(digits):
        raise ValueError(text)
    return digits

"""Base64url without padding, one spelling per value.

Python's own decoder skips letters that it does not know and ignores left-over bits, so that
many texts mean the same bytes. Where a text names a key or is signed, that is one too many.
"""

from __future__ import annotations

import base64
import re

_TEXT = re.compile(r"[A-Za-z0-9_-]*")


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def decode(text: str, *, size_max: int) -> bytes:
    """Read bytes back; raise ValueError for any text that `encode` would not have written."""
    if len(text) > (size_max * 4 + 2) // 3 or not _TEXT.fullmatch(text):
        raise ValueError("not base64url")
    padded = text + "=" * (-len(text) % 4)
    value = base64.urlsafe_b64decode(padded)
    if encode(value) != text:
        raise ValueError("not base64url")
    return value

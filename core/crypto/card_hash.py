"""How a card's number is kept: as a hash that only the merchant's own boxes can make.

A number is a name and not a proof, for cards can be copied; but a list of numbers in a stolen
backup would be a list of keys to copy.
"""

from __future__ import annotations

import hmac
import re

CARD_KEY_BYTES_MIN = 32
UID_CHARACTERS_MAX = 128

_UID = re.compile(rf"[\x21-\x7e]{{1,{UID_CHARACTERS_MAX}}}")


def card_hash(uid: str, *, key: bytes) -> str:
    """Return the HMAC-SHA-256 of a card's number, as 64 hexadecimal digits.

    `uid` is the number as the reader's profile writes it; hexadecimal letters count the same
    in both cases, for readers differ. Raises ValueError for an empty or overlong number, for
    blanks and other than ASCII, and for a key of fewer than 32 bytes.
    """
    if len(key) < CARD_KEY_BYTES_MIN:
        raise ValueError(f"a card key has at least {CARD_KEY_BYTES_MIN} bytes")
    if not _UID.fullmatch(uid):
        raise ValueError("not a card number")
    # The prefix keeps this apart from all else that may ever be hashed with the same key.
    return hmac.digest(key, b"card:" + uid.upper().encode("ascii"), "sha256").hex()

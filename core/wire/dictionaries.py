"""The zstd dictionaries that segments are packed with, by number.

A lone sale is too short to be squeezed by itself; a dictionary lends it the words that every
sale uses. A number stands for its bytes for ever, because segments are kept as they came: a
better dictionary is a new number. `tests/simulation/train_dictionary.py` makes one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import zstandard

from core.wire.squeezed import LEVEL

NONE = 0
CURRENT = 1

_SHA256 = {
    1: "2f4ac9f95c2e0fb6e8e48fc303cb17bcc8ad6966a0c39823d3e2d4dc8fab364c",
}


def _load(number: int, sha256: str) -> zstandard.ZstdCompressionDict:
    raw = Path(__file__).with_name(f"dictionary-{number}.bin").read_bytes()
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise RuntimeError(f"dictionary {number} is not the one that segments were packed with")
    dictionary = zstandard.ZstdCompressionDict(raw)
    dictionary.precompute_compress(level=LEVEL)
    return dictionary


DICTIONARIES: Mapping[int, zstandard.ZstdCompressionDict | None] = MappingProxyType(
    {NONE: None} | {number: _load(number, sha256) for number, sha256 in _SHA256.items()}
)
"""All that are known here."""

"""The zstd dictionaries that segments are packed with, by number.

A lone sale is too short to be squeezed by itself; a dictionary lends it the words that every
sale uses. A number stands for its bytes for ever, because segments are kept as they came: a
better dictionary is a new number. `tests/simulation/train_dictionary.py` makes one.
"""

from __future__ import annotations

import zstandard

NONE = 0
CURRENT = 0

DICTIONARIES: dict[int, zstandard.ZstdCompressionDict | None] = {NONE: None}
"""All that are known here."""

"""How large a list may be. A chain's largest member list has a tenth of these rows."""

from __future__ import annotations

FILE_BYTES_MAX = 64 * 1024 * 1024
ROWS_MAX = 500_000
"""Rows with something in them, headings included."""
LINES_MAX = 1_048_576
"""A spreadsheet's own last row; blank rows count towards it."""
COLUMNS_MAX = 200
CELL_CHARS_MAX = 2_000
LINE_CHARS_MAX = 500_000
RECORD_LINES_MAX = 40
"""Lines that one quoted record may span; more is a quote that somebody forgot to close."""

UNPACKED_BYTES_MAX = 512 * 1024 * 1024
UNPACK_RATIO_MAX = 100
UNPACK_UNSUSPECTED_BYTES = 4 * 1024 * 1024
"""Below this a high ratio proves nothing: an almost empty workbook packs well."""
PARTS_MAX = 5_000
SMALL_PART_BYTES_MAX = 16 * 1024 * 1024
"""For the parts that describe the workbook and hold none of its rows."""
SHARED_STRINGS_MAX = 3_000_000
SHARED_CHARS_MAX = 64 * 1024 * 1024
DEPTH_MAX = 64
"""Elements within elements; a workbook's own go eight deep."""
QUIET_BYTES_MAX = 1024 * 1024
"""XML without a single tag or word in it; the parser keeps such a stretch in memory."""

HEADING_ROWS = 20
"""The heading row lies within the first rows that hold something."""
PREVIEW_ROWS = 5

NAME_CHARS_MAX = 60
NUMBER_CHARS_MAX = 32
CARD_CHARS_MAX = 40
LABEL_CHARS_MAX = 40
UNIT_CHARS_MAX = 8
ADDRESS_CHARS_MAX = 200
EMAIL_CHARS_MAX = 120
NOTE_CHARS_MAX = 1_000
NOTE_LINES_MAX = 30
"""Fewer than RECORD_LINES_MAX, so that a note is read back from a CSV."""
ITEM_NOTE_CHARS_MAX = 40

POINTS_MAX = 1_000_000_000
PUNCHES_MAX = 100_000
STOCK_MAX = 10_000_000

"""CSV and TSV as shops really have them: any encoding, any separator, quotes gone wrong."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import TextIO

from core.errors import Refused
from core.imports.cells import BadCell, Cell, Row
from core.imports.formulas import unguard
from core.imports.limits import CELL_CHARS_MAX, LINE_CHARS_MAX, RECORD_LINES_MAX

CHUNK_BYTES = 1024 * 1024
SAMPLE_LINES = 60
BROKEN_SHARE_MAX = 0.02
"""Of the letters beyond ASCII. A letter that some program cut in half breaks few of them, a
wrong guess most."""
DELIMITERS = (",", "\t", ";")

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])\r?\n?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written; `lead` lines at its top only say so and are no rows."""

    encoding: str
    delimiter: str
    width: int
    lead: int = 0


def find_dialect(path: Path) -> Dialect:
    """Read the whole file once for its encoding and its beginning for its separator.

    Refused: import_encoding_unknown, import_line_too_long.
    """
    encoding = _find_encoding(path)
    with _open(path, encoding) as stream:
        lines = list(islice(_bounded(stream), SAMPLE_LINES))
    separator = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    if separator:
        width = _shape(lines[1:], separator[1])[0]
        return Dialect(encoding, separator[1], width, lead=1)
    # On a tie the first one wins: a list with one column has no separator at all.
    best = max(DELIMITERS, key=lambda delimiter: _shape(lines, delimiter)[1])
    return Dialect(encoding, best, _shape(lines, best)[0])


def read_delimited(path: Path, dialect: Dialect) -> Iterator[Row]:
    """Yield every record with the number that a spreadsheet would give it.

    A record whose quotes do not match is one broken row, and reading goes on at the line after
    its first, so that a quote that nobody closed does not swallow the people below it.
    """
    with _open(path, dialect.encoding) as stream:
        lines = _Lines(islice(_bounded(stream), dialect.lead, None))
        reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
        number = 0
        while True:
            number += 1
            lines.taken.clear()
            try:
                record = next(reader, None)
            except (csv.Error, _QuoteOpenError):
                pass
            else:
                if record is None:
                    return
                if not _swallowed(record, dialect):
                    yield Row(number, tuple(map(_cell, record)))
                    continue
            lines.give_back()
            yield Row(number, (), broken="row_quotes_broken")


class _QuoteOpenError(Exception):
    """A record goes on for more lines than any real one."""


class _Lines:
    """Lines of which those of the present record can be given back."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._waiting: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= RECORD_LINES_MAX:
            raise _QuoteOpenError
        line = self._waiting.popleft() if self._waiting else next(self._source)
        self.taken.append(line)
        return line

    def give_back(self) -> None:
        """Let the lines after the record's first be read again."""
        self._waiting.extendleft(reversed(self.taken[1:]))


def _bounded(stream: TextIO) -> Iterator[str]:
    for number in count(1):
        line = stream.readline(LINE_CHARS_MAX + 1)
        if not line:
            return
        if len(line) > LINE_CHARS_MAX:
            raise Refused("import_line_too_long", line=number)
        yield line


def _open(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, errors="replace", newline="")


def _find_encoding(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(4)
    marked = next((name for mark, name in _BYTE_ORDER_MARKS if head.startswith(mark)), None)
    # Text of another encoding is hardly ever sound UTF-8; as GB18030 most of anything is.
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        if _broken_share(path, encoding) <= BROKEN_SHARE_MAX:
            return encoding
    raise Refused("import_encoding_unknown")


def _broken_share(path: Path, encoding: str) -> float:
    """Return how much of the text cannot be right: letters that do not decode, and NUL."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    broken = beyond = zeros = letters = 0
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            text = decoder.decode(chunk)
            broken += text.count("\N{REPLACEMENT CHARACTER}")
            beyond += len(text) - len(text.encode("ascii", "ignore"))
            zeros += text.count("\0")
            letters += len(text)
    return max(broken / max(beyond, 1), zeros / max(letters, 1))


def _shape(lines: list[str], delimiter: str) -> tuple[int, int]:
    """Return the commonest width of the sample's records, and how much speaks for it."""
    widths: Counter[int] = Counter()
    # The sample only serves a guess: what breaks in it is reported when the row is read.
    with suppress(csv.Error):
        widths.update(len(record) for record in csv.reader(lines, delimiter=delimiter))
    del widths[0]
    if not widths:
        return 0, 0
    width, records = max(widths.items(), key=lambda item: (item[0] - 1) * item[1])
    return width, (width - 1) * records


def _swallowed(record: list[str], dialect: Dialect) -> bool:
    """Whether a cell with line breaks holds a line of the table: two stray quotes did that."""
    return dialect.width > 2 and any(
        line.count(dialect.delimiter) >= dialect.width - 1
        for cell in record
        if "\n" in cell or "\r" in cell
        for line in cell.splitlines()
    )


def _cell(text: str) -> Cell:
    if not text or text.isspace():
        return None
    if len(text) > CELL_CHARS_MAX:
        return BadCell("cell_too_long", text[:CELL_CHARS_MAX])
    # Only these two begin what `unguard` changes, and there are millions of cells.
    return unguard(text) if text[0] in "'=" else text

"""One worksheet's XML as rows, in constant memory."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel, from_ISO8601

from core.errors import Refused
from core.imports.cells import BadCell, Cell, Row, YearHidden
from core.imports.limits import CELL_CHARS_MAX, COLUMNS_MAX, LINES_MAX
from core.imports.package import PartHandler

NUMBER_CHARS_MAX = 30

_LETTERS = re.compile(r"[A-Za-z]{1,3}")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Styles:
    """What a cell's style index says about its number."""

    epoch_1904: bool = False
    dates: set[int] = field(default_factory=set)
    yearless: set[int] = field(default_factory=set)
    padded: dict[int, int] = field(default_factory=dict)
    """Digits that are shown, zeros in front included: 7 under 000000 is printed on a card."""


def unescape(text: str) -> str:
    """Return a text with the letters that XML cannot hold, which .xlsx spells _x000D_."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


class RowsHandler(PartHandler):
    """Collects finished rows in `rows`; whoever feeds it takes them out."""

    def __init__(self, styles: Styles, texts: list[str]) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._styles = styles
        self._texts = texts
        self._columns: dict[str, int] = {}
        self._line = 0
        self._cells: dict[int, Cell] = {}
        self._column = -1
        self._kind = "n"
        self._style = 0
        self._parts: list[str] = []
        self._length = 0
        self._reading = False
        self._phonetic = False
        self._formula = False
        self._has_value = False

    def begin(self, kind: str, attrs: Any) -> None:
        if kind == "c":
            self._begin_cell(attrs)
        elif kind == "v" or (kind == "t" and not self._phonetic):
            self._reading = self._has_value = True
        elif kind == "row":
            self._begin_row(attrs.get("r"))
        elif kind == "f":
            self._formula = True
        elif kind == "rPh":
            self._phonetic = True

    def characters(self, content: str) -> None:
        # One letter more than the limit is enough to tell that a text is too long.
        if self._reading and self._length <= CELL_CHARS_MAX:
            piece = content[: CELL_CHARS_MAX + 1 - self._length]
            self._length += len(piece)
            self._parts.append(piece)

    def end(self, kind: str) -> None:
        if kind in {"v", "t"}:
            self._reading = False
        elif kind == "c":
            self._end_cell()
        elif kind == "row":
            self._end_row()
        elif kind == "rPh":
            self._phonetic = False

    def _begin_row(self, number: str | None) -> None:
        line = int(number) if number else self._line + 1
        # Rows out of order would be read under wrong numbers or not at all.
        if line <= self._line:
            raise Refused("import_xlsx_broken")
        if line > LINES_MAX:
            raise Refused("import_rows_too_many", limit=LINES_MAX)
        self._line = line
        self._column = -1
        self._cells = {}

    def _begin_cell(self, attrs: Any) -> None:
        reference = attrs.get("r")
        self._column = self._column_of(reference) if reference else self._column + 1
        self._kind = attrs.get("t", "n")
        self._style = int(attrs.get("s", 0))
        self._parts = []
        self._length = 0
        self._formula = self._has_value = False

    def _column_of(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            if not _LETTERS.fullmatch(letters):
                raise Refused("import_xlsx_broken")
            column = 0
            for letter in letters.upper():
                column = column * 26 + ord(letter) - ord("A") + 1
            column -= 1
            self._columns[letters] = column
        return column

    def _end_cell(self) -> None:
        value = self._value()
        if value is None:
            return
        if self._column >= COLUMNS_MAX:
            raise Refused("import_columns_too_many", line=self._line, limit=COLUMNS_MAX)
        self._cells[self._column] = value

    def _end_row(self) -> None:
        if self._cells:
            width = max(self._cells) + 1
            self.rows.append(Row(self._line, tuple(map(self._cells.get, range(width)))))

    def _value(self) -> Cell:
        if not self._has_value:
            return BadCell("cell_formula_unsaved") if self._formula else None
        text = "".join(self._parts)
        if self._kind == "n":
            return self._number(text)
        if self._kind == "s":
            return _text(self._texts[int(text)]) if text else None
        if self._kind == "e":
            return BadCell("cell_is_error", text)
        if self._kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        if self._kind == "d":
            return _iso_date(text)
        return _text(unescape(text))

    def _number(self, text: str) -> Cell:
        if not text:
            return None
        if len(text) > NUMBER_CHARS_MAX:
            return BadCell("cell_is_error", text)
        number = int(text) if text.isdecimal() else float(text)
        if not math.isfinite(number):
            return BadCell("cell_is_error", text)
        if self._style in self._styles.dates:
            return self._date(number)
        if (digits := self._styles.padded.get(self._style)) and number == int(number) >= 0:
            return str(int(number)).zfill(digits)
        return number

    def _date(self, number: float) -> Cell:
        epoch = MAC_EPOCH if self._styles.epoch_1904 else WINDOWS_EPOCH
        try:
            moment: Cell = from_excel(number, epoch)
        except (OverflowError, ValueError):
            return BadCell("date_unreadable", str(number))
        if self._style in self._styles.yearless and isinstance(moment, datetime):
            return YearHidden(moment.year, moment.month, moment.day)
        return moment


def _text(text: str) -> Cell:
    if len(text) > CELL_CHARS_MAX:
        return BadCell("cell_too_long", text)
    return text if text and not text.isspace() else None


def _iso_date(text: str) -> Cell:
    moment = from_ISO8601(text)
    if isinstance(moment, datetime):
        return moment
    # A date without a time of day is a date all the same; a bare time is none.
    return datetime.fromisoformat(moment.isoformat()) if hasattr(moment, "year") else text

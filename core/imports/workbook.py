"""An .xlsx: its sheets, which cell styles mean dates, and its texts.

Written on the defused SAX parser because openpyxl builds a pure-Python tree under it: that is
seven times slower, grows with the file, knows none of the date formats that a Chinese Excel
numbers 27 to 58, and turns down workbooks over fonts and fills that no list needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from core.errors import Refused
from core.imports.cells import Row
from core.imports.limits import (
    CELL_CHARS_MAX,
    SHARED_CHARS_MAX,
    SHARED_STRINGS_MAX,
    SMALL_PART_BYTES_MAX,
    UNPACKED_BYTES_MAX,
)
from core.imports.package import Package, PartHandler, beside, relations_of
from core.imports.sheet import RowsHandler, Styles, unescape

SHEETS_MAX = 500
RELATIONS_MAX = 5_000

# The standard leaves these to each language; this is what Chinese Excel and WPS show for them.
_CHINESE_DATES = frozenset({27, 28, 29, 30, 31, 36, *range(50, 55), 57, 58})
_CHINESE_DATES_WITHOUT_YEAR = frozenset({28, 29, 51, 53, 54, 58})
_ZERO_PADDED = re.compile(r"0{2,}")
_NOT_SHOWN_AS_IS = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet: its name on the tab, its part in the package."""

    name: str
    part: str
    hidden: bool


class Workbook:
    """An open .xlsx.

    Refused: import_is_no_table, import_xlsx_broken, import_xlsx_unsafe,
    import_unpacks_too_large, import_is_encrypted.
    """

    def __init__(self, path: Path) -> None:
        self._package = Package(path)
        try:
            self._read_structure()
        except Refused:
            self._package.close()
            raise

    def close(self) -> None:
        self._package.close()

    def sheet(self, name: str | None) -> Sheet:
        """Return the named sheet, else the first with something in it, shown ones first.

        Refused: import_sheet_absent, import_no_rows.
        """
        if name is not None:
            for sheet in self.sheets:
                if sheet.name.strip().casefold() == name.strip().casefold():
                    return sheet
            names = "、".join(sheet.name for sheet in self.sheets)
            raise Refused("import_sheet_absent", sheet=name, sheets=names)
        for sheet in sorted(self.sheets, key=lambda sheet: sheet.hidden):
            if next(self.rows(sheet), None):
                return sheet
        raise Refused("import_no_rows")

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Yield the rows that hold something."""
        handler = RowsHandler(self._styles, self._shared_texts())
        feed = self._package.feed(sheet.part, handler, bytes_max=UNPACKED_BYTES_MAX)
        for _ in feed:
            yield from handler.rows
            handler.rows.clear()

    def _read_structure(self) -> None:
        package = self._package
        part = self._related("", "officeDocument", default="xl/workbook.xml")
        if part not in package or part.endswith(".bin"):
            raise Refused("import_is_no_table")
        outline = _OutlineHandler()
        package.parse(part, outline, bytes_max=SMALL_PART_BYTES_MAX)
        relations = self._relations(part)
        self.epoch_1904 = outline.epoch_1904
        self.sheets = tuple(
            Sheet(name, beside(part, relations[relation][1]), hidden)
            for name, relation, hidden in outline.sheets
            if relations.get(relation, ("", ""))[0] == "worksheet"
        )
        self._texts_part = self._related(part, "sharedStrings", default="")
        self._texts: list[str] | None = None
        self._styles = self._read_styles(self._related(part, "styles", default=""))

    def _relations(self, part: str) -> Mapping[str, tuple[str, str]]:
        handler = _RelationsHandler()
        if (name := relations_of(part)) in self._package:
            self._package.parse(name, handler, bytes_max=SMALL_PART_BYTES_MAX)
        return handler.found

    def _related(self, part: str, kind: str, *, default: str) -> str:
        targets = (
            beside(part, target)
            for relation, target in self._relations(part).values()
            if relation == kind
        )
        return next((target for target in targets if target in self._package), default)

    def _read_styles(self, part: str) -> Styles:
        handler = _StylesHandler()
        if part:
            self._package.parse(part, handler, bytes_max=SMALL_PART_BYTES_MAX)
        return handler.styles(epoch_1904=self.epoch_1904)

    def _shared_texts(self) -> list[str]:
        if self._texts is None:
            handler = _TextsHandler()
            if self._texts_part:
                self._package.parse(self._texts_part, handler, bytes_max=UNPACKED_BYTES_MAX)
            self._texts = handler.texts
        return self._texts


class _OutlineHandler(PartHandler):
    """xl/workbook.xml: (name, relation, hidden) of each sheet, and the epoch of its dates."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, bool]] = []
        self.epoch_1904 = False

    def begin(self, kind: str, attrs: Any) -> None:
        if kind == "workbookPr":
            self.epoch_1904 = attrs.get("date1904", "0") in {"1", "true", "on"}
        elif kind == "sheet":
            if len(self.sheets) >= SHEETS_MAX:
                raise Refused("import_unpacks_too_large")
            names = attrs.getNames()
            relation = next((attrs[key] for key in names if key.endswith(":id")), "")
            hidden = attrs.get("state", "visible") != "visible"
            self.sheets.append((attrs.get("name", ""), relation, hidden))


class _RelationsHandler(PartHandler):
    """A .rels part: the last word of the kind, and the target, by id."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}

    def begin(self, kind: str, attrs: Any) -> None:
        if kind == "Relationship" and attrs.get("TargetMode") != "External":
            if len(self.found) >= RELATIONS_MAX:
                raise Refused("import_unpacks_too_large")
            meaning = attrs.get("Type", "").rpartition("/")[2]
            self.found[attrs.get("Id", "")] = (meaning, attrs.get("Target", ""))


class _StylesHandler(PartHandler):
    """xl/styles.xml: only the number formats, by the index that cells carry."""

    def __init__(self) -> None:
        super().__init__()
        self._formats: dict[int, str] = {}
        self._cell_formats: list[int] = []
        self._within_cells = False

    def begin(self, kind: str, attrs: Any) -> None:
        if kind == "numFmt":
            self._formats[int(attrs["numFmtId"])] = attrs.get("formatCode", "")
        elif kind == "cellXfs":
            self._within_cells = True
        elif kind == "xf" and self._within_cells:
            self._cell_formats.append(int(attrs.get("numFmtId", "0")))

    def end(self, kind: str) -> None:
        if kind == "cellXfs":
            self._within_cells = False

    def styles(self, *, epoch_1904: bool) -> Styles:
        found = Styles(epoch_1904=epoch_1904)
        for index, number in enumerate(self._cell_formats):
            pattern = self._formats.get(number, BUILTIN_FORMATS.get(number, ""))
            if number in _CHINESE_DATES and number not in self._formats:
                found.dates.add(index)
                if number in _CHINESE_DATES_WITHOUT_YEAR:
                    found.yearless.add(index)
            elif is_date_format(pattern) and not is_timedelta_format(pattern):
                found.dates.add(index)
                if _shows_day_without_year(pattern):
                    found.yearless.add(index)
            elif _ZERO_PADDED.fullmatch(pattern):
                found.padded[index] = len(pattern)
        return found


class _TextsHandler(PartHandler):
    """xl/sharedStrings.xml: the texts that cells name by number."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._length = 0
        self._total = 0
        self._reading = False
        self._phonetic = False

    def begin(self, kind: str, attrs: Any) -> None:  # noqa: ARG002 - every handler's
        if kind == "si":
            self._parts, self._length = [], 0
        elif kind == "rPh":
            self._phonetic = True
        elif kind == "t":
            self._reading = not self._phonetic

    def characters(self, content: str) -> None:
        # One letter more than the limit is enough to tell that a text is too long.
        if self._reading and self._length <= CELL_CHARS_MAX:
            piece = content[: CELL_CHARS_MAX + 1 - self._length]
            self._length += len(piece)
            self._parts.append(piece)

    def end(self, kind: str) -> None:
        if kind == "t":
            self._reading = False
        elif kind == "rPh":
            self._phonetic = False
        elif kind == "si":
            self._total += self._length
            if len(self.texts) >= SHARED_STRINGS_MAX or self._total > SHARED_CHARS_MAX:
                raise Refused("import_unpacks_too_large")
            self.texts.append(unescape("".join(self._parts)))


def _shows_day_without_year(pattern: str) -> bool:
    bare = _NOT_SHOWN_AS_IS.sub("", pattern.partition(";")[0]).casefold()
    return "d" in bare and not {"y", "e"} & set(bare)

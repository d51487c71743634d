"""A list from a shop's old system as rows: CSV, TSV or XLSX, told apart by what is in it."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from core.errors import Refused
from core.imports.cells import Cell, Row, is_blank
from core.imports.delimited import find_dialect, read_delimited
from core.imports.limits import COLUMNS_MAX, FILE_BYTES_MAX, LINES_MAX, ROWS_MAX
from core.imports.workbook import Workbook

HEAD_BYTES = 512

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_NO_TABLES = (b"%PDF", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"\xff\xd8\xff", b"\x89PNG")
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An open list, to be closed by `with`. Its rows can be read more than once.

    `encoding` and `delimiter` are empty for a workbook; a CSV has one sheet with the file's
    name, as a spreadsheet would show it.
    """

    path: Path
    form: Literal["csv", "xlsx"]
    sheet: str
    sheets: tuple[str, ...]
    source: Callable[[], Iterator[Row]]
    release: Callable[[], None]
    encoding: str = ""
    delimiter: str = ""
    epoch_1904: bool = False

    def rows(self) -> Generator[Row, None, None]:
        """Yield the rows that hold something, each with its line's number.

        Refused while reading: import_rows_too_many, import_columns_too_many,
        import_line_too_long, import_xlsx_broken, import_xlsx_unsafe.
        """
        filled = 0
        for row in self.source():
            # Blank rows are no reason to refuse, a million of them is.
            if row.line > LINES_MAX:
                raise Refused("import_rows_too_many", limit=ROWS_MAX)
            cells = _without_blanks_at_end(row.cells)
            if not cells and not row.broken:
                continue
            filled += 1
            if filled > ROWS_MAX:
                raise Refused("import_rows_too_many", limit=ROWS_MAX)
            if len(cells) > COLUMNS_MAX:
                raise Refused("import_columns_too_many", line=row.line, limit=COLUMNS_MAX)
            yield row if len(cells) == len(row.cells) else replace(row, cells=cells)

    def close(self) -> None:
        self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_table(path: Path, *, sheet: str | None = None) -> Table:
    """Open a list: the named sheet, or the first that holds something.

    Refused: import_file_absent, import_file_empty, import_file_too_large, import_is_old_excel,
    import_is_encrypted, import_is_web_page, import_is_no_table, import_encoding_unknown,
    import_unpacks_too_large, import_xlsx_broken, import_xlsx_unsafe, import_sheet_absent,
    import_no_rows.
    """
    head = _read_head(path)
    if head.startswith(_OLE):
        raise Refused("import_is_encrypted" if _is_encrypted(path) else "import_is_old_excel")
    if head.startswith(_ZIP):
        return _open_workbook(path, sheet)
    if head.startswith(_NO_TABLES):
        raise Refused("import_is_no_table")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        raise Refused("import_is_web_page")
    return _open_delimited(path, sheet)


def _read_head(path: Path) -> bytes:
    if not path.is_file():
        raise Refused("import_file_absent", file=path.name)
    size = path.stat().st_size
    if size > FILE_BYTES_MAX:
        raise Refused(
            "import_file_too_large",
            megabytes=size // _MEGABYTE + 1,
            limit=FILE_BYTES_MAX // _MEGABYTE,
        )
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise Refused("import_file_empty")
    return head


def _is_encrypted(path: Path) -> bool:
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return content.find(_ENCRYPTED_STREAM) >= 0


def _open_workbook(path: Path, name: str | None) -> Table:
    workbook = Workbook(path)
    try:
        sheet = workbook.sheet(name)
    except Refused:
        workbook.close()
        raise
    return Table(
        path=path,
        form="xlsx",
        sheet=sheet.name,
        sheets=tuple(each.name for each in workbook.sheets),
        source=lambda: workbook.rows(sheet),
        release=workbook.close,
        epoch_1904=workbook.epoch_1904,
    )


def _open_delimited(path: Path, name: str | None) -> Table:
    if name is not None and name != path.stem:
        raise Refused("import_sheet_absent", sheet=name, sheets=path.stem)
    dialect = find_dialect(path)
    return Table(
        path=path,
        form="csv",
        sheet=path.stem,
        sheets=(path.stem,),
        source=lambda: read_delimited(path, dialect),
        release=_nothing_to_release,
        encoding=dialect.encoding,
        delimiter=dialect.delimiter,
    )


def _nothing_to_release() -> None:
    """Do nothing: a text file is opened for each reading and closed at its end."""


def _without_blanks_at_end(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    end = len(cells)
    while end and is_blank(cells[end - 1]):
        end -= 1
    return cells[:end]

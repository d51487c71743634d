"""Rows of a table as typed rows, each bad one with its reasons; none stops the others."""

from __future__ import annotations

import unicodedata
from collections.abc import Generator, Iterator
from collections.abc import Mapping as Overrides
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Generic

from core.imports.cells import Row, clean_line, clipped
from core.imports.fields import (
    BadRow,
    CellRefused,
    Context,
    RowError,
    Schema,
    Typed,
    row_key,
)
from core.imports.headings import Mapping, find_mapping, keys_of
from core.imports.limits import CELL_CHARS_MAX, PREVIEW_ROWS
from core.imports.table import Table

_TOTALS = frozenset({"合计", "总计", "小计", "共计", "合计金额", "total", "sum"})


@dataclass(frozen=True, slots=True)
class Preview(Generic[Typed]):
    """What an operator sees before deciding: the columns, and the first rows as read."""

    sheet: str
    sheets: tuple[str, ...]
    mapping: Mapping
    rows: tuple[Typed | BadRow, ...]


def preview(
    table: Table,
    schema: Schema[Typed],
    *,
    today: date,
    overrides: Overrides[str, str] | None = None,
) -> Preview[Typed]:
    """Read the headings and the first rows; refusals as for `find_mapping`."""
    mapping = find_mapping(table, schema, overrides)
    with closing(read_rows(table, schema, mapping, today=today)) as rows:
        first = tuple(islice(rows, PREVIEW_ROWS))
    return Preview(table.sheet, table.sheets, mapping, first)


def read_rows(
    table: Table, schema: Schema[Typed], mapping: Mapping, *, today: date
) -> Generator[Typed | BadRow, None, None]:
    """Yield a typed row or a bad row for every row below the headings; blank ones are passed.

    `today` is the shop's date: a birthday after it is a slip.
    Refused while reading: what `Table.rows` refuses.
    """
    reading = _Reading(schema, mapping, Context(today=today, epoch_1904=table.epoch_1904))
    with closing(table.rows()) as rows:
        for row in rows:
            if row.line > mapping.line:
                yield reading.read(row)


class _Reading(Generic[Typed]):
    """One pass through a file; remembers what must not come twice."""

    def __init__(self, schema: Schema[Typed], mapping: Mapping, context: Context) -> None:
        self._schema = schema
        self._context = context
        self._headings = {column.index: column.heading for column in mapping.mapped}
        self._columns = [
            (column.index, field)
            for column in mapping.mapped
            if (field := schema.field(column.field))
        ]
        self._defaults = {field.name: field.default for field in schema.fields}
        self._lines: dict[str, dict[str, int]] = {name: {} for name in schema.unique}

    def read(self, row: Row) -> Typed | BadRow:
        if code := row.broken or self._not_a_row(row):
            facts: dict[str, object] = {"limit": CELL_CHARS_MAX}
            return BadRow(row.line, (RowError(row.line, "", code, facts),), row.cells)
        values: dict[str, Any] = {}
        errors = list(self._cells(row, values))
        errors += self._missing(row, values, errors)
        errors += self._repeated(row, values)
        if not errors:
            errors += [
                _error(row, name, refused) for name, refused in self._schema.settle(values)
            ]
        if errors:
            return BadRow(row.line, tuple(errors), row.cells)
        key = row_key(self._schema.kind, values, self._defaults)
        return self._schema.row(line=row.line, row_key=key, **values)

    def _not_a_row(self, row: Row) -> str:
        first = next((text for cell in row.cells if (text := clipped(cell))), "")
        word = unicodedata.normalize("NFKC", first).casefold().rstrip(":").replace(" ", "")
        if word in _TOTALS and self._names_nobody(row):
            return "row_is_total"
        same = 0
        for index, cell in enumerate(row.cells):
            if cell is None or index not in self._headings:
                continue
            if not isinstance(cell, str) or clean_line(cell) != self._headings[index]:
                return ""
            same += 1
        return "row_repeats_headings" if same > 1 else ""

    def _names_nobody(self, row: Row) -> bool:
        """Whether at most one cell says who or what: somebody with a phone may be named Sum."""
        naming = {"name", *self._schema.unique}
        told = [
            index
            for index, field in self._columns
            if field.name in naming and index < len(row.cells) and clipped(row.cells[index])
        ]
        return len(told) <= 1

    def _cells(self, row: Row, values: dict[str, Any]) -> Iterator[RowError]:
        """Fill the values that the row tells and yield what cannot be read."""
        for index, field in self._columns:
            if index >= len(row.cells) or row.cells[index] is None:
                continue
            try:
                value = field.read(row.cells[index], self._context)
            except CellRefused as refused:
                yield _error(row, field.name, refused)
            else:
                if value is not None:
                    values[field.name] = value

    def _missing(
        self, row: Row, values: dict[str, Any], errors: list[RowError]
    ) -> Iterator[RowError]:
        # A value that is there but wrong is not missing as well.
        told = values.keys() | {error.field for error in errors}
        for name in self._schema.required:
            if name not in told:
                yield RowError(row.line, name, "text_missing", {})
        if self._schema.one_of and not told & set(self._schema.one_of):
            yield RowError(row.line, "", "row_has_no_key", {"keys": keys_of(self._schema)})

    def _repeated(self, row: Row, values: dict[str, Any]) -> Iterator[RowError]:
        for name, lines in self._lines.items():
            value = values.get(name)
            # A row that is bad for other reasons counts: which of the two is right is unknown.
            if value and (earlier := lines.setdefault(value.casefold(), row.line)) != row.line:
                facts = {"value": value, "earlier": earlier}
                yield RowError(row.line, name, "duplicate_in_file", facts)


def _error(row: Row, name: str, refused: CellRefused) -> RowError:
    return RowError(row.line, name, refused.code, refused.facts)

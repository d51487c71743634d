"""Which column is which field, from headings as real exports have them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping as Overrides
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Any

from core.errors import Refused
from core.imports.cells import Cell, Row, clean_line
from core.imports.fields import Field, Schema
from core.imports.limits import HEADING_ROWS
from core.imports.table import Table

HEADING_CHARS_MAX = 40
HEADINGS_MIN = 2
"""One known word in a row proves nothing; two are a heading row."""

_NO_LETTERS = re.compile(r"[\s*:_#./'\"`!?、。-]+")
_BRACKETS = re.compile(r"[\[({<【〔].*?[\])}>】〕]")
# What may stand in brackets behind a heading and leave its meaning; 余额(赠送) is not one.
_UNIT = re.compile(
    r"元|人民币|rmb|cny|[¥￥$]|分|次|个|张|天|分钟|.*必填.*|.*选填.*|.*可选.*|格式.*|例.*|如.*"
    r"|y{2,4}.*|年月日|男女|\d+位.*|\d+个?字.*"
)

Ranked = tuple[Field, float]


@dataclass(frozen=True, slots=True)
class Column:
    """A column with a heading: its place from 0 and its field, empty when it is not read.

    `taken_by` names the heading that has the field which this one would also mean.
    """

    index: int
    heading: str
    field: str = ""
    taken_by: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """The columns of a table; its rows begin after `line`."""

    line: int
    columns: tuple[Column, ...]

    @property
    def unmapped(self) -> tuple[Column, ...]:
        """The columns that are not read."""
        return tuple(column for column in self.columns if not column.field)

    @property
    def mapped(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.field)


@dataclass(frozen=True, slots=True)
class _HeadingRow:
    line: int
    titles: tuple[str, ...]
    known: int


def find_mapping(
    table: Table, schema: Schema[Any], overrides: Overrides[str, str] | None = None
) -> Mapping:
    """Find the heading row and give each field its column.

    `overrides` says which field a heading means, or by an empty field that it is not read.
    Refused: import_headings_absent, import_headings_missing, import_heading_unknown,
    import_field_unknown, import_field_twice; and what reading the table refuses.
    """
    _check_fields(overrides or {}, schema)
    orders = {plain_heading(heading): field for heading, field in (overrides or {}).items()}
    lookup = _lookup(schema)
    row = _find_row(table, schema, lookup, orders)
    if not row:
        example = "、".join(field.label for field in schema.fields[:5])
        raise Refused("import_headings_absent", rows=HEADING_ROWS, example=example)
    columns = _columns(row.titles)
    for heading in overrides or {}:
        if plain_heading(heading) not in {plain_heading(each.heading) for each in columns}:
            raise Refused("import_heading_unknown", heading=heading, found=_listed(columns))
    columns = _assign(columns, schema, lookup, orders)
    _check_complete(columns, schema)
    return Mapping(row.line, columns)


def plain_heading(text: str) -> str:
    """Return a heading without the decoration that differs between exports."""
    return _NO_LETTERS.sub("", unicodedata.normalize("NFKC", text).casefold())


def _lookup(schema: Schema[Any]) -> dict[str, Ranked]:
    found: dict[str, Ranked] = {}
    for field in schema.fields:
        names = (field.label, field.english, field.name, *field.synonyms)
        for rank, name in enumerate(names):
            found.setdefault(plain_heading(_BRACKETS.sub("", name)), (field, rank))
    return found


def _known(title: str, schema: Schema[Any], lookup: dict[str, Ranked]) -> Ranked | None:
    """Return the field that a heading means, and how weakly."""
    if not title or len(title) > HEADING_CHARS_MAX:
        return None
    folded = unicodedata.normalize("NFKC", title).casefold()
    without_unit = _BRACKETS.sub(
        lambda match: "" if _UNIT.fullmatch(plain_heading(match[0][1:-1])) else match[0], folded
    )
    plain = plain_heading(re.sub(r"[\[({<【〔\])}>】〕]", "", without_unit))
    if plain in lookup:
        return lookup[plain]
    for prefix in schema.prefixes:
        bare = plain.removeprefix(prefix).removeprefix("的")
        if bare != plain and bare in lookup:
            field, rank = lookup[bare]
            return field, rank + 0.5
    return None


def _find_row(
    table: Table, schema: Schema[Any], lookup: dict[str, Ranked], orders: dict[str, str]
) -> _HeadingRow | None:
    with closing(table.rows()) as rows:
        first = [row for row in islice(rows, HEADING_ROWS) if not row.broken]

    def known(title: str) -> str:
        ranked = _known(title, schema, lookup)
        return orders.get(plain_heading(title), ranked[0].name if ranked else "")

    def judged(line: int, titles: tuple[str, ...]) -> _HeadingRow:
        return _HeadingRow(line, titles, len({known(title) for title in titles} - {""}))

    single = [judged(row.line, _titles(row)) for row in first]
    double = [
        judged(lower.line, _joined(_titles(upper), _titles(lower), known))
        for upper, lower in pairwise(first)
        if _all_known(lower, known)
    ]
    # The first of the best wins, and one row before two that say no more.
    best = max(single + double, key=lambda row: row.known, default=None)
    return best if best and best.known >= HEADINGS_MIN else None


def _titles(row: Row) -> tuple[str, ...]:
    return tuple(_title(cell) for cell in row.cells)


def _title(cell: Cell) -> str:
    return clean_line(cell) if isinstance(cell, str) else ""


def _all_known(row: Row, known: Any) -> bool:
    filled = [cell for cell in row.cells if cell is not None]
    return bool(filled) and all(known(_title(cell)) for cell in filled)


def _joined(upper: tuple[str, ...], lower: tuple[str, ...], known: Any) -> tuple[str, ...]:
    """Join two heading rows of which the upper has merged groups, such as 储值 over 本金."""
    titles: list[str] = []
    group = ""
    for index in range(max(len(upper), len(lower))):
        above = upper[index] if index < len(upper) else ""
        below = lower[index] if index < len(lower) else ""
        group = above or group
        if not below:
            titles.append(above)
        else:
            titles.append(group + below if known(group + below) else below)
    return tuple(titles)


def _columns(titles: tuple[str, ...]) -> tuple[Column, ...]:
    """Name the columns; a heading that comes again is told apart by its count."""
    seen: dict[str, int] = {}
    columns = []
    for index, title in enumerate(titles):
        if not title:
            continue
        seen[title] = seen.get(title, 0) + 1
        heading = title if seen[title] == 1 else f"{title} ({seen[title]})"
        columns.append(Column(index, heading))
    return tuple(columns)


def _check_fields(overrides: Overrides[str, str], schema: Schema[Any]) -> None:
    first: dict[str, str] = {}
    for heading, field in overrides.items():
        if not field:
            continue
        if not schema.field(field):
            raise Refused("import_field_unknown", field=field)
        if field in first:
            facts = {"first": first[field], "second": heading, "field": field}
            raise Refused("import_field_twice", **facts)
        first[field] = heading


def _assign(
    columns: tuple[Column, ...],
    schema: Schema[Any],
    lookup: dict[str, Ranked],
    orders: dict[str, str],
) -> tuple[Column, ...]:
    chosen: dict[str, Column] = {}
    wishes: list[tuple[float, int, str]] = []
    for column in columns:
        plain = plain_heading(column.heading)
        if plain in orders:
            if orders[plain]:
                chosen[orders[plain]] = column
        elif ranked := _known(column.heading, schema, lookup):
            wishes.append((ranked[1], column.index, ranked[0].name))
    by_index = {column.index: column for column in columns}
    # The strongest word for a field wins, then the leftmost.
    for _, index, name in sorted(wishes):
        chosen.setdefault(name, by_index[index])
    for name, other in schema.stand_ins:
        if name not in chosen and other in chosen and other not in orders.values():
            chosen[name] = chosen.pop(other)
    fields = {column.index: name for name, column in chosen.items()}
    wished = {index: name for _, index, name in wishes}
    return tuple(
        replace(
            column,
            field=fields.get(column.index, ""),
            taken_by=_taker(column, fields, chosen, wished),
        )
        for column in columns
    )


def _taker(
    column: Column, fields: dict[int, str], chosen: dict[str, Column], wished: dict[int, str]
) -> str:
    if column.index in fields or wished.get(column.index) not in chosen:
        return ""
    return chosen[wished[column.index]].heading


def _check_complete(columns: tuple[Column, ...], schema: Schema[Any]) -> None:
    given = {column.field for column in columns}
    missing = [
        field.both_labels
        for field in schema.fields
        if field.name in schema.required and field.name not in given
    ]
    if schema.one_of and not given & set(schema.one_of):
        missing.append(keys_of(schema))
    if missing:
        raise Refused(
            "import_headings_missing", missing="、".join(missing), found=_listed(columns)
        )


def keys_of(schema: Schema[Any]) -> str:
    """Return the fields of which a row has at least one, for a sentence."""
    named = (schema.field(name) for name in schema.one_of)
    return " / ".join(field.both_labels for field in named if field)


def _listed(columns: tuple[Column, ...]) -> str:
    return "、".join(column.heading for column in columns)

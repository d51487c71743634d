"""A field of a list: its names in real exports, and how its cells become values."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from core.imports.cells import Cell


class CellRefused(Exception):
    """A cell has no value; `code` names the row refusal, `facts` fill its sentence."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a cell's meaning depends on besides the cell."""

    today: date
    epoch_1904: bool = False


Reader = Callable[[Cell, Context], Any]
"""Returns the value, None for a cell that says nothing, or raises CellRefused."""


class Form(StrEnum):
    """How an export writes the field."""

    TEXT = "text"
    AMOUNT = "amount"
    COUNT = "count"
    DATE = "date"
    NEVER = "never"
    """Only read: what it says is in other fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`label` heads the column of an export; labels and synonyms are known when read."""

    name: str
    label: str
    english: str
    read: Reader
    synonyms: tuple[str, ...] = ()
    default: object = ""
    form: Form = Form.TEXT
    words: tuple[tuple[str, str, str], ...] = ()
    """For a field with few values: (value, Chinese word, English word)."""

    @property
    def both_labels(self) -> str:
        """The label for a sentence in whatever language."""
        return f"{self.label} ({self.english})"


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row is not imported: `code` is in ROW_REFUSALS, an empty `field` means the row."""

    line: int
    field: str
    code: str
    facts: dict[str, object]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not imported, with all that is wrong with it and what it held."""

    line: int
    errors: tuple[RowError, ...]
    cells: tuple[Cell, ...]


class TypedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that can be posted.

    `row_key` is the SHA-256 of what it says, in hex, whatever the file, the line and the
    spelling; the same row in a second run has the same key.
    """

    line: int
    row_key: str


Typed = TypeVar("Typed", bound=TypedRow)


def _settle_nothing(_: dict[str, Any]) -> Iterator[tuple[str, CellRefused]]:
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema(Generic[Typed]):
    """A kind of list.

    `required` fields need a heading and a value in each row, of `one_of` at least one of both.
    `unique` values occur once in a file. `prefixes` are words that exports put before any
    heading. `stand_ins` are (field, other): the other's column serves where the field has none.
    `settle` turns what was read into the row's values and yields (field, refusal) for what
    does not fit together.
    """

    kind: str
    label: str
    english: str
    row: type[Typed]
    fields: tuple[Field, ...]
    required: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    stand_ins: tuple[tuple[str, str], ...] = ()
    settle: Callable[[dict[str, Any]], Iterator[tuple[str, CellRefused]]] = _settle_nothing

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


def row_key(kind: str, values: Mapping[str, Any], defaults: Mapping[str, object]) -> str:
    """Return the key of a row's values.

    Values that say nothing are left out, so that a field which is added to the program later
    does not change the keys of the rows that lack it.
    """
    said = [
        f"{name}={value}" for name, value in sorted(values.items()) if value != defaults[name]
    ]
    # No cleaned value holds a control character, so two different rows never join to one text.
    return hashlib.sha256("\x1f".join((kind, *said)).encode()).hexdigest()

"""The rows that were not imported, as a file that can be mended and imported again."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TextIO

from core.errors import N_
from core.imports.cells import shown
from core.imports.fields import BadRow, RowError, Schema
from core.imports.formulas import guard
from core.imports.headings import Mapping
from core.imports.refusals import ROW_REFUSALS
from core.money import yuan

LINE_HEADING = N_("原文件行号")
REASON_HEADING = N_("未导入原因")
FIELD_SENTENCE = N_("%(field)s：%(reason)s")

Translate = Callable[[str], str]


def rejects_path(source: Path) -> Path:
    """Return the name of the file with the rejected rows of `source`, in its folder."""
    return source.with_name(f"{source.stem}.rejected.csv")


def untranslated(sentence: str) -> str:
    """Return the Chinese sentence itself."""
    return sentence


def tell(error: RowError, schema: Schema[Any], translate: Translate = untranslated) -> str:
    """Return why a row was not imported: the field and the sentence."""
    facts = {
        name.removesuffix("_cents"): yuan(value)
        if name.endswith("_cents") and isinstance(value, int)
        else value
        for name, value in error.facts.items()
    }
    sentence = translate(ROW_REFUSALS[error.code].sentence) % facts
    field = schema.field(error.field)
    if not field:
        return sentence
    named = {"field": translate(field.label), "reason": sentence}
    return translate(FIELD_SENTENCE) % named


class Rejects:
    """Writes bad rows beside their file as they come: line, reasons, and what the row held.

    The columns keep their headings, so that the owner mends the rows in this file and imports
    it. A file that a spreadsheet opens: UTF-8 with its mark, no cell is a formula. It appears
    under its name when all rows are in it; without a bad row there is none, also none that an
    earlier run left.
    """

    def __init__(
        self,
        source: Path,
        schema: Schema[Any],
        mapping: Mapping,
        translate: Translate = untranslated,
    ) -> None:
        self.path = rejects_path(source)
        self.count = 0
        self._unfinished = self.path.with_name(self.path.name + ".part")
        self._schema = schema
        self._columns = mapping.columns
        self._translate = translate
        self._stream: TextIO | None = None

    def write(self, bad: BadRow) -> None:
        """Add a row."""
        if self._stream is None:
            self._stream = self._begin()
        reasons = " / ".join(tell(error, self._schema, self._translate) for error in bad.errors)
        cells = [
            shown(bad.cells[column.index]) if column.index < len(bad.cells) else ""
            for column in self._columns
        ]
        _write(self._stream, [str(bad.line), reasons, *cells])
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()
        if kind is not None or self._stream is None:
            self._unfinished.unlink(missing_ok=True)
        if kind is None and self._stream is None:
            self.path.unlink(missing_ok=True)
        elif kind is None:
            self._unfinished.replace(self.path)

    def _begin(self) -> TextIO:
        # Names and phones are for the account that imports, not for everybody on the machine.
        descriptor = os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        stream = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")
        titles = [self._translate(LINE_HEADING), self._translate(REASON_HEADING)]
        _write(stream, [*titles, *(column.heading for column in self._columns)])
        return stream


def _write(stream: TextIO, texts: list[str]) -> None:
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerow(map(guard, texts))

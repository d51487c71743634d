"""All members with all they have, wherever it lies; and all items: as an import takes them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloud.imports.events import ListExported
from core.imports import Schema, item_rows, member_rows, write_csv, write_xlsx
from core.journal import Act
from core.sqlite import Reader, Writer

FORMS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WRITERS = {"csv": write_csv, "xlsx": write_xlsx}


def rows_of(db: Reader, kind: str) -> Iterator[Any]:
    """Yield members over all stores with what they have everywhere, or the items on sale."""
    return member_rows(db) if kind == "members" else item_rows(db)


def export(
    db: Reader, schema: Schema[Any], kind: str, form: str, folder: Path
) -> tuple[bytes, int]:
    """Return the list as a file's content, and how many rows it has.

    `folder` is where it may be written meanwhile. Refused: export_rows_too_many.
    """
    with tempfile.TemporaryDirectory(dir=folder) as passing:
        path = Path(passing) / f"list.{form}"
        rows = _WRITERS[form](path, schema, rows_of(db, kind))
        return path.read_bytes(), rows


def note_export(tx: Writer, act: Act, *, kind: str, form: str, rows: int) -> None:
    """Write down that somebody took a whole list out of the house."""
    act.append(tx, ListExported(list=kind, form=form, rows=rows))

"""One list to take in: looked at first, then its good rows by batches, then the refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from core.imports.fields import BadRow, RowError, Schema, TypedRow
from core.imports.headings import find_mapping
from core.imports.members import MemberRow
from core.imports.report import Rejects, Translate, untranslated
from core.imports.rows import read_rows
from core.imports.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A list, what its columns mean, and the day against which dates are checked."""

    table: Table
    schema: Schema[Any]
    today: date
    overrides: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[Any]:
        """Yield every row, typed or bad."""
        mapping = find_mapping(self.table, self.schema, self.overrides)
        return read_rows(self.table, self.schema, mapping, today=self.today)

    def batches(self, rows: int) -> Iterator[list[TypedRow]]:
        """Yield the good rows, so many at a time."""
        good = (row for row in self.rows() if isinstance(row, TypedRow))
        while batch := list(islice(good, rows)):
            yield batch


@dataclass(slots=True, kw_only=True)
class Survey:
    """What a look found: rows that can be posted, rows that cannot, members' categories."""

    good: int = 0
    bad: int = 0
    first_bad: list[BadRow] = field(default_factory=list)
    categories: tuple[str, ...] = ()


def survey(job: Job, *, told_max: int) -> Survey:
    """Read a list to its end and post nothing; keep the first bad rows."""
    found = Survey()
    categories: dict[str, None] = {}
    for row in job.rows():
        if isinstance(row, BadRow):
            found.bad += 1
            if found.bad <= told_max:
                found.first_bad.append(row)
        else:
            found.good += 1
            if isinstance(row, MemberRow) and row.category:
                categories[row.category] = None
    found.categories = tuple(categories)
    return found


def write_rejects(
    job: Job,
    source: Path,
    refused: Mapping[int, str],
    translate: Translate = untranslated,
) -> Path:
    """Write every row that is not in beside its list, with its cells and the reason.

    `refused` are lines that could be read and not be posted, with the sentence why.
    """
    mapping = find_mapping(job.table, job.schema, job.overrides)
    cells = {row.line: row.cells for row in job.table.rows() if row.line in refused}
    with Rejects(source, job.schema, mapping, translate) as rejects:
        for row in job.rows():
            if isinstance(row, BadRow):
                rejects.write(row)
            elif row.line in refused:
                error = RowError(row.line, "", "row_not_posted", {"reason": refused[row.line]})
                rejects.write(BadRow(row.line, (error,), cells[row.line]))
    return rejects.path

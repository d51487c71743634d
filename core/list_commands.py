"""Taking lists in and out at a terminal: preview, dry run, a bar, and what was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table as RichTable

from core.errors import Refusal, Refused
from core.imports import (
    REFUSALS,
    Job,
    Schema,
    Survey,
    Tally,
    TypedRow,
    preview,
    read_table,
    survey,
    tell,
    write_csv,
    write_rejects,
    write_xlsx,
)
from core.web import tell as tell_refusal

SHOWN_ERRORS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the rows go: how a batch is posted, and categories beforehand."""

    today: date
    post_batch: Callable[[list[TypedRow]], Tally]
    add_categories: Callable[[tuple[str, ...]], None]
    refusals: dict[str, Refusal]
    batch_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the operator asked for."""

    file: Path
    maps: tuple[str, ...] = ()
    sheet: str | None = None
    dry_run: bool = False
    yes: bool = False


def import_options(command: Any) -> Any:
    """Give a command the options of every import; they make up `Wishes`."""
    for option in (
        click.argument("file", type=click.Path(path_type=Path, dir_okay=False)),
        click.option(
            "--map",
            "maps",
            multiple=True,
            metavar="HEADING=FIELD",
            help="Read a column as this field.",
        ),
        click.option("--sheet", help="The sheet of a workbook."),
        click.option("--dry-run", is_flag=True, help="Only look; post nothing."),
        click.option("--yes", is_flag=True, help="Post without asking."),
    ):
        command = option(command)
    return command


def take_list_in(schema: Schema[Any], target: Target, wishes: Wishes) -> None:
    """Show what a list says, ask, post it, and write what is not in beside it."""
    console = Console()
    try:
        with read_table(wishes.file, sheet=wishes.sheet) as table:
            overrides = _overrides(wishes.maps)
            job = Job(table=table, schema=schema, today=target.today, overrides=overrides)
            _take_in(console, job, target, wishes)
    except Refused as refused:
        known = {**REFUSALS, **target.refusals}
        raise click.ClickException(tell_refusal(refused, known)) from refused


def write_list_out(schema: Schema[Any], rows: Iterable[Any], file: Path) -> int:
    """Write rows to a file by the ending of its name; return how many."""
    count = writer_for(file)(file, schema, rows)
    Console().print(f"写出 {count} 行到 {file}")
    return count


def writer_for(file: Path) -> Callable[..., int]:
    """Return what writes files of this name's ending."""
    writer = {".csv": write_csv, ".xlsx": write_xlsx}.get(file.suffix.lower())
    if writer is None:
        raise click.UsageError("FILE.csv / FILE.xlsx")
    return writer


def _take_in(console: Console, job: Job, target: Target, wishes: Wishes) -> None:
    _show_preview(console, job, wishes.file)
    found = survey(job, told_max=SHOWN_ERRORS_MAX)
    _show_faults(console, job, found)
    if wishes.dry_run or not found.good:
        return
    if not wishes.yes and not click.confirm("现在导入？"):
        return
    target.add_categories(found.categories)
    tally = _post(console, job, target, total=found.good)
    console.print(
        f"新增 {tally.added} 行，已有 {tally.known} 行，"
        f"未导入 {found.bad + len(tally.refused)} 行。"
    )
    if found.bad or tally.refused:
        refused = {line: tell_refusal(why, target.refusals) for line, why in tally.refused}
        path = write_rejects(job, wishes.file, refused)
        console.print(f"未导入的行和原因写在 {path}，改好后可以直接再导入。")


def _show_preview(console: Console, job: Job, file: Path) -> None:
    seen = preview(job.table, job.schema, today=job.today, overrides=dict(job.overrides))
    shown = RichTable(title=f"{file.name} · {seen.sheet}")
    for title in ("列", "字段", "样例"):
        shown.add_column(title)
    samples = [row for row in seen.rows if isinstance(row, TypedRow)]
    for column in seen.mapping.mapped:
        values = [str(getattr(row, column.field, "")) for row in samples[:2]]
        field = job.schema.field(column.field)
        shown.add_row(column.heading, field.label if field else "", " · ".join(values))
    for column in seen.mapping.unmapped:
        shown.add_row(column.heading, "（不导入）", "")
    console.print(shown)


def _show_faults(console: Console, job: Job, found: Survey) -> None:
    for row in found.first_bad:
        reasons = "；".join(tell(error, job.schema) for error in row.errors)
        console.print(f"第 {row.line} 行：{reasons}")
    console.print(f"可导入 {found.good} 行，不能导入 {found.bad} 行。")


def _post(console: Console, job: Job, target: Target, *, total: int) -> Tally:
    tally = Tally()
    columns = (TextColumn("导入"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("import", total=total)
        for batch in job.batches(target.batch_rows):
            tally.count(target.post_batch(batch))
            progress.advance(task, len(batch))
    return tally


def _overrides(maps: tuple[str, ...]) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in maps]
    if any(not equals for _, equals, _ in pairs):
        raise click.UsageError("--map HEADING=FIELD")
    return {heading: field for heading, _, field in pairs}

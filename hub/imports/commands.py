"""`dianshu hub admin import members|items FILE`: preview, dry run, then the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
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

from core.errors import Refused
from core.imports import (
    ITEMS,
    MEMBERS,
    REFUSALS,
    BadRow,
    MemberRow,
    Rejects,
    RowError,
    Schema,
    Table,
    TypedRow,
    find_mapping,
    preview,
    read_rows,
    read_table,
    tell,
)
from core.web import tell as tell_refusal
from hub.app import open_hub
from hub.box import Box
from hub.command_line import data_option
from hub.imports.service import (
    BATCH_ROWS,
    Post,
    Tally,
    add_categories,
    post_batch,
    post_item,
    post_member,
)

SHOWN_ERRORS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file to take in."""

    table: Table
    schema: Schema[Any]
    source: Path
    overrides: dict[str, str]
    today: date
    post: Post


@dataclass(slots=True)
class Survey:
    """What a dry run found: how many rows can be posted, how many cannot, and categories."""

    good: int = 0
    bad: int = 0
    categories: tuple[str, ...] = ()


@click.group("import")
def import_group() -> None:
    """Take in lists of the system before: CSV or XLSX as it exports them."""


def _options(command: Any) -> Any:
    for option in (
        click.argument("file", type=click.Path(path_type=Path, dir_okay=False)),
        data_option,
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


@import_group.command("members")
@_options
def import_members(**options: Any) -> None:
    """Take in members with their balances."""
    _run(MEMBERS, lambda box: partial(post_member, key=box.secrets.card_key), **options)


@import_group.command("items")
@_options
def import_items(**options: Any) -> None:
    """Take in services and products with prices and stock."""
    _run(ITEMS, lambda _box: post_item, **options)


def _run(
    schema: Schema[Any],
    posting: Callable[[Box], Post],
    *,
    file: Path,
    data: Path,
    **options: Any,
) -> None:
    console = Console()
    box = open_hub(data)
    try:
        with box.door.read() as db:
            today = date.fromisoformat(box.act(db).date)
        with read_table(file, sheet=options["sheet"]) as table:
            job = Job(
                table=table,
                schema=schema,
                source=file,
                overrides=_overrides(options["maps"]),
                today=today,
                post=posting(box),
            )
            _take_in(console, box, job, dry=options["dry_run"], sure=options["yes"])
    except Refused as refused:
        known = {**REFUSALS, **box.parts.refusals}
        raise click.ClickException(tell_refusal(refused, known)) from refused
    finally:
        box.close()


def _take_in(console: Console, box: Box, job: Job, *, dry: bool, sure: bool) -> None:
    _show_preview(console, job)
    survey = _look(console, job)
    console.print(f"可导入 {survey.good} 行，不能导入 {survey.bad} 行。")
    if dry or not survey.good:
        return
    if not sure and not click.confirm("现在导入？"):
        return
    box.door.write(
        lambda tx: add_categories(tx, box.act(tx, device="import"), survey.categories)
    )
    tally = _post(console, box, job, total=survey.good)
    console.print(
        f"新增 {tally.added} 行，已有 {tally.known} 行，"
        f"未导入 {survey.bad + len(tally.refused)} 行。"
    )
    if survey.bad or tally.refused:
        path = _write_rejects(job, dict(tally.refused))
        console.print(f"未导入的行和原因写在 {path}，改好后可以直接再导入。")


def _show_preview(console: Console, job: Job) -> None:
    seen = preview(job.table, job.schema, today=job.today, overrides=job.overrides)
    shown = RichTable(title=f"{job.source.name} · {seen.sheet}")
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


def _look(console: Console, job: Job) -> Survey:
    survey = Survey()
    categories: dict[str, None] = {}
    for row in _rows(job):
        if isinstance(row, BadRow):
            survey.bad += 1
            if survey.bad <= SHOWN_ERRORS_MAX:
                reasons = "；".join(tell(error, job.schema) for error in row.errors)
                console.print(f"第 {row.line} 行：{reasons}")
        else:
            survey.good += 1
            if isinstance(row, MemberRow) and row.category:
                categories[row.category] = None
    survey.categories = tuple(categories)
    return survey


def _post(console: Console, box: Box, job: Job, *, total: int) -> Tally:
    tally = Tally()
    columns = (TextColumn("导入"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("import", total=total)
        good = (row for row in _rows(job) if isinstance(row, TypedRow))
        for batch in _batches(good):
            post_batch(box, batch, job.post, tally)
            progress.advance(task, len(batch))
    return tally


def _write_rejects(job: Job, refused: dict[int, str]) -> Path:
    """Write every row that is not in, with its cells; a second reading finds them by line."""
    mapping = find_mapping(job.table, job.schema, job.overrides)
    cells = {row.line: row.cells for row in job.table.rows() if row.line in refused}
    with Rejects(job.source, job.schema, mapping) as rejects:
        for row in _rows(job):
            if isinstance(row, BadRow):
                rejects.write(row)
            elif row.line in refused:
                error = RowError(row.line, "", "row_not_posted", {"reason": refused[row.line]})
                rejects.write(BadRow(row.line, (error,), cells[row.line]))
    return rejects.path


def _rows(job: Job) -> Iterator[Any]:
    mapping = find_mapping(job.table, job.schema, job.overrides)
    return read_rows(job.table, job.schema, mapping, today=job.today)


def _batches(rows: Iterable[TypedRow]) -> Iterator[list[TypedRow]]:
    source = iter(rows)
    while batch := list(islice(source, BATCH_ROWS)):
        yield batch


def _overrides(maps: tuple[str, ...]) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in maps]
    if any(not equals for _, equals, _ in pairs):
        raise click.UsageError("--map HEADING=FIELD")
    return {heading: field for heading, _, field in pairs}

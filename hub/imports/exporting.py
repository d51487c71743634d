"""`dianshu hub admin export members|items FILE`: the shop's lists, as `import` takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from core.imports import ITEMS, MEMBERS, Schema, item_rows, member_rows
from core.list_commands import write_list_out, writer_for
from core.sqlite import Reader
from hub.app import open_hub
from hub.box import Box
from hub.command_line import data_option

Rows = Callable[[Reader, Box], Iterator[Any]]


@click.group("export")
def export_group() -> None:
    """Write the shop's lists as CSV or XLSX, by the ending of the file's name."""


@export_group.command("members")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
def export_members(file: Path, data: Path) -> None:
    """Write members with their balances."""
    _write(
        MEMBERS,
        lambda db, box: member_rows(db, place=box.journal.identity.place),
        file,
        data,
    )


@export_group.command("items")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
def export_items(file: Path, data: Path) -> None:
    """Write services and products with prices and stock."""
    _write(ITEMS, lambda db, _box: item_rows(db), file, data)


def _write(schema: Schema[Any], rows: Rows, file: Path, data: Path) -> None:
    writer_for(file)
    box = open_hub(data)
    try:
        with box.door.read() as db:
            write_list_out(schema, rows(db, box), file)
    finally:
        box.close()

"""`dianshu hub admin import members|items FILE`: preview, dry run, then the rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click

from core.errors import Refused
from core.imports import ITEMS, MEMBERS, Post, Schema
from core.list_commands import Target, Wishes, import_options, take_list_in
from core.web import tell
from hub.app import open_hub
from hub.box import Box
from hub.command_line import data_option
from hub.imports.service import (
    BATCH_ROWS,
    category_adder,
    item_poster,
    member_poster,
    post_batch,
)


@click.group("import")
def import_group() -> None:
    """Take in lists of the system before: CSV or XLSX as it exports them."""


@import_group.command("members")
@import_options
@data_option
def import_members(data: Path, **wishes: Any) -> None:
    """Take in members with their balances."""
    _run(MEMBERS, member_poster, data, Wishes(**wishes))


@import_group.command("items")
@import_options
@data_option
def import_items(data: Path, **wishes: Any) -> None:
    """Take in services and products with prices and stock."""
    _run(ITEMS, item_poster, data, Wishes(**wishes))


def _run(
    schema: Schema[Any], posting: Callable[[Box], Post], data: Path, wishes: Wishes
) -> None:
    box = open_hub(data)
    try:
        with box.door.read() as db:
            today = date.fromisoformat(box.act(db).date)
        target = Target(
            today=today,
            post_batch=partial(post_batch, box, post=posting(box)),
            add_categories=category_adder(box),
            refusals=box.parts.refusals,
            batch_rows=BATCH_ROWS,
        )
        take_list_in(schema, target, wishes)
    except Refused as refused:
        raise click.ClickException(tell(refused, box.parts.refusals)) from refused
    finally:
        box.close()

"""`dianshu cloud admin import|export members|items FILE --merchant M`: lists at the server."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click

from cloud.command_line import data_option, opened
from cloud.imports import (
    BATCH_ROWS,
    SCHEMAS,
    Poster,
    add_categories_of,
    note_export,
    post_batch,
    rows_of,
)
from cloud.platform import Merchant
from core.errors import Refused
from core.list_commands import (
    Target,
    Wishes,
    import_options,
    take_list_in,
    write_list_out,
    writer_for,
)
from core.organisation import stores

merchant_option = click.option(
    "--merchant", "merchant_id", required=True, help="Whose list: the merchant's id."
)
store_option = click.option(
    "--store", "code", default="", help="The members' own branch, by its code."
)


@click.group("import")
def import_group() -> None:
    """Take in lists of the system before, for all stores: CSV or XLSX."""


@import_group.command("members")
@import_options
@merchant_option
@store_option
@data_option
def import_members(data: Path, merchant_id: str, code: str, **wishes: Any) -> None:
    """Take in members; their balances lie with head office and follow them."""
    _take_in("members", data, merchant_id, code, Wishes(**wishes))


@import_group.command("items")
@import_options
@merchant_option
@data_option
def import_items(data: Path, merchant_id: str, **wishes: Any) -> None:
    """Take in services and products with prices; stock is counted in the stores."""
    _take_in("items", data, merchant_id, "", Wishes(**wishes))


@click.group("export")
def export_group() -> None:
    """Write lists over all stores as CSV or XLSX, by the ending of the file's name."""


def _exporting(kind: str, help_text: str) -> click.Command:
    @export_group.command(kind, help=help_text)
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @merchant_option
    @data_option
    def run(file: Path, merchant_id: str, data: Path) -> None:
        writer_for(file)
        with opened(data) as platform:
            merchant = platform.merchant(merchant_id)
            with merchant.door.read() as db:
                rows = write_list_out(SCHEMAS[kind], rows_of(db, kind), file)
            form = file.suffix.lower().removeprefix(".")
            merchant.door.write(
                lambda tx: note_export(tx, merchant.act(tx), kind=kind, form=form, rows=rows)
            )

    return run


export_members = _exporting("members", "Write members with all that they have, in all stores.")
export_items = _exporting("items", "Write services and products with prices.")


def _take_in(kind: str, data: Path, merchant_id: str, code: str, wishes: Wishes) -> None:
    with opened(data) as platform:
        merchant = platform.merchant(merchant_id)
        poster = Poster(merchant=merchant, list=kind, home=_branch(merchant, code))
        with merchant.door.read() as db:
            today = date.fromisoformat(merchant.act(db).date)
        target = Target(
            today=today,
            post_batch=partial(post_batch, poster),
            add_categories=partial(add_categories_of, poster),
            refusals=platform.parts.refusals,
            batch_rows=BATCH_ROWS,
        )
        take_list_in(SCHEMAS[kind], target, wishes)


def _branch(merchant: Merchant, code: str) -> str:
    """Return the branch of a code; empty for none. Refused: no_branch."""
    if not code:
        return ""
    with merchant.door.read() as db:
        for store, branch in stores(db).items():
            if branch.code == code.upper():
                return store
    raise Refused("no_branch", typed=code)

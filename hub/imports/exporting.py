"""`dianshu hub admin export members|items FILE`: the shop's lists, as `import` takes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from core.imports import ITEMS, MEMBERS, ItemRow, MemberRow, Schema, write_csv, write_xlsx
from core.money import Cents
from core.sqlite import Reader, Row
from core.wallet import Asset
from hub.app import open_hub
from hub.command_line import data_option


@click.group("export")
def export_group() -> None:
    """Write the shop's lists as CSV or XLSX, by the ending of the file's name."""


@export_group.command("members")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
def export_members(file: Path, data: Path) -> None:
    """Write members with their balances."""
    _write(MEMBERS, member_rows, file, data)


@export_group.command("items")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
def export_items(file: Path, data: Path) -> None:
    """Write services and products with prices and stock."""
    _write(ITEMS, item_rows, file, data)


def member_rows(db: Reader, place: str) -> Iterator[MemberRow]:
    """Yield every member with the value held at this place."""
    held = db.each(
        """SELECT m.*, c.number AS card,
                  COALESCE(SUM(h.amount) FILTER (WHERE h.asset = :principal), 0) AS principal,
                  COALESCE(SUM(h.amount) FILTER (WHERE h.asset = :bonus), 0) AS bonus,
                  COALESCE(SUM(h.amount) FILTER (WHERE h.asset = :points), 0) AS points
             FROM member m
             LEFT JOIN holding h ON h.member = m.id AND h.place = :place
             LEFT JOIN (SELECT member, MIN(number) AS number FROM card WHERE active = 1
                         GROUP BY member) c ON c.member = m.id
            GROUP BY m.id ORDER BY m.id""",
        place=place,
        principal=Asset.PRINCIPAL,
        bonus=Asset.BONUS,
        points=Asset.POINTS,
    )
    for line, row in enumerate(held, start=2):
        yield _member(line, row)


def _member(line: int, row: Row) -> MemberRow:
    return MemberRow(
        line=line,
        row_key=row["id"],
        name=row["name"],
        number=row["number"] or "",
        card=row["card"] or "",
        phone=row["phone"],
        gender=row["gender"],
        birthday=row["birthday"],
        category=row["category"],
        principal=Cents(row["principal"]),
        bonus=Cents(row["bonus"]),
        points=row["points"],
        joined_on=date.fromisoformat(row["joined_on"]),
        note=row["note"],
    )


def item_rows(db: Reader, _place: str) -> Iterator[ItemRow]:
    """Yield every item that is for sale."""
    sold = db.each(
        """SELECT i.*, c.name AS category_name,
                  (SELECT SUM(s.on_hand) FROM stock s WHERE s.item = i.id AND s.counted > 0)
                    AS on_hand
             FROM item i LEFT JOIN category c ON c.id = i.category
            WHERE i.active = 1 ORDER BY i.sort, i.code"""
    )
    for line, row in enumerate(sold, start=2):
        price = row["member_price"]
        yield ItemRow(
            line=line,
            row_key=row["id"],
            name=row["name"],
            price=Cents(row["price"]),
            number=row["code"],
            barcode=row["barcode"],
            kind=row["kind"],
            category=row["category_name"] or "",
            brand=row["brand"],
            unit=row["unit"],
            member_price=None if price is None else Cents(price),
            note=row["note"],
            stock=row["on_hand"],
        )


def _write(schema: Schema[Any], rows: Any, file: Path, data: Path) -> None:
    writers = {".csv": write_csv, ".xlsx": write_xlsx}
    writer = writers.get(file.suffix.lower())
    if writer is None:
        raise click.UsageError("FILE.csv / FILE.xlsx")
    box = open_hub(data)
    try:
        with box.door.read() as db:
            count = writer(file, schema, rows(db, box.journal.identity.origin))
    finally:
        box.close()
    Console().print(f"写出 {count} 行到 {file}")

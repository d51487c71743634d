"""What a merchant has, as the rows of a list that is taken in again unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from core.imports.items import ItemRow
from core.imports.members import MemberRow
from core.money import Cents
from core.sqlite import Reader, Row
from core.wallet import Asset

EVERYWHERE = ""


def member_rows(db: Reader, *, place: str = EVERYWHERE) -> Iterator[MemberRow]:
    """Yield every member with the value held at a place; else in all places and on its way."""
    held = db.each(
        """SELECT m.*, c.number AS card,
                  COALESCE(SUM(h.amount) FILTER (WHERE h.asset = :principal), 0) AS principal,
                  COALESCE(SUM(h.amount) FILTER (WHERE h.asset = :bonus), 0) AS bonus,
                  COALESCE(SUM(h.amount) FILTER (WHERE h.asset = :points), 0) AS points
             FROM member m
             LEFT JOIN (SELECT member, asset, amount FROM holding
                         WHERE :place = '' OR place = :place
                        UNION ALL
                        SELECT member, asset, amount FROM transit WHERE :place = '') h
               ON h.member = m.id
             LEFT JOIN (SELECT member, MIN(number) AS number FROM card
                         WHERE active = 1 AND blocked = 0 GROUP BY member) c ON c.member = m.id
            GROUP BY m.id
           -- A merged duplicate is no row of its own, unless a store still has to move value.
           HAVING m.merged_into = '' OR COALESCE(SUM(h.amount), 0) <> 0
            ORDER BY m.id""",
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


def item_rows(db: Reader) -> Iterator[ItemRow]:
    """Yield every item that is for sale, with the stock of all stores that are known here."""
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

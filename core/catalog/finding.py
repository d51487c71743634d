"""Queries for those who edit the catalogue; what is off sale is found, too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Refused
from core.sqlite import Reader, Row

ITEMS_SHOWN_MAX = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the list of items is filtered by; empty is everything.

    `typed` is the beginning of a code or barcode, or a run of the name in characters, pinyin
    or initials.
    """

    typed: str = ""
    kind: str = ""
    category: str = ""
    brand: str = ""
    active: bool = True


def known_item(db: Reader, item_id: str) -> Row:
    """Return an item, also one that is off sale. Refused: no_item."""
    row = db.one("SELECT * FROM item WHERE id = :id", id=item_id)
    if row is None:
        raise Refused("no_item")
    return row


def named_items(db: Reader, items: Sequence[str]) -> list[Row]:
    """Return the items that are known of these, by name."""
    return db.all(
        """SELECT id, name FROM item
            WHERE id IN (SELECT value FROM json_each(:items)) ORDER BY name""",
        items=json.dumps(list(items)),
    )


def item_by_code(db: Reader, code: str) -> Row | None:
    return db.one(
        "SELECT * FROM item WHERE active = 1 AND upper(code) = :code LIMIT 1",
        code=code.upper(),
    )


def item_by_barcode(db: Reader, barcode: str) -> Row | None:
    return db.one(
        "SELECT * FROM item WHERE active = 1 AND barcode = :barcode LIMIT 1", barcode=barcode
    )


def wanted_items(db: Reader, wanted: Wanted, *, store: str = "") -> list[Row]:
    """Return the wanted items with stock and category, in the shop's order.

    `on_hand` is what a store has, or all of them together where none is named.
    """
    first, *more = wanted.typed.lower().split() or [""]
    rows = db.all(
        """SELECT i.*, s.on_hand, c.name AS category_name, c.colour FROM item i
             LEFT JOIN (SELECT item, SUM(on_hand) AS on_hand FROM stock
                         WHERE :store = '' OR store = :store GROUP BY item) s ON s.item = i.id
             LEFT JOIN category c ON c.id = i.category
            WHERE i.active = :active
              AND (:kind = '' OR i.kind = :kind)
              AND (:category = '' OR i.category = :category)
              AND (:brand = '' OR i.brand = :brand)
              AND (:first = '' OR instr(' ' || i.terms, ' ' || :first) > 0
                   OR substr(i.barcode, 1, length(:first)) = :first)
            ORDER BY i.sort, i.code LIMIT :limit""",
        store=store,
        active=int(wanted.active),
        kind=wanted.kind,
        category=wanted.category,
        brand=wanted.brand,
        first=first,
        limit=ITEMS_SHOWN_MAX,
    )
    return [row for row in rows if all(f" {word}" in f" {row['terms']}" for word in more)]


def items_in(db: Reader, category_id: str) -> int:
    count: int = db.value("SELECT count(*) FROM item WHERE category = :id", id=category_id)
    return count


def catalogue_mark(db: Reader) -> int:
    """Return a number that moves when what is for sale, or a price, has come to hold here."""
    return (
        db.value("SELECT MAX(pos) FROM feed_document WHERE topic IN ('item', 'category')") or 0
    )


def on_hand(db: Reader, store: str, item_id: str) -> int:
    """Return how many pieces of an item a store has; 0 where nobody counted."""
    return (
        db.value(
            "SELECT on_hand FROM stock WHERE store = :store AND item = :item",
            store=store,
            item=item_id,
        )
        or 0
    )


def brands(db: Reader) -> list[str]:
    return [
        row["brand"]
        for row in db.all("SELECT DISTINCT brand FROM item WHERE brand <> '' ORDER BY brand")
    ]


def units(db: Reader) -> list[str]:
    """Return the units in use, the most usual first."""
    return [
        row["unit"]
        for row in db.all("SELECT unit FROM item GROUP BY unit ORDER BY count(*) DESC, unit")
    ]


def all_categories(db: Reader) -> list[Row]:
    """Return every heading with how many items it has."""
    return db.all(
        """SELECT c.*, (SELECT count(*) FROM item i WHERE i.category = c.id) AS items
             FROM category c ORDER BY c.sort, c.name"""
    )


def known_category(db: Reader, category_id: str) -> Row:
    """Return a heading. Refused: no_category."""
    row = db.one("SELECT * FROM category WHERE id = :id", id=category_id)
    if row is None:
        raise Refused("no_category")
    return row


def all_offers(db: Reader) -> list[Row]:
    """Return every package and card type, those on sale first."""
    return db.all("SELECT * FROM offer ORDER BY active DESC, kind DESC, sort, price")


def known_offer(db: Reader, offer_id: str) -> Row:
    """Return an offer, also one that is off sale. Refused: no_offer."""
    row = db.one("SELECT * FROM offer WHERE id = :id", id=offer_id)
    if row is None:
        raise Refused("no_offer")
    return row

"""What must be true of an item, a heading or an offer before it is published.

The rule stands here once; the store's side and head office's each publish in their own way.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from core.catalog.documents import Item, Offer
from core.catalog.finding import item_by_barcode, item_by_code, items_in, known_category
from core.errors import Refused
from core.sqlite import Reader, Row


def check_item(db: Reader, item: str, content: Item) -> None:
    """Let an item go on sale or be changed.

    Refused: code_taken, barcode_taken, no_category, member_price_high.
    """
    same_code = item_by_code(db, content.code)
    if content.active and same_code is not None and same_code["id"] != item:
        raise Refused("code_taken", typed=content.code, name=same_code["name"])
    same_barcode = item_by_barcode(db, content.barcode) if content.barcode else None
    if content.active and same_barcode is not None and same_barcode["id"] != item:
        raise Refused("barcode_taken", barcode=content.barcode, name=same_barcode["name"])
    if content.category:
        known_category(db, content.category)
    if content.member_price is not None and content.member_price > content.price:
        raise Refused("member_price_high", price_cents=content.price)


def check_category_removal(db: Reader, category: str) -> None:
    """Let a heading go. Refused: no_category, category_used."""
    row = known_category(db, category)
    if count := items_in(db, category):
        raise Refused("category_used", name=row["name"], count=count)


def check_offer(content: Offer) -> None:
    """Let a package or card type be offered or changed.

    What the member did not pay is bonus, for principal is paid out when a card is returned.
    Refused: principal_high, offer_empty.
    """
    if content.principal > content.price:
        raise Refused("principal_high", price_cents=content.price)
    if not (content.principal or content.bonus or content.points):
        raise Refused("offer_empty")


def item_document(row: Row) -> Item:
    """Return an item's document from its row."""
    known = _fields(row, Item.__struct_fields__)
    return msgspec.convert(known | {"active": bool(row["active"])}, Item)


def offer_document(row: Row) -> Offer:
    """Return an offer's document from its row."""
    known = _fields(row, Offer.__struct_fields__)
    stores = tuple(row["stores"].split())
    return msgspec.convert(known | {"active": bool(row["active"]), "stores": stores}, Offer)


def _fields(row: Row, names: Iterable[str]) -> dict[str, object]:
    return {name: row[name] for name in names}

"""Editing what is sold: each edit is a document of the feed, checked before it is published.

At head office it holds for all stores; a store that is joined proposes it (`core.feed`).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from core.catalog.documents import Category, Item, Offer, OfferedPass
from core.catalog.finding import (
    item_by_barcode,
    item_by_code,
    items_in,
    known_category,
    known_item,
    known_offer,
)
from core.errors import Refused
from core.feed import publish
from core.journal import Act
from core.sqlite import Reader, Row, Writer

_passes = msgspec.json.Decoder(tuple[OfferedPass, ...])


def save_item(tx: Writer, act: Act, *, item: str, content: Item) -> None:
    """Put an item on sale, or change it. Refused: what `check_item` refuses."""
    check_item(tx, item, content)
    publish(tx, act, topic="item", key=item, content=msgspec.to_builtins(content))


def set_item_active(tx: Writer, act: Act, *, item: str, active: bool) -> None:
    """Take an item off sale, or bring it back; bills that have it keep it.

    Refused: no_item, and what `save_item` refuses of an item that comes back.
    """
    content = item_document(known_item(tx, item))
    save_item(tx, act, item=item, content=msgspec.structs.replace(content, active=active))


def save_category(tx: Writer, act: Act, *, category: str, content: Category) -> None:
    """Add a heading of the till, or change it."""
    publish(tx, act, topic="category", key=category, content=msgspec.to_builtins(content))


def remove_category(tx: Writer, act: Act, *, category: str) -> None:
    """Take a heading away. Refused: no_category, category_used."""
    _check_category_removal(tx, category)
    publish(tx, act, topic="category", key=category, content=None)


def save_offer(tx: Writer, act: Act, *, offer: str, content: Offer) -> None:
    """Offer a package or card type, or change it.

    Refused: principal_high, passes_high, offer_empty.
    """
    _check_offer(content)
    publish(tx, act, topic="offer", key=offer, content=msgspec.to_builtins(content))


def set_offer_active(tx: Writer, act: Act, *, offer: str, active: bool) -> None:
    """Stop selling a package or card type, or sell it again. Refused: no_offer."""
    content = offer_document(known_offer(tx, offer))
    save_offer(tx, act, offer=offer, content=msgspec.structs.replace(content, active=active))


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


def _check_category_removal(db: Reader, category: str) -> None:
    """Let a heading go. Refused: no_category, category_used."""
    row = known_category(db, category)
    if count := items_in(db, category):
        raise Refused("category_used", name=row["name"], count=count)


def _check_offer(content: Offer) -> None:
    """Let a package or card type be offered or changed.

    What the member did not pay is bonus, for principal is paid out when a card is returned.
    Refused: principal_high, passes_high, offer_empty.
    """
    if content.principal > content.price:
        raise Refused("principal_high", price_cents=content.price)
    if content.principal + sum(one.paid for one in content.passes) > content.price:
        raise Refused("passes_high", price_cents=content.price)
    if not (content.principal or content.bonus or content.points or content.passes):
        raise Refused("offer_empty")


def item_document(row: Row) -> Item:
    """Return an item's document from its row."""
    known = _fields(row, Item.__struct_fields__)
    return msgspec.convert(known | {"active": bool(row["active"])}, Item)


def offer_document(row: Row) -> Offer:
    """Return an offer's document from its row."""
    known = _fields(row, Offer.__struct_fields__)
    known |= {
        "active": bool(row["active"]),
        "stores": tuple(row["stores"].split()),
        "passes": passes_of(row),
    }
    return msgspec.convert(known, Offer)


def passes_of(row: Row) -> tuple[OfferedPass, ...]:
    """Return the passes that an offer gives, from its row."""
    return _passes.decode(row["passes"])


def _fields(row: Row, names: Iterable[str]) -> dict[str, object]:
    return {name: row[name] for name in names}

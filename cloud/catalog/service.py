"""Editing what all stores sell: each edit is a document of the merchant's feed."""

from __future__ import annotations

import msgspec

from cloud.feed import publish
from core.catalog import (
    Category,
    Item,
    Offer,
    check_category_removal,
    check_item,
    check_offer,
    item_document,
    known_item,
    known_offer,
    offer_document,
)
from core.journal import Act
from core.organisation import PointsRule, settings
from core.sqlite import Reader, Row, Writer

THE_ONE = "-"


def save_item(tx: Writer, act: Act, *, item: str, content: Item) -> None:
    """Put an item on sale everywhere, or change it. Refused: what `check_item` refuses."""
    check_item(tx, item, content)
    publish(tx, act, topic="item", key=item, content=msgspec.to_builtins(content))


def set_item_active(tx: Writer, act: Act, *, item: str, active: bool) -> None:
    """Take an item off sale, or bring it back; bills that have it keep it.

    Refused: no_item, and what `save_item` refuses of an item that comes back.
    """
    content = item_document(known_item(tx, item))
    save_item(tx, act, item=item, content=msgspec.structs.replace(content, active=active))


def save_category(tx: Writer, act: Act, *, category: str, content: Category) -> None:
    """Add a heading of the tills, or change it."""
    publish(tx, act, topic="category", key=category, content=msgspec.to_builtins(content))


def remove_category(tx: Writer, act: Act, *, category: str) -> None:
    """Take a heading away. Refused: no_category, category_used."""
    check_category_removal(tx, category)
    publish(tx, act, topic="category", key=category, content=None)


def save_offer(tx: Writer, act: Act, *, offer: str, content: Offer) -> None:
    """Offer a package or card type, or change it. Refused: principal_high, offer_empty."""
    check_offer(content)
    publish(tx, act, topic="offer", key=offer, content=msgspec.to_builtins(content))


def set_offer_active(tx: Writer, act: Act, *, offer: str, active: bool) -> None:
    """Stop selling a package or card type, or sell it again. Refused: no_offer."""
    content = offer_document(known_offer(tx, offer))
    save_offer(tx, act, offer=offer, content=msgspec.structs.replace(content, active=active))


def save_points(tx: Writer, act: Act, *, rule: PointsRule) -> None:
    """Change what earns points; the other rules stay as they are now."""
    content = msgspec.to_builtins(msgspec.structs.replace(settings(tx), points=rule))
    publish(tx, act, topic="settings", key=THE_ONE, content=content)


def stock_by_store(db: Reader, item: str) -> list[Row]:
    """Return how many pieces each store last counted, as (store, on_hand)."""
    return db.all(
        "SELECT store, on_hand FROM stock WHERE item = :item AND counted > 0 ORDER BY store",
        item=item,
    )

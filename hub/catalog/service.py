"""Editing what is sold: each edit is a document of the feed, so it holds from the next tap."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from core.catalog import (
    Category,
    Item,
    ItemKind,
    Offer,
    StockCounted,
    check_category_removal,
    check_item,
    check_offer,
    item_document,
    known_item,
    known_offer,
    offer_document,
    on_hand,
)
from core.errors import N_, Refusal, Refused
from core.feed import publish
from core.journal import Act, Part
from core.sqlite import Writer

QUANTITY_MAX = 100_000
REASON_CHARACTERS_MAX = 80

PART = Part(
    name="catalog_pages",
    refusals={
        "not_stocked": Refusal(422, N_("只有商品记库存")),
        "stock_quantity": Refusal(422, N_("数量请填 %(low)s 到 %(high)s")),
    },
)


class StockMove(StrEnum):
    """Why stock changes at the counter. A sale is the bill's own."""

    RECEIVED = "received"
    COUNTED = "counted"
    LOST = "lost"


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


def count_stock(
    tx: Writer, act: Act, *, item: str, move: StockMove, quantity: int, reason: str = ""
) -> int:
    """Receive, lose or count pieces of a product; return how many there are now.

    A count says how many there are, the others by how many it became more or less.
    Refused: no_item, not_stocked, stock_quantity.
    """
    row = known_item(tx, item)
    if row["kind"] != ItemKind.PRODUCT:
        raise Refused("not_stocked")
    low = 0 if move is StockMove.COUNTED else 1
    if not low <= quantity <= QUANTITY_MAX:
        raise Refused("stock_quantity", low=low, high=QUANTITY_MAX)
    before = on_hand(tx, act.store, item)
    change = {
        StockMove.RECEIVED: quantity,
        StockMove.LOST: -quantity,
        StockMove.COUNTED: quantity - before,
    }[move]
    words = f"{move.value} {reason.strip()}".strip()[:REASON_CHARACTERS_MAX]
    act.append(tx, StockCounted(item=item, change=change, reason=words))
    return before + change

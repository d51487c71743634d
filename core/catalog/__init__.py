"""What the shop sells: items in categories, and the offers that fill a member's wallet."""

from core.catalog.documents import Category, Item, ItemKind, Offer
from core.catalog.search import syllables, terms_of
from core.catalog.tables import (
    PART,
    StockCounted,
    categories,
    find_item,
    item,
    items,
    items_by_ids,
    offer,
    offers,
    stock_change,
)

__all__ = [
    "PART",
    "Category",
    "Item",
    "ItemKind",
    "Offer",
    "StockCounted",
    "categories",
    "find_item",
    "item",
    "items",
    "items_by_ids",
    "offer",
    "offers",
    "stock_change",
    "syllables",
    "terms_of",
]

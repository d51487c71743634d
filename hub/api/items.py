"""What is sold: items with their stock, and the offers that fill a wallet."""

from __future__ import annotations

from typing import Any

import msgspec

from core.catalog import find_item, items, items_by_ids, offers
from core.errors import Refused
from core.sqlite import Reader, Row
from core.web import Asked, Endpoint, read, reading_act
from hub.api.blueprint import api
from hub.api.shapes import Search
from hub.attempts import Answer


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A service or product. `on_hand` is None for what has no stock."""

    id: str
    code: str
    barcode: str
    name: str
    kind: str
    category: str
    brand: str
    unit: str
    price_cents: int
    member_price_cents: int | None
    points_times: int
    active: bool
    on_hand: int | None


class Items(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Item]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A package or card type: what is paid, and what the wallet then holds."""

    id: str
    name: str
    kind: str
    price_cents: int
    principal_cents: int
    bonus_cents: int
    points: int
    term_days: int | None
    benefits: str


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    offers: list[Offer]


class ItemSearch(Asked, frozen=True, kw_only=True):
    """`q` is a code, a barcode, or the beginning of a name, of its pinyin or initials."""

    q: Search = ""


@api.get("/items")
@Endpoint(permission="sale.create", query=ItemSearch, answer=Items)
def list_items(asked: ItemSearch) -> Answer:
    """Return what the store sells, or what a search finds of it; exact codes stand first."""
    with read() as db:
        known = items(db, reading_act(db).store)
        exact = find_item(db, asked.q)
    words = asked.q.lower().split()
    hits = [row for row in known if _matches(row, words)]
    if exact is not None:
        hits = [row for row in known if row["id"] == exact["id"]] + [
            row for row in hits if row["id"] != exact["id"]
        ]
    return {"items": [_item(row, row["on_hand"]) for row in hits]}


@api.get("/items/<item_id>")
@Endpoint(permission="sale.create", answer=Item, refusals=("no_item",))
def show_item(item_id: str) -> Answer:
    """Return one item, also one that is no longer sold."""
    with read() as db:
        row = items_by_ids(db, [item_id]).get(item_id)
        if row is None:
            raise Refused("no_item")
        return _item(row, _on_hand(db, item_id))


@api.get("/offers")
@Endpoint(permission="sale.create", answer=Offers)
def list_offers() -> Answer:
    """Return the packages and card types that this store sells."""
    with read() as db:
        rows = offers(db, reading_act(db).store)
    return {"offers": [_offer(row) for row in rows]}


def _matches(row: Row, words: list[str]) -> bool:
    terms = row["terms"].split()
    return all(any(term.startswith(word) for term in terms) for word in words)


def _on_hand(db: Reader, item_id: str) -> int | None:
    found: int | None = db.value(
        "SELECT on_hand FROM stock WHERE store = :store AND item = :item",
        store=reading_act(db).store,
        item=item_id,
    )
    return found


def _item(row: Row, on_hand: int | None) -> dict[str, Any]:
    names = ("id", "code", "barcode", "name", "kind", "category", "brand", "unit")
    return {
        **{name: row[name] for name in names},
        "price_cents": row["price"],
        "member_price_cents": row["member_price"],
        "points_times": row["points_times"],
        "active": bool(row["active"]),
        "on_hand": on_hand,
    }


def _offer(row: Row) -> dict[str, Any]:
    names = ("id", "name", "kind", "points", "term_days", "benefits")
    return {
        **{name: row[name] for name in names},
        "price_cents": row["price"],
        "principal_cents": row["principal"],
        "bonus_cents": row["bonus"],
    }

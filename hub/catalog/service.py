"""Editing what is sold: each edit is a document of the feed, so it holds from the next tap."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from core.catalog import Category, Item, ItemKind, Offer, StockCounted
from core.errors import N_, Refusal, Refused
from core.feed import publish
from core.journal import Act, Part
from core.sqlite import Row, Writer
from hub.catalog import sql

QUANTITY_MAX = 100_000
REASON_CHARACTERS_MAX = 80

PART = Part(
    name="catalog_pages",
    refusals={
        "no_item": Refusal(404, N_("没有这个项目")),
        "no_category": Refusal(404, N_("没有这个分类")),
        "no_offer": Refusal(404, N_("没有这个套餐或卡种")),
        "code_taken": Refusal(409, N_("编号 %(typed)s 已被“%(name)s”使用")),
        "barcode_taken": Refusal(409, N_("条码 %(barcode)s 已被“%(name)s”使用")),
        "member_price_high": Refusal(422, N_("会员价不能高于门市价 ¥%(price)s")),
        "principal_high": Refusal(422, N_("本金不能多于售价 ¥%(price)s，多出的是赠金")),
        "offer_empty": Refusal(422, N_("本金、赠金和积分不能都是零")),
        "category_used": Refusal(409, N_("“%(name)s”下还有 %(count)s 个项目，请先移走")),
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
    """Put an item on sale, or change it.

    Refused: code_taken, barcode_taken, no_category, member_price_high.
    """
    same_code = sql.item_by_code(tx, content.code)
    if content.active and same_code is not None and same_code["id"] != item:
        raise Refused("code_taken", typed=content.code, name=same_code["name"])
    same_barcode = sql.item_by_barcode(tx, content.barcode) if content.barcode else None
    if content.active and same_barcode is not None and same_barcode["id"] != item:
        raise Refused("barcode_taken", barcode=content.barcode, name=same_barcode["name"])
    if content.category:
        sql.category(tx, content.category)
    if content.member_price is not None and content.member_price > content.price:
        raise Refused("member_price_high", price_cents=content.price)
    publish(tx, act, topic="item", key=item, content=msgspec.to_builtins(content))


def set_item_active(tx: Writer, act: Act, *, item: str, active: bool) -> None:
    """Take an item off sale, or bring it back; bills that have it keep it.

    Refused: no_item, and what `save_item` refuses of an item that comes back.
    """
    content = item_document(sql.item(tx, item))
    save_item(tx, act, item=item, content=msgspec.structs.replace(content, active=active))


def save_category(tx: Writer, act: Act, *, category: str, content: Category) -> None:
    """Add a heading of the till, or change it."""
    publish(tx, act, topic="category", key=category, content=msgspec.to_builtins(content))


def remove_category(tx: Writer, act: Act, *, category: str) -> None:
    """Take a heading away. Refused: no_category, category_used."""
    row = sql.category(tx, category)
    if count := sql.items_in(tx, category):
        raise Refused("category_used", name=row["name"], count=count)
    publish(tx, act, topic="category", key=category, content=None)


def save_offer(tx: Writer, act: Act, *, offer: str, content: Offer) -> None:
    """Offer a package or card type, or change it.

    What the member did not pay is bonus, for principal is paid out when a card is returned.
    Refused: principal_high, offer_empty.
    """
    if content.principal > content.price:
        raise Refused("principal_high", price_cents=content.price)
    if not (content.principal or content.bonus or content.points):
        raise Refused("offer_empty")
    publish(tx, act, topic="offer", key=offer, content=msgspec.to_builtins(content))


def set_offer_active(tx: Writer, act: Act, *, offer: str, active: bool) -> None:
    """Stop selling a package or card type, or sell it again. Refused: no_offer."""
    content = offer_document(sql.offer(tx, offer))
    save_offer(tx, act, offer=offer, content=msgspec.structs.replace(content, active=active))


def count_stock(
    tx: Writer, act: Act, *, item: str, move: StockMove, quantity: int, reason: str = ""
) -> int:
    """Receive, lose or count pieces of a product; return how many there are now.

    A count says how many there are, the others by how many it became more or less.
    Refused: no_item, not_stocked, stock_quantity.
    """
    row = sql.item(tx, item)
    if row["kind"] != ItemKind.PRODUCT:
        raise Refused("not_stocked")
    low = 0 if move is StockMove.COUNTED else 1
    if not low <= quantity <= QUANTITY_MAX:
        raise Refused("stock_quantity", low=low, high=QUANTITY_MAX)
    before = sql.on_hand(tx, act.store, item)
    change = {
        StockMove.RECEIVED: quantity,
        StockMove.LOST: -quantity,
        StockMove.COUNTED: quantity - before,
    }[move]
    words = f"{move.value} {reason.strip()}".strip()[:REASON_CHARACTERS_MAX]
    act.append(tx, StockCounted(item=item, change=change, reason=words))
    return before + change


def item_document(row: Row) -> Item:
    """Return an item's document from its row."""
    known = {field: row[field] for field in Item.__struct_fields__}
    return msgspec.convert(known | {"active": bool(row["active"])}, Item)


def offer_document(row: Row) -> Offer:
    """Return an offer's document from its row."""
    known = {field: row[field] for field in Offer.__struct_fields__}
    stores = tuple(row["stores"].split())
    return msgspec.convert(known | {"active": bool(row["active"]), "stores": stores}, Offer)

"""Items and offers as tables, and stock as a counter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from core.catalog.documents import Category, Item, Offer
from core.catalog.search import terms_of
from core.errors import N_, Refusal, Refused
from core.journal import Add, Body, Entry, Part
from core.sqlite import Migration, Reader, Row, Writer


class StockCounted(Body, frozen=True, kw_only=True, tag="stock.counted"):
    """Stock of a product was received or counted: `change` pieces more than was known."""

    item: str
    change: int
    reason: str


def stock_change(store: str, item_id: str, change: int) -> Add:
    """Return the change that moves stock at a store by some pieces."""
    return Add("stock", {"store": store, "item": item_id}, {"on_hand": change})


def items(db: Reader, store: str) -> list[Row]:
    """Return what the till offers, in the shop's order, with stock where there is any."""
    return db.all(
        """SELECT i.*, s.on_hand, s.counted, c.colour, c.name AS category_name FROM item i
             LEFT JOIN stock s ON s.store = :store AND s.item = i.id
             LEFT JOIN category c ON c.id = i.category
            WHERE i.active = 1 ORDER BY i.sort, i.code""",
        store=store,
    )


def categories(db: Reader) -> list[Row]:
    """Return the headings that have items."""
    return db.all(
        """SELECT c.* FROM category c WHERE EXISTS
             (SELECT 1 FROM item i WHERE i.category = c.id AND i.active = 1)
            ORDER BY c.sort, c.name"""
    )


def item(db: Reader, item_id: str) -> Row:
    """Return an item that is for sale. Refused: item_gone."""
    row = db.one("SELECT * FROM item WHERE id = :id AND active = 1", id=item_id)
    if row is None:
        raise Refused("item_gone")
    return row


def items_by_ids(db: Reader, ids: Sequence[str]) -> dict[str, Row]:
    """Return the items of these ids that are known, also ones no longer sold."""
    rows = (db.one("SELECT * FROM item WHERE id = :id", id=item_id) for item_id in ids)
    return {row["id"]: row for row in rows if row is not None}


def find_item(db: Reader, text: str) -> Row | None:
    """Return the item that a typed code or a scanned barcode names exactly, or None."""
    typed = text.strip()
    return (
        db.one(
            "SELECT * FROM item WHERE active = 1 AND (barcode = :typed OR upper(code) = :code)"
            " ORDER BY barcode = :typed DESC LIMIT 1",
            typed=typed,
            code=typed.upper(),
        )
        if typed
        else None
    )


def offers(db: Reader, store: str) -> list[Row]:
    """Return the packages and card types that this store may sell."""
    rows = db.all("SELECT * FROM offer WHERE active = 1 ORDER BY kind, sort, price")
    return [row for row in rows if not row["stores"] or store in row["stores"].split()]


def offer(db: Reader, offer_id: str) -> Row:
    """Return an offer that is for sale. Refused: item_gone."""
    row = db.one("SELECT * FROM offer WHERE id = :id AND active = 1", id=offer_id)
    if row is None:
        raise Refused("item_gone")
    return row


def _take_item(tx: Writer, key: str, content: dict[str, Any] | None) -> None:
    if content is None:
        tx.run("UPDATE item SET active = 0 WHERE id = :id", id=key)
        return
    known = msgspec.convert(content, Item)
    row = msgspec.to_builtins(known)
    row["active"] = int(known.active)
    row["terms"] = " ".join([known.code.lower(), *terms_of(known.name)])
    _replace(tx, "item", key, row)


def _take_category(tx: Writer, key: str, content: dict[str, Any] | None) -> None:
    if content is None:
        tx.run("DELETE FROM category WHERE id = :id", id=key)
        return
    _replace(tx, "category", key, msgspec.to_builtins(msgspec.convert(content, Category)))


def _take_offer(tx: Writer, key: str, content: dict[str, Any] | None) -> None:
    if content is None:
        tx.run("UPDATE offer SET active = 0 WHERE id = :id", id=key)
        return
    known = msgspec.convert(content, Offer)
    row = msgspec.to_builtins(known)
    row |= {"active": int(known.active), "stores": " ".join(known.stores)}
    row["passes"] = msgspec.json.encode(known.passes).decode()
    _replace(tx, "offer", key, row)


def _replace(tx: Writer, table: str, key: str, row: dict[str, Any]) -> None:
    columns = ", ".join(row)
    values = ", ".join(f":{column}" for column in row)
    sets = ", ".join(f"{column} = excluded.{column}" for column in row)
    tx.run(
        f"INSERT INTO {table} (id, {columns}) VALUES (:id, {values})"  # noqa: S608 - own names
        f" ON CONFLICT (id) DO UPDATE SET {sets}",
        id=key,
        **row,
    )


def _count_stock(entry: Entry) -> list[Add]:
    # A product that nobody ever counted is never sold out: the till cannot know better.
    key = {"store": entry.event.store, "item": entry.body.item}
    return [Add("stock", key, {"on_hand": entry.body.change, "counted": 1})]


PART = Part(
    name="catalog",
    migrations=(
        Migration(
            "catalog/1",
            (
                """CREATE TABLE category (
                     id TEXT PRIMARY KEY, name TEXT NOT NULL, colour INTEGER NOT NULL,
                     sort INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE item (
                     id TEXT PRIMARY KEY,
                     code TEXT NOT NULL,
                     barcode TEXT NOT NULL,
                     name TEXT NOT NULL,
                     kind TEXT NOT NULL CHECK (kind IN ('service', 'product', 'other')),
                     category TEXT NOT NULL,
                     brand TEXT NOT NULL,
                     unit TEXT NOT NULL,
                     note TEXT NOT NULL,
                     price INTEGER NOT NULL CHECK (price >= 0),
                     member_price INTEGER CHECK (member_price >= 0),
                     points_times INTEGER NOT NULL CHECK (points_times >= 0),
                     sort INTEGER NOT NULL,
                     active INTEGER NOT NULL CHECK (active IN (0, 1)),
                     terms TEXT NOT NULL
                   ) STRICT""",
                "CREATE INDEX item_by_code ON item (upper(code))",
                "CREATE INDEX item_by_barcode ON item (barcode)",
                """CREATE TABLE offer (
                     id TEXT PRIMARY KEY,
                     name TEXT NOT NULL,
                     kind TEXT NOT NULL CHECK (kind IN ('topup', 'card')),
                     price INTEGER NOT NULL CHECK (price >= 0),
                     principal INTEGER NOT NULL CHECK (principal >= 0),
                     bonus INTEGER NOT NULL CHECK (bonus >= 0),
                     points INTEGER NOT NULL CHECK (points >= 0),
                     term_days INTEGER CHECK (term_days > 0),
                     stores TEXT NOT NULL,
                     benefits TEXT NOT NULL,
                     sort INTEGER NOT NULL,
                     active INTEGER NOT NULL CHECK (active IN (0, 1))
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE stock (
                     store TEXT NOT NULL, item TEXT NOT NULL, on_hand INTEGER NOT NULL,
                     counted INTEGER NOT NULL DEFAULT 0,
                     PRIMARY KEY (store, item)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        Migration(
            "catalog/passes",
            (
                "ALTER TABLE item ADD COLUMN minutes INTEGER NOT NULL DEFAULT 0",
                # Another kind of offer: SQLite changes a CHECK only by a new table.
                """CREATE TABLE offer_with_passes (
                     id TEXT PRIMARY KEY,
                     name TEXT NOT NULL,
                     kind TEXT NOT NULL CHECK (kind IN ('topup', 'card', 'pass')),
                     price INTEGER NOT NULL CHECK (price >= 0),
                     principal INTEGER NOT NULL CHECK (principal >= 0),
                     bonus INTEGER NOT NULL CHECK (bonus >= 0),
                     points INTEGER NOT NULL CHECK (points >= 0),
                     term_days INTEGER CHECK (term_days > 0),
                     stores TEXT NOT NULL,
                     benefits TEXT NOT NULL,
                     sort INTEGER NOT NULL,
                     active INTEGER NOT NULL CHECK (active IN (0, 1)),
                     passes TEXT NOT NULL DEFAULT '[]'
                   ) STRICT, WITHOUT ROWID""",
                """INSERT INTO offer_with_passes (id, name, kind, price, principal, bonus,
                     points, term_days, stores, benefits, sort, active)
                   SELECT id, name, kind, price, principal, bonus,
                     points, term_days, stores, benefits, sort, active FROM offer""",
                "DROP TABLE offer",
                "ALTER TABLE offer_with_passes RENAME TO offer",
            ),
        ),
    ),
    tables={"stock": ("store", "item")},
    now={StockCounted: _count_stock},
    feeds={"item": _take_item, "category": _take_category, "offer": _take_offer},
    refusals={
        "item_gone": Refusal(409, N_("这个项目已下架，请刷新后重选")),
        "no_item": Refusal(404, N_("没有这个项目")),
        "no_category": Refusal(404, N_("没有这个分类")),
        "no_offer": Refusal(404, N_("没有这个套餐或卡种")),
        "code_taken": Refusal(409, N_("编号 %(typed)s 已被“%(name)s”使用")),
        "barcode_taken": Refusal(409, N_("条码 %(barcode)s 已被“%(name)s”使用")),
        "member_price_high": Refusal(422, N_("会员价不能高于门市价 ¥%(price)s")),
        "principal_high": Refusal(422, N_("本金不能多于售价 ¥%(price)s，多出的是赠金")),
        "offer_empty": Refusal(422, N_("本金、赠金、积分和次数不能都是零")),
        "passes_high": Refusal(422, N_("本金加上次卡的价不能多于售价 ¥%(price)s")),
        "category_used": Refusal(409, N_("“%(name)s”下还有 %(count)s 个项目，请先移走")),
    },
)

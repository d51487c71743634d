"""Posting the rows of a shop's old lists: each once, however often the file comes.

Rows go in by batches, one transaction each; a bad row is undone and stops nobody else. A row's
key is kept with what it became, so a run that was cut, or a second one, adds only what
is missing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.catalog import Category, Item, ItemKind, StockCounted, check_item, find_item
from core.errors import Refused
from core.imports.fields import TypedRow
from core.imports.items import ItemRow
from core.imports.members import MemberRow
from core.journal import Act
from core.members import Application, Profile, is_phone, register
from core.organisation import settings
from core.sqlite import Reader, Writer
from core.wallet import Brought, open_balance

GROUP_ROWS = 25
"""Rows that share a savepoint until one of them is refused: at the end of each the search
index is written out, which takes as long as a row."""
COLOURS = 8

Post = Callable[[Writer, Act, TypedRow], bool]
"""Posts one row; False when it was there already."""
Publish = Callable[..., Any]
"""`core.feed.publish`, or head office's own: (tx, act, *, topic, key, content)."""


@dataclass(slots=True)
class Tally:
    """What became of the rows so far; `refused` is (line, why)."""

    added: int = 0
    known: int = 0
    refused: list[tuple[int, Refused]] = field(default_factory=list)

    def count(self, more: Tally) -> None:
        """Count what became of further rows."""
        self.added += more.added
        self.known += more.known
        self.refused += more.refused


def post_rows(tx: Writer, act: Act, rows: Sequence[TypedRow], post: Post) -> Tally:
    """Post some rows in the open transaction and tell what became of each."""
    tally = Tally()
    for start in range(0, len(rows), GROUP_ROWS):
        group = rows[start : start + GROUP_ROWS]
        tx.run("SAVEPOINT import_group")
        try:
            added = sum(post(tx, act, row) for row in group)
        except Refused:
            tx.run("ROLLBACK TO import_group")
            _post_each(tx, act, group, post, tally)
        else:
            tally.added += added
            tally.known += len(group) - added
        tx.run("RELEASE import_group")
    return tally


def _post_each(
    tx: Writer, act: Act, group: Sequence[TypedRow], post: Post, tally: Tally
) -> None:
    for row in group:
        tx.run("SAVEPOINT import_row")
        try:
            if post(tx, act, row):
                tally.added += 1
            else:
                tally.known += 1
        except Refused as refused:
            tx.run("ROLLBACK TO import_row")
            tally.refused.append((row.line, refused))
        tx.run("RELEASE import_row")


def post_member(
    tx: Writer, act: Act, row: TypedRow, *, key: bytes, place: str, home: str = ""
) -> bool:
    """Register a member of the old system with number, card and what they brought.

    `key` is the merchant's own: events name the row by a hash that nobody makes without it.
    What they brought lies at `place`. `home` is their branch, if not where this is posted.
    """
    assert isinstance(row, MemberRow)
    source = _source(row, key=key)
    if _is_known(tx, source):
        return False
    number, card, phone = _named(row)
    member = register(
        tx,
        act,
        Application(
            profile=Profile(
                name=row.name,
                phone=phone,
                gender=row.gender,
                birthday=row.birthday,
                note=row.note,
            ),
            category=row.category,
            number=number,
            card=card,
            source=source,
            home=home,
            joined_on=row.joined_on.isoformat() if row.joined_on else "",
            extra=_extra(row),
        ),
    )
    brought = Brought(principal=row.principal, bonus=row.bonus, points=row.points)
    open_balance(tx, act, member=member, brought=brought, source=source, place=place)
    return True


def post_item(tx: Writer, act: Act, row: TypedRow, *, publish: Publish) -> bool:
    """Put an item of the old system on sale.

    The stock that the list counts goes into the store that posts it; head office has none.
    """
    assert isinstance(row, ItemRow)
    code = row.number or row.barcode
    held = find_item(tx, code) or (find_item(tx, row.barcode) if row.barcode else None)
    if held is not None:
        return False
    category = _category(tx, act, row.category, publish=publish) if row.category else ""
    wanted = Item(
        code=code,
        name=row.name,
        kind=_kind(row),
        category=category,
        unit=row.unit or "次",
        price=row.price,
        member_price=row.member_price,
        barcode=row.barcode,
        brand=row.brand,
        note=row.specification or row.note,
    )
    item_id = act.new_id()
    check_item(tx, item_id, wanted)
    publish(tx, act, topic="item", key=item_id, content=msgspec.to_builtins(wanted))
    if row.stock and act.store:
        act.append(tx, StockCounted(item=item_id, change=row.stock, reason="import"))
    return True


def add_categories(tx: Writer, act: Act, names: Iterable[str], *, publish: Publish) -> None:
    """Let the shop know the members' categories that a list names."""
    rules = settings(tx)
    missing = tuple(name for name in dict.fromkeys(names) if name not in rules.categories)
    if missing:
        known = msgspec.structs.replace(rules, categories=(*rules.categories, *missing))
        publish(tx, act, topic="settings", key="-", content=msgspec.to_builtins(known))


def _source(row: MemberRow, *, key: bytes) -> str:
    # The row's own key is a plain hash of a name and a phone: whoever guesses both could
    # prove the guess against an event long after the person was erased.
    return "members:" + hmac.digest(key, b"import:" + row.row_key.encode(), "sha256").hex()


def _named(row: MemberRow) -> tuple[str, str, str]:
    """Return number, card and phone, each phone out of the place of a number or card.

    Many shops gave the phone as the number. It goes on finding its owner, as the phone.
    """
    given = [text for text in (row.number, row.card) if text]
    phones = [text for text in given if is_phone(text, own=row.phone)]
    number, card = ("" if text in phones else text for text in (row.number, row.card))
    return number, card, row.phone or next(iter(phones), "")


def _is_known(db: Reader, source: str) -> bool:
    return db.one("SELECT 1 FROM imported WHERE source = :s", s=source) is not None


def _extra(row: MemberRow) -> dict[str, str]:
    """Return what has no place of its own yet; it is kept with the member, not dropped."""
    values = {
        "level": row.level,
        "punches": str(row.punches or ""),
        "status": row.status,
        "expires_on": row.expires_on.isoformat() if row.expires_on else "",
        "store": row.store,
        "staff": row.staff,
        "referrer": row.referrer,
        "wechat": row.wechat,
        "email": row.email,
        "address": row.address,
    }
    return {name: value for name, value in values.items() if value}


def _kind(row: ItemRow) -> ItemKind:
    if row.kind:
        return ItemKind(row.kind)
    return ItemKind.PRODUCT if row.barcode or row.stock is not None else ItemKind.SERVICE


def _category(tx: Writer, act: Act, name: str, *, publish: Publish) -> str:
    found = tx.value("SELECT id FROM category WHERE name = :name", name=name)
    if found is not None:
        return str(found)
    count: int = tx.value("SELECT count(*) FROM category")
    category = act.new_id()
    wanted = Category(name=name, colour=count % COLOURS, sort=count)
    publish(tx, act, topic="category", key=category, content=msgspec.to_builtins(wanted))
    return category

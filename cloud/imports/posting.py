"""What head office posts of a list: items for every store, members whose value it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cloud.platform import Merchant
from core.feed import publish
from core.imports import (
    ITEMS,
    MEMBERS,
    Post,
    Schema,
    Tally,
    TypedRow,
    add_categories,
    post_item,
    post_member,
    post_rows,
)
from core.sqlite import Writer
from core.wallet import CLOUD

BATCH_ROWS = 200

SCHEMAS: dict[str, Schema[Any]] = {"members": MEMBERS, "items": ITEMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """Whose list it is, who takes it in, and to which branch its members belong."""

    merchant: Merchant
    list: str
    home: str = ""
    actor: str | None = None

    def verb(self) -> Post:
        if self.list == "items":
            return partial(post_item, publish=publish)
        return partial(post_member, key=self.merchant.card_key, place=CLOUD, home=self.home)


def post_batch(
    poster: Poster,
    rows: Sequence[TypedRow],
    note: Callable[[Writer, Tally], None] = lambda _tx, _tally: None,
) -> Tally:
    """Post some rows in one transaction, with a note of what became of them.

    The stores hear of it by the feed, from the process that carries changes down.
    """
    merchant, post = poster.merchant, poster.verb()

    def run(tx: Writer) -> Tally:
        act = replace(merchant.act(tx, actor=poster.actor), card_key=merchant.card_key)
        tally = post_rows(tx, act, rows, post)
        note(tx, tally)
        return tally

    tally = merchant.door.write(run)
    merchant.written()
    return tally


def add_categories_of(poster: Poster, names: tuple[str, ...]) -> None:
    """Let the merchant know the members' categories that a list names."""
    merchant = poster.merchant
    merchant.door.write(
        lambda tx: add_categories(
            tx,
            merchant.act(tx, actor=poster.actor),
            names,
            publish=publish,
        )
    )
    merchant.written()

"""What this store's box posts of a list, in transactions of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from core.feed import publish
from core.imports import Post, Tally, TypedRow, post_rows
from core.imports import add_categories as add_categories_by
from core.imports import post_item as post_item_by
from core.imports import post_member as post_member_at
from core.journal import Act
from core.sqlite import Writer
from hub.box import Box

BATCH_ROWS = 500


def post_batch(box: Box, rows: Iterable[TypedRow], post: Post) -> Tally:
    """Post some rows in one transaction; the tally is what is on the disk."""
    batch = list(rows)
    return box.door.write(lambda tx: post_rows(tx, box.act(tx, device="import"), batch, post))


def post_member(tx: Writer, act: Act, row: TypedRow, *, key: bytes) -> bool:
    """Register a member of the old system, whose value then lies in this box."""
    return post_member_at(tx, act, row, key=key, place=act.journal.identity.place)


def member_poster(box: Box) -> Post:
    return partial(post_member, key=box.secrets.card_key)


def item_poster(_box: Box) -> Post:
    return partial(post_item_by, publish=publish)


def category_adder(box: Box) -> Callable[[tuple[str, ...]], None]:
    """Return what lets the shop know the members' categories that a list names."""

    def add(names: tuple[str, ...]) -> None:
        box.door.write(
            lambda tx: add_categories_by(
                tx, box.act(tx, device="import"), names, publish=publish
            )
        )

    return add

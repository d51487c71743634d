"""How an item's price came to be what it is: who changed it, when, and in which store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cloud.edits import Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """Prices (fen) as they stood after an edit, and before it; None where there was none."""

    edit: Edit
    price: int
    member_price: int | None
    before: int | None = None
    member_before: int | None = None


def price_changes(edits: Iterable[Edit]) -> list[PriceChange]:
    """Return those edits of an item that changed a price, the newest first.

    `edits` come newest first. An edit whose words were erased says nothing and is passed over.
    """
    changes: list[PriceChange] = []
    for edit in reversed(list(edits)):
        if edit.content is None:
            continue
        price, member_price = edit.content["price"], edit.content.get("member_price")
        last = changes[-1] if changes else None
        if last is not None and (last.price, last.member_price) == (price, member_price):
            continue
        changes.append(
            PriceChange(
                edit=edit,
                price=price,
                member_price=member_price,
                before=last.price if last else None,
                member_before=last.member_price if last else None,
            )
        )
    return changes[::-1]

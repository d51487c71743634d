"""Stock of products, as people at the counter receive, lose and count it."""

from __future__ import annotations

from enum import StrEnum

from core.catalog import ItemKind, StockCounted, known_item, on_hand
from core.errors import N_, Refusal, Refused
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

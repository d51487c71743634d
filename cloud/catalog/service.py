"""What earns points in all stores, and what each of them has in stock."""

from __future__ import annotations

import msgspec

from core.feed import publish
from core.journal import Act
from core.organisation import THE_ONE, PointsRule, settings
from core.sqlite import Reader, Row, Writer


def save_points(tx: Writer, act: Act, *, rule: PointsRule) -> None:
    """Change what earns points; the other rules stay as they are now."""
    content = msgspec.to_builtins(msgspec.structs.replace(settings(tx), points=rule))
    publish(tx, act, topic="settings", key=THE_ONE, content=content)


def stock_by_store(db: Reader, item: str) -> list[Row]:
    """Return how many pieces each store last counted, as (store, on_hand)."""
    return db.all(
        "SELECT store, on_hand FROM stock WHERE item = :item AND counted > 0 ORDER BY store",
        item=item,
    )

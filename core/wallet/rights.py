"""What head office lets a store do on its own: a limit for each, set once for all stores.

The document `rights` of the feed. Without it a store may fill wallets up to a right that head
office keeps filling, and spends nothing that is not there.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from core.clock import HOUR_MS
from core.sqlite import Reader

TOPIC, THE_ONE = "rights", "-"
Cents = Annotated[int, msgspec.Meta(ge=0, le=10_000_000_000)]
WITHOUT_LIMIT = 1_000_000_000_000
"""The right, in fen, of a box whose merchant sets none."""


class MintRight(msgspec.Struct, frozen=True, kw_only=True):
    """How much a box may put into wallets before it has to hear from head office.

    `limit_cents` is what it has at most; head office fills it up while the box is on the line,
    by no more than `day_cents` a day.
    """

    on: bool = True
    limit_cents: Cents = 100_000_000
    day_cents: Cents = 500_000_000

    @property
    def limit(self) -> int:
        return self.limit_cents if self.on else WITHOUT_LIMIT

    @property
    def day(self) -> int:
        return self.day_cents if self.on else WITHOUT_LIMIT


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """What the merchant lays out for members while the line is cut; all zero is nothing.

    `per_member_cents` and `per_outage_cents` for each box and outage; what is known of a
    member's balance may be `snapshot_age_ms` old.
    """

    per_member_cents: Cents = 0
    per_outage_cents: Cents = 0
    snapshot_age_ms: Annotated[int, msgspec.Meta(ge=0, le=30 * 24 * HOUR_MS)] = 24 * HOUR_MS

    @property
    def on(self) -> bool:
        return min(self.per_member_cents, self.per_outage_cents) > 0


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """The merchant's limits."""

    mint: MintRight = MintRight()
    floor: Floor = Floor()
    alone_cents: Cents = 50_000
    """What one person may correct at head office without a second one."""


def rights(db: Reader) -> Rights:
    """Return the merchant's limits; the usual ones where none were set."""
    raw = db.value(
        "SELECT content FROM feed_document WHERE topic = :topic AND key = :key",
        topic=TOPIC,
        key=THE_ONE,
    )
    return Rights() if raw is None else msgspec.json.decode(raw, type=Rights)

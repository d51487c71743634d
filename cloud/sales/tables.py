"""Indexes by which head office asks about many stores at once; a store itself needs none."""

from __future__ import annotations

from core.journal import Part
from core.sqlite import Migration

PART = Part(
    name="sales",
    migrations=(
        Migration(
            "sales_office/1",
            (
                "CREATE INDEX topup_by_date ON topup (date, at)",
                "CREATE INDEX movement_by_date ON movement (date)",
                "CREATE INDEX movement_by_lot ON movement (lot)",
            ),
        ),
    ),
)

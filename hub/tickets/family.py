"""What a relative spent of an account, in all stores as far as this one was told.

The limit is a rule of the house and no money: a store counts its own bills to the fen, and
those of other stores as head office tells of them. Two stores that are cut off may let more
pass between them.
"""

from __future__ import annotations

from typing import Any

from core.journal import Part
from core.sqlite import Migration, Reader, Writer


def _take(tx: Writer, member: str, content: dict[str, Any] | None) -> None:
    """Keep what head office tells of a relative's bills in all stores, this one included."""
    tx.run("DELETE FROM family_spent_told WHERE member = :member", member=member)
    for month, places in (content or {}).get("months", {}).items():
        for place, amount in places.items():
            tx.run(
                "INSERT INTO family_spent_told (member, month, place, amount)"
                " VALUES (:member, :month, :place, :amount)",
                member=member,
                month=month,
                place=place,
                amount=amount,
            )


def family_spent(db: Reader, member: str, *, month: str) -> int:
    """Return how much (fen) a relative spent of the account in a month.

    Of a place whose bills are here they count, of others what was told.
    """
    amount: int = db.value(
        """SELECT COALESCE((SELECT SUM(amount) FROM family_spent
                             WHERE member = :member AND month = :month), 0)
                + COALESCE((SELECT SUM(amount) FROM family_spent_told t
                             WHERE t.member = :member AND t.month = :month
                               AND NOT EXISTS (SELECT 1 FROM family_spent s
                                 WHERE s.member = t.member AND s.month = t.month
                                   AND s.place = t.place)), 0)""",
        member=member,
        month=month,
    )
    return amount


LOCAL = Part(
    name="family_told",
    migrations=(
        Migration(
            "family_told/1",
            (
                """CREATE TABLE family_spent_told (
                     member TEXT NOT NULL, month TEXT NOT NULL, place TEXT NOT NULL,
                     amount INTEGER NOT NULL, PRIMARY KEY (member, month, place)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    tables={"family_spent_told": ("member", "month", "place")},
    feeds={"family": _take},
)

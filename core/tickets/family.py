"""What relatives spent out of an account, by month: their limit is held against it.

The limit is a rule of the house and no money: each store counts its own bills to the fen, and
those of other stores as far as it was told. Two stores that are cut off may let more pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from core.journal import Add, Change, Event, place_of
from core.sqlite import Reader, Writer
from core.wallet import STORED_VALUE, Payment

TABLES = (
    """CREATE TABLE family_spent (
         member TEXT NOT NULL, month TEXT NOT NULL, place TEXT NOT NULL,
         amount INTEGER NOT NULL, PRIMARY KEY (member, month, place)
       ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE family_spent_told (
         member TEXT NOT NULL, month TEXT NOT NULL, place TEXT NOT NULL,
         amount INTEGER NOT NULL, PRIMARY KEY (member, month, place)
       ) STRICT, WITHOUT ROWID""",
)


def count_spent(
    event: Event, *, member: str, payments: Iterable[Payment], sign: int
) -> Iterator[Change]:
    """Count what a relative spent of another's stored value, in fen."""
    amount = sum(
        fen
        for payment in payments
        for asset, _lot, fen in payment.legs
        if asset in STORED_VALUE
    )
    if amount:
        key = {
            "member": member,
            "month": event.date[:7],
            "place": place_of(event.origin, event.epoch),
        }
        yield Add("family_spent", key, {"amount": sign * amount})


def family_spent(db: Reader, member: str, *, month: str) -> int:
    """Return how much (fen) a relative spent of the account in a month, as known here."""
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


def family_document(db: Reader, member: str) -> dict[str, Any]:
    """Return what a relative spent, by month and place, as the topic `family` tells it."""
    rows = db.all(
        "SELECT month, place, amount FROM family_spent WHERE member = :member"
        " ORDER BY month DESC, place",
        member=member,
    )
    months: dict[str, dict[str, int]] = {}
    for row in rows:
        months.setdefault(row["month"], {})[row["place"]] = row["amount"]
    return {"months": dict(list(months.items())[:2])}


def take_family(tx: Writer, member: str, content: dict[str, Any] | None) -> None:
    """Keep what head office tells of a relative's bills in all stores."""
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

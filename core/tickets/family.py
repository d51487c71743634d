"""What relatives spent out of an account, by month: their limit is held against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from core.journal import Add, Change, Event, place_of
from core.sqlite import Reader
from core.wallet import STORED_VALUE, Payment

TABLES = (
    """CREATE TABLE family_spent (
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
    """Return how much (fen) a relative spent of the account in a month, by the bills here."""
    amount: int = db.value(
        "SELECT COALESCE(SUM(amount), 0) FROM family_spent"
        " WHERE member = :member AND month = :month",
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

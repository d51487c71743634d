"""What the API says of a member's cards, and of those who share an account."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from core.journal import Act
from core.members import holder_of, member_of, relatives_of, written_on
from core.sqlite import Reader, Row
from hub.tickets import family_spent


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A medium. Nobody pays with one that is `lost`, or with one that is `replaced`.

    `says` is what the medium has to say when it is swiped: the number, and behind a slash its
    generation where the same number was given again.
    """

    number: str
    since_ms: int
    state: Literal["good", "lost", "replaced"]
    generation: int
    says: str


class Relative(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who pays from this account: up to so much a month (0 is no limit)."""

    member: str
    name: str
    limit_cents: int
    spent_cents: int


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Several people on one account. `holder` is whose account this member pays from."""

    holder: str | None
    holder_name: str | None
    limit_cents: int
    spent_cents: int
    relatives: list[Relative]


def card_facts(card: Row) -> dict[str, Any]:
    """Return what the API says of a card."""
    state = "replaced" if card["replaced_by"] else "lost" if card["blocked"] else "good"
    return {
        "number": card["number"],
        "since_ms": card["since"],
        "state": state,
        "generation": card["generation"],
        "says": written_on(card),
    }


def family_facts(db: Reader, act: Act, row: Row) -> dict[str, Any]:
    month = act.date[:7]
    holder = holder_of(db, row["id"])
    return {
        "holder": holder,
        "holder_name": member_of(db, holder)["name"] if holder else None,
        "limit_cents": row["family_limit"],
        "spent_cents": family_spent(db, row["id"], month=month),
        "relatives": [
            {
                "member": one["id"],
                "name": one["name"],
                "limit_cents": one["family_limit"],
                "spent_cents": family_spent(db, one["id"], month=month),
            }
            for one in relatives_of(db, row["id"])
        ],
    }

"""A member as one document, by which every store learns of everybody.

Head office makes it from its own row of the member, and each field says when it was written
last. A store merges it field by field, so that what somebody edited there a moment ago stands
until head office has heard of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from core.journal import Append, Put, apply
from core.sqlite import Reader, Row, Writer

MEMBER_FIELDS = (
    "number",
    "standing",
    "name",
    "name_terms",
    "phone",
    "gender",
    "birthday",
    "category",
    "note",
    "store",
    "since",
    "joined_on",
    "merged_into",
    "merge",
    "winners",
    "shares",
    "holder",
    "family_limit",
)
CARD_FIELDS = (
    "member",
    "generation",
    "active",
    "since",
    "blocked",
    "replaced_by",
    "least",
)


def member_document(db: Reader, member_id: str) -> dict[str, Any]:
    """Return a member as the feed's topic `member` tells it; the id must be known here.

    `fields` and `stamps` of the member and of each card that was ever theirs, and the rows of
    lists (`sources`) that they were taken from, so that no other store takes them in again.
    """
    row = db.one("SELECT * FROM member WHERE id = :id", id=member_id)
    assert row is not None, "only who is known is told of"
    cards = db.all("SELECT * FROM card WHERE member = :id ORDER BY number", id=member_id)
    sources = db.all(
        "SELECT source FROM imported WHERE subject = :id ORDER BY source", id=member_id
    )
    return {
        **_written(row, MEMBER_FIELDS),
        "cards": {card["number"]: _written(card, CARD_FIELDS) for card in cards},
        "sources": [one["source"] for one in sources],
    }


def take_member(tx: Writer, member_id: str, content: dict[str, Any] | None) -> None:
    """Merge a member's document into the tables, each field by its stamp.

    One that was withdrawn changes nothing: who is erased is named by an event of its own.
    """
    if content is None:
        return
    _merge(tx, "member", {"id": member_id}, content, MEMBER_FIELDS)
    for number, card in content.get("cards", {}).items():
        _merge(tx, "card", {"number": number}, card, CARD_FIELDS)
    for source in content.get("sources", ()):
        row = {"source": source, "subject": member_id}
        apply(tx, Append("imported", row, again=True))


def card_document(db: Reader, card: str) -> dict[str, Any]:
    """Return a card as the feed's topic `card` tells it; it must be known here.

    The member's document says the same. This one is small and travels ahead of all others, so
    that a lost card is refused before a list of ten thousand members has come down.
    """
    row = db.one("SELECT * FROM card WHERE number = :card", card=card)
    assert row is not None, "only what is known is told of"
    return _written(row, CARD_FIELDS)


def take_card(tx: Writer, card: str, content: dict[str, Any] | None) -> None:
    """Merge a card's document into the table, each field by its stamp."""
    if content is not None:
        _merge(tx, "card", {"number": card}, content, CARD_FIELDS)


def _written(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    stamps: dict[str, str] = msgspec.json.decode(row["stamps"])
    return {"fields": {name: row[name] for name in names if name in stamps}, "stamps": stamps}


def _merge(
    tx: Writer,
    table: str,
    key: dict[str, object],
    content: Mapping[str, Any],
    names: tuple[str, ...],
) -> None:
    """Put each known field at its own stamp; a newer head office may tell of others too."""
    told, stamps = content.get("fields", {}), content.get("stamps", {})
    by_stamp: dict[str, dict[str, object]] = {}
    for name in names:
        if name in told and name in stamps:
            by_stamp.setdefault(stamps[name], {})[name] = told[name]
    for stamp, fields in by_stamp.items():
        apply(tx, Put(table, key, fields, stamp))

"""Who stands for whom after duplicates were merged. An id is never reused, and resolves."""

from __future__ import annotations

from core.errors import Refused
from core.sqlite import Reader, Row

CHAIN_MAX = 64
"""So many merges one behind the other; a longer chain is a fault, not a person."""

ALIASES = """
    WITH RECURSIVE alias(id) AS (
      SELECT :member UNION
      SELECT m.id FROM member m JOIN alias ON m.merged_into = alias.id AND alias.id <> ''
    )"""
"""Begins a query in which `alias` lists every id that `:member` stands for, itself included."""


def standing_for(db: Reader, member: str) -> str:
    """Return who stands for this id now: itself, or at the end of its merges."""
    found = member
    for _ in range(CHAIN_MAX):
        into = db.value("SELECT merged_into FROM member WHERE id = :id", id=found)
        if not into:
            return found
        found = into
    raise Refused("no_member")


def aliases_of(db: Reader, member: str) -> list[str]:
    """Return every id that this member stands for, their own first."""
    rows = db.all(f"{ALIASES} SELECT id FROM alias", member=member)  # noqa: S608 - own text
    return [row["id"] for row in rows]


def person(db: Reader, member: str) -> Row:
    """Return the row of this very id, merged or not. Refused: no_member."""
    row = db.one("SELECT * FROM member WHERE id = :id", id=member)
    if row is None:
        raise Refused("no_member")
    return row

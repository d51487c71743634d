"""Queries on the history of a member's value."""

from __future__ import annotations

from core.members import ALIASES
from core.sqlite import Reader, Row


def movements(db: Reader, member: str, *, place: str, limit: int) -> list[Row]:
    """Return what moved in a member's wallet at a place, newest first. Drain history first."""
    return db.all(
        f"""{ALIASES} SELECT v.*, w.name AS staff_name FROM movement v
             LEFT JOIN staff w ON w.id = v.actor
            WHERE v.member IN (SELECT id FROM alias) AND v.place = :place
            ORDER BY v.at DESC, v.origin, v.epoch DESC, v.seq DESC, v.leg LIMIT :limit""",  # noqa: S608
        member=member,
        place=place,
        limit=limit,
    )


def topups_of_member(db: Reader, member: str, *, limit: int) -> list[Row]:
    """Return a member's top-ups, newest first. Drain history first."""
    return db.all(
        "SELECT * FROM topup WHERE member = :member ORDER BY at DESC, id DESC LIMIT :limit",
        member=member,
        limit=limit,
    )

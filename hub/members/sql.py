"""Members' queries."""

from __future__ import annotations

from collections.abc import Sequence

from core.members import ALIASES
from core.sqlite import Reader, Row


def birthdays(db: Reader, days: Sequence[str]) -> list[Row]:
    """Return who has a birthday on one of these days (MM-DD), in the order of the days."""
    listed = [
        row
        for day in days
        for row in db.all(
            "SELECT * FROM member WHERE birth_day = :day AND merged_into = '' ORDER BY name",
            day=day,
        )
    ]
    return listed


def page(
    db: Reader, *, category: str = "", standing: str = "", after: str = "", limit: int = 50
) -> list[Row]:
    """Return one page of members, newest first, filtered; `after` is the last id seen."""
    return db.all(
        """SELECT * FROM member
            WHERE (:category = '' OR category = :category)
              AND (:standing = '' OR standing = :standing)
              AND (:after = '' OR id < :after) AND merged_into = ''
            ORDER BY id DESC LIMIT :limit""",
        category=category,
        standing=standing,
        after=after,
        limit=limit,
    )


def count(db: Reader, *, category: str = "", standing: str = "") -> int:
    total: int = db.value(
        """SELECT count(*) FROM member
            WHERE (:category = '' OR category = :category)
              AND (:standing = '' OR standing = :standing) AND merged_into = ''""",
        category=category,
        standing=standing,
    )
    return total


def changes(db: Reader, member_id: str, *, limit: int = 50) -> list[Row]:
    """Return who changed what of a member, newest first. Drain history first."""
    return db.all(
        f"""{ALIASES} SELECT c.*, s.name AS staff_name FROM member_change c
             LEFT JOIN staff s ON s.id = c.actor
            WHERE c.member IN (SELECT id FROM alias)
            ORDER BY c.at DESC, c.seq DESC LIMIT :limit""",  # noqa: S608
        member=member_id,
        limit=limit,
    )

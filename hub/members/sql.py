"""Members' queries."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.sqlite import Reader, Row

FOUND_MAX = 20
_FTS_WORD = re.compile(r"[\w+]+")


def search(db: Reader, typed: str, *, limit: int = FOUND_MAX) -> list[Row]:
    """Return members found by what was typed: phone, card, number, name, pinyin, initials.

    Exact hits (number, phone, card) stand first. Answers among a million while typing.
    """
    words = _FTS_WORD.findall(typed.lower())
    if not words:
        return []
    exact = _exact(db, "".join(typed.split()))
    match = " ".join(f'"{word}"*' for word in words)
    rows = db.all(
        """SELECT m.* FROM member_search f
             JOIN member_row r ON r.row = f.rowid
             JOIN member m ON m.id = r.member
            WHERE member_search MATCH :match LIMIT :limit""",
        match=match,
        limit=limit,
    )
    known = {row["id"] for row in exact}
    return [*exact, *(row for row in rows if row["id"] not in known)][:limit]


def _exact(db: Reader, typed: str) -> list[Row]:
    return db.all(
        """SELECT * FROM member WHERE id IN (
             SELECT id FROM member WHERE number = :upper
             UNION SELECT id FROM member WHERE phone = :typed
             UNION SELECT member FROM card WHERE number = :upper AND active = 1)""",
        typed=typed,
        upper=typed.upper(),
    )


def birthdays(db: Reader, days: Sequence[str]) -> list[Row]:
    """Return who has a birthday on one of these days (MM-DD), in the order of the days."""
    listed = [
        row
        for day in days
        for row in db.all("SELECT * FROM member WHERE birth_day = :day ORDER BY name", day=day)
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
              AND (:after = '' OR id < :after)
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
              AND (:standing = '' OR standing = :standing)""",
        category=category,
        standing=standing,
    )
    return total


def changes(db: Reader, member_id: str, *, limit: int = 50) -> list[Row]:
    """Return who changed what of a member, newest first. Drain history first."""
    return db.all(
        """SELECT c.*, s.name AS staff_name FROM member_change c
             LEFT JOIN staff s ON s.id = c.actor
            WHERE c.member = :member ORDER BY c.at DESC, c.seq DESC LIMIT :limit""",
        member=member_id,
        limit=limit,
    )

"""Members by what names them exactly."""

from __future__ import annotations

from core.members.aliases import ALIASES, person, standing_for
from core.members.tables import PROFILE
from core.sqlite import Reader, Row


def member_of(db: Reader, member_id: str) -> Row:
    """Return a member: of a merged duplicate, who stands for it. Refused: no_member."""
    return person(db, standing_for(db, member_id))


def profile_of(row: Row) -> dict[str, str]:
    """Return the personal fields of a member's row."""
    return {name: row[name] for name in PROFILE}


def by_phone(db: Reader, phone: str) -> Row | None:
    """Return who has a phone; a merged duplicate only where nobody else has it."""
    return db.one(
        "SELECT * FROM member WHERE phone = :phone ORDER BY merged_into <> '', since LIMIT 1",
        phone=phone,
    )


def by_number(db: Reader, number: str) -> Row | None:
    return db.one("SELECT * FROM member WHERE number = :number", number=number)


def cards_of(db: Reader, member_id: str) -> list[Row]:
    """Return the media that stand for a member, lost ones included."""
    return db.all(
        f"""{ALIASES} SELECT * FROM card
            WHERE member IN (SELECT id FROM alias) AND active = 1 ORDER BY number""",  # noqa: S608
        member=member_id,
    )

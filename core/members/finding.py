"""Members by what names them exactly."""

from __future__ import annotations

from core.errors import Refused
from core.members.tables import PROFILE
from core.sqlite import Reader, Row


def member_of(db: Reader, member_id: str) -> Row:
    """Return a member. Refused: no_member."""
    row = db.one("SELECT * FROM member WHERE id = :id", id=member_id)
    if row is None:
        raise Refused("no_member")
    return row


def profile_of(row: Row) -> dict[str, str]:
    """Return the personal fields of a member's row."""
    return {name: row[name] for name in PROFILE}


def by_phone(db: Reader, phone: str) -> Row | None:
    return db.one("SELECT * FROM member WHERE phone = :phone LIMIT 1", phone=phone)


def by_number(db: Reader, number: str) -> Row | None:
    return db.one("SELECT * FROM member WHERE number = :number", number=number)


def active_card(db: Reader, number: str) -> Row:
    """Return an active card. Refused: card_unknown."""
    row = db.one("SELECT * FROM card WHERE number = :card AND active = 1", card=number)
    if row is None:
        raise Refused("card_unknown", card=number)
    return row


def cards_of(db: Reader, member_id: str) -> list[Row]:
    return db.all(
        "SELECT * FROM card WHERE member = :member AND active = 1 ORDER BY number",
        member=member_id,
    )

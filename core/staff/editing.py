"""What must be true before somebody is taken on, changed or let go; and what they become.

Nobody hands out more than they have themselves, or a manager could make an owner: `by` is the
role of whoever edits. What is returned is published by the side that edits.
"""

from __future__ import annotations

import msgspec

from core.crypto import card_hash
from core.errors import Refused
from core.sqlite import Reader, Row
from core.staff.permissions import Grants
from core.staff.tables import Staff, StaffDocument, grants_of, staff

OWNER = "owner"
ROLE_ORDER = ("owner", "manager", "cashier", "technician", "auditor", "device")


def everybody(db: Reader) -> list[Row]:
    """Return every employee, those who left last, with how many cards open their session."""
    return db.all(
        """SELECT s.*, (SELECT count(*) FROM staff_card c WHERE c.staff = s.id) AS cards
             FROM staff s ORDER BY s.active DESC, s.number"""
    )


def employee(db: Reader, staff_id: str) -> Staff:
    """Return an employee, also one who left. Refused: no_staff."""
    known = staff(db, staff_id)
    if known is None:
        raise Refused("no_staff")
    return known


def check_new_staff(db: Reader, by: str, *, staff_id: str, content: StaffDocument) -> None:
    """Let somebody be taken on. Refused: role_above, staff_number_taken."""
    require_role_within(db, by, content.role)
    _require_number(db, content.number, staff_id)


def changed_staff(
    db: Reader, by: str, *, staff_id: str, number: str, name: str, role: str
) -> StaffDocument:
    """Return somebody with another number, name or role; PIN and cards stay.

    Refused: no_staff, staff_number_taken, role_above, last_owner.
    """
    known = employee(db, staff_id)
    require_role_within(db, by, known.role, role)
    _require_number(db, number, staff_id)
    if known.role == OWNER and role != OWNER:
        _require_other_owner(db, staff_id)
    document = staff_document(db, known)
    return msgspec.structs.replace(document, number=number, name=name, role=role)


def activated_staff(db: Reader, by: str, *, staff_id: str, active: bool) -> StaffDocument:
    """Return somebody who left, or came back.

    Refused: no_staff, role_above, last_owner, staff_number_taken.
    """
    known = employee(db, staff_id)
    require_role_within(db, by, known.role)
    if not active and known.role == OWNER:
        _require_other_owner(db, staff_id)
    if active:
        _require_number(db, known.number, staff_id)
    return msgspec.structs.replace(staff_document(db, known), active=active)


def staff_with_pin(db: Reader, by: str, *, staff_id: str, pin_hash: str) -> StaffDocument:
    """Return somebody with another PIN. Refused: no_staff, role_above."""
    known = employee(db, staff_id)
    require_role_within(db, by, known.role)
    return msgspec.structs.replace(staff_document(db, known), pin_hash=pin_hash)


def staff_with_card(
    db: Reader, by: str, *, staff_id: str, card: str, key: bytes
) -> StaffDocument:
    """Return somebody whose session one more card opens.

    Refused: no_staff, role_above, staff_card_malformed, staff_card_taken.
    """
    known = employee(db, staff_id)
    require_role_within(db, by, known.role)
    try:
        hashed = card_hash(card, key=key)
    except ValueError as error:
        raise Refused("staff_card_malformed") from error
    holder = db.value("SELECT staff FROM staff_card WHERE card_hash = :hash", hash=hashed)
    if holder is not None and holder != staff_id:
        raise Refused("staff_card_taken", name=employee(db, holder).name)
    document = staff_document(db, known)
    cards = tuple(dict.fromkeys((*document.card_hashes, hashed)))
    return msgspec.structs.replace(document, card_hashes=cards)


def staff_without_cards(db: Reader, by: str, *, staff_id: str) -> StaffDocument:
    """Return somebody whose session no card opens. Refused: no_staff, role_above."""
    known = employee(db, staff_id)
    require_role_within(db, by, known.role)
    return msgspec.structs.replace(staff_document(db, known), card_hashes=())


def staff_document(db: Reader, known: Staff) -> StaffDocument:
    """Return an employee's document from the tables."""
    cards = db.all(
        "SELECT card_hash FROM staff_card WHERE staff = :id ORDER BY card_hash", id=known.id
    )
    return StaffDocument(
        number=known.number,
        name=known.name,
        role=known.role,
        pin_hash=known.pin_hash,
        card_hashes=tuple(row["card_hash"] for row in cards),
        active=known.active,
    )


def roles_within(db: Reader, role: str) -> list[str]:
    """Return the roles that somebody of this role may give: none with more or higher limits."""
    mine = grants_of(db, role)
    return [one for one in ROLE_ORDER if _covers(mine, grants_of(db, one))]


def require_role_within(db: Reader, by: str, *roles: str) -> None:
    """Refused: role_above, where one of the roles has more than `by` has."""
    allowed = roles_within(db, by) if by else []
    if any(role not in allowed for role in roles):
        raise Refused("role_above")


def _covers(mine: Grants, theirs: Grants) -> bool:
    return all(name in mine and _reaches(mine[name], limit) for name, limit in theirs.items())


def _reaches(mine: int | None, theirs: int | None) -> bool:
    return mine is None or (theirs is not None and theirs <= mine)


def _require_number(db: Reader, number: str, staff_id: str) -> None:
    holder = db.one(
        "SELECT name FROM staff WHERE number = :number AND active = 1 AND id <> :id",
        number=number,
        id=staff_id,
    )
    if holder is not None:
        raise Refused("staff_number_taken", number=number, name=holder["name"])


def _require_other_owner(db: Reader, staff_id: str) -> None:
    other = db.one(
        "SELECT 1 FROM staff WHERE role = 'owner' AND active = 1 AND id <> :id", id=staff_id
    )
    if other is None:
        raise Refused("last_owner")

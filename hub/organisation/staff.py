"""Who works here: taken on, given a role, a card and a PIN, let go.

Nobody hands out more than they have themselves, or a manager could make an owner.
"""

from __future__ import annotations

import msgspec

from core.crypto import card_hash
from core.errors import Refused
from core.feed import publish
from core.journal import Act
from core.sqlite import Reader, Row, Writer
from core.staff import Grants, Staff, StaffDocument, grants_of, staff
from hub.access import set_pin

OWNER = "owner"
ROLE_ORDER = ("owner", "manager", "cashier", "technician", "auditor", "device")


def listed(db: Reader) -> list[Row]:
    """Return everybody, those who left last, with how many cards open their session."""
    return db.all(
        """SELECT s.*, (SELECT count(*) FROM staff_card c WHERE c.staff = s.id) AS cards
             FROM staff s ORDER BY s.active DESC, s.number"""
    )


def find(db: Reader, staff_id: str) -> Staff:
    """Return an employee. Refused: no_staff."""
    known = staff(db, staff_id)
    if known is None:
        raise Refused("no_staff")
    return known


def take_on(tx: Writer, act: Act, *, staff_id: str, content: StaffDocument) -> None:
    """Add an employee, who gets in once there is a PIN.

    Sent a second time, it changes who is there. Refused: what `change` refuses.
    """
    if staff(tx, staff_id) is not None:
        change(
            tx,
            act,
            staff_id=staff_id,
            number=content.number,
            name=content.name,
            role=content.role,
        )
        return
    _require_within(tx, act, content.role)
    _require_number(tx, content.number, staff_id)
    _publish(tx, act, staff_id, content)


def change(tx: Writer, act: Act, *, staff_id: str, number: str, name: str, role: str) -> None:
    """Change number, name or role; PIN and cards stay.

    Refused: no_staff, staff_number_taken, role_above, last_owner.
    """
    known = find(tx, staff_id)
    _require_within(tx, act, known.role, role)
    _require_number(tx, number, staff_id)
    if known.role == OWNER and role != OWNER:
        _require_other_owner(tx, staff_id)
    document = _document(tx, known)
    _publish(
        tx,
        act,
        staff_id,
        msgspec.structs.replace(document, number=number, name=name, role=role),
    )


def set_active(tx: Writer, act: Act, *, staff_id: str, active: bool) -> None:
    """Let somebody go, or take them back; sessions end at once.

    Refused: no_staff, role_above, staff_self, last_owner, staff_number_taken.
    """
    known = find(tx, staff_id)
    _require_within(tx, act, known.role)
    if not active and staff_id == act.actor:
        raise Refused("staff_self")
    if not active and known.role == OWNER:
        _require_other_owner(tx, staff_id)
    if active:
        _require_number(tx, known.number, staff_id)
    document = msgspec.structs.replace(_document(tx, known), active=active)
    _publish(tx, act, staff_id, document)
    tx.run("DELETE FROM session WHERE staff = :id", id=staff_id)


def renew_pin(tx: Writer, act: Act, *, staff_id: str, pin: str, pepper: bytes) -> None:
    """Give somebody a new PIN and end their sessions. Refused: no_staff, role_above."""
    _require_within(tx, act, find(tx, staff_id).role)
    set_pin(tx, act, staff_id=staff_id, pin=pin, pepper=pepper)


def give_card(tx: Writer, act: Act, *, staff_id: str, card: str, key: bytes) -> None:
    """Let a card open somebody's session.

    Refused: no_staff, role_above, staff_card_malformed, staff_card_taken.
    """
    known = find(tx, staff_id)
    _require_within(tx, act, known.role)
    try:
        hashed = card_hash(card, key=key)
    except ValueError as error:
        raise Refused("staff_card_malformed") from error
    holder = tx.value("SELECT staff FROM staff_card WHERE card_hash = :hash", hash=hashed)
    if holder is not None and holder != staff_id:
        raise Refused("staff_card_taken", name=find(tx, holder).name)
    document = _document(tx, known)
    cards = tuple(dict.fromkeys((*document.card_hashes, hashed)))
    _publish(tx, act, staff_id, msgspec.structs.replace(document, card_hashes=cards))


def take_cards(tx: Writer, act: Act, *, staff_id: str) -> None:
    """Let no card open somebody's session any more. Refused: no_staff, role_above."""
    known = find(tx, staff_id)
    _require_within(tx, act, known.role)
    document = msgspec.structs.replace(_document(tx, known), card_hashes=())
    _publish(tx, act, staff_id, document)


def roles_within(db: Reader, role: str) -> list[str]:
    """Return the roles that somebody of this role may give: none with more or higher limits."""
    mine = grants_of(db, role)
    return [one for one in ROLE_ORDER if _covers(mine, grants_of(db, one))]


def _covers(mine: Grants, theirs: Grants) -> bool:
    return all(name in mine and _reaches(mine[name], limit) for name, limit in theirs.items())


def _reaches(mine: int | None, theirs: int | None) -> bool:
    return mine is None or (theirs is not None and theirs <= mine)


def _require_within(db: Reader, act: Act, *roles: str) -> None:
    actor = staff(db, act.actor) if act.actor else None
    allowed = roles_within(db, actor.role) if actor else []
    if any(role not in allowed for role in roles):
        raise Refused("role_above")


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


def _document(db: Reader, known: Staff) -> StaffDocument:
    cards = db.all("SELECT card_hash FROM staff_card WHERE staff = :id", id=known.id)
    return StaffDocument(
        number=known.number,
        name=known.name,
        role=known.role,
        pin_hash=known.pin_hash,
        card_hashes=tuple(row["card_hash"] for row in cards),
        active=known.active,
    )


def _publish(tx: Writer, act: Act, staff_id: str, content: StaffDocument) -> None:
    publish(tx, act, topic="staff", key=staff_id, content=msgspec.to_builtins(content))

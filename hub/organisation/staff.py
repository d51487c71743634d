"""Who works here: taken on, given a role, a card and a PIN, let go; the rules are core's."""

from __future__ import annotations

import msgspec

from core.errors import Refused
from core.feed import publish
from core.journal import Act
from core.members import card_row
from core.sqlite import Reader, Writer
from core.staff import (
    StaffDocument,
    activated_staff,
    changed_staff,
    check_new_staff,
    employee,
    require_role_within,
    staff,
    staff_with_card,
    staff_without_cards,
)
from hub.access import set_pin


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
    check_new_staff(tx, _role(tx, act), staff_id=staff_id, content=content)
    _publish(tx, act, staff_id, content)


def change(tx: Writer, act: Act, *, staff_id: str, number: str, name: str, role: str) -> None:
    """Change number, name or role; PIN and cards stay.

    Refused: no_staff, staff_number_taken, role_above, last_owner.
    """
    by = _role(tx, act)
    _publish(
        tx,
        act,
        staff_id,
        changed_staff(tx, by, staff_id=staff_id, number=number, name=name, role=role),
    )


def set_active(tx: Writer, act: Act, *, staff_id: str, active: bool) -> None:
    """Let somebody go, or take them back; sessions end at once.

    Refused: no_staff, role_above, staff_self, last_owner, staff_number_taken.
    """
    if not active and staff_id == act.actor:
        raise Refused("staff_self")
    document = activated_staff(tx, _role(tx, act), staff_id=staff_id, active=active)
    _publish(tx, act, staff_id, document)
    tx.run("DELETE FROM session WHERE staff = :id", id=staff_id)


def renew_pin(tx: Writer, act: Act, *, staff_id: str, pin: str, pepper: bytes) -> None:
    """Give somebody a new PIN and end their sessions. Refused: no_staff, role_above."""
    require_role_within(tx, _role(tx, act), employee(tx, staff_id).role)
    set_pin(tx, act, staff_id=staff_id, pin=pin, pepper=pepper)


def give_card(tx: Writer, act: Act, *, staff_id: str, card: str, key: bytes) -> None:
    """Let a card open somebody's session.

    Refused: no_staff, role_above, staff_card_malformed, staff_card_taken, card_of_member.
    """
    issued = card_row(tx, "".join(card.split()).upper())
    if issued is not None and issued["active"]:
        raise Refused("card_of_member")
    document = staff_with_card(tx, _role(tx, act), staff_id=staff_id, card=card, key=key)
    _publish(tx, act, staff_id, document)


def take_cards(tx: Writer, act: Act, *, staff_id: str) -> None:
    """Let no card open somebody's session any more. Refused: no_staff, role_above."""
    _publish(tx, act, staff_id, staff_without_cards(tx, _role(tx, act), staff_id=staff_id))


def _role(db: Reader, act: Act) -> str:
    actor = staff(db, act.actor) if act.actor else None
    return actor.role if actor else ""


def _publish(tx: Writer, act: Act, staff_id: str, content: StaffDocument) -> None:
    publish(tx, act, topic="staff", key=staff_id, content=msgspec.to_builtins(content))

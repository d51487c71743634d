"""Taking on, changing and letting go, for all stores at once; the rules are core's.

`by` is the role of whoever edits: accounts of head office are nobody's staff.
"""

from __future__ import annotations

import msgspec

from core.feed import publish
from core.journal import Act
from core.sqlite import Writer
from core.staff import (
    StaffDocument,
    activated_staff,
    changed_staff,
    check_new_staff,
    staff,
    staff_with_pin,
)


def take_on(tx: Writer, act: Act, by: str, *, staff_id: str, content: StaffDocument) -> None:
    """Add an employee with a PIN. Sent a second time, it changes who is there, PIN included.

    Refused: what `change` refuses.
    """
    if staff(tx, staff_id) is not None:
        known = changed_staff(
            tx,
            by,
            staff_id=staff_id,
            number=content.number,
            name=content.name,
            role=content.role,
        )
        content = msgspec.structs.replace(known, pin_hash=content.pin_hash)
    else:
        check_new_staff(tx, by, staff_id=staff_id, content=content)
    _publish(tx, act, staff_id, content)


def change(  # noqa: PLR0913 - the hands of every verb, and what a person is
    tx: Writer, act: Act, by: str, *, staff_id: str, number: str, name: str, role: str
) -> None:
    """Change number, name or role; PIN and cards stay.

    Refused: no_staff, staff_number_taken, role_above, last_owner.
    """
    content = changed_staff(tx, by, staff_id=staff_id, number=number, name=name, role=role)
    _publish(tx, act, staff_id, content)


def set_active(tx: Writer, act: Act, by: str, *, staff_id: str, active: bool) -> None:
    """Let somebody go, or take them back.

    Refused: no_staff, role_above, last_owner, staff_number_taken.
    """
    content = activated_staff(tx, by, staff_id=staff_id, active=active)
    _publish(tx, act, staff_id, content)


def renew_pin(tx: Writer, act: Act, by: str, *, staff_id: str, pin_hash: str) -> None:
    """Give somebody a new PIN. Refused: no_staff, role_above."""
    _publish(tx, act, staff_id, staff_with_pin(tx, by, staff_id=staff_id, pin_hash=pin_hash))


def _publish(tx: Writer, act: Act, staff_id: str, content: StaffDocument) -> None:
    publish(tx, act, topic="staff", key=staff_id, content=msgspec.to_builtins(content))

"""Staff as they come down the feed, and the one check of what each may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from core.errors import N_, Refusal, Refused
from core.journal import Part
from core.sqlite import Migration, Reader, Row, Writer
from core.staff.events import (
    DevicePaired,
    DeviceUnpaired,
    LoggedIn,
    LoggedOut,
    PinFailed,
    TokenMade,
    TokenRevoked,
)
from core.staff.permissions import PERMISSIONS, ROLES, Grants


class StaffDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One employee in the feed. A PIN and cards are carried as hashes only."""

    number: str
    name: str
    role: str
    pin_hash: str = ""
    card_hashes: tuple[str, ...] = ()
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """One employee."""

    id: str
    number: str
    name: str
    role: str
    pin_hash: str
    active: bool


def staff(db: Reader, staff_id: str) -> Staff | None:
    """Return one employee, also one who has left."""
    row = db.one("SELECT * FROM staff WHERE id = :id", id=staff_id)
    return None if row is None else _staff(row)


def active_staff(db: Reader) -> list[Staff]:
    """Return who may log in, in the order of their numbers."""
    rows = db.all("SELECT * FROM staff WHERE active = 1 ORDER BY number")
    return [_staff(row) for row in rows]


def grants_of(db: Reader, role: str) -> Grants:
    """Return what a role may do: head office's own word, else the table in the code."""
    raw = db.value(
        "SELECT content FROM feed_document WHERE topic = 'role' AND key = :r", r=role
    )
    if raw is None:
        return ROLES.get(role, {})
    granted: Grants = msgspec.json.decode(raw)["grants"]
    return granted


def require(db: Reader, staff_id: str | None, permission: str, *, amount: int = 0) -> Staff:
    """Return the employee if they may do this, up to `amount` (fen).

    Refused: not_logged_in, not_allowed, over_limit. Anything not granted is refused.
    """
    known = None if staff_id is None else staff(db, staff_id)
    if known is None or not known.active:
        raise Refused("not_logged_in")
    grants = grants_of(db, known.role)
    if permission not in grants:
        raise Refused("not_allowed", action=PERMISSIONS[permission])
    limit = grants[permission]
    if limit is not None and amount > limit:
        raise Refused("over_limit", action=PERMISSIONS[permission], limit_cents=limit)
    return known


def _staff(row: Row) -> Staff:
    return Staff(
        id=row["id"],
        number=row["number"],
        name=row["name"],
        role=row["role"],
        pin_hash=row["pin_hash"],
        active=bool(row["active"]),
    )


def _take_staff(tx: Writer, key: str, content: dict[str, Any] | None) -> None:
    tx.run("DELETE FROM staff_card WHERE staff = :id", id=key)
    if content is None:
        tx.run("UPDATE staff SET active = 0 WHERE id = :id", id=key)
        return
    known = msgspec.convert(content, StaffDocument)
    tx.run(
        """INSERT INTO staff (id, number, name, role, pin_hash, active)
           VALUES (:id, :number, :name, :role, :pin_hash, :active)
           ON CONFLICT (id) DO UPDATE SET number = excluded.number, name = excluded.name,
             role = excluded.role, pin_hash = excluded.pin_hash, active = excluded.active""",
        id=key,
        number=known.number,
        name=known.name,
        role=known.role,
        pin_hash=known.pin_hash,
        active=int(known.active),
    )
    for card_hash in known.card_hashes:
        tx.run(
            "INSERT INTO staff_card (card_hash, staff) VALUES (:card_hash, :staff)"
            " ON CONFLICT (card_hash) DO UPDATE SET staff = excluded.staff",
            card_hash=card_hash,
            staff=key,
        )


def _nothing(_entry: object) -> tuple[()]:
    return ()


PART = Part(
    name="staff",
    migrations=(
        Migration(
            "staff/1",
            (
                """CREATE TABLE staff (
                     id TEXT PRIMARY KEY,
                     number TEXT NOT NULL,
                     name TEXT NOT NULL,
                     role TEXT NOT NULL,
                     pin_hash TEXT NOT NULL,
                     active INTEGER NOT NULL CHECK (active IN (0, 1))
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX staff_by_number ON staff (number)",
                """CREATE TABLE staff_card (
                     card_hash TEXT PRIMARY KEY,
                     staff TEXT NOT NULL REFERENCES staff (id)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    now=dict.fromkeys(
        (
            DevicePaired,
            DeviceUnpaired,
            LoggedIn,
            LoggedOut,
            PinFailed,
            TokenMade,
            TokenRevoked,
        ),
        _nothing,
    ),
    feeds={"staff": _take_staff},
    refusals={
        "not_logged_in": Refusal(401, N_("请先登录")),
        "no_staff": Refusal(404, N_("没有这位员工")),
        "staff_number_taken": Refusal(409, N_("工号 %(number)s 是“%(name)s”的")),
        "staff_card_taken": Refusal(409, N_("这张卡已经是“%(name)s”的")),
        "staff_card_malformed": Refusal(422, N_("这张卡读不出来，请重刷")),
        "role_above": Refusal(403, N_("不能给出或更改比自己大的权限，请找店主")),
        "last_owner": Refusal(409, N_("至少要有一位在职的店主")),
        "not_allowed": Refusal(403, N_("没有“%(action)s”的权限，请找店长")),
        "over_limit": Refusal(403, N_("“%(action)s”超出你的限额 ¥%(limit)s，请找店长")),
    },
)

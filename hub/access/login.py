"""Who is at the device: PIN or card, sessions that lock, and guesses that run out.

A PIN has six digits, so it is worth something only together with a paired device; tries are
counted per device and person, so a guest cannot lock anybody out elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import HOUR_MS, MINUTE_MS
from core.crypto import card_hash, dummy_verify, hash_pin, verify_pin
from core.errors import Refused
from core.feed import publish
from core.journal import Act
from core.organisation import settings
from core.sqlite import Door, Reader, Row, Writer
from core.staff import LoggedIn, LoggedOut, PinFailed, Staff, TokenMade, TokenRevoked, staff
from hub.access.pairing import TOKEN_BYTES, prove, token_hash
from hub.access.seats import leave_seat, take_seat

SESSION_MS = 12 * HOUR_MS
FREE_TRIES = 3
TRIES_A_DAY = 10
LONG_WAIT_AFTER = 5
LONG_WAIT_MS = 5 * MINUTE_MS
SEEN_EVERY_MS = 10_000
IDLE_GRACE_MS = 30_000
"""The browser locks first; the hub does it for a browser that did not."""
CARD_ROLES = ("cashier", "technician")
"""Whom a card alone lets in; the others add their PIN."""
ANY_CARD = "card"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session that began, and the device that its person worked at until now."""

    token: str
    came_from: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody at work on a device."""

    staff: Staff
    device: Row
    locked: bool
    seen_at: int


def check_pin(
    door: Door, act: Act, *, device: Row, number: str, pin: str, pepper: bytes
) -> str:
    """Return the id of the employee whose number and PIN these are.

    Hashing takes a tenth of a second on a Pi, so it happens outside the writer's transaction;
    the try is counted before it, so that tries in parallel do not slip by.
    Refused: login_failed, login_waits, login_locked.
    """
    with door.read() as db:
        row = db.one(
            "SELECT id, pin_hash FROM staff WHERE number = :n AND active = 1", n=number
        )
    named = row["id"] if row else ""
    tries = door.write(lambda tx: _count_try(tx, act, device=device["id"], staff=named))
    if row is None or not row["pin_hash"]:
        dummy_verify(pepper=pepper)
        right = False
    else:
        right = verify_pin(pin, row["pin_hash"], pepper=pepper)
    if not right:
        door.write(lambda tx: act.append(tx, PinFailed(staff=named or None, tries=tries)))
        raise Refused("login_failed")
    door.write(lambda tx: _forget_tries(tx, device=device["id"], staff=named))
    return named


def check_card(door: Door, act: Act, *, device: Row, number: str, key: bytes) -> str:
    """Return the id of the employee whose card this is.

    A card's number can be copied or guessed, so tries count as a PIN's do, and a card alone
    lets nobody in who may do more than sell. Refused: login_failed, login_waits,
    login_locked, card_needs_pin.
    """
    tries = door.write(lambda tx: _count_try(tx, act, device=device["id"], staff=ANY_CARD))
    with door.read() as db:
        row = _card_owner(db, number, key)
    if row is None:
        door.write(lambda tx: act.append(tx, PinFailed(staff=None, tries=tries)))
        raise Refused("login_failed")
    door.write(lambda tx: _forget_tries(tx, device=device["id"], staff=ANY_CARD))
    if row["role"] not in CARD_ROLES:
        raise Refused("card_needs_pin", name=row["name"], number=row["number"])
    staff_id: str = row["id"]
    return staff_id


def _card_owner(db: Reader, number: str, key: bytes) -> Row | None:
    try:
        hashed = card_hash(number, key=key)
    except ValueError:
        return None
    return db.one(
        """SELECT s.* FROM staff_card c JOIN staff s ON s.id = c.staff
            WHERE c.card_hash = :hash AND s.active = 1""",
        hash=hashed,
    )


def open_session(
    tx: Writer, act: Act, *, device: Row, staff_id: str, signature: str, by: str
) -> Opened:
    """Begin a session on a device that proves itself.

    One session a person: the last one wins. Refused: device_unproven.
    """
    prove(tx, act, device=device, signature=signature)
    token = act.journal.ids.randomness(TOKEN_BYTES).hex()
    tx.run(
        "DELETE FROM session WHERE staff = :staff OR device = :device",
        staff=staff_id,
        device=device["id"],
    )
    tx.run(
        """INSERT INTO session (token_hash, device, staff, opened_at, seen_at, locked)
           VALUES (:hash, :device, :staff, :at, :at, 0)""",
        hash=token_hash(token),
        device=device["id"],
        staff=staff_id,
        at=act.at,
    )
    act.append(tx, LoggedIn(staff=staff_id, by=by))
    came_from = take_seat(tx, act, staff_id=staff_id, device=device["id"])
    return Opened(token=token, came_from=came_from)


def find_session(db: Reader, token: str, device: Row, *, at: int) -> Session | None:
    """Return the session of a token on its own device, while it lasts.

    It is locked by hand, or when nothing was done for the shop's idle time.
    """
    row = db.one(
        "SELECT * FROM session WHERE token_hash = :hash AND device = :device",
        hash=token_hash(token),
        device=device["id"],
    )
    if row is None or at - row["opened_at"] > SESSION_MS:
        return None
    who = staff(db, row["staff"])
    if who is None or not who.active:
        return None
    idle_ms = settings(db).idle_lock_s * 1000 + IDLE_GRACE_MS
    locked = bool(row["locked"]) or at - row["seen_at"] > idle_ms
    return Session(staff=who, device=device, locked=locked, seen_at=row["seen_at"])


def note_seen(tx: Writer, *, token: str, at: int) -> None:
    """Remember that somebody is at work."""
    tx.run(
        "UPDATE session SET seen_at = :at WHERE token_hash = :hash",
        at=at,
        hash=token_hash(token),
    )


def lock(tx: Writer, *, token: str) -> None:
    """Leave the session behind a PIN; the bill stays as it is."""
    tx.run("UPDATE session SET locked = 1 WHERE token_hash = :hash", hash=token_hash(token))


def close_session(tx: Writer, act: Act, *, token: str) -> None:
    row = tx.one(
        "DELETE FROM session WHERE token_hash = :hash RETURNING staff", hash=token_hash(token)
    )
    if row is not None:
        leave_seat(tx, staff_id=row["staff"])
        act.append(tx, LoggedOut(staff=row["staff"]))


def set_pin(tx: Writer, act: Act, *, staff_id: str, pin: str, pepper: bytes) -> None:
    """Give an employee a new PIN and end their sessions. Refused: no_staff."""
    who = staff(tx, staff_id)
    if who is None:
        raise Refused("no_staff")
    cards = [
        row["card_hash"]
        for row in tx.all("SELECT card_hash FROM staff_card WHERE staff = :id", id=staff_id)
    ]
    publish(
        tx,
        act,
        topic="staff",
        key=staff_id,
        content={
            "number": who.number,
            "name": who.name,
            "role": who.role,
            "active": who.active,
            "pin_hash": hash_pin(pin, pepper=pepper),
            "card_hashes": cards,
        },
    )
    tx.run("DELETE FROM session WHERE staff = :id", id=staff_id)


def make_token(tx: Writer, act: Act, *, name: str, staff_id: str, till: str) -> str:
    """Return a token by which a program acts as an employee at a till. Refused: no_staff."""
    if staff(tx, staff_id) is None:
        raise Refused("no_staff")
    token = act.journal.ids.randomness(TOKEN_BYTES).hex()
    tx.run(
        """INSERT INTO api_token (token_hash, name, staff, till, made_at)
           VALUES (:hash, :name, :staff, :till, :at)""",
        hash=token_hash(token),
        name=name,
        staff=staff_id,
        till=till,
        at=act.at,
    )
    act.append(tx, TokenMade(name=name, staff=staff_id, till=till))
    return token


def tokens(db: Reader) -> list[Row]:
    """Return which programs may act, and as whom."""
    return db.all(
        """SELECT t.name, t.till, t.made_at, t.staff, s.name AS staff_name, s.number
             FROM api_token t JOIN staff s ON s.id = t.staff ORDER BY t.name, t.made_at"""
    )


def revoke_tokens(tx: Writer, act: Act, *, name: str) -> int:
    """Take back every token of a name; return how many. Refused: token_unknown."""
    gone = tx.all("DELETE FROM api_token WHERE name = :name RETURNING staff", name=name)
    if not gone:
        raise Refused("token_unknown")
    for row in gone:
        act.append(tx, TokenRevoked(name=name, staff=row["staff"]))
    return len(gone)


def find_token(db: Reader, token: str) -> Row | None:
    return db.one(
        """SELECT t.*, s.name AS staff_name, s.role FROM api_token t
             JOIN staff s ON s.id = t.staff AND s.active = 1
            WHERE t.token_hash = :hash""",
        hash=token_hash(token),
    )


def _count_try(tx: Writer, act: Act, *, device: str, staff: str) -> int:
    row = tx.one(
        "SELECT * FROM pin_try WHERE device = :device AND staff = :staff",
        device=device,
        staff=staff,
    )
    failed = row["failed"] if row is not None and row["date"] == act.date else 0
    if failed >= TRIES_A_DAY:
        raise Refused("login_locked")
    if row is not None and row["next_at"] > act.at:
        raise Refused("login_waits", seconds=-(-(row["next_at"] - act.at) // 1000))
    failed += 1
    tx.run(
        """INSERT INTO pin_try (device, staff, date, failed, next_at)
           VALUES (:device, :staff, :date, :failed, :next)
           ON CONFLICT (device, staff) DO UPDATE SET date = excluded.date,
             failed = excluded.failed, next_at = excluded.next_at""",
        device=device,
        staff=staff,
        date=act.date,
        failed=failed,
        next=act.at + _wait_after(failed),
    )
    return failed


def _wait_after(failed: int) -> int:
    if failed < FREE_TRIES:
        return 0
    return LONG_WAIT_MS if failed >= LONG_WAIT_AFTER else 1000 * 2**failed


def _forget_tries(tx: Writer, *, device: str, staff: str) -> None:
    tx.run(
        "DELETE FROM pin_try WHERE device = :device AND staff = :staff",
        device=device,
        staff=staff,
    )

"""Letting devices in: an invitation made by a manager, a key born in the browser.

A device's private key cannot leave the browser that made it. Each log-in signs a fresh nonce
with it, so a copied cookie opens nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.clock import MINUTE_MS
from core.crypto import make_code, normalise_code, parse_device_key, verify_device_signature
from core.errors import Refused
from core.journal import Act
from core.sqlite import Reader, Row, Writer
from core.staff import DevicePaired, DeviceUnpaired

CODE_CHARACTERS = 10
INVITE_MS = 15 * MINUTE_MS
NONCE_MS = 10 * MINUTE_MS
TOKEN_BYTES = 32
NAME_CHARACTERS_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A device that was let in, with the cookie that only it is told."""

    device: str
    cookie: str


def token_hash(token: str) -> str:
    """Return what is kept of a secret: a thief of the database holds no session."""
    return hashlib.sha256(token.encode()).hexdigest()


def invite(tx: Writer, act: Act, *, till: str) -> str:
    """Return a code that lets one device in, once, within 15 minutes."""
    code = make_code(CODE_CHARACTERS, act.journal.ids.randomness)
    tx.run("DELETE FROM invite WHERE ends_at < :now", now=act.at)
    tx.run(
        "INSERT INTO invite (code_hash, till, ends_at) VALUES (:hash, :till, :ends)",
        hash=token_hash(code),
        till=till,
        ends=act.at + INVITE_MS,
    )
    return code


def pair(tx: Writer, act: Act, *, code: str, public_key: str, name: str) -> Paired:
    """Let a device in. Refused: code_wrong, device_key_malformed."""
    row = tx.one(
        "DELETE FROM invite WHERE code_hash = :hash AND ends_at >= :now RETURNING till",
        hash=token_hash(_normal(code)),
        now=act.at,
    )
    if row is None:
        raise Refused("code_wrong")
    try:
        parse_device_key(public_key)
    except ValueError as error:
        raise Refused("device_key_malformed") from error
    device = act.new_id()
    cookie = act.journal.ids.randomness(TOKEN_BYTES).hex()
    name = " ".join(name.split())[:NAME_CHARACTERS_MAX] or row["till"]
    tx.run(
        """INSERT INTO device (id, name, till, public_key, cookie_hash, paired_at, seen_at)
           VALUES (:id, :name, :till, :key, :hash, :at, :at)""",
        id=device,
        name=name,
        till=row["till"],
        key=public_key,
        hash=token_hash(cookie),
        at=act.at,
    )
    act.append(tx, DevicePaired(paired=device, name=name, till=row["till"]))
    return Paired(device=device, cookie=cookie)


def unpair(tx: Writer, act: Act, *, device: str) -> str:
    """Shut a device out, and whoever is logged in on it; return its till.

    Refused: device_unknown.
    """
    till = tx.value("DELETE FROM device WHERE id = :id RETURNING till", id=device)
    if till is None:
        raise Refused("device_unknown")
    act.append(tx, DeviceUnpaired(paired=device))
    return str(till)


def device_by_cookie(db: Reader, cookie: str) -> Row | None:
    return db.one("SELECT * FROM device WHERE cookie_hash = :hash", hash=token_hash(cookie))


def devices(db: Reader) -> list[Row]:
    """Return the devices that were let in, who is at each, and since when nothing was done."""
    return db.all(
        """SELECT d.id, d.name, d.till, s.name AS staff_name,
                  coalesce(n.seen_at, d.seen_at) AS seen_at
             FROM device d
             LEFT JOIN session n ON n.device = d.id
             LEFT JOIN staff s ON s.id = n.staff
            ORDER BY d.name, d.paired_at"""
    )


def fresh_nonce(tx: Writer, act: Act, *, device: str) -> str:
    """Return a number that the device must sign to log in; an older one stops counting."""
    nonce = act.journal.ids.randomness(TOKEN_BYTES).hex()
    tx.run(
        """INSERT INTO nonce (device, nonce, ends_at) VALUES (:device, :nonce, :ends)
           ON CONFLICT (device)
             DO UPDATE SET nonce = excluded.nonce, ends_at = excluded.ends_at""",
        device=device,
        nonce=nonce,
        ends=act.at + NONCE_MS,
    )
    return nonce


def prove(tx: Writer, act: Act, *, device: Row, signature: str) -> None:
    """Use up the device's nonce by its signature. Refused: device_unproven."""
    row = tx.one(
        "DELETE FROM nonce WHERE device = :device AND ends_at >= :now RETURNING nonce",
        device=device["id"],
        now=act.at,
    )
    message = f"{row['nonce'] if row else ''}.{act.journal.identity.origin}"
    if row is None or not verify_device_signature(
        public_key=device["public_key"], message=message, signature=signature
    ):
        raise Refused("device_unproven")


def _normal(code: str) -> str:
    try:
        return normalise_code(code)
    except ValueError as error:
        raise Refused("code_wrong") from error

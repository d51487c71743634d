"""The code by which head office says which hub it wants: short, soon over, good for once.

Ten characters of five bits. The first four say which code is meant and the last six are the
secret, so wrong tries can be counted against the code that they were meant for.
"""

from __future__ import annotations

import hashlib
import hmac

from cloud.platform.hubs import Hub, epochs_of
from cloud.platform.platform import Platform
from core.clock import DAY_MS, MINUTE_MS
from core.crypto import make_code, normalise_code
from core.errors import Refused
from core.organisation import stores
from core.sqlite import Reader, Row, Writer

CODE_CHARACTERS = 10
HANDLE_CHARACTERS = 4
CODE_LIFE_MS = 15 * MINUTE_MS
TRIES_MAX = 5
DRAWS_MAX = 20
FORGOTTEN_AFTER_MS = 7 * DAY_MS
JOIN, REPLACE = "join", "replace"


def new_code(platform: Platform, *, merchant: str, store: str) -> str:
    """Make the code that joins one hub to a store; it is shown once and kept as a hash.

    `store` is empty for a merchant that has nothing yet and takes over a shop that runs.
    Refused: no_merchant, no_store, store_missing.
    """
    with platform.merchant(merchant).door.read() as db:
        branches = stores(db)
    if store and store not in branches:
        raise Refused("no_store")
    if branches and not store:
        raise Refused("store_missing")
    return platform.door.write(lambda tx: _make(tx, platform, merchant, store))


def replace_code(platform: Platform, hub: Hub) -> str:
    """Make the code that puts another box in the place of one whose epoch is closed.

    An earlier one that nobody used is void with it. Refused: hub_open.
    """

    def make(tx: Writer) -> str:
        if epochs_of(tx, hub.id)[-1].closed_at is None:
            raise Refused("hub_open")
        tx.run("DELETE FROM enrolment_code WHERE hub = :hub AND used_at IS NULL", hub=hub.id)
        return _make(tx, platform, hub.merchant, hub.store, replaces=hub.id)

    return platform.door.write(make)


def code_open_for(db: Reader, hub: str, *, at: int) -> int | None:
    """Return until when a code for another box in this one's place is good, if there is one."""
    until: int | None = db.value(
        "SELECT MAX(expires_at) FROM enrolment_code"
        " WHERE hub = :hub AND used_at IS NULL AND expires_at > :at",
        hub=hub,
        at=at,
    )
    return until


def _make(
    tx: Writer, platform: Platform, merchant: str, store: str, *, replaces: str = ""
) -> str:
    at = platform.clock.read().at
    tx.run("DELETE FROM enrolment_code WHERE expires_at < :old", old=at - FORGOTTEN_AFTER_MS)
    code = _unused(tx, platform)
    tx.run(
        "INSERT INTO enrolment_code"
        " (handle, hash, merchant, store, made_at, expires_at, kind, hub)"
        " VALUES (:handle, :hash, :merchant, :store, :at, :expires, :kind, :hub)",
        handle=code[:HANDLE_CHARACTERS],
        hash=_hash(platform, code),
        merchant=merchant,
        store=store,
        at=at,
        expires=at + CODE_LIFE_MS,
        kind=REPLACE if replaces else JOIN,
        hub=replaces,
    )
    return code


def spelled(code: str) -> str:
    """Return a code as people read it: in halves."""
    half = CODE_CHARACTERS // 2
    return f"{code[:half]}-{code[half:]}"


def try_code(tx: Writer, platform: Platform, typed: str) -> Row | Refused:
    """Return the row of a code, or why not; a wrong try is counted, so it must be committed.

    A code that was used or is over is returned too: who holds it may ask for its answer.
    """
    try:
        code = normalise_code(typed)
    except ValueError:
        return Refused("join_code_wrong")
    handle = code[:HANDLE_CHARACTERS]
    row = tx.one("SELECT * FROM enrolment_code WHERE handle = :handle", handle=handle)
    if row is None:
        return Refused("join_code_wrong")
    if row["tries"] >= TRIES_MAX:
        return Refused("join_code_locked")
    if not hmac.compare_digest(row["hash"], _hash(platform, code)):
        tx.run(
            "UPDATE enrolment_code SET tries = tries + 1 WHERE handle = :handle", handle=handle
        )
        return Refused("join_code_wrong")
    return row


def _unused(tx: Writer, platform: Platform) -> str:
    for _ in range(DRAWS_MAX):
        code = make_code(CODE_CHARACTERS, platform.ids.randomness)
        if not tx.value(
            "SELECT 1 FROM enrolment_code WHERE handle = :handle",
            handle=code[:HANDLE_CHARACTERS],
        ):
            return code
    raise RuntimeError("no code is free: a million were made within a week")


def _hash(platform: Platform, code: str) -> bytes:
    # Keyed: six characters alone could be tried through by whoever reads the table.
    said = b"enrolment code " + code.encode()
    return hmac.new(platform.secret, said, hashlib.sha256).digest()

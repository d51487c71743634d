"""Sessions of head office: kept on the server, ended by idleness and by age."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.access.accounts import TOKEN_BYTES, token_hash
from core.clock import HOUR_MS, MINUTE_MS
from core.ids import Ids
from core.sqlite import Reader, Writer

IDLE_MS = 30 * MINUTE_MS
SESSION_MS = 12 * HOUR_MS
SEEN_EVERY_MS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is in."""

    account: str
    merchant: str
    name: str
    email: str
    role: str
    seen_at: int


def open_session(tx: Writer, *, account: str, at: int, ids: Ids) -> str:
    """Begin a session; return its token of 256 bits. Sessions that are over are cleared."""
    token = ids.randomness(TOKEN_BYTES).hex()
    tx.run(
        "DELETE FROM account_session WHERE opened_at < :old OR seen_at < :idle",
        old=at - SESSION_MS,
        idle=at - IDLE_MS,
    )
    tx.run(
        "INSERT INTO account_session (token_hash, account, opened_at, seen_at)"
        " VALUES (:hash, :account, :at, :at)",
        hash=token_hash(token),
        account=account,
        at=at,
    )
    tx.run("UPDATE account SET last_in_at = :at WHERE id = :id", at=at, id=account)
    return token


def find_session(db: Reader, token: str, *, at: int) -> Session | None:
    """Return a session while it lasts, and while its account does."""
    row = db.one(
        """SELECT s.account, s.seen_at, a.merchant, a.name, a.email, a.role
             FROM account_session s JOIN account a ON a.id = s.account AND a.active = 1
            WHERE s.token_hash = :hash AND s.opened_at > :old AND s.seen_at > :idle""",
        hash=token_hash(token),
        old=at - SESSION_MS,
        idle=at - IDLE_MS,
    )
    return None if row is None else Session(**dict(row))


def note_seen(tx: Writer, *, token: str, at: int) -> None:
    """Remember that somebody is at work."""
    tx.run(
        "UPDATE account_session SET seen_at = :at WHERE token_hash = :hash",
        at=at,
        hash=token_hash(token),
    )


def close_session(tx: Writer, *, token: str) -> None:
    tx.run("DELETE FROM account_session WHERE token_hash = :hash", hash=token_hash(token))


def others(db: Reader, *, account: str, but: str, at: int) -> int:
    """Count an account's sessions that last, besides the one with this token."""
    count: int = db.value(
        """SELECT count(*) FROM account_session WHERE account = :account
              AND token_hash <> :hash AND opened_at > :old AND seen_at > :idle""",
        account=account,
        hash=token_hash(but),
        old=at - SESSION_MS,
        idle=at - IDLE_MS,
    )
    return count


def close_other_sessions(tx: Writer, *, account: str, but: str = "") -> None:
    """End every session of an account, but for the one with this token."""
    tx.run(
        "DELETE FROM account_session WHERE account = :account AND token_hash <> :hash",
        account=account,
        hash=token_hash(but),
    )

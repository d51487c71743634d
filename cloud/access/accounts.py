"""Who may come into head office: added, invited by a link that works once, closed.

These verbs write `platform.db`; `people` also tells of each in the merchant's journal.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from cloud.access import authenticator
from cloud.platform import Platform
from core.clock import DAY_MS
from core.errors import N_, Refused
from core.sqlite import Reader, Row, Writer

ROLES: dict[str, str] = {
    "owner": N_("老板"),
    "manager": N_("经理"),
    "auditor": N_("审计"),
}
"""Roles at head office, by the names that `core.staff.ROLES` gives their rights under."""
INVITATION_MS = 3 * DAY_MS
TOKEN_BYTES = 32
EMAIL_CHARACTERS_MAX = 120
NAME_CHARACTERS_MAX = 40

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f.]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may log in, or will once they followed their link."""

    id: str
    merchant: str
    email: str
    name: str
    role: str
    password_hash: str
    totp_secret: str
    totp_step: int
    active: bool
    last_in_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A link that lets one account set its password and authenticator, once."""

    account: str
    token: str
    """Belongs at the end of `/welcome/`; only its hash is kept."""
    expires_at: int


def pepper(platform: Platform) -> bytes:
    """Return what a copy of the accounts' table alone cannot be searched without."""
    return hashlib.sha256(b"accounts/" + platform.secret).digest()


def token_hash(token: str) -> bytes:
    """Return what is kept of a token: it has 256 bits, so a plain hash says nothing."""
    return hashlib.sha256(token.encode()).digest()


def tidy_email(typed: str) -> str:
    """Return an e-mail as it is compared. Refused: email_malformed."""
    email = typed.strip().lower()
    if len(email) > EMAIL_CHARACTERS_MAX or not _EMAIL.fullmatch(email):
        raise Refused("email_malformed", email=typed.strip()[:EMAIL_CHARACTERS_MAX])
    return email


def add(
    tx: Writer, platform: Platform, *, merchant: str, email: str, name: str, role: str
) -> Invitation:
    """Add an account that cannot log in yet; return the link by which it can.

    Refused: email_malformed, email_taken, role_unknown.
    """
    known = tidy_email(email)
    if role not in ROLES:
        raise Refused("role_unknown")
    if account_by_email(tx, known) is not None:
        raise Refused("email_taken", email=known)
    at = platform.clock.read().at
    account = platform.ids.new(at)
    tx.run(
        """INSERT INTO account (id, merchant, email, name, role, password_hash, totp_secret,
                                totp_step, active, made_at, last_in_at)
           VALUES (:id, :merchant, :email, :name, :role, '', '', 0, 1, :at, NULL)""",
        id=account,
        merchant=merchant,
        email=known,
        name=(name.strip() or known.partition("@")[0])[:NAME_CHARACTERS_MAX],
        role=role,
        at=at,
    )
    return _invite(tx, platform, account)


def invite(tx: Writer, platform: Platform, *, merchant: str, account: str) -> Invitation:
    """Take away what an account logs in with, and return a new link.

    For a forgotten password and a lost phone alike. Refused: account_unknown.
    """
    known = account_of(tx, merchant, account)
    if not known.active:
        raise Refused("account_unknown")
    tx.run("UPDATE account SET password_hash = '', totp_secret = '' WHERE id = :id", id=account)
    _forget_ways_in(tx, account)
    return _invite(tx, platform, account)


def close(tx: Writer, *, merchant: str, account: str) -> None:
    """Shut somebody out, now. Refused: account_unknown, last_account."""
    known = account_of(tx, merchant, account)
    owners = tx.value(
        "SELECT count(*) FROM account WHERE merchant = :merchant AND role = 'owner'"
        " AND active = 1 AND id <> :id",
        merchant=merchant,
        id=account,
    )
    if known.role == "owner" and not owners:
        raise Refused("last_account")
    tx.run(
        "UPDATE account SET active = 0, password_hash = '', totp_secret = '' WHERE id = :id",
        id=account,
    )
    _forget_ways_in(tx, account)


def invited(db: Reader, token: str, *, at: int) -> tuple[Account, str]:
    """Return whose link this is, and the authenticator's secret. Refused: invitation_over."""
    row = db.one(
        """SELECT a.*, i.totp_secret AS fresh_secret FROM account_invitation i
             JOIN account a ON a.id = i.account AND a.active = 1
            WHERE i.token_hash = :hash AND i.expires_at > :at""",
        hash=token_hash(token),
        at=at,
    )
    if row is None:
        raise Refused("invitation_over")
    return _account(row), row["fresh_secret"]


def equip(
    tx: Writer,
    *,
    account: str,
    password_hash: str,
    secret: str,
    step: int,
    codes: list[bytes],
) -> None:
    """Give an account its password, authenticator and recovery codes; its link is spent."""
    tx.run(
        """UPDATE account SET password_hash = :hash, totp_secret = :secret, totp_step = :step
            WHERE id = :id""",
        hash=password_hash,
        secret=secret,
        step=step,
        id=account,
    )
    _forget_ways_in(tx, account)
    keep_codes(tx, account, codes)


def keep_codes(tx: Writer, account: str, codes: list[bytes]) -> None:
    """Keep new recovery codes; the old ones are void."""
    tx.run("DELETE FROM recovery_code WHERE account = :id", id=account)
    for code in codes:
        tx.run(
            "INSERT INTO recovery_code (account, code_hash) VALUES (:id, :code)",
            id=account,
            code=code,
        )


def account_by_email(db: Reader, email: str) -> Account | None:
    row = db.one("SELECT * FROM account WHERE email = :email", email=email)
    return None if row is None else _account(row)


def find_account(db: Reader, account: str) -> Account:
    """Return an account of any merchant. Refused: account_unknown."""
    row = db.one("SELECT * FROM account WHERE id = :id", id=account)
    if row is None:
        raise Refused("account_unknown")
    return _account(row)


def account_of(db: Reader, merchant: str, account: str) -> Account:
    """Return an account of this merchant. Refused: account_unknown."""
    row = db.one(
        "SELECT * FROM account WHERE id = :id AND merchant = :merchant",
        id=account,
        merchant=merchant,
    )
    if row is None:
        raise Refused("account_unknown")
    return _account(row)


def accounts_of(db: Reader, merchant: str) -> list[Row]:
    """Return a merchant's accounts with when each was last in, and until when a link waits."""
    return db.all(
        """SELECT a.id, a.email, a.name, a.role, a.active, a.last_in_at,
                  a.password_hash <> '' AS ready, i.expires_at
             FROM account a LEFT JOIN account_invitation i ON i.account = a.id
            WHERE a.merchant = :merchant ORDER BY a.active DESC, a.made_at""",
        merchant=merchant,
    )


def names(db: Reader, merchant: str) -> dict[str, str]:
    """Return what the merchant's accounts are called, by id, also of those who left."""
    rows = db.all("SELECT id, name FROM account WHERE merchant = :merchant", merchant=merchant)
    return {row["id"]: row["name"] for row in rows}


def _invite(tx: Writer, platform: Platform, account: str) -> Invitation:
    at, draw = platform.clock.read().at, platform.ids.randomness
    token = draw(TOKEN_BYTES).hex()
    tx.run(
        """INSERT INTO account_invitation (account, token_hash, totp_secret, expires_at)
           VALUES (:id, :hash, :secret, :expires)""",
        id=account,
        hash=token_hash(token),
        secret=authenticator.new_secret(draw),
        expires=at + INVITATION_MS,
    )
    return Invitation(account=account, token=token, expires_at=at + INVITATION_MS)


def _forget_ways_in(tx: Writer, account: str) -> None:
    for table in ("account_session", "account_invitation", "recovery_code"):
        tx.run(f"DELETE FROM {table} WHERE account = :id", id=account)  # noqa: S608


def _account(row: Row) -> Account:
    return Account(
        id=row["id"],
        merchant=row["merchant"],
        email=row["email"],
        name=row["name"],
        role=row["role"],
        password_hash=row["password_hash"],
        totp_secret=row["totp_secret"],
        totp_step=row["totp_step"],
        active=bool(row["active"]),
        last_in_at=row["last_in_at"],
    )

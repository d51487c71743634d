"""Coming in: e-mail, password and code together, so that none of them can be guessed alone."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cloud.access import accounts, authenticator, sessions, tries
from cloud.access.accounts import Account, pepper
from cloud.access.events import (
    AccountCodesMade,
    AccountLoggedIn,
    AccountLoggedOut,
    AccountLogInFailed,
    AccountPasswordChanged,
    AccountReady,
)
from cloud.access.passwords import check_password, hash_password, verify_password
from cloud.access.people import tell
from cloud.platform import Platform
from core.errors import Refused
from core.sqlite import Reader, Writer

FAILURE_TAKES_S = 0.4
"""A failure is answered no sooner, so that nobody learns by the time which part was wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody typed to come in, and from which network address."""

    email: str
    password: str
    code: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """A session's token, and recovery codes where new ones were made."""

    token: str
    codes: tuple[str, ...] = ()


def log_in(platform: Platform, attempt: Attempt) -> LetIn:
    """Let somebody in. Refused: log_in_failed, log_in_waits, log_in_locked."""
    began = time.monotonic()
    at = platform.clock.read().at
    email = attempt.email.strip().lower()[: accounts.EMAIL_CHARACTERS_MAX]
    failed = platform.door.write(
        lambda tx: tries.count_try(tx, email=email, address=attempt.address, at=at)
    )
    with platform.door.read() as db:
        known = accounts.account_by_email(db, email)
    right = verify_password(
        attempt.password,
        known.password_hash if known else "",
        pepper=pepper(platform),
    )
    by = ""
    if known is not None and right:
        by = platform.door.write(lambda tx: _take_code(tx, platform, known, attempt.code))
    if known is None or not by:
        if known is not None and known.active:
            tell(
                platform,
                known.merchant,
                known.id,
                AccountLogInFailed(account=known.id, tries=failed, address=attempt.address),
            )
        time.sleep(max(0.0, began + FAILURE_TAKES_S - time.monotonic()))
        raise Refused("log_in_failed")
    platform.door.write(lambda tx: tries.forget_tries(tx, email=email, address=attempt.address))
    return _let_in(platform, known, by=by, address=attempt.address)


def settle_in(
    platform: Platform, *, token: str, password: str, code: str, address: str
) -> LetIn:
    """Let somebody in by their link, with the password and authenticator that they set.

    Refused: invitation_over, password_short, password_long, password_plain, totp_wrong.
    """
    at = platform.clock.read().at
    with platform.door.read() as db:
        known, secret = accounts.invited(db, token, at=at)
    check_password(password, email=known.email)
    step = authenticator.step_of(secret, code, at=at, after=0)
    if step is None:
        raise Refused("totp_wrong")
    hashed = hash_password(password, pepper=pepper(platform))
    codes = authenticator.make_recovery_codes(platform.ids.randomness)

    def equip(tx: Writer) -> None:
        accounts.invited(tx, token, at=at)  # The link is spent once, also by two at a time.
        accounts.equip(
            tx,
            account=known.id,
            password_hash=hashed,
            secret=secret,
            step=step,
            codes=_hashes(codes, pepper(platform)),
        )

    platform.door.write(equip)
    tell(platform, known.merchant, known.id, AccountReady(account=known.id))
    let_in = _let_in(platform, known, by="link", address=address)
    return LetIn(token=let_in.token, codes=tuple(codes))


def log_out(platform: Platform, *, session: sessions.Session, token: str) -> None:
    platform.door.write(lambda tx: sessions.close_session(tx, token=token))
    account = _known(platform, session)
    tell(platform, account.merchant, account.id, AccountLoggedOut(account=session.account))


def log_out_elsewhere(platform: Platform, *, session: sessions.Session, token: str) -> None:
    """End the caller's sessions on all other devices; streams there end with them."""
    account = _known(platform, session)
    platform.door.write(
        lambda tx: sessions.close_other_sessions(tx, account=account.id, but=token)
    )
    told = AccountLoggedOut(account=account.id, elsewhere=True)
    tell(platform, account.merchant, account.id, told)


def change_password(
    platform: Platform, *, session: sessions.Session, token: str, old: str, new: str
) -> None:
    """Give the caller a new password and end their other sessions.

    Refused: password_wrong, password_short, password_long, password_plain, log_in_waits,
    log_in_locked.
    """
    known = _known(platform, session)
    _prove(platform, known, old)
    check_password(new, email=known.email)
    hashed = hash_password(new, pepper=pepper(platform))

    def change(tx: Writer) -> None:
        tx.run(
            "UPDATE account SET password_hash = :hash WHERE id = :id", hash=hashed, id=known.id
        )
        sessions.close_other_sessions(tx, account=known.id, but=token)

    platform.door.write(change)
    tell(platform, known.merchant, known.id, AccountPasswordChanged(account=known.id))


def renew_codes(
    platform: Platform, *, session: sessions.Session, password: str
) -> tuple[str, ...]:
    """Return new recovery codes; the old ones are void.

    Refused: password_wrong, log_in_waits, log_in_locked.
    """
    known = _known(platform, session)
    _prove(platform, known, password)
    codes = authenticator.make_recovery_codes(platform.ids.randomness)
    hashes = _hashes(codes, pepper(platform))
    platform.door.write(lambda tx: accounts.keep_codes(tx, known.id, hashes))
    tell(platform, known.merchant, known.id, AccountCodesMade(account=known.id))
    return tuple(codes)


def codes_left(db: Reader, account: str) -> int:
    """Return how many recovery codes were not used yet."""
    left: int = db.value(
        "SELECT count(*) FROM recovery_code WHERE account = :id AND used_at IS NULL",
        id=account,
    )
    return left


def _take_code(tx: Writer, platform: Platform, known: Account, typed: str) -> str:
    """Use a code up; return by what it lets in, or nothing where it is wrong."""
    at = platform.clock.read().at
    fresh = tx.one(
        "SELECT totp_secret, totp_step FROM account WHERE id = :id AND active = 1", id=known.id
    )
    if fresh is None or not fresh["totp_secret"]:
        return ""
    step = authenticator.step_of(fresh["totp_secret"], typed, at=at, after=fresh["totp_step"])
    if step is not None:
        tx.run("UPDATE account SET totp_step = :step WHERE id = :id", step=step, id=known.id)
        return "code"
    code = authenticator.recovery_hash(typed, pepper=pepper(platform))
    used = code is not None and tx.run(
        "UPDATE recovery_code SET used_at = :at"
        " WHERE account = :id AND code_hash = :code AND used_at IS NULL",
        at=at,
        id=known.id,
        code=code,
    )
    return "recovery" if used else ""


def _prove(platform: Platform, known: Account, password: str) -> None:
    """Ask the caller's own password again, counted like a log-in from inside."""
    at = platform.clock.read().at
    platform.door.write(
        lambda tx: tries.count_try(tx, email=known.email, address="inside", at=at)
    )
    if not verify_password(password, known.password_hash, pepper=pepper(platform)):
        raise Refused("password_wrong")
    platform.door.write(lambda tx: tries.forget_tries(tx, email=known.email, address="inside"))


def _let_in(platform: Platform, known: Account, *, by: str, address: str) -> LetIn:
    at = platform.clock.read().at
    token = platform.door.write(
        lambda tx: sessions.open_session(tx, account=known.id, at=at, ids=platform.ids)
    )
    tell(
        platform,
        known.merchant,
        known.id,
        AccountLoggedIn(account=known.id, by=by, address=address),
    )
    return LetIn(token=token)


def _known(platform: Platform, session: sessions.Session) -> Account:
    with platform.door.read() as db:
        return accounts.account_of(db, session.merchant, session.account)


def _hashes(codes: list[str], pepper: bytes) -> list[bytes]:
    hashes = (authenticator.recovery_hash(code, pepper=pepper) for code in codes)
    return [known for known in hashes if known is not None]

"""Who is let into head office and who no longer, told in the merchant's own journal.

Accounts lie in the platform's database, the journal in the merchant's: the event follows the
act, so that a crash between them loses a line of history and never lets anybody in untold of.
"""

from __future__ import annotations

from cloud.access import accounts, sessions
from cloud.access.accounts import Invitation, pepper
from cloud.access.events import (
    AccountAdded,
    AccountClosed,
    AccountInvited,
    AccountLoggedOut,
)
from cloud.access.passwords import check_password, hash_password
from cloud.platform import Platform
from core.journal import Body


def add_account(
    platform: Platform,
    *,
    merchant: str,
    email: str,
    name: str,
    role: str,
    actor: str | None = None,
) -> Invitation:
    """Add an account that cannot log in yet; return the link by which it can.

    Refused: email_malformed, email_taken, role_unknown, no_merchant.
    """
    platform.merchant(merchant)
    invitation = platform.door.write(
        lambda tx: accounts.add(
            tx, platform, merchant=merchant, email=email, name=name, role=role
        )
    )
    told = AccountAdded(account=invitation.account, role=role)
    tell(platform, merchant, actor, told)
    return invitation


def invite_again(
    platform: Platform, *, merchant: str, account: str, actor: str | None = None
) -> Invitation:
    """Take away what an account logs in with, and return a new link.

    For a forgotten password and a lost phone alike. Refused: account_unknown.
    """
    invitation = platform.door.write(
        lambda tx: accounts.invite(tx, platform, merchant=merchant, account=account)
    )
    tell(platform, merchant, actor, AccountInvited(account=account))
    return invitation


def close_account(
    platform: Platform, *, merchant: str, account: str, actor: str | None = None
) -> None:
    """Shut somebody out, now. Refused: account_unknown, last_account."""
    platform.door.write(lambda tx: accounts.close(tx, merchant=merchant, account=account))
    tell(platform, merchant, actor, AccountClosed(account=account))


def log_somebody_out(
    platform: Platform, *, merchant: str, account: str, actor: str | None = None
) -> None:
    """End all sessions of somebody whose phone is lost. Refused: account_unknown."""
    with platform.door.read() as db:
        known = accounts.account_of(db, merchant, account)
    platform.door.write(lambda tx: sessions.close_other_sessions(tx, account=known.id))
    tell(platform, merchant, actor, AccountLoggedOut(account=known.id, elsewhere=True))


def make_ready(platform: Platform, *, account: str, password: str, secret: str) -> None:
    """Let an added account log in at once, as whoever sets the server up may.

    `secret` is the authenticator's, base32. Refused: account_unknown, password_short,
    password_long, password_plain.
    """
    with platform.door.read() as db:
        known = accounts.find_account(db, account)
    check_password(password, email=known.email)
    hashed = hash_password(password, pepper=pepper(platform))
    platform.door.write(
        lambda tx: accounts.equip(
            tx, account=account, password_hash=hashed, secret=secret, step=0, codes=[]
        )
    )


def tell(platform: Platform, merchant: str, actor: str | None, body: Body) -> None:
    """Write what happened into the merchant's own journal."""
    house = platform.merchant(merchant)
    house.door.write(lambda tx: house.act(tx, actor=actor).append(tx, body))
    house.written()

"""What an owner may ask about who was in head office."""

from __future__ import annotations

from core.journal import Body


class AccountAdded(Body, frozen=True, kw_only=True, tag="account.added"):
    """Somebody may come into head office."""

    account: str
    role: str


class AccountInvited(Body, frozen=True, kw_only=True, tag="account.invited"):
    """A link was made by which somebody sets a password; what they had before is void."""

    account: str


class AccountReady(Body, frozen=True, kw_only=True, tag="account.ready"):
    """Somebody set their password and their authenticator by the link."""

    account: str


class AccountClosed(Body, frozen=True, kw_only=True, tag="account.closed"):
    """Somebody may no longer come in."""

    account: str


class AccountLoggedIn(Body, frozen=True, kw_only=True, tag="account.logged_in"):
    """Somebody came in; `by` is code, recovery or link."""

    account: str
    by: str
    address: str = ""


class AccountLogInFailed(Body, frozen=True, kw_only=True, tag="account.log_in_failed"):
    """A password or code was wrong; `tries` counts those from this address in a row."""

    account: str
    tries: int
    address: str = ""


class AccountLoggedOut(Body, frozen=True, kw_only=True, tag="account.logged_out"):
    """Somebody ended their session, or with `elsewhere` all but the one that they are in.

    Where the actor is somebody else, it was an owner who ended them all.
    """

    account: str
    elsewhere: bool = False


class AccountPasswordChanged(Body, frozen=True, kw_only=True, tag="account.password_changed"):
    """Somebody changed their own password; their other sessions ended."""

    account: str


class AccountCodesMade(Body, frozen=True, kw_only=True, tag="account.codes_made"):
    """Somebody had new recovery codes made; the old ones are void."""

    account: str


KINDS: tuple[type[Body], ...] = (
    AccountAdded,
    AccountInvited,
    AccountReady,
    AccountClosed,
    AccountLoggedIn,
    AccountLogInFailed,
    AccountLoggedOut,
    AccountPasswordChanged,
    AccountCodesMade,
)

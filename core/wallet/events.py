"""Facts that put value into a wallet or correct it. Spending is the ticket's event."""

from __future__ import annotations

import msgspec

from core.journal import Body


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tender of a bill or top-up, in fen.

    `tendered` is what was handed over and `change` what was given back (cash only);
    `legs` are the lots that paid (stored value only) as [asset, lot, amount].
    """

    tender: str
    amount: int
    tendered: int = 0
    change: int = 0
    reference: str = ""
    legs: tuple[tuple[str, str, int], ...] = ()


class ToppedUp(Body, frozen=True, kw_only=True, tag="wallet.topped_up"):
    """A member paid into the wallet: principal, the shop's bonus, and points, as one lot."""

    topup: str
    number: str
    member: str
    lot: str
    offer: str | None
    offer_name: str
    price: int
    principal: int
    bonus: int
    points: int
    period: str
    payments: tuple[Payment, ...]
    card: str | None = None
    expires: str | None = None
    stores: tuple[str, ...] = ()


class Adjusted(Body, frozen=True, kw_only=True, tag="wallet.adjusted"):
    """Somebody with the right corrected a balance; amounts signed, fen or points."""

    member: str
    lot: str
    asset: str
    amount: int
    reason: str


class Opened(Body, frozen=True, kw_only=True, tag="wallet.opened"):
    """The balance that a member brought from the system before."""

    member: str
    lot: str
    principal: int
    bonus: int
    points: int
    source: str

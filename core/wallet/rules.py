"""The wallet's rules, pure: what may move, from which lots, and the postings that move it.

Value lies in holdings (asset, lot) at a place; a rule is given the holdings of one place and
never sees another's. So what is planned here can be spent with the line cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import Refused
from core.journal import Posting
from core.wallet.accounts import (
    CLOUD,
    REVENUE,
    STORED_VALUE,
    Asset,
    member_account,
    mint_account,
    transit_account,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """So much of an asset's lot, at one place. `opened_at` in ms orders lots by age."""

    asset: Asset
    lot: str
    amount: int
    opened_at: int
    expires: str | None = None
    """The last business date on which it can be spent."""
    stores: tuple[str, ...] = ()
    """Where it can be spent; empty is everywhere."""
    name: str = ""
    """Of a pass, as the fields below; see `core.wallet.Lot`."""
    items: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    worth: int = 0
    least: int = 0

    def ended(self, *, date: str) -> bool:
        return self.expires is not None and date > self.expires

    def spendable(self, *, store: str, date: str) -> bool:
        return not self.ended(date=date) and (not self.stores or store in self.stores)


@dataclass(frozen=True, slots=True)
class Leg:
    """Part of a spend or transfer: `amount` > 0 of one holding."""

    asset: Asset
    lot: str
    amount: int


def spend_order(holdings: Iterable[Holding], *, bonus_first: bool) -> list[Holding]:
    """Return holdings as they are spent: by asset, what ends soonest first, then oldest."""
    first = Asset.BONUS if bonus_first else Asset.PRINCIPAL
    return sorted(
        (h for h in holdings if h.asset in STORED_VALUE and h.amount > 0),
        key=lambda h: (h.asset != first, h.expires or "9999", h.opened_at, h.lot),
    )


def points_order(holdings: Iterable[Holding], *, first: str = "") -> list[Holding]:
    """Return points as they are used: those that end soonest first, of the lot `first` before.

    Points that are past their day count until the place that holds them says otherwise.
    """
    return sorted(
        (h for h in holdings if h.asset is Asset.POINTS and h.amount > 0),
        key=lambda h: (h.lot != first, h.expires or "9999", h.lot),
    )


def available(holdings: Iterable[Holding], *, store: str, date: str) -> int:
    """Return the fen of stored value that can be spent at this store on this day."""
    return sum(
        h.amount
        for h in holdings
        if h.asset in STORED_VALUE and h.spendable(store=store, date=date)
    )


def plan_spend(
    holdings: Iterable[Holding],
    amount: int,
    *,
    store: str,
    date: str,
    bonus_first: bool = False,
    elsewhere: int = 0,
) -> list[Leg]:
    """Choose the lots that pay `amount` fen.

    `elsewhere` fen lie in other places; they pay nothing here, but a refusal tells of them.
    Refused: insufficient_balance.
    """
    assert amount > 0
    held = list(holdings)
    usable = [h for h in held if h.spendable(store=store, date=date)]
    ordered = spend_order(usable, bonus_first=bonus_first)
    legs = take(ordered, amount)
    if sum(leg.amount for leg in legs) < amount:
        raise Refused(
            "insufficient_balance",
            available_cents=sum(h.amount for h in ordered),
            total_cents=elsewhere + sum(h.amount for h in held if h.asset in STORED_VALUE),
            needed_cents=amount,
        )
    return legs


def take(holdings: Iterable[Holding], amount: int) -> list[Leg]:
    """Take up to `amount` from holdings in the order given."""
    legs, left = [], amount
    for holding in holdings:
        part = min(left, holding.amount)
        if part > 0:
            legs.append(Leg(holding.asset, holding.lot, part))
            left -= part
    return legs


def _move(source: str, target: str, legs: Sequence[Leg]) -> list[Posting]:
    return [
        Posting(account, leg.asset, leg.lot, sign * leg.amount)
        for leg in legs
        for account, sign in ((source, -1), (target, 1))
    ]


def issue(member: str, place: str, legs: Sequence[Leg]) -> list[Posting]:
    """Return the postings of a top-up, a card sale or points earned: from the mint."""
    return _move(mint_account(place), member_account(member, place), legs)


def withdraw(member: str, place: str, legs: Sequence[Leg]) -> list[Posting]:
    """Return the postings that take issued value back: a reversal, a downward adjustment."""
    return _move(member_account(member, place), mint_account(place), legs)


def spend(member: str, place: str, legs: Sequence[Leg]) -> list[Posting]:
    """Return the postings of a payment out of a wallet."""
    return _move(member_account(member, place), REVENUE, legs)


def refund(member: str, place: str, legs: Sequence[Leg]) -> list[Posting]:
    """Return the postings that give a payment back to the lots it came from."""
    return _move(REVENUE, member_account(member, place), legs)


def grant(member: str, transfer: str, legs: Sequence[Leg]) -> list[Posting]:
    """Return the cloud's postings that send value towards a hub."""
    return _move(member_account(member, CLOUD), transit_account(member, transfer), legs)


def release(member: str, place: str, transfer: str, legs: Sequence[Leg]) -> list[Posting]:
    """Return a hub's postings that send value towards the cloud."""
    return _move(member_account(member, place), transit_account(member, transfer), legs)


def accept(member: str, place: str, transfer: str, legs: Sequence[Leg]) -> list[Posting]:
    """Return the postings of the receiving side, a hub's or the cloud's."""
    return _move(transit_account(member, transfer), member_account(member, place), legs)

"""Names of accounts and assets in postings."""

from __future__ import annotations

from enum import StrEnum


class Asset(StrEnum):
    """What a wallet holds. Principal and bonus in fen, points in points."""

    PRINCIPAL = "principal"
    """本金, what the member paid; refundable."""
    BONUS = "bonus"
    """赠金, what the shop added; never paid out."""
    POINTS = "points"
    PUNCHES = "punches"
    """次数, visits that were paid for ahead."""
    MINUTES = "minutes"
    """时长, minutes of service that were paid for ahead."""
    COUPONS = "coupons"
    """券, each of which pays once."""
    MINT_RIGHT = "mint_right"
    """How much a box may issue, in fen; held by nobody (`core.wallet.minting`)."""
    REFUND = "refund"
    """The right to reverse one bill; held by the bill (`core.wallet.refunding`)."""


STORED_VALUE = (Asset.PRINCIPAL, Asset.BONUS)
PASSES = (Asset.PUNCHES, Asset.MINUTES, Asset.COUPONS)
"""What is counted in units, whole ones, and pays only what its lot is good for."""
CORRECTED = (*STORED_VALUE, Asset.POINTS)
"""What a person may correct."""
RIGHTS = frozenset({Asset.MINT_RIGHT, Asset.REFUND})
"""What lies at places and travels like value, and is no member's."""

REVENUE = "revenue"
"""Where spent value goes."""
CLOUD = "cloud"
"""The place of what head office holds."""


def member_account(member: str, place: str) -> str:
    """Return the account of what a member holds at a place: a hub's id, or CLOUD."""
    return f"member/{member}/{place}"


def mint_account(place: str) -> str:
    """Return the account out of which a place issues value."""
    return f"mint/{place}"


def transit_account(member: str, transfer: str) -> str:
    """Return the account of a member's value on its way between cloud and hub."""
    return f"transit/{member}/{transfer}"


def parse_member_account(account: str) -> tuple[str, str] | None:
    """Return (member, place) when the account is a member's, else None."""
    kind, _, rest = account.partition("/")
    if kind != "member":
        return None
    member, _, place = rest.partition("/")
    return member, place


def parse_transit_account(account: str) -> tuple[str, str] | None:
    """Return (member, transfer) when the account is one of value on its way, else None."""
    kind, _, rest = account.partition("/")
    if kind != "transit":
        return None
    member, _, transfer = rest.partition("/")
    return member, transfer

"""The right to fill wallets: escrowed like the value itself, so that no box can make money.

It lies at a box's place as a holding of nobody's (`MINT`), comes by the same grants, is called
in by the same recalls and goes back to head office with a closed epoch. Whatever issues stored
value at a place takes as much of the right there, in the same event. A place to which no right
ever came has no limit: a shop on its own, and one whose head office knows of none.

Points are outside of it: each sale earns some, and they pay for nothing by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import Refused
from core.journal import Event, Posting
from core.sqlite import Reader
from core.wallet.accounts import (
    CLOUD,
    STORED_VALUE,
    Asset,
    member_account,
    mint_account,
    transit_account,
)
from core.wallet.rules import Leg, issue, withdraw

MINT = "mint"
"""In the place of a member, whose id is never a word."""
RIGHT = "right"
"""The one lot of the right."""


def right_of(amount: int) -> list[Leg]:
    """Return so many fen of the right, as legs."""
    return [Leg(Asset.MINT_RIGHT, RIGHT, amount)] if amount else []


def mint_left(db: Reader, place: str) -> int | None:
    """Return how many fen may still be issued at a place; None where there is no limit."""
    left: int | None = db.value(
        "SELECT amount FROM holding"
        " WHERE place = :place AND member = :mint AND asset = :asset AND lot = :lot",
        place=place,
        mint=MINT,
        asset=Asset.MINT_RIGHT,
        lot=RIGHT,
    )
    return left


def issue_within(db: Reader, member: str, place: str, legs: Sequence[Leg]) -> list[Posting]:
    """Return the postings that issue value at a place and take as much of its right.

    Refused: mint_right_spent.
    """
    issued = issue(member, place, legs)
    left = None if place == CLOUD else mint_left(db, place)
    needed = sum(leg.amount for leg in legs if leg.asset in STORED_VALUE)
    if left is None or not needed:
        return issued
    if left < needed:
        raise Refused("mint_right_spent", left_cents=left, needed_cents=needed)
    return [*issued, *withdraw(MINT, place, right_of(needed))]


def hand_right(transfer: str, amount: int) -> list[Posting]:
    """Return the postings by which head office issues a right and sends it to a box."""
    return [
        Posting(mint_account(CLOUD), Asset.MINT_RIGHT, RIGHT, -amount),
        Posting(transit_account(MINT, transfer), Asset.MINT_RIGHT, RIGHT, amount),
    ]


def minted_beyond(event: Event, place: str, *, left: int | None) -> str:
    """Return in what an event of a box fills wallets beyond its right; empty where in nothing.

    `left` is the right that was there before it, None where there was no limit yet. What goes
    back into the mint in the same event makes up for nothing: the right was spent all the same.
    """
    if _taken_from(event, mint_account(place), (Asset.MINT_RIGHT,)):
        return "a right to mint is not of a box's own making"
    if left is None:
        return ""
    issued = _taken_from(event, mint_account(place), STORED_VALUE)
    used = _taken_from(event, member_account(MINT, place), (Asset.MINT_RIGHT,))
    if issued > used:
        return f"it mints {issued} and takes {used} of its right"
    return f"it mints {used} and has a right to {left}" if used > left else ""


def _taken_from(event: Event, account: str, assets: Sequence[str]) -> int:
    return -sum(
        posting.amount
        for posting in event.postings
        if posting.account == account and posting.amount < 0 and posting.asset in assets
    )

"""The right to fill wallets: escrowed like the value itself, so that no box can make money.

It lies at a box's place as a holding of nobody's (`MINT`), comes by the same grants, is called
in by the same recalls and goes back to head office with a closed epoch. Whatever issues stored
value at a place takes as much of the right there, in the same event. A place to which no right
ever came has no limit: a shop on its own, and one whose head office knows of none. But a box in
another's place may issue nothing before: head office says so in the birth certificate of the
stream down to it, which both sides keep.

Points are outside of it: each sale earns some, and they pay for nothing by themselves. A pass
takes as much as was paid for it; one that was given takes what it takes off a bill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from core.errors import Refused
from core.journal import Birth, Event, Posting
from core.sqlite import Reader
from core.wallet.accounts import (
    CLOUD,
    PASSES,
    STORED_VALUE,
    Asset,
    member_account,
    mint_account,
    transit_account,
)
from core.wallet.events import Lot
from core.wallet.passes import pass_legs, pass_value
from core.wallet.rules import Leg, issue, withdraw

MINT = "mint"
"""In the place of a member, whose id is never a word."""
DOWN = ".dn"
"""How the stream down to a box is named behind the box's own name."""
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
    return 0 if left is None and waits_for_right(db, place) else left


def waits_for_right(db: Reader, place: str) -> bool:
    """Say whether head office let this epoch of a box begin with no right to fill wallets."""
    origin, _, epoch = place.partition(".")
    birth = db.value(
        "SELECT birth FROM origin WHERE origin = :down AND epoch = :epoch",
        down=origin + DOWN,
        epoch=int(epoch or 1),
    )
    return birth is not None and msgspec.json.decode(birth, type=Birth).right_first


def issue_within(
    db: Reader, member: str, place: str, legs: Sequence[Leg], *, passes: Sequence[Lot] = ()
) -> list[Posting]:
    """Return the postings that issue value at a place and take as much of its right.

    `passes` are lots that are opened with all their units. Refused: mint_right_spent.
    """
    issued = issue(member, place, [*legs, *pass_legs(passes)])
    left = None if place == CLOUD else mint_left(db, place)
    needed = sum(leg.amount for leg in legs if leg.asset in STORED_VALUE)
    needed += sum(pass_value(one, one.units) for one in passes)
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
    worth = _worth_of_passes(event, place)
    if worth is None:
        return "it issues passes and does not say what was paid for them"
    issued = _taken_from(event, mint_account(place), STORED_VALUE) + worth
    used = _taken_from(event, member_account(MINT, place), (Asset.MINT_RIGHT,))
    if issued > used:
        return f"it mints {issued} and takes {used} of its right"
    return f"it mints {used} and has a right to {left}" if used > left else ""


class _Opening(msgspec.Struct):
    """What of a fact may open passes: a top-up, a gift, a reversal."""

    passes: tuple[Lot, ...] = ()
    given: Lot | None = None
    lots: tuple[Lot, ...] = ()


_opening = msgspec.json.Decoder(_Opening)


def _worth_of_passes(event: Event, place: str) -> int | None:
    """Return what the passes stand for that an event issues; None where it does not say."""
    mint = mint_account(place)
    units = Counter[tuple[str, str]]()
    for posting in event.postings:
        if posting.account == mint and posting.amount < 0 and posting.asset in PASSES:
            units[posting.asset, posting.lot] -= posting.amount
    if not units:
        return 0
    body = _opening.decode(event.body)
    given = () if body.given is None else (body.given,)
    named = {(lot.asset, lot.lot): lot for lot in (*body.passes, *given, *body.lots)}
    if any(key not in named or named[key].units < 1 for key in units):
        return None
    return sum(pass_value(named[key], count) for key, count in units.items())


def _taken_from(event: Event, account: str, assets: Sequence[str]) -> int:
    return -sum(
        posting.amount
        for posting in event.postings
        if posting.account == account and posting.amount < 0 and posting.asset in assets
    )

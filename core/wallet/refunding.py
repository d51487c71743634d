"""The right to reverse a bill: one for each bill, and it lies in one place.

It begins where the bill was settled and is not written down there: the bill itself says it,
so a sale costs no byte more, and bills from before there was this right have it too. When it
leaves for the first time it is issued and sent off in one event; from then on it is a holding
of the bill's, so two stores never have it both. Whoever reverses a bill whose right has
travelled spends it.

The first reversal of single lines breaks the right into its parts, as a note is changed into
coins: so much of each line, so much of each tender and of each lot that paid
(`core.tickets.parts_of`). They lie in one place and travel together, and what a reversal gives
back it spends of them; so all reversals of a bill together never give back more than was paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.journal import Posting
from core.sqlite import Reader
from core.wallet.accounts import REVENUE, Asset
from core.wallet.rules import Leg, issue, release, spend

REFUND_WISH = "refund"
"""Why a box asks for a bill's right: the bill's number then stands for a member."""


def refund_right(bill: str) -> list[Leg]:
    """Return the right to reverse a bill, as legs."""
    return [Leg(Asset.REFUND, bill, 1)]


def refund_parts(bill: str, parts: Mapping[str, int]) -> list[Leg]:
    """Return parts of a bill's right, by what they are of, as legs."""
    return [
        Leg(Asset.REFUND, f"{bill}.{name}", amount) for name, amount in parts.items() if amount
    ]


def refund_held(db: Reader, bill: str, place: str) -> int | None:
    """Return how much of a bill's whole right lies at a place; None where it never was."""
    held: int | None = db.value(
        "SELECT amount FROM holding"
        " WHERE place = :place AND member = :bill AND asset = :asset AND lot = :bill",
        place=place,
        bill=bill,
        asset=Asset.REFUND,
    )
    return held


def refund_rest(db: Reader, bill: str, place: str) -> dict[str, int]:
    """Return what is left at a place of a bill's right that was broken, by what it is of."""
    rows = db.all(
        "SELECT lot, amount FROM holding WHERE place = :place AND member = :bill"
        " AND asset = :asset AND lot <> :bill AND amount > 0",
        place=place,
        bill=bill,
        asset=Asset.REFUND,
    )
    return {row["lot"].removeprefix(f"{bill}."): row["amount"] for row in rows}


def refund_places(db: Reader, bill: str) -> dict[str, int]:
    """Return where the right of a bill was ever written, and how much is left there."""
    rows = db.all(
        "SELECT place, SUM(amount) AS amount FROM holding"
        " WHERE member = :bill AND asset = :asset GROUP BY place",
        bill=bill,
        asset=Asset.REFUND,
    )
    return {row["place"]: row["amount"] for row in rows}


def send_first(bill: str, place: str, transfer: str) -> list[Posting]:
    """Return the postings that issue a bill's right and send it off in the same event."""
    legs = refund_right(bill)
    return [*issue(bill, place, legs), *release(bill, place, transfer, legs)]


def use_up(bill: str, place: str) -> list[Posting]:
    """Return the postings that spend a right which has travelled."""
    return spend(bill, place, refund_right(bill))


def break_up(
    bill: str, place: str, parts: Mapping[str, int], *, travelled: bool
) -> list[Posting]:
    """Return the postings that break a bill's right into its parts.

    One that never left is issued first, so that it is known to be gone.
    """
    first = [] if travelled else issue(bill, place, refund_right(bill))
    return [*first, *use_up(bill, place), *issue(bill, place, refund_parts(bill, parts))]


def use_parts(bill: str, place: str, parts: Mapping[str, int]) -> list[Posting]:
    """Return the postings that spend parts of a bill's right."""
    return spend(bill, place, refund_parts(bill, parts))


def parts_spent(postings: Sequence[Posting], bill: str) -> dict[str, int]:
    """Return what an event's postings spend of a bill's parts, by what they are of."""
    spent: dict[str, int] = {}
    for posting in postings:
        if posting.asset != Asset.REFUND or posting.account != REVENUE:
            continue
        if posting.lot.startswith(f"{bill}."):
            name = posting.lot.removeprefix(f"{bill}.")
            spent[name] = spent.get(name, 0) + posting.amount
    return spent

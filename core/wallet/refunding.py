"""The right to reverse a bill: one for each bill, and it lies in one place.

It begins where the bill was settled and is not written down there: the bill itself says it,
so a sale costs no byte more, and bills from before there was this right have it too. When it
leaves for the first time it is issued and sent off in one event; from then on it is a holding
of the bill's, so two stores never have it both. Whoever reverses a bill whose right has
travelled spends it.
"""

from __future__ import annotations

from core.journal import Posting
from core.sqlite import Reader
from core.wallet.accounts import Asset
from core.wallet.rules import Leg, issue, release, spend

REFUND_WISH = "refund"
"""Why a box asks for a bill's right: the bill's number then stands for a member."""


def refund_right(bill: str) -> list[Leg]:
    """Return the right to reverse a bill, as legs."""
    return [Leg(Asset.REFUND, bill, 1)]


def refund_held(db: Reader, bill: str, place: str) -> int | None:
    """Return how much of a bill's right lies at a place; None where it never was written."""
    held: int | None = db.value(
        "SELECT amount FROM holding"
        " WHERE place = :place AND member = :bill AND asset = :asset AND lot = :bill",
        place=place,
        bill=bill,
        asset=Asset.REFUND,
    )
    return held


def refund_places(db: Reader, bill: str) -> dict[str, int]:
    """Return where the right of a bill was ever written, and how much is left there."""
    rows = db.all(
        "SELECT place, amount FROM holding"
        " WHERE member = :bill AND asset = :asset AND lot = :bill",
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

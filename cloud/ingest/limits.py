"""What a box may not do although all of it is at its own place.

It may not mint beyond its right, lay out more than the merchant allows, nor reverse a bill
whose right lies elsewhere.

Every answer is a function of what the box itself said before and of what head office ever
allowed, so books that are written anew, head office's own streams first, give the same ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from cloud.ingest.bills import beyond_the_bill, handed_over
from cloud.ingest.passes import passes_understated
from cloud.ingest.returns import PART_REVERSED, beyond_the_parts
from core.journal import Event, Posting, kind_name, kind_of, place_of
from core.sqlite import Reader
from core.tickets import TicketReversed, reversed_place, settled_place
from core.wallet import (
    CLOUD,
    CORRECTED,
    MINT,
    RIGHT,
    Advanced,
    Asset,
    Released,
    advance,
    current_round,
    last_round,
    mint_account,
    minted_beyond,
    outstanding,
    send_first,
    use_up,
    waits_for_right,
)

MINTED_MAX = 10**11
"""By one event and of one asset, in fen or points, also where no right holds it."""
ADVANCED = kind_name(Advanced)
_REVERSED, _RELEASED = kind_name(TicketReversed), kind_name(Released)


class _Reversal(msgspec.Struct):
    ticket: str


class _Release(msgspec.Struct):
    transfer: str
    member: str


_advance = msgspec.json.Decoder(Advanced)
_reversal = msgspec.json.Decoder(_Reversal)
_release = msgspec.json.Decoder(_Release)


def beyond_limits(db: Reader, event: Event, *, late: bool = False, history: str = "") -> str:
    """Return what of an event its box has no right to; empty where it has.

    `db` as it was before the event; `history` is the branch that it is of, if any. The rights
    that lay at a place are head office's again once it is closed, and what came `late` is paid
    for; more than the box ever had is not.
    """
    place, kind = place_of(event.origin, event.epoch), kind_of(event)
    if beyond := minted(db, event, place):
        return beyond
    try:
        if kind == PART_REVERSED:
            return handed_over(db, event) or beyond_the_parts(db, event, late=late)
        if beyond := handed_over(db, event) or beyond_the_bill(db, event, late=late):
            return beyond
        if kind == ADVANCED:
            return _laid_out_beyond(db, event, place, branch=history)
        if kind == _REVERSED:
            return _reversed_elsewhere(db, event, place)
        return _right_of_its_own_making(db, event, kind, place, late=late)
    except msgspec.MsgspecError as error:
        return str(error)


def minted(db: Reader, event: Event, place: str) -> str:
    """Return in what an event mints beyond its right; also of one that came late."""
    issued: Counter[str] = Counter()
    for posting in event.postings:
        if posting.account == mint_account(place):
            issued[posting.asset] -= posting.amount
    if any(issued[asset] > MINTED_MAX for asset in CORRECTED):
        return f"it mints {max(issued.values())} at once"
    bound = db.value("SELECT times FROM mint_bound WHERE place = :place", place=place)
    bounded = bound is not None or waits_for_right(db, place)
    if not bounded:
        return minted_beyond(event, place, left=None)
    return minted_beyond(event, place, left=_right_left(db, place)) or passes_understated(
        db, event, place
    )


def _right_left(db: Reader, place: str) -> int:
    """Return what the place's own history left of its right.

    What head office has moved there since an epoch ended is not counted.
    """
    where = "place = :place AND member = :mint AND asset = :asset AND lot = :lot"
    amounts = (
        db.value(
            f"SELECT amount FROM {table} WHERE {where}",  # noqa: S608 - two words of ours
            place=place,
            mint=MINT,
            asset=Asset.MINT_RIGHT,
            lot=RIGHT,
        )
        for table in ("holding", "swept")
    )
    return sum(amount or 0 for amount in amounts)


def _laid_out_beyond(db: Reader, event: Event, place: str, *, branch: str) -> str:
    """Hold an advance against the widest limits that were ever set.

    A box that was away acts on those that it knew, and what it did then stands. Nobody ever
    settles what a branch laid out, so all of that counts together.
    """
    body = _advance.decode(event.body)
    told = advance(body.member, place, body.lot, body.amount)
    if body.amount <= 0 or not _moves_only(event, told):
        return "it lays out another amount than it says"
    if not 0 <= body.round <= current_round(db, place):
        return f"it lays out in round {body.round}, which has not come"
    mine = place_of(branch, event.epoch) if branch else place
    if body.round < last_round(db, mine):
        return f"it lays out in round {body.round}, which is over"
    most = db.one(
        "SELECT COALESCE(MAX(per_member), 0) AS member,"
        " COALESCE(MAX(per_outage), 0) AS outage FROM floor_known"
    )
    assert most is not None
    settled = body.round if mine == place else 0
    theirs, whole = outstanding(db, mine, settled, body.member)
    if theirs + body.amount > most["member"] or whole + body.amount > most["outage"]:
        return f"it lays out {body.amount} beyond what the merchant allows"
    return ""


def _reversed_elsewhere(db: Reader, event: Event, place: str) -> str:
    bill = _reversal.decode(event.body).ticket
    if _uses(event, bill, place):
        return ""  # That it was there to be used is looked at with everything that is taken.
    if not _settled_here(db, bill, event) or _is_issued(db, bill, place):
        return f"the right to reverse {bill} lies elsewhere"
    return ""  # Whether it was reversed before is a question of the bill.


def _right_of_its_own_making(
    db: Reader, event: Event, kind: str, place: str, *, late: bool
) -> str:
    """Let a box issue the right to a bill of its own only where it sends it off, once."""
    if not any(
        posting.asset == Asset.REFUND and posting.account.startswith("mint/")
        for posting in event.postings
    ):
        return ""
    if kind != _RELEASED:
        return "a right to reverse is issued where it is sent off only"
    body = _release.decode(event.body)
    bill = body.member
    if not _settled_here(db, bill, event) or _trunk(reversed_place(db, bill)) == place:
        return f"{bill} is no settled bill of its own"
    # Once a place is closed head office issues in its stead.
    issued = _is_issued(db, bill, place) or (late and _is_issued(db, bill, CLOUD))
    if issued or not _moves_only(event, send_first(bill, place, body.transfer)):
        return f"the right to reverse {bill} was issued before"
    return ""


def _settled_here(db: Reader, bill: str, event: Event) -> bool:
    """Say whether this epoch of the box settled a bill, in whichever of its histories."""
    return _trunk(settled_place(db, bill)) == place_of(event.origin, event.epoch)


def _trunk(place: str) -> str:
    """Return a place without the name of a branch: both histories are the one box's."""
    origin, branch, rest = place.partition("~")
    _name, dot, epoch = rest.partition(".")
    return f"{origin}{dot}{epoch}" if branch else place


def _is_issued(db: Reader, bill: str, place: str) -> bool:
    found = db.one(
        "SELECT 1 FROM refund_issued WHERE bill = :bill AND place = :place",
        bill=bill,
        place=place,
    )
    return found is not None


def _uses(event: Event, bill: str, place: str) -> bool:
    moved = {(p.account, p.asset, p.lot, p.amount) for p in event.postings}
    return {(p.account, p.asset, p.lot, p.amount) for p in use_up(bill, place)} <= moved


def _moves_only(event: Event, postings: Sequence[Posting]) -> bool:
    return sorted(map(msgspec.json.encode, event.postings)) == sorted(
        map(msgspec.json.encode, postings)
    )

"""Answering a settled bill by its opposite: whole, or single lines of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import Refused
from core.journal import Act, Posting
from core.members import standing_for
from core.sqlite import Reader, Writer
from core.staff import require
from core.tickets import (
    LineWish,
    Return,
    TicketPartReversed,
    TicketReversed,
    TicketSettled,
    plan_return,
)
from core.wallet import (
    PASSES,
    Asset,
    Leg,
    Lot,
    Payment,
    has_ended,
    holdings,
    issue_within,
    pass_legs,
    points_order,
    refund,
    take,
    use_parts,
    withdraw,
    written_legs,
)
from hub.checkout import sql
from hub.checkout.passes import renew_pass
from hub.checkout.refunding import RightHere, rest_here, right_here
from hub.checkout.service import REASON_CHARACTERS_MAX
from hub.till import require_period


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of a bill is to go back: all that is left where `lines` is None.

    `by_tender` is how many fen by each of the bill's payments, by position, where the cashier
    says so.
    """

    lines: tuple[LineWish, ...] | None = None
    by_tender: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """What becomes of a member's value, and the postings that say so."""

    postings: list[Posting]
    renewed: tuple[tuple[str, str, int], ...] = ()
    lots: tuple[Lot, ...] = ()
    points: int = 0
    """Taken back; some may have been used meanwhile."""


def reverse(
    tx: Writer, act: Act, *, ticket: str, reversal: str, till: str, reason: str
) -> TicketReversed:
    """Answer a settled bill by its opposite: money, value, points and stock go back.

    `reversal` is an id made by the caller. Value goes back to the lots that paid. A lot that
    has ended meanwhile would swallow it: its spend stays in the revenue, and the same value
    is issued anew as one lot without an end, named in the fact as `renewed`; each pass as a
    lot of its own. Points that were spent meanwhile cannot be taken back; how many are short
    is part of the fact. Of a bill that was reversed in part it is what is left.

    Refused: no_ticket, not_settled, not_logged_in, not_allowed, over_limit, reason_missing,
    no_period, refund_elsewhere, mint_right_spent.
    """
    reason = _checked(reason)
    sale = sql.settled(tx, act, ticket)
    if rest_here(tx, act, sale).is_broken:
        return reverse_lines(
            tx, act, ticket=ticket, reversal=reversal, till=till, reason=reason, wanted=Wanted()
        )
    require(tx, act.actor, "sale.void_paid", amount=sale.total)
    period = require_period(tx, act, till)
    value = _value_back(tx, act, sale, payments=sale.payments, points=sale.points)
    body = TicketReversed(
        ticket=ticket,
        number=sale.number,
        reversal=reversal,
        member=sale.member,
        period=period,
        reason=reason,
        lines=sale.lines,
        total=sale.total,
        payments=sale.payments,
        points=sale.points,
        points_short=sale.points - value.points,
        points_lot=sale.points_lot,
        renewed=value.renewed,
        lots=value.lots,
        payer=sale.payer,
    )
    act.append(tx, body, postings=[*right_here(tx, act, ticket), *value.postings])
    return body


def reverse_lines(  # noqa: PLR0913 - the hands of every verb, and a reversal's five facts
    tx: Writer,
    act: Act,
    *,
    ticket: str,
    reversal: str,
    till: str,
    reason: str,
    wanted: Wanted,
) -> TicketPartReversed:
    """Answer some lines of a settled bill by their opposite, as `reverse` does the whole.

    All reversals of a bill together, in whichever stores, give back no more than was paid: of
    each line, of each tender, and of each lot.

    Refused: what `reverse` refuses; no_line, return_nothing, return_beyond, return_split.
    """
    reason = _checked(reason)
    sale = sql.settled(tx, act, ticket)
    right = rest_here(tx, act, sale)
    planned = planned_return(sale, right, wanted)
    require(tx, act.actor, "sale.void_paid", amount=planned.total)
    period = require_period(tx, act, till)
    here = act.journal.identity.place
    value = _value_back(tx, act, sale, payments=planned.payments, points=planned.points)
    body = TicketPartReversed(
        ticket=ticket,
        number=sale.number,
        reversal=reversal,
        member=sale.member,
        period=period,
        reason=reason,
        lines=planned.lines,
        total=planned.total,
        payments=planned.payments,
        points=planned.points,
        points_short=planned.points - value.points,
        points_lot=sale.points_lot,
        renewed=value.renewed,
        lots=value.lots,
        payer=sale.payer,
        closes=planned.closes,
    )
    parts = use_parts(ticket, here, planned.used)
    act.append(tx, body, postings=[*right.breaking, *parts, *value.postings])
    return body


def planned_return(sale: TicketSettled, right: RightHere, wanted: Wanted) -> Return:
    """Return what would go back. Refused: what `plan_return` refuses."""
    return plan_return(sale, right.rest, wanted.lines, by_tender=wanted.by_tender or None)


def _checked(reason: str) -> str:
    reason = reason.strip()[:REASON_CHARACTERS_MAX]
    if not reason:
        raise Refused("reason_missing")
    return reason


def _value_back(
    tx: Writer, act: Act, sale: TicketSettled, *, payments: Sequence[Payment], points: int
) -> _Value:
    """Give what was paid out of a wallet back to it, and take the points.

    Refused: mint_right_spent.
    """
    if sale.member is None:
        return _Value(postings=[])
    place = act.journal.identity.place
    account = standing_for(tx, sale.payer or sale.member)
    held = points_order(holdings(tx, account, place), first=sale.points_lot)
    back = take(held, points)
    living, renewed, lots = _split(tx, act, _legs(payments))
    return _Value(
        postings=[
            *refund(account, place, living),
            *issue_within(tx, account, place, renewed, passes=lots),
            *withdraw(account, place, back),
        ],
        renewed=written_legs([*renewed, *pass_legs(lots)]),
        lots=tuple(lots),
        points=sum(leg.amount for leg in back),
    )


def _split(db: Reader, act: Act, legs: list[Leg]) -> tuple[list[Leg], list[Leg], list[Lot]]:
    """Return the legs whose lots can take them back, and what new lots get for the others.

    All stored value gets one new lot, each pass its own.
    """
    living: list[Leg] = []
    ended: dict[Asset, int] = {}
    lots: list[Lot] = []
    for leg in legs:
        if not has_ended(db, leg.lot, date=act.date):
            living.append(leg)
        elif leg.asset in PASSES:
            lots.append(renew_pass(db, act, leg))
        else:
            ended[leg.asset] = ended.get(leg.asset, 0) + leg.amount
    lot = act.new_id() if ended else ""
    return living, [Leg(asset, lot, amount) for asset, amount in ended.items()], lots


def _legs(payments: Sequence[Payment]) -> list[Leg]:
    return [
        Leg(Asset(asset), lot, amount)
        for payment in payments
        for asset, lot, amount in payment.legs
    ]

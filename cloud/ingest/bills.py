"""What a box may say of a bill: it is paid by what it says, once, and gives back no more.

Spent value lies in the account `revenue`, which is everybody's. Nothing but the reversal of a
bill takes it out of there again, so a reversal is held against what the bill's own settling
put in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from core.journal import Event, decode, kind_name, kind_of
from core.sqlite import Reader
from core.tickets import (
    TicketReversed,
    TicketSettled,
    reversed_place,
    sent_bill,
    settled_by,
)
from core.wallet import (
    REVENUE,
    Moved,
    are_one,
    parse_member_account,
    parse_transit_account,
)

_BILLS = "ticket."
_MOVED = kind_name(Moved)
_SETTLED, _REVERSED = kind_name(TicketSettled), kind_name(TicketReversed)
Value = Counter[tuple[str, str]]


class _Payment(msgspec.Struct):
    legs: tuple[tuple[str, str, int], ...] = ()


class _Bill(msgspec.Struct):
    ticket: str = ""
    payments: tuple[_Payment, ...] = ()


_bill = msgspec.json.Decoder(_Bill)
_sale = msgspec.json.Decoder(TicketSettled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What a bill's settling put into the revenue, and its event's id where that is here."""

    paid: Value
    sale: TicketSettled | None = None
    """The bill as it was settled; None where it is not known."""
    event: str = ""
    members: frozenset[str] = frozenset()


def beyond_the_bill(db: Reader, event: Event, *, late: bool = False) -> str:
    """Return what of an event its bill does not bear out; empty where nothing.

    What comes late may settle a bill that its twin settled too: both happened. And it may give
    back what the merchant paid for: then the merchant gets that (`paid_at_risk`).
    """
    kind, spent = kind_of(event), spent_by(event)
    if kind == _REVERSED:
        named = _bill.decode(event.body).ticket
        return _gives_back_beyond(db, event, named, spent) or (
            "" if late else _gives_back_at_risk(db, named, spent)
        )
    if any(amount < 0 for amount in spent.values()):
        return "what was spent comes back by the reversal of its bill only"
    if not kind.startswith(_BILLS):
        return ""
    bill = _bill.decode(event.body)
    if kind == _SETTLED and spent != _told(bill.payments):
        return f"{bill.ticket} is paid by other value than it says"
    settled = None if late else settled_by(db, bill.ticket)
    here = (event.origin, event.epoch)
    if settled is not None and (settled[:2] != here or settled[2] < event.seq):
        return f"{bill.ticket} was settled before"
    return ""


def _gives_back_beyond(db: Reader, event: Event, bill: str, spent: Value) -> str:
    if reversed_place(db, bill):
        return f"{bill} was reversed before"
    settling = settling_of(db, bill)
    for member in gainers(event, settling.paid.keys()):
        if not any(are_one(db, member, payer) for payer in settling.members):
            return f"{member} did not pay {bill}"
    for (asset, lot), amount in spent.items():
        if -amount > settling.paid[asset, lot]:
            return f"{-amount} {asset} of {settling.paid[asset, lot]} that {bill} was paid by"
    return ""


def _gives_back_at_risk(db: Reader, bill: str, spent: Value) -> str:
    settling, back = settling_of(db, bill), Counter[str]()
    for (asset, _lot), amount in spent.items():
        back[asset] -= amount
    for asset, paid in at_risk_of(db, settling.event).items():
        whole = sum(n for (one, _lot), n in settling.paid.items() if one == asset)
        if back[asset] > whole - paid:
            return f"{paid} {asset} of {bill} was paid by the merchant"
    return ""


def paid_at_risk(db: Reader, event: Event) -> dict[str, int]:
    """Return by asset what the merchant paid of a bill that this event reverses."""
    if kind_of(event) != _REVERSED:
        return {}
    return at_risk_of(db, settling_of(db, _bill.decode(event.body).ticket).event)


def at_risk_of(db: Reader, settling: str) -> dict[str, int]:
    """Return by asset what the merchant paid of a bill, by the event that settled it."""
    rows = db.all(
        "SELECT asset, SUM(amount) AS paid FROM risk_booking"
        " WHERE about = :event AND about <> '' GROUP BY asset",
        event=settling,
    )
    return {row["asset"]: row["paid"] for row in rows if row["paid"] > 0}


def settling_of(db: Reader, bill: str) -> Settling:
    """Return what is known of how a bill was settled."""
    place = settled_by(db, bill)
    if place is None:
        return Settling(paid=Counter())
    raw = db.value(
        "SELECT raw FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=place[0],
        epoch=place[1],
        seq=place[2],
    )
    if raw is not None:
        event = decode(raw)
        payers = frozenset(
            owner[0]
            for posting in event.postings
            if posting.amount < 0 and (owner := parse_member_account(posting.account))
        )
        sale = _sale.decode(event.body)
        return Settling(paid=spent_by(event), sale=sale, event=event.id, members=payers)
    # Its own store's journal is read behind this one's; head office's word on it is before.
    sent = sent_bill(db, bill)
    if sent is None:
        return Settling(paid=Counter())
    payer = sent.sale.payer or sent.sale.member or ""
    paid = _told(sent.sale.payments)
    return Settling(paid=paid, sale=sent.sale, members=frozenset({payer}))


def gainers(event: Event, values: Collection[tuple[str, str]]) -> list[str]:
    """Return who has more of some values, by asset and lot, after an event than before it."""
    net = _by_member(event)
    return sorted({m for (m, *value), n in net.items() if n > 0 and tuple(value) in values})


def handed_over(db: Reader, event: Event) -> str:
    """Return what an event puts from one name into another that never was the same person.

    Value changes its name only where head office merged two, or took them apart again.
    """
    net = _by_member(event)
    losers = [(member, value) for (member, *value), n in net.items() if n < 0]
    for member, value in losers:
        for taker in gainers(event, [(value[0], value[1])]):
            if kind_of(event) != _MOVED or not are_one(db, member, taker):
                return f"it gives {taker} what {member} has"
    return ""


def _by_member(event: Event) -> Counter[tuple[str, str, str]]:
    """Return what an event adds to each member, by asset and lot, on the way or at a place."""
    net: Counter[tuple[str, str, str]] = Counter()
    for posting in event.postings:
        owner = parse_member_account(posting.account) or parse_transit_account(posting.account)
        if owner is not None:
            net[owner[0], posting.asset, posting.lot] += posting.amount
    return net


def spent_by(event: Event) -> Value:
    """Return what an event puts into the revenue, by asset and lot; below zero takes out."""
    sums: Value = Counter()
    for posting in event.postings:
        if posting.account == REVENUE:
            sums[posting.asset, posting.lot] += posting.amount
    return Counter({key: amount for key, amount in sums.items() if amount})


def _told(payments: tuple[_Payment, ...] | tuple[object, ...]) -> Value:
    sums: Value = Counter()
    for payment in payments:
        for asset, lot, amount in getattr(payment, "legs", ()):
            sums[str(asset), lot] += amount
    return Counter({key: amount for key, amount in sums.items() if amount})

"""What must hold of bills that went back, of passes, advances and points that ended.

All of it is added up from the facts' own words and postings, without a table of the product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from core.journal import Event, kind_of
from core.wallet import Asset
from core.wallet.accounts import parse_member_account
from core.wallet.points import first_month_kept


class Line(msgspec.Struct):
    """A line of a bill, or what of it goes back."""

    line: str
    quantity: int
    amount: int


class Paid(msgspec.Struct):
    """A tender of a bill, or what of it goes back."""

    tender: str
    amount: int
    legs: tuple[tuple[str, str, int], ...] = ()
    line: str = ""


class Bill(msgspec.Struct):
    """A bill, or what of it goes back."""

    ticket: str
    lines: tuple[Line, ...]
    payments: tuple[Paid, ...]


class Advance(msgspec.Struct):
    """Something that was laid out."""

    advance: str


class Claim(msgspec.Struct):
    """What head office said of a claim."""

    claim: str
    first: bool = False


bills = msgspec.json.Decoder(Bill)
advances = msgspec.json.Decoder(Advance)
claims = msgspec.json.Decoder(Claim)
BACK = {"ticket.reversed", "ticket.part_reversed"}


@dataclass(kw_only=True)
class Dealt:
    """What all events together say of these."""

    paid: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By bill: fen and pieces of each line, fen of each tender, units of each lot."""
    back: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    advanced: Counter[str] = field(default_factory=Counter)
    first_said: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    """Points, by member."""
    too_early: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Count one event."""
        kind = kind_of(event)
        if kind == "ticket.settled":
            self.paid.update(_parts(bills.decode(event.body)))
        elif kind in BACK:
            self.back.update(_parts(bills.decode(event.body)))
        elif kind == "wallet.advanced":
            self.advanced[advances.decode(event.body).advance] += 1
        elif kind == "wallet.collected":
            claim = claims.decode(event.body)
            self.first_said[claim.claim] += claim.first
        elif kind in {"wallet.points_ended", "wallet.points_carried"}:
            self._end(event)

    def _end(self, event: Event) -> None:
        for posting in event.postings:
            owner = parse_member_account(posting.account)
            if owner is None or posting.asset != Asset.POINTS:
                continue
            self.ended[owner[0]] -= posting.amount
            over = posting.lot < first_month_kept(date=event.date)
            if over != (posting.amount < 0):
                self.too_early.append(f"{posting} on {event.date}")

    def wrong(self) -> Iterator[str]:
        """Yield what does not hold."""
        for key, amount in self.back.items():
            if amount > self.paid[key]:
                yield f"of {key} {self.paid[key]} was paid and {amount} went back"
        for name in self.advanced.keys() | self.first_said.keys():
            if not self.advanced[name] == self.first_said[name] == 1:
                said = self.first_said[name]
                yield f"{name} was laid out {self.advanced[name]} times, taken in {said} times"
        yield from (f"points ended or moved on wrongly: {each}" for each in self.too_early)


def _parts(bill: Bill) -> Counter[tuple[str, str, str]]:
    parts: Counter[tuple[str, str, str]] = Counter()
    for line in bill.lines:
        parts[bill.ticket, "fen of a line", line.line] += line.amount
        parts[bill.ticket, "pieces of a line", line.line] += line.quantity
    for payment in bill.payments:
        parts[bill.ticket, f"fen by {payment.tender}", payment.line] += payment.amount
        for asset, lot, amount in payment.legs:
            parts[bill.ticket, asset, lot] += amount
    return parts

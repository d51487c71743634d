"""Reversing single lines of a bill: what may still go back, and how it goes. Pure.

What a line cost is what it was sold for, discounts included, so nothing of a bill's discount
is left over to be shared. It goes back

- by line: to what its own pass paid for it first;
- then to what was paid with money, in the order in which it was paid, then to stored value,
  then to coupons, unless the cashier says otherwise;
- of stored value to the lots that paid, each in proportion to what may still go back to it,
  so bonus never becomes principal; of a pass in whole units, once all of one is covered;
- of points as many as the bill earned on this part; the last reversal settles what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from core.errors import Refused
from core.money import Cents, split
from core.tickets.events import SoldLine, TicketSettled
from core.wallet import STORED_VALUE, Payment

STORED_VALUE_TENDER = "stored_value"
_LINE, _PIECE, _PAID, _VALUE = "line", "piece", "paid", "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWish:
    """A line, or a part of it, to be reversed.

    `quantity` pieces, all that are left where it is None; `amount` fen, what those cost where
    it is None.
    """

    line: str
    quantity: int | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What goes back: the parts of lines, the tenders with their lots, points.

    `used` are the parts of the bill's right that this spends; after one that `closes` nothing
    is left to go back.
    """

    lines: tuple[SoldLine, ...]
    payments: tuple[Payment, ...]
    points: int
    used: dict[str, int]
    closes: bool

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


def parts_of(sale: TicketSettled) -> dict[str, int]:
    """Return the parts of a bill's right: fen and pieces of lines, fen and units that paid."""
    parts = {}
    for line in sale.lines:
        parts[f"{_LINE}.{line.line}"] = line.amount
        parts[f"{_PIECE}.{line.line}"] = line.quantity
    for position, payment in enumerate(sale.payments):
        parts[f"{_PAID}.{position}"] = payment.amount
        for asset, lot, amount in payment.legs:
            parts[f"{_VALUE}.{position}.{asset}.{lot}"] = amount
    return {name: amount for name, amount in parts.items() if amount}


def left_of_lines(sale: TicketSettled, rest: Mapping[str, int]) -> list[SoldLine]:
    """Return of each line as many pieces and fen as may still go back."""
    return [
        msgspec.structs.replace(
            line,
            quantity=rest.get(f"{_PIECE}.{line.line}", 0),
            amount=rest.get(f"{_LINE}.{line.line}", 0),
        )
        for line in sale.lines
    ]


def left_of_tenders(sale: TicketSettled, rest: Mapping[str, int]) -> list[int]:
    """Return how many fen may still go back by each of a bill's payments, in their order."""
    return [rest.get(f"{_PAID}.{position}", 0) for position in range(len(sale.payments))]


def plan_return(
    sale: TicketSettled,
    rest: Mapping[str, int],
    wishes: Sequence[LineWish] | None,
    *,
    by_tender: Mapping[int, int] | None = None,
) -> Return:
    """Plan the reversal of some lines, or of all that is left where `wishes` is None.

    `rest` is what is left of the bill's parts. `by_tender` is how many fen go back by each of
    its payments, by position, where the cashier says so.
    Refused: return_nothing, return_beyond, return_split.
    """
    if wishes is None:
        wishes = [LineWish(line=line.line) for line in sale.lines]
    lines = _lines(sale, rest, wishes)
    if not lines:
        raise Refused("return_nothing")
    total = sum(line.amount for line in lines)
    tenders = left_of_tenders(sale, rest)
    shares = _chosen(total, tenders, by_tender) if by_tender else _usual(sale, tenders, lines)
    used: dict[str, int] = {}
    for line in lines:
        used[f"{_LINE}.{line.line}"] = line.amount
        used[f"{_PIECE}.{line.line}"] = line.quantity
    whole_left = {n: a for n, a in rest.items() if n.startswith((f"{_LINE}.", f"{_PIECE}."))}
    closes = all(used.get(name, 0) == amount for name, amount in whole_left.items())
    payments = []
    for position, share in enumerate(shares):
        payment = _back(sale.payments[position], position, share, rest, closes=closes)
        if payment.amount or payment.legs:
            payments.append(payment)
            used[f"{_PAID}.{position}"] = payment.amount
            for asset, lot, amount in payment.legs:
                used[f"{_VALUE}.{position}.{asset}.{lot}"] = amount
    return Return(
        lines=lines,
        payments=tuple(payments),
        points=_points(sale, sum(tenders), total, closes=closes),
        used={name: amount for name, amount in used.items() if amount},
        closes=closes,
    )


def _lines(
    sale: TicketSettled, rest: Mapping[str, int], wishes: Iterable[LineWish]
) -> tuple[SoldLine, ...]:
    known = {line.line: line for line in sale.lines}
    found: dict[str, SoldLine] = {}
    for wish in wishes:
        line = known.get(wish.line)
        if line is None or wish.line in found:
            raise Refused("no_line")
        pieces = rest.get(f"{_PIECE}.{wish.line}", 0)
        most = rest.get(f"{_LINE}.{wish.line}", 0)
        quantity = pieces if wish.quantity is None else wish.quantity
        amount = wish.amount
        if amount is None:
            amount = most if quantity == pieces else most * quantity // max(1, pieces)
        if not 0 <= quantity <= pieces or not 0 <= amount <= most:
            raise Refused("return_beyond", name=line.name, pieces=pieces, left_cents=most)
        if quantity or amount:
            found[wish.line] = msgspec.structs.replace(line, quantity=quantity, amount=amount)
    return tuple(found.values())


def _usual(sale: TicketSettled, left: list[int], lines: Iterable[SoldLine]) -> list[int]:
    """Share what goes back over the payments as the shop usually does."""
    shares = [0] * len(left)
    open_fen = 0
    for line in lines:
        due = line.amount
        for position, payment in enumerate(sale.payments):
            if payment.line == line.line:
                part = min(due, left[position] - shares[position])
                shares[position] += part
                due -= part
        open_fen += due
    order = sorted(range(len(left)), key=lambda at: (_rank(sale.payments[at]), at))
    for position in order:
        part = min(open_fen, left[position] - shares[position])
        shares[position] += part
        open_fen -= part
    assert open_fen == 0, "what is left of the lines is what is left of the tenders"
    return shares


def _rank(payment: Payment) -> int:
    if payment.tender == STORED_VALUE_TENDER:
        return 1
    return 2 if payment.legs else 0


def _chosen(total: int, left: list[int], by_tender: Mapping[int, int]) -> list[int]:
    shares = [by_tender.get(position, 0) for position in range(len(left))]
    fits = all(0 <= share <= most for share, most in zip(shares, left, strict=True))
    if not fits or sum(shares) != total or set(by_tender) - set(range(len(left))):
        raise Refused("return_split", due_cents=total)
    return shares


def _back(
    payment: Payment, position: int, share: int, rest: Mapping[str, int], *, closes: bool
) -> Payment:
    """Return a payment's part that goes back, with what each of its lots gets."""
    left = rest.get(f"{_PAID}.{position}", 0)
    units = [
        rest.get(f"{_VALUE}.{position}.{asset}.{lot}", 0) for asset, lot, _ in payment.legs
    ]
    if closes or (share and share == left):
        back = units
    elif payment.legs and payment.legs[0][0] in STORED_VALUE:
        back = [int(part) for part in split(Cents(share), units)] if share else [0] * len(units)
    else:
        back = [many * share // left if left else 0 for many in units]
    legs = tuple(
        (asset, lot, amount)
        for (asset, lot, _whole), amount in zip(payment.legs, back, strict=True)
        if amount
    )
    # What was handed over and given back as change is a matter of the bill alone.
    return msgspec.structs.replace(payment, amount=share, legs=legs, tendered=0, change=0)


def _points(sale: TicketSettled, left: int, total: int, *, closes: bool) -> int:
    """Return how many of a bill's points this part takes back; the last takes the rest."""
    if not sale.total:
        return sale.points if closes else 0
    before = sale.points * (sale.total - left) // sale.total
    after = sale.points * (sale.total - left + total) // sale.total
    return (sale.points if closes else after) - before

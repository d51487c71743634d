"""Single lines of a settled bill: what may still go back, and the reversal of some of it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from core.tickets import LineWish, left_of_lines, left_of_tenders
from core.web import Asked, Endpoint, fresh_read, reading_act, write
from hub.access import till
from hub.api.blueprint import api
from hub.api.shapes import Fen, Id, ShortText
from hub.api.tickets import LINES_MAX, Quantity, Reversed
from hub.attempts import Answer
from hub.checkout import Wanted, rest_here, reverse_ticket_lines, settled_bill

TENDERS_MAX = 20
Position = Annotated[int, msgspec.Meta(ge=0, lt=LINES_MAX)]


class LineLeft(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a line may still go back."""

    line: str
    name: str
    quantity: int
    amount_cents: int


class PaymentLeft(msgspec.Struct, frozen=True, kw_only=True):
    """So much may still go back by one of the bill's payments; `payment` is its position."""

    payment: int
    tender: str
    amount_cents: int


class Refundable(msgspec.Struct, frozen=True, kw_only=True):
    """What of a settled bill may still be reversed at this store."""

    ticket: str
    lines: list[LineLeft]
    payments: list[PaymentLeft]


class ReturnedLine(Asked, frozen=True, kw_only=True):
    """A line to be reversed: all that is left of it, so many pieces, or so much money."""

    line: Id
    quantity: Quantity | None = None
    amount_cents: Fen | None = None


class ReturnedBy(Asked, frozen=True, kw_only=True):
    """So much goes back by this payment of the bill."""

    payment: Position
    amount_cents: Fen


class PartReversal(Asked, frozen=True, kw_only=True):
    """Which lines go back and why; without `payments` the way the shop usually does it."""

    lines: Annotated[tuple[ReturnedLine, ...], msgspec.Meta(max_length=LINES_MAX)]
    payments: Annotated[tuple[ReturnedBy, ...], msgspec.Meta(max_length=TENDERS_MAX)] = ()
    reason: ShortText = ""


class PartReversed(Reversed, frozen=True, kw_only=True):
    """What went back; after one that `closes` nothing of the bill is left."""

    closes: bool


@api.get("/tickets/<ticket_id>/refundable")
@Endpoint(
    permission="sale.void_paid",
    answer=Refundable,
    refusals=("no_ticket", "not_settled", "refund_elsewhere"),
)
def show_refundable(ticket_id: str) -> Answer:
    """Return what of a settled bill may still go back, by line and by payment."""
    with fresh_read() as db:
        sale = settled_bill(db, ticket_id)
        rest = rest_here(db, reading_act(db), sale).rest
    left = left_of_tenders(sale, rest)
    return {
        "ticket": ticket_id,
        "lines": [
            {
                "line": line.line,
                "name": line.name,
                "quantity": line.quantity,
                "amount_cents": line.amount,
            }
            for line in left_of_lines(sale, rest)
        ],
        "payments": [
            {"payment": at, "tender": payment.tender, "amount_cents": left[at]}
            for at, payment in enumerate(sale.payments)
        ],
    }


@api.post("/tickets/<ticket_id>/reverse-lines")
@Endpoint(
    permission="sale.void_paid",
    body=PartReversal,
    answer=PartReversed,
    keyed=True,
    refusals=(
        "no_ticket",
        "not_settled",
        "refund_elsewhere",
        "no_line",
        "return_nothing",
        "return_beyond",
        "return_split",
        "reason_missing",
        "no_period",
        "over_limit",
        "no_company",
    ),
)
def reverse_some_lines(ticket_id: str, asked: PartReversal, key: str) -> Answer:
    """Answer some lines of a settled bill by their opposite, or parts of them."""
    place = till()
    wanted = Wanted(
        lines=tuple(
            LineWish(line=one.line, quantity=one.quantity, amount=one.amount_cents)
            for one in asked.lines
        ),
        by_tender={one.payment: one.amount_cents for one in asked.payments},
    )
    return write(
        lambda tx, act: reverse_ticket_lines(
            tx,
            act,
            ticket=ticket_id,
            till=place,
            reason=asked.reason,
            key=key,
            wanted=wanted,
        )
    )

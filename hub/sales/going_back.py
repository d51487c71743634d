"""What of a bill may still go back, for the pages that show it."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Refused
from core.journal import Act
from core.sqlite import Reader
from core.tickets import Return, SoldLine, TicketSettled, left_of_lines, left_of_tenders
from core.wallet import Payment
from hub.checkout import RightHere, Wanted, planned_return, rest_here, settled_bill


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBill:
    """A bill and what of it may still go back."""

    sale: TicketSettled
    right: RightHere

    @property
    def lines(self) -> list[SoldLine]:
        return left_of_lines(self.sale, self.right.rest)

    @property
    def tenders(self) -> list[tuple[int, Payment, int]]:
        """The bill's payments that have anything left, with their position and the fen."""
        left = left_of_tenders(self.sale, self.right.rest)
        return [
            (position, payment, left[position])
            for position, payment in enumerate(self.sale.payments)
            if left[position]
        ]


def open_bill(db: Reader, act: Act, ticket: str) -> OpenBill:
    """Return a settled bill with its rest.

    Refused: no_ticket, not_settled, refund_elsewhere.
    """
    sale = settled_bill(db, ticket)
    return OpenBill(sale=sale, right=rest_here(db, act, sale))


def going_back(db: Reader, act: Act, ticket: str) -> Return | None:
    """Return what a reversal of the whole bill would give back; None where it may not."""
    try:
        found = open_bill(db, act, ticket)
    except Refused:
        return None
    return planned_return(found.sale, found.right, Wanted())

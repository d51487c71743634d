"""Facts about a cash drawer between opening and cash-up."""

from __future__ import annotations

from core.journal import Body


class PeriodOpened(Body, frozen=True, kw_only=True, tag="till.opened"):
    """A cashier took over a till with a float (fen) in the drawer."""

    period: str
    till: str
    float_cents: int


class CashMoved(Body, frozen=True, kw_only=True, tag="till.cash_moved"):
    """Cash was put in (positive, fen) or taken out (negative) without a sale."""

    period: str
    move: str
    amount: int
    reason: str


class DrawerOpened(Body, frozen=True, kw_only=True, tag="till.drawer_opened"):
    """The drawer was opened without a sale."""

    period: str
    reason: str


class PeriodClosed(Body, frozen=True, kw_only=True, tag="till.closed"):
    """The drawer was counted blind and the period closed: the Z report, never edited.

    `totals` are [kind, tender, count, amount]; `exceptions` are sentences' codes with a count.
    """

    period: str
    till: str
    z_number: int
    float_cents: int
    counted: int
    expected: int
    difference_note: str
    totals: tuple[tuple[str, str, int, int], ...]
    exceptions: tuple[tuple[str, int], ...] = ()


class ReceiptReprinted(Body, frozen=True, kw_only=True, tag="receipt.reprinted"):
    """A copy of a receipt was printed, marked as a copy."""

    subject: str
    number: str

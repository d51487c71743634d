"""Facts about bills. A line that was taken off again stays a fact: owners ask for it first."""

from __future__ import annotations

import msgspec

from core.journal import Body
from core.wallet import NEVER, Lot, Payment


class TicketOpened(Body, frozen=True, kw_only=True, tag="ticket.opened"):
    """A bill was begun; without a member it is a walk-in's."""

    ticket: str
    number: str
    member: str | None = None
    payer: str | None = None


class LineAdded(Body, frozen=True, kw_only=True, tag="ticket.line_added"):
    """An item went on the bill, with the prices of that moment in fen."""

    ticket: str
    version: int
    line: str
    item: str
    code: str
    name: str
    item_kind: str
    unit: str
    quantity: int
    list_price: int
    member_price: int | None = None
    points_times: int = 1


class LineChanged(Body, frozen=True, kw_only=True, tag="ticket.line_changed"):
    """The quantity of a line is now this; 0 takes the line off."""

    ticket: str
    version: int
    line: str
    quantity: int
    before: int


class LineStaffed(Body, frozen=True, kw_only=True, tag="ticket.line_staffed"):
    """Who did the work of a line."""

    ticket: str
    version: int
    line: str
    staff: str | None


class MemberSet(Body, frozen=True, kw_only=True, tag="ticket.member_set"):
    """The bill is now this member's, or a walk-in's."""

    ticket: str
    version: int
    member: str | None
    payer: str | None = None
    """Whose account pays, where that is another's; empty is their own, None leaves it."""
    card: str | None = None
    """The card that was swiped; empty is none, None leaves it."""


class TicketVoided(Body, frozen=True, kw_only=True, tag="ticket.voided"):
    """An unpaid bill was given up."""

    ticket: str
    version: int
    reason: str
    total: int


class SoldLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line as it was paid: list price and paid price both stay, for refunds by law."""

    line: str
    item: str
    code: str
    name: str
    kind: str
    unit: str
    quantity: int
    list_price: int
    price: int
    amount: int
    rule: str
    points_times: int = 1
    staff: str | None = None


class TicketSettled(Body, frozen=True, kw_only=True, tag="ticket.settled"):
    """A bill was paid, whole: what was sold, how it was paid, what was earned."""

    ticket: str
    number: str
    version: int
    member: str | None
    period: str
    lines: tuple[SoldLine, ...]
    list_total: int
    total: int
    payments: tuple[Payment, ...]
    points: int = 0
    points_lot: str = NEVER
    payer: str = ""
    """Out of whose account it was paid and who earns, where that is not `member`'s own."""


class TicketReversed(Body, frozen=True, kw_only=True, tag="ticket.reversed"):
    """A settled bill was answered by its opposite (冲正); the bill itself is not edited.

    `payments` go back the way they came. `points_short` could not be taken back because they
    were spent meanwhile. `renewed` is value that came from lots which ended meanwhile, as
    (asset, new lot, amount): nobody could spend it there, so it was issued anew. Of passes the
    `lots` say what those are good for.
    """

    ticket: str
    number: str
    reversal: str
    member: str | None
    period: str
    reason: str
    lines: tuple[SoldLine, ...]
    total: int
    payments: tuple[Payment, ...]
    points: int = 0
    points_short: int = 0
    points_lot: str = NEVER
    renewed: tuple[tuple[str, str, int], ...] = ()
    lots: tuple[Lot, ...] = ()
    payer: str = ""
    """Into whose account it goes back, where that is not `member`'s own."""


class TicketPartReversed(TicketReversed, frozen=True, kw_only=True, tag="ticket.part_reversed"):
    """Some lines of a settled bill, or parts of them, were answered by their opposite.

    `lines` have the pieces and the fen that go back, `payments` the parts of the tenders.
    Where it `closes`, nothing of the bill is left: with those before it, it is its reversal.
    """

    closes: bool = False

"""Bills: what is on them, what they cost, and what became of them."""

from core.tickets.events import (
    LineAdded,
    LineChanged,
    LineStaffed,
    MemberSet,
    SoldLine,
    TicketOpened,
    TicketReversed,
    TicketSettled,
    TicketVoided,
)
from core.tickets.family import family_document, family_spent
from core.tickets.history import (
    reversal_of,
    sale,
    sale_lines,
    sale_payments,
    sales_of_member,
)
from core.tickets.price import LIST_PRICE, MEMBER_PRICE, Bill, Priceable, PricedLine, price
from core.tickets.sending import (
    Origin,
    TicketSent,
    reversed_place,
    sent_bill,
    sent_bill_named,
    settled_at,
    settled_by,
    settled_place,
)
from core.tickets.tables import PART

__all__ = [
    "LIST_PRICE",
    "MEMBER_PRICE",
    "PART",
    "Bill",
    "LineAdded",
    "LineChanged",
    "LineStaffed",
    "MemberSet",
    "Origin",
    "Priceable",
    "PricedLine",
    "SoldLine",
    "TicketOpened",
    "TicketReversed",
    "TicketSent",
    "TicketSettled",
    "TicketVoided",
    "family_document",
    "family_spent",
    "price",
    "reversal_of",
    "reversed_place",
    "sale",
    "sale_lines",
    "sale_payments",
    "sales_of_member",
    "sent_bill",
    "sent_bill_named",
    "settled_at",
    "settled_by",
    "settled_place",
]

"""The open bill: lines, whose it is, and giving it up. Settling sits higher, in checkout."""

from hub.tickets.family import LOCAL, family_spent
from hub.tickets.service import (
    OpenTicket,
    account_of,
    add_line,
    change_line,
    open_ticket,
    read_ticket,
    require_open,
    set_member,
    set_payer,
    staff_line,
    void,
)
from hub.tickets.sql import open_tickets
from hub.tickets.sql import ticket as ticket_row

__all__ = [
    "LOCAL",
    "OpenTicket",
    "account_of",
    "add_line",
    "change_line",
    "family_spent",
    "open_ticket",
    "open_tickets",
    "read_ticket",
    "require_open",
    "set_member",
    "set_payer",
    "staff_line",
    "ticket_row",
    "void",
]

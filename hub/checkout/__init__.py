"""Checkout: the bill is paid, once."""

from core.tickets import sale, sale_lines, sale_payments, sales_of_member
from hub.checkout.paper import reprint, sale_document, topup_document
from hub.checkout.passes import payables, plan_uses, possible_coupons, propose_passes
from hub.checkout.paying import (
    pay_ticket,
    pay_topup,
    payment_facts,
    reverse_ticket,
    reverse_ticket_lines,
)
from hub.checkout.refunding import (
    LOCAL,
    RightHere,
    Wish,
    ask_for_right,
    due_wishes,
    note_wish,
    release_right,
    rest_here,
    right_here,
    wish_of,
)
from hub.checkout.reversing import Wanted, planned_return, reverse, reverse_lines
from hub.checkout.service import REFUSALS, Settled, settle, suggest
from hub.checkout.sql import sales_of_day, settled_bill

__all__ = [
    "LOCAL",
    "REFUSALS",
    "RightHere",
    "Settled",
    "Wanted",
    "Wish",
    "ask_for_right",
    "due_wishes",
    "note_wish",
    "pay_ticket",
    "pay_topup",
    "payables",
    "payment_facts",
    "plan_uses",
    "planned_return",
    "possible_coupons",
    "propose_passes",
    "release_right",
    "reprint",
    "rest_here",
    "reverse",
    "reverse_lines",
    "reverse_ticket",
    "reverse_ticket_lines",
    "right_here",
    "sale",
    "sale_document",
    "sale_lines",
    "sale_payments",
    "sales_of_day",
    "sales_of_member",
    "settle",
    "settled_bill",
    "suggest",
    "topup_document",
    "wish_of",
]

"""Checkout: the bill is paid, once."""

from core.tickets import sale, sale_lines, sale_payments, sales_of_member
from hub.checkout.paper import reprint, sale_document, topup_document
from hub.checkout.passes import payables, plan_uses, possible_coupons, propose_passes
from hub.checkout.paying import pay_ticket, pay_topup, payment_facts, reverse_ticket
from hub.checkout.refunding import (
    LOCAL,
    Wish,
    ask_for_right,
    due_wishes,
    note_wish,
    release_right,
    right_here,
    wish_of,
)
from hub.checkout.service import REFUSALS, Settled, reverse, settle, suggest
from hub.checkout.sql import sales_of_day

__all__ = [
    "LOCAL",
    "REFUSALS",
    "Settled",
    "Wish",
    "ask_for_right",
    "due_wishes",
    "note_wish",
    "pay_ticket",
    "pay_topup",
    "payables",
    "payment_facts",
    "plan_uses",
    "possible_coupons",
    "propose_passes",
    "release_right",
    "reprint",
    "reverse",
    "reverse_ticket",
    "right_here",
    "sale",
    "sale_document",
    "sale_lines",
    "sale_payments",
    "sales_of_day",
    "sales_of_member",
    "settle",
    "suggest",
    "topup_document",
    "wish_of",
]

"""Checking how a bill or a top-up is paid. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import Refused
from core.money import AMOUNT_MAX
from core.organisation import Settings
from core.wallet import Payment

STORED_VALUE = "stored_value"
PAYMENTS_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A tender as the cashier entered it, in fen; `tendered` is the cash handed over."""

    tender: str
    amount: int
    tendered: int | None = None
    reference: str = ""


def check_payments(
    offered: Iterable[Offered], due: int, settings: Settings, *, stored_value: bool
) -> list[Payment]:
    """Return the payments, with change where cash gives it.

    Refused: amount_wrong, tender_unknown, tendered_short, payments_differ. The sum must match
    what is due; nothing due needs no payment.
    """
    payments = [_check(one, settings, stored_value=stored_value) for one in offered]
    paid = sum(payment.amount for payment in payments)
    if paid != due or len(payments) > PAYMENTS_MAX:
        raise Refused("payments_differ", paid_cents=paid, due_cents=due)
    return payments


def _check(one: Offered, settings: Settings, *, stored_value: bool) -> Payment:
    if not 0 < one.amount <= AMOUNT_MAX:
        raise Refused("amount_wrong", amount=str(one.amount))
    if one.tender == STORED_VALUE and stored_value:
        return Payment(tender=STORED_VALUE, amount=one.amount)
    tender = settings.tender(one.tender)
    if tender is None:
        raise Refused("tender_unknown", tender=one.tender)
    tendered = one.amount if one.tendered is None else one.tendered
    if tendered < one.amount:
        raise Refused("tendered_short", tendered_cents=tendered, due_cents=one.amount)
    if tendered > AMOUNT_MAX or (tendered > one.amount and not tender.gives_change):
        raise Refused("amount_wrong", amount=str(tendered))
    return Payment(
        tender=one.tender,
        amount=one.amount,
        tendered=tendered,
        change=tendered - one.amount,
        reference=one.reference[:40],
    )

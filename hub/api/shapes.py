"""Shapes that more than one noun of the API takes or gives."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from core.money import AMOUNT_MAX
from core.till import Offered
from core.web import Asked

SHOWN_MAX = 200

Fen = Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MAX, description="Money in fen (1/100 yuan)")]
SignedFen = Annotated[
    int, msgspec.Meta(ge=-AMOUNT_MAX, le=AMOUNT_MAX, description="Signed money in fen")
]
Id = Annotated[str, msgspec.Meta(max_length=80)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Search = Annotated[str, msgspec.Meta(max_length=64)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=SHOWN_MAX)]


class PaymentAsked(Asked, frozen=True, kw_only=True):
    """One tender. `tendered_cents` is the cash that was handed over, for its change."""

    tender: Annotated[str, msgspec.Meta(max_length=20)]
    amount_cents: Fen
    tendered_cents: Fen | None = None
    reference: Annotated[str, msgspec.Meta(max_length=40)] = ""


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One tender as it was booked. `bonus_cents` is the part that came out of bonus."""

    tender: str
    amount_cents: int
    tendered_cents: int
    change_cents: int
    reference: str
    bonus_cents: int | None = None
    line: str = ""
    """The line of the bill that a pass paid; a pass that names none paid for the bill."""
    units: int | None = None
    """How many visits, minutes or coupons that took."""


class PassLeft(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a pass that a booking was about: here, and in all."""

    lot: str
    asset: str
    name: str
    here: int
    total: int
    expires: str | None


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What a member has here after a booking, and stored value elsewhere."""

    principal_cents: int
    bonus_cents: int
    points: int
    elsewhere_cents: int = 0
    passes: tuple[PassLeft, ...] = ()


class Printing(msgspec.Struct, frozen=True, kw_only=True):
    """A print job that was queued; None where there is no printer."""

    print_job: str | None
    at_ms: int
    number: str = ""


def offered(payments: tuple[PaymentAsked, ...]) -> tuple[Offered, ...]:
    return tuple(
        Offered(
            tender=payment.tender,
            amount=payment.amount_cents,
            tendered=payment.tendered_cents,
            reference=payment.reference,
        )
        for payment in payments
    )


def content_of(asked: Asked) -> dict[str, Any]:
    """Return a request's fields, for the comparison with an earlier one under its key."""
    content: dict[str, Any] = msgspec.to_builtins(asked)
    return content

"""Money into a wallet, and corrections of it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from core.money import AMOUNT_MAX
from core.wallet import Asset
from core.web import Asked, Endpoint, write
from hub.access import till
from hub.api.blueprint import api
from hub.api.shapes import Fen, Id, Left, Payment, PaymentAsked, Printing, ShortText, offered
from hub.attempts import Answer
from hub.checkout import pay_topup, reprint
from hub.wallet import TopUp, correct


class TopUpAsked(Asked, frozen=True, kw_only=True):
    """An offer by its id, or an amount of principal; a card of that kind is issued with it."""

    member: Id
    offer: Id | None = None
    amount_cents: Fen = 0
    card: ShortText = ""
    payments: Annotated[tuple[PaymentAsked, ...], msgspec.Meta(max_length=20)] = ()


class TopUpDone(msgspec.Struct, frozen=True, kw_only=True):
    """What was booked. `head` is the journal's check value, as it stands on the receipt."""

    topup: str
    number: str
    member: str
    offer_name: str
    card: str | None
    total_cents: int
    principal_cents: int
    bonus_cents: int
    points: int
    expires: str | None
    payments: list[Payment]
    change_cents: int
    left: Left
    at_ms: int
    head: str
    print_job: str | None


class Adjustment(Asked, frozen=True, kw_only=True):
    """A signed correction: fen of principal or bonus, or points."""

    asset: Literal["principal", "bonus", "points"]
    amount: Annotated[int, msgspec.Meta(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]
    reason: ShortText


class Adjusted(msgspec.Struct, frozen=True, kw_only=True):
    member: str
    left: Left
    at_ms: int


@api.post("/topups")
@Endpoint(
    permission="card.topup",
    body=TopUpAsked,
    answer=TopUpDone,
    status=201,
    keyed=True,
    refusals=(
        "over_limit",
        "no_period",
        "no_member",
        "item_gone",
        "amount_wrong",
        "over_card_limit",
        "mint_right_spent",
        "payments_differ",
        "tender_unknown",
        "tendered_short",
        "card_malformed",
        "card_is_phone",
        "card_taken",
        "card_of_staff",
    ),
)
def top_up(asked: TopUpAsked, key: str) -> Answer:
    """Take money into a member's wallet."""
    wanted = TopUp(
        member=asked.member,
        offer=asked.offer,
        amount=asked.amount_cents,
        card=asked.card,
        payments=offered(asked.payments),
    )
    place = till()
    return write(lambda tx, act: pay_topup(tx, act, wanted, till=place, key=key))


@api.post("/topups/<topup_id>/prints")
@Endpoint(
    permission="sale.reprint", answer=Printing, status=201, refusals=("no_topup", "no_company")
)
def print_topup_again(topup_id: str) -> Answer:
    """Print a top-up's receipt; after the first time, marked as a copy."""
    return write(lambda tx, act: reprint(tx, act, topup=topup_id))


@api.post("/members/<member_id>/adjustments")
@Endpoint(
    permission="card.adjust",
    body=Adjustment,
    answer=Adjusted,
    status=201,
    keyed=True,
    refusals=(
        "over_limit",
        "no_member",
        "reason_missing",
        "amount_wrong",
        "adjust_below_zero",
        "points_below_zero",
        "mint_right_spent",
    ),
)
def adjust_wallet(member_id: str, asked: Adjustment, key: str) -> Answer:
    """Correct a balance, with a reason that stays."""
    return write(
        lambda tx, act: correct(
            tx,
            act,
            member=member_id,
            asset=Asset(asked.asset),
            amount=asked.amount,
            reason=asked.reason,
            key=key,
        )
    )

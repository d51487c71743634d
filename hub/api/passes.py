"""Passes: visits, minutes and coupons of a member, and giving one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from core.wallet import Asset, ByPass
from core.web import Asked, Endpoint, read, reading_act, write
from hub.api.blueprint import api
from hub.api.shapes import Fen, Id, ShortText
from hub.attempts import Answer
from hub.members import member_of
from hub.wallet import Gift, give, held_passes, pass_facts

Word = Literal["punches", "minutes", "coupons"]
Units = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
Ids = Annotated[tuple[Id, ...], msgspec.Meta(max_length=200)]
Date = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class PassAsked(Asked, frozen=True, kw_only=True):
    """So many pieces of a line by visits, by minutes or by a coupon.

    Without a `lot` the one that ends soonest pays. A coupon that takes money off names its lot
    and no line.
    """

    asset: Word
    line: Id = ""
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)] = 1
    lot: Id = ""


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """A pass: `here` can be used at this store, also with the line cut; `total` is all of it.

    It pays for `items` and for the items of `categories`; without both, for every service. A
    coupon with `worth_cents` takes that much off where what it pays for comes to `least_cents`.
    """

    lot: str
    asset: str
    name: str
    here: int
    elsewhere: int
    total: int
    unlimited: bool
    expires: str | None
    stores: tuple[str, ...]
    items: tuple[str, ...]
    categories: tuple[str, ...]
    worth_cents: int
    least_cents: int
    usable: bool
    """Whether it has not ended and counts at this store."""


class Passes(msgspec.Struct, frozen=True, kw_only=True):
    passes: list[Pass]


class PassGift(Asked, frozen=True, kw_only=True):
    """A pass that nobody pays for, with the reason that stays."""

    asset: Word = "coupons"
    name: ShortText
    reason: ShortText
    units: Units = 1
    worth_cents: Fen = 0
    least_cents: Fen = 0
    items: Ids = ()
    categories: Ids = ()
    expires: Date | None = None
    stores: Ids = ()


class PassGiven(msgspec.Struct, frozen=True, kw_only=True):
    """The new pass's lot, and all passes of the member."""

    member: str
    lot: str
    passes: list[Pass]
    at_ms: int


@api.get("/members/<member_id>/passes")
@Endpoint(permission="member.find", answer=Passes, refusals=("no_member",))
def list_passes(member_id: str) -> Answer:
    """Return a member's passes that are not used up, what ends soonest first."""
    with read() as db:
        found = member_of(db, member_id)["id"]
        return {"passes": told_passes(held_passes(db, reading_act(db), found))}


@api.post("/members/<member_id>/passes")
@Endpoint(
    permission="card.adjust",
    body=PassGift,
    answer=PassGiven,
    status=201,
    keyed=True,
    refusals=(
        "over_limit",
        "no_member",
        "reason_missing",
        "pass_wrong",
        "amount_wrong",
        "mint_right_spent",
    ),
)
def give_pass(member_id: str, asked: PassGift, key: str) -> Answer:
    """Give a member visits, minutes or coupons, with a reason that stays."""
    gift = Gift(
        member=member_id,
        asset=Asset(asked.asset),
        name=asked.name,
        reason=asked.reason,
        units=asked.units,
        worth=asked.worth_cents,
        least=asked.least_cents,
        items=asked.items,
        categories=asked.categories,
        expires=asked.expires,
        stores=asked.stores,
    )
    return write(lambda tx, act: give(tx, act, gift, key=key))


def wishes(asked: tuple[PassAsked, ...]) -> tuple[ByPass, ...]:
    """Return how passes are to pay, as checkout takes it."""
    return tuple(
        ByPass(asset=Asset(one.asset), line=one.line, quantity=one.quantity, lot=one.lot)
        for one in asked
    )


def told_passes(held: Any) -> list[dict[str, object]]:
    """Return passes as the API tells them."""
    return [pass_facts(one) for one in held]

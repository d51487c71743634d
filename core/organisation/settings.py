"""What head office sets once, as typed structs with the values a new shop starts with."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from core.clock import BusinessDay
from core.errors import N_

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Count = Annotated[int, msgspec.Meta(ge=0)]
ZONES = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Macau", "Asia/Taipei")
"""The time zones that a branch may choose from."""


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """Who the shop is: shown on receipts and on the members' page."""

    name: Name
    phone: str = ""
    address: str = ""
    footer: str = ""
    """Printed below every receipt."""
    qr: str = ""
    """An address printed as a QR code below every receipt; empty prints none."""
    logo_png: str = ""
    """A PNG in base64, printed above every receipt; empty prints none."""


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """One branch."""

    name: Name
    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{1,4}$")]
    """Stands in every number that this branch gives out, so no two branches give the same."""
    zone: str = "Asia/Shanghai"
    cutoff_minutes: Annotated[int, msgspec.Meta(ge=0, le=720)] = 0
    phone: str = ""
    address: str = ""
    closed_on: str = ""
    """Since which date no shift is opened there any more; empty while it is open."""

    @property
    def day(self) -> BusinessDay:
        return BusinessDay(self.zone, self.cutoff_minutes)


class NumberFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How a new member's number is made: prefix, the branch's code, then digits."""

    prefix: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{0,6}$")] = "M"
    digits: Annotated[int, msgspec.Meta(ge=4, le=10)] = 6


class PointsRule(msgspec.Struct, frozen=True, kw_only=True):
    """What earns points. `points` for every `per_cents` fen paid."""

    per_cents: Annotated[int, msgspec.Meta(ge=1)] = 100
    points: Count = 1
    on_stored_value: bool = False
    """Spending from the balance earns; then a top-up does not, or a yuan would earn twice."""
    on_topup: bool = True
    double_weekdays: tuple[int, ...] = ()
    """Days of the week (Monday is 0) on which points count double."""
    ends: Literal["", "months", "year"] = ""
    """When points end: never, some months after the one they were earned in, with a year."""
    ends_after: Annotated[int, msgspec.Meta(ge=0, le=120)] = 12
    """So many months, or years: 0 is the year they were earned in."""
    carry_over: bool = False
    """Points of which none were used move to the next period instead of ending."""


class Tender(msgspec.Struct, frozen=True, kw_only=True):
    """A way of paying that the shop accepts, beside stored value."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{2,20}$")]
    name: Name
    gives_change: bool = False
    opens_drawer: bool = False


CASH = Tender(id="cash", name=N_("现金"), gives_change=True, opens_drawer=True)
BANK_CARD = Tender(id="bank_card", name=N_("银行卡"))


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The merchant's rules."""

    number_format: NumberFormat = NumberFormat()
    points: PointsRule = PointsRule()
    tenders: tuple[Tender, ...] = (CASH, BANK_CARD)
    categories: tuple[str, ...] = ("普通会员",)
    spend_bonus_first: bool = False
    receipt_auto_print: bool = True
    show_change: bool = True
    topup_max_cents: Count = 500_000
    """What a named card may hold after a top-up (国办发〔2011〕25号)."""
    offline_card_cents: Count = 50_000
    """So much stored value a swiped card pays where the list of lost cards is old."""
    block_list_hours: Annotated[int, msgspec.Meta(ge=1, le=8_760)] = 24
    """How long the list of lost cards counts as fresh without head office."""
    idle_lock_s: Annotated[int, msgspec.Meta(ge=30, le=28_800)] = 120

    def tender(self, tender_id: str) -> Tender | None:
        return next((t for t in self.tenders if t.id == tender_id), None)

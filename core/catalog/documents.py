"""The documents of the feed that describe what is sold."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Fen = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


UNLIMITED = 100_000
PASSES_MAX = 4


class ItemKind(StrEnum):
    """How reports split what was sold; only products have stock."""

    SERVICE = "service"
    PRODUCT = "product"
    OTHER = "other"


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A heading on the till, with the number of its edge colour (0 to 7)."""

    name: Name
    colour: Annotated[int, msgspec.Meta(ge=0, le=7)] = 0
    sort: int = 0


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A service or a product. Prices in fen; without a member price members pay the list's."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    name: Name
    kind: ItemKind = ItemKind.SERVICE
    category: str = ""
    unit: Annotated[str, msgspec.Meta(max_length=8)] = "次"
    price: Fen
    member_price: Fen | None = None
    barcode: str = ""
    brand: str = ""
    note: Annotated[str, msgspec.Meta(max_length=40)] = ""
    points_times: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1
    """How many times the usual points this item earns; 0 earns none."""
    minutes: Annotated[int, msgspec.Meta(ge=0, le=1_440)] = 0
    """How long it takes, which a time card pays for; 0 is not paid by the minute."""
    sort: int = 0
    active: bool = True


class OfferedPass(msgspec.Struct, frozen=True, kw_only=True):
    """Visits (次) or minutes that an offer gives, and what they pay for.

    `paid` is the part of the offer's price that they stand for, in fen. Without items and
    categories they pay for every service. UNLIMITED visits are as many as anybody can make
    before they end.
    """

    asset: Annotated[str, msgspec.Meta(pattern=r"^(punches|minutes)$")]
    units: Annotated[int, msgspec.Meta(ge=1, le=UNLIMITED)]
    paid: Fen
    name: Annotated[str, msgspec.Meta(max_length=60)] = ""
    items: Annotated[tuple[str, ...], msgspec.Meta(max_length=200)] = ()
    categories: Annotated[tuple[str, ...], msgspec.Meta(max_length=50)] = ()


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A card type or a top-up package: what is paid and what the wallet then holds.

    `kind` is "topup" for a package, "card" for a card type that is issued with a medium, and
    "pass" for whatever gives `passes`: a version that knows of none puts it aside, instead of
    selling it without them.
    """

    name: Name
    kind: Annotated[str, msgspec.Meta(pattern=r"^(topup|card|pass)$")] = "topup"
    price: Fen
    principal: Fen
    bonus: Fen = 0
    points: Annotated[int, msgspec.Meta(ge=0)] = 0
    term_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] | None = None
    """Days for which the value can be spent; None never ends."""
    stores: tuple[str, ...] = ()
    """Where it can be spent; empty is everywhere."""
    benefits: Annotated[str, msgspec.Meta(max_length=200)] = ""
    passes: Annotated[tuple[OfferedPass, ...], msgspec.Meta(max_length=PASSES_MAX)] = ()
    sort: int = 0
    active: bool = True

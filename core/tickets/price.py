"""The one place where a bill is priced. Pure: lines in, amounts and the rule of each out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LIST_PRICE = "list"
MEMBER_PRICE = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Priceable:
    """What pricing needs of a line; prices in fen for one unit."""

    line: str
    quantity: int
    list_price: int
    member_price: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A line with its unit price, its amount, and the rule that gave it."""

    line: str
    price: int
    amount: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A priced ticket. `saved` is what the list prices would have cost more."""

    lines: tuple[PricedLine, ...]
    list_total: int
    total: int

    @property
    def saved(self) -> int:
        return self.list_total - self.total


def price(lines: Sequence[Priceable], *, member: bool) -> Bill:
    """Price a ticket; a member pays the member price where there is a lower one."""
    priced = []
    for line in lines:
        cheaper = line.member_price is not None and line.member_price < line.list_price
        unit = line.member_price if member and cheaper else line.list_price
        assert unit is not None
        priced.append(
            PricedLine(
                line=line.line,
                price=unit,
                amount=unit * line.quantity,
                rule=MEMBER_PRICE if member and cheaper else LIST_PRICE,
            )
        )
    return Bill(
        lines=tuple(priced),
        list_total=sum(line.list_price * line.quantity for line in lines),
        total=sum(line.amount for line in priced),
    )

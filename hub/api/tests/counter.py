"""What the tests do at a counter: a person at a till, and the acts that most sales need."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from tests.started import MASSAGE, PACKAGE, TEA, Caller, Hub, Shop

FLOAT = 50_000
_phones = itertools.count(13_900_000_000)


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A till with an open shift. `owner` and `cashier` are people at it."""

    till: str
    owner: Caller
    cashier: Caller

    def member(self, name: str = "李慧敏") -> str:
        told = {"name": name, "phone": str(next(_phones))}
        return str(self.owner.done("POST", "/members", told)["id"])

    def rich_member(self) -> str:
        """A member with 1000 yuan of principal and 100 of bonus."""
        member = self.member()
        paid = [{"tender": "cash", "amount_cents": 100_000}]
        asked = {"member": member, "offer": PACKAGE, "payments": paid}
        self.owner.done("POST", "/topups", asked)
        return member

    def bill(self, member: str | None = None, *items: str) -> dict[str, Any]:
        lines = [{"item": item} for item in items or (MASSAGE, TEA)]
        told: dict[str, Any] = self.owner.done(
            "POST", "/tickets", {"member": member, "lines": lines}
        )
        return told

    def wallet(self, member: str) -> dict[str, Any]:
        told: dict[str, Any] = self.owner.done("GET", f"/members/{member}")["wallet"]
        return told


def open_counter(hub: Hub, shop: Shop, till: str) -> Counter:
    owner = hub.caller(shop.token("owner", till))
    owner.done("POST", "/shifts", {"float_cents": FLOAT})
    return Counter(till=till, owner=owner, cashier=hub.caller(shop.token("cashier", till)))


def cash(amount: int, **more: Any) -> dict[str, Any]:
    return {"tender": "cash", "amount_cents": amount, **more}


def stored_value(amount: int) -> dict[str, Any]:
    return {"tender": "stored_value", "amount_cents": amount}


def bank_card(amount: int) -> dict[str, Any]:
    return {"tender": "bank_card", "amount_cents": amount}

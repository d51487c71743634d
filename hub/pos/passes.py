"""The step of paying where visits, minutes and coupons pay: proposed, ticked, taken off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import Refused
from core.journal import Act
from core.sqlite import Reader
from core.wallet import PASSES, Asset, ByPass, Use
from hub.checkout import plan_uses, possible_coupons, propose_passes
from hub.tickets import OpenTicket
from hub.wallet import HeldPass, held_passes

CHOICES_MAX = 200
QUANTITY_DIGITS_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way in which a pass can pay of this bill; `cents` is what it pays, if it is on."""

    wish: ByPass
    on: bool
    name: str
    line: str
    """What it pays for, as the bill has it; empty where it is the bill."""
    units: int = 0
    cents: int = 0

    @property
    def value(self) -> str:
        """Return the choice as a form carries it."""
        wish = self.wish
        return f"{wish.asset}|{wish.line}|{wish.quantity}|{wish.lot}"


def choices(
    db: Reader,
    act: Act,
    found: OpenTicket,
    *,
    held: Sequence[HeldPass],
    ticked: list[str] | None,
) -> list[Choice]:
    """Return what passes can pay of a bill; `ticked` is None before anything was chosen.

    What the passes here would pay by themselves is on then, coupons are not. A choice that
    cannot be had beside those before it is off.
    """
    proposed = propose_passes(db, act, found)
    wishes = [*proposed, *possible_coupons(db, act, found)]
    wanted = proposed if ticked is None else read_choices(ticked)
    taken: list[ByPass] = []
    paid: dict[ByPass, list[Use]] = {}
    for wish in wishes:
        if wish not in wanted:
            continue
        try:
            uses = plan_uses(db, act, found, [*taken, wish])
        except Refused:
            continue
        taken.append(wish)
        paid[wish] = _of(uses, wish)
    names = {one.lot.lot: one.lot.name for one in held}
    lines = {line["id"]: line["name"] for line in found.lines}
    return [
        Choice(
            wish=wish,
            on=wish in paid,
            name=_name(names, paid.get(wish, ()), wish),
            line=lines.get(wish.line, ""),
            units=sum(use.units for use in paid.get(wish, ())),
            cents=sum(use.cents for use in paid.get(wish, ())),
        )
        for wish in wishes
    ]


def paid_by_passes(db: Reader, act: Act, found: OpenTicket) -> int:
    """Return how many fen of a bill the passes here would pay by themselves."""
    uses = plan_uses(db, act, found, propose_passes(db, act, found))
    return sum(use.cents for use in uses)


def read_choices(ticked: Iterable[str]) -> tuple[ByPass, ...]:
    """Return what a form carries; whatever is no choice of ours is left out."""
    wishes = []
    for value in list(ticked)[:CHOICES_MAX]:
        asset, _, rest = value.partition("|")
        line, _, rest = rest.partition("|")
        quantity, _, lot = rest.partition("|")
        if asset in PASSES and quantity.isdecimal() and len(quantity) <= QUANTITY_DIGITS_MAX:
            wish = ByPass(asset=Asset(asset), line=line, quantity=int(quantity), lot=lot)
            wishes.append(wish)
    return tuple(wishes)


def passes_of(db: Reader, act: Act, account: str | None) -> list[HeldPass]:
    """Return the passes of whoever pays; none of a walk-in."""
    return held_passes(db, act, account) if account else []


def _of(uses: Iterable[Use], wish: ByPass) -> list[Use]:
    return [
        use
        for use in uses
        if use.asset is wish.asset and use.line == wish.line and wish.lot in {"", use.lot}
    ]


def _name(names: dict[str, str], uses: Iterable[Use], wish: ByPass) -> str:
    if wish.lot:
        return names.get(wish.lot, "")
    return "、".join(dict.fromkeys(use.name for use in uses))

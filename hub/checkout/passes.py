"""Passes at the till: what of a bill a member's visits, minutes and coupons here would pay."""

from __future__ import annotations

from collections.abc import Iterable

from core.catalog import items_by_ids
from core.journal import Act
from core.sqlite import Reader
from core.wallet import (
    PASSES,
    Asset,
    ByPass,
    Holding,
    Leg,
    Lot,
    Payable,
    Payment,
    Use,
    covers,
    holdings,
    lots_of,
    pass_value,
    plan_passes,
    propose,
)
from hub.tickets import OpenTicket, account_of

WISHES_MAX = 200


def payables(db: Reader, found: OpenTicket) -> list[Payable]:
    """Return a bill's lines as passes see them; one without a price needs none."""
    known = items_by_ids(db, [line["item"] for line in found.lines])
    lines = []
    for line, priced in zip(found.lines, found.bill.lines, strict=True):
        item = known.get(line["item"])
        lines.append(
            Payable(
                line=line["id"],
                item=line["item"],
                category=item["category"] if item else "",
                is_service=line["kind"] == "service",
                quantity=line["quantity"],
                price=priced.price,
                amount=priced.amount,
                minutes=item["minutes"] if item else 0,
            )
        )
    return lines


def propose_passes(db: Reader, act: Act, found: OpenTicket) -> list[ByPass]:
    """Return how the passes here would pay this bill by themselves."""
    held = _held(db, act, found)
    return propose(held, payables(db, found), store=act.store, date=act.date) if held else []


def possible_coupons(db: Reader, act: Act, found: OpenTicket) -> list[ByPass]:
    """Return each coupon here as it could be used on this bill, if the guest wants to."""
    lines = payables(db, found)
    wishes = []
    for holding in _held(db, act, found):
        if holding.asset is not Asset.COUPONS:
            continue
        if not holding.spendable(store=act.store, date=act.date):
            continue
        covered = [line for line in lines if line.price and covers(holding, line)]
        if holding.worth:
            total = sum(line.amount for line in covered)
            if total and total >= holding.least:
                wishes.append(ByPass(asset=Asset.COUPONS, lot=holding.lot))
        elif covered:
            first = covered[0].line
            wishes.append(ByPass(asset=Asset.COUPONS, line=first, lot=holding.lot))
    return wishes


def plan_uses(db: Reader, act: Act, found: OpenTicket, wishes: Iterable[ByPass]) -> list[Use]:
    """Choose the lots that pay what was wished for. Refused: what `plan_passes` refuses."""
    asked = list(wishes)
    if not asked:
        return []
    return plan_passes(
        _held(db, act, found),
        payables(db, found),
        asked[:WISHES_MAX],
        store=act.store,
        date=act.date,
    )


def payment_of(use: Use) -> Payment:
    """Return what a pass paid as the bill carries it."""
    return Payment(
        tender=use.asset.value,
        amount=use.cents,
        reference=use.name,
        legs=((use.asset.value, use.lot, use.units),),
        line=use.line,
    )


def passes_paid(payments: Iterable[Payment]) -> list[tuple[str, str]]:
    """Return the passes that paid, as (asset, lot)."""
    legs = (leg for payment in payments for leg in payment.legs)
    return [(asset, lot) for asset, lot, _amount in legs if asset in PASSES]


def renew_pass(db: Reader, act: Act, leg: Leg) -> Lot:
    """Return a lot in place of one that has ended: good for the same things, without an end."""
    (ended,) = lots_of(db, [leg]) or (Lot(lot=leg.lot, opened_at=0),)
    return Lot(
        lot=act.new_id(),
        opened_at=act.at,
        paid=pass_value(ended, leg.amount) if ended.paid else 0,
        stores=ended.stores,
        asset=leg.asset.value,
        units=leg.amount,
        name=ended.name,
        items=ended.items,
        categories=ended.categories,
        worth=ended.worth,
        least=ended.least,
    )


def _held(db: Reader, act: Act, found: OpenTicket) -> list[Holding]:
    account = account_of(db, found.row)
    if account is None:
        return []
    held = holdings(db, account, act.journal.identity.place)
    return [one for one in held if one.asset in PASSES]

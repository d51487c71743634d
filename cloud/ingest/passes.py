"""What a box says was paid for a pass, held against what such a pass is sold for.

A pass takes as much of the right to fill wallets as was paid for it, so a box that says less
than that would issue visits beyond its right. What it says counts where an offer bears it out:
one that head office published at any time, or one that the box itself put up before, which all
stores have seen since. Anything else stands for at least as much as a gift.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from cloud.ingest.bills import settling_of
from core.journal import Event, kind_name, kind_of
from core.sqlite import Reader
from core.tickets import TicketPartReversed, TicketReversed
from core.wallet import PASSES, Asset, Lot, PassGiven, ToppedUp, mint_account, pass_value

_TOPPED_UP, _GIVEN = kind_name(ToppedUp), kind_name(PassGiven)
_REVERSALS = {kind_name(TicketReversed), kind_name(TicketPartReversed)}


class _Opening(msgspec.Struct):
    offer: str | None = None
    ticket: str = ""
    passes: tuple[Lot, ...] = ()
    given: Lot | None = None
    lots: tuple[Lot, ...] = ()


_opening = msgspec.json.Decoder(_Opening)
_names = msgspec.json.Decoder(tuple[str, ...])


def passes_understated(db: Reader, event: Event, place: str) -> str:
    """Return of which pass an event says less than it stands for; empty where of none."""
    issued = _issued(event, place)
    if not issued:
        return ""
    body, kind = _opening.decode(event.body), kind_of(event)
    lots = (*body.passes, *body.lots, *(() if body.given is None else (body.given,)))
    named = {(lot.asset, lot.lot): lot for lot in lots}
    if len(named) < len(lots):
        return "it tells one pass twice"
    if any(_is_told_otherwise(db, lot) for lot in named.values()):
        return "it issues a pass that was told otherwise before"
    if kind in _REVERSALS and _came_back(db, body.ticket, issued):
        return ""
    for key, units in issued.items():
        lot = named.get(key)
        if lot is None or _is_offered(db, event, kind, body.offer, lot):
            continue
        least = pass_value(_unpaid(lot), units)
        if pass_value(lot, units) < least:
            return f"{units} {lot.asset} for {lot.paid} are offered nowhere"
    return ""


def _issued(event: Event, place: str) -> Counter[tuple[str, str]]:
    units = Counter[tuple[str, str]]()
    for posting in event.postings:
        at_mint = posting.account == mint_account(place)
        if at_mint and posting.amount < 0 and posting.asset in PASSES:
            units[posting.asset, posting.lot] -= posting.amount
    return units


def _came_back(db: Reader, bill: str, issued: Counter[tuple[str, str]]) -> bool:
    """Say whether no more units are issued anew than the bill that is reversed was paid by."""
    paid = _by_asset(settling_of(db, bill).paid.items())
    return all(paid[asset] >= units for asset, units in _by_asset(issued.items()).items())


def _by_asset(values: Iterable[tuple[tuple[str, str], int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for (asset, _lot), amount in values:
        sums[asset] += amount
    return sums


def _is_told_otherwise(db: Reader, lot: Lot) -> bool:
    """Say whether a lot is here and good for something else: who tells of it first is heard."""
    told = db.one(
        "SELECT asset, units, paid, worth, least, items, categories FROM lot WHERE lot = :lot",
        lot=lot.lot,
    )
    if told is None:
        return False
    mine = {name: getattr(lot, name) for name in ("asset", "units", "paid", "worth", "least")}
    mine |= {"items": " ".join(lot.items), "categories": " ".join(lot.categories)}
    return dict(told) != mine


def _is_offered(db: Reader, event: Event, kind: str, offer: str | None, lot: Lot) -> bool:
    if kind != _TOPPED_UP or not offer or lot.worth:
        return False
    rows = db.all(
        "SELECT items, categories FROM pass_known JOIN origin o USING (origin, epoch)"
        " WHERE offer = :offer AND (o.own = 1 OR origin = :box)"
        " AND asset = :asset AND units >= :units AND paid <= :paid",
        offer=offer,
        box=event.origin,
        asset=lot.asset,
        units=lot.units,
        paid=lot.paid,
    )
    pays = (set(lot.items), set(lot.categories))
    return any(
        (set(_names.decode(row["items"])), set(_names.decode(row["categories"]))) == pays
        for row in rows
    )


def _unpaid(lot: Lot) -> Lot:
    """Return a pass as if nobody had paid for it; only a coupon takes a sum off."""
    worth = lot.worth if lot.asset == Asset.COUPONS else 0
    return msgspec.structs.replace(lot, paid=0, worth=worth)

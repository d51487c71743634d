"""Where a member's value lies, and what travels with it from one place to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from core.journal import Act, Event
from core.sqlite import Reader, Row, Writer
from core.wallet.accounts import CLOUD, PASSES, Asset
from core.wallet.events import Accepted, Granted, Legs, Lot, Released
from core.wallet.points import NEVER
from core.wallet.rules import Leg, accept, grant, release
from core.wallet.tables import counted_as, holdings

TRANSIT = "transit"
"""The place, in a wallet document, of what has left one side and not yet reached the other."""


def written_legs(legs: Iterable[Leg]) -> Legs:
    """Return legs as an event carries them."""
    return tuple((leg.asset.value, leg.lot, leg.amount) for leg in legs)


def read_legs(written: Legs) -> list[Leg]:
    """Return legs as an event carried them."""
    return [Leg(Asset(asset), lot, amount) for asset, lot, amount in written]


def all_legs(db: Reader, member: str, place: str) -> list[Leg]:
    """Return all that a member holds at a place, as legs."""
    held = holdings(db, member, place)
    return [Leg(h.asset, h.lot, h.amount) for h in held]


def lots_of(db: Reader, legs: Iterable[Leg], *, member: str = "") -> tuple[Lot, ...]:
    """Return what is known here of the lots that these legs are parts of.

    `member` is whose value the event is about: of other lots it says for whom they were opened.
    """
    names = sorted({leg.lot for leg in legs} - {NEVER})
    rows = [db.one("SELECT * FROM lot WHERE lot = :lot", lot=name) for name in names]
    return tuple(lot_of(row, member=member) for row in rows if row is not None)


def lot_of(row: Row, *, member: str = "") -> Lot:
    """Return a lot from its row; see `lots_of`."""
    return Lot(
        lot=row["lot"],
        opened_at=row["opened_at"],
        paid=row["paid"],
        principal=row["principal"],
        bonus=row["bonus"],
        expires=row["expires"],
        stores=tuple(row["stores"].split()),
        owner="" if row["member"] == member else row["member"],
        asset=row["asset"],
        units=row["units"],
        name=row["name"],
        items=tuple(row["items"].split()),
        categories=tuple(row["categories"].split()),
        worth=row["worth"],
        least=row["least"],
    )


def send_grant(  # noqa: PLR0913 - the hands of every verb, and a grant's six facts
    tx: Writer,
    act: Act,
    *,
    transfer: str,
    member: str,
    hub: str,
    hub_epoch: int,
    legs: list[Leg],
    request: str = "",
) -> Event:
    """Send value that head office holds to a store's box; `act` writes that box's stream.

    Asserts that it is held: the table lets head office's place pass through any order.
    """
    held = {(h.asset, h.lot): h.amount for h in holdings(tx, member, CLOUD)}
    assert legs, "nothing is no grant"
    assert all(0 < leg.amount <= held.get((leg.asset, leg.lot), 0) for leg in legs)
    body = Granted(
        transfer=transfer,
        member=member,
        hub=hub,
        hub_epoch=hub_epoch,
        legs=written_legs(legs),
        lots=lots_of(tx, legs, member=member),
        request=request,
    )
    return act.append(tx, body, postings=grant(member, transfer, legs))


def send_release(
    tx: Writer,
    act: Act,
    *,
    transfer: str,
    member: str,
    request: str = "",
    wanted: Legs = (),
) -> Event:
    """Send what this box holds of a member to head office; what is nothing is told too.

    With `wanted` no more than those parts, as far as they are still there.
    """
    here = act.journal.identity.place
    legs = all_legs(tx, member, here)
    if wanted:
        most = {(asset, lot): amount for asset, lot, amount in wanted}
        parts = [
            Leg(leg.asset, leg.lot, min(leg.amount, most.get((leg.asset, leg.lot), 0)))
            for leg in legs
        ]
        legs = [leg for leg in parts if leg.amount > 0]
    body = Released(
        transfer=transfer,
        member=member,
        legs=written_legs(legs),
        lots=lots_of(tx, legs, member=member),
        request=request,
    )
    return act.append(tx, body, postings=release(member, here, transfer, legs))


def take_in(tx: Writer, act: Act, sent: Granted | Released, *, place: str) -> Event | None:
    """Take in what was sent, as the receiving side at `place`; None when nothing is under way.

    What was sent must stand in a journal here. A second call changes nothing, because then
    nothing is under way any more.
    """
    under_way = tx.all(
        "SELECT asset, lot, amount FROM transit"
        " WHERE member = :member AND transfer = :transfer AND amount > 0",
        member=sent.member,
        transfer=sent.transfer,
    )
    if not under_way:
        return None
    legs = [Leg(Asset(row["asset"]), row["lot"], row["amount"]) for row in under_way]
    body = Accepted(
        transfer=sent.transfer,
        member=sent.member,
        legs=written_legs(legs),
        lots=sent.lots,
    )
    return act.append(tx, body, postings=accept(sent.member, place, sent.transfer, legs))


_HELD = "SELECT place, asset, lot, amount FROM holding WHERE member = :member"
_UNDER_WAY = "SELECT 'transit' AS place, asset, lot, amount FROM transit WHERE member = :member"
_MOVED = "SELECT place, asset, amount FROM transferred WHERE member = :member"


def wallet_document(db: Reader, member_id: str, *, at: int = 0) -> dict[str, Any]:
    """Return where a member's value lies, as the feed's topic `wallet` tells it.

    `places` are the sums by place and asset, on the way included; of a pass they are by lot,
    and `lots` says what those are, because a store may never have had one. `moved` is how much
    had come to a place less what had left it, by transfers alone: with it a store that knows
    of later transfers of its own tells what lies elsewhere without counting anything twice.
    `at` in ms is when the document was made.
    """
    lying = [*db.all(_HELD, member=member_id), *db.all(_UNDER_WAY, member=member_id)]
    places = [
        (row["place"], counted_as(row["asset"], row["lot"]), row["amount"]) for row in lying
    ]
    moved = db.all(_MOVED, member=member_id)
    passes = [
        Leg(Asset(row["asset"]), row["lot"], row["amount"])
        for row in lying
        if row["asset"] in PASSES and row["amount"]
    ]
    told: dict[str, Any] = {
        "places": _by_place(places),
        "moved": _by_place((row["place"], row["asset"], row["amount"]) for row in moved),
        "at": at,
    }
    if passes:
        told["lots"] = msgspec.to_builtins(lots_of(db, passes, member=member_id))
    return told


def _by_place(sums: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, int]]:
    by_place: dict[str, Counter[str]] = {}
    for place, asset, amount in sums:
        by_place.setdefault(place, Counter())[asset] += amount
    left = {
        place: {asset: amount for asset, amount in sums.items() if amount}
        for place, sums in by_place.items()
    }
    return {place: sums for place, sums in left.items() if sums}

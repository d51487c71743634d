"""What disasters cost: value put right where a box is no more, and the account that pays.

A box that is gone leaves what it held, and may turn up with facts of which nobody knew. Head
office takes what lies at a closed place back into the pool (`Voided`); where a late fact takes
more than is there, it puts that much there first (`Funded`): out of the member's own pool, and
what is missing then out of the account `risk`, which is the merchant's. No member's balance
goes below zero for it, and each posting to `risk` has its row in `risk_booking`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec

from core.journal import Append, Body, Change, Entry, Part, Posting
from core.sqlite import Migration, Reader, Row
from core.wallet.accounts import CLOUD, PASSES, Asset, member_account, transit_account
from core.wallet.events import Legs
from core.wallet.rules import Holding, Leg, take

RISK = "risk"
"""The merchant's account: per asset and lot of either sign, its sum is what was paid."""


class SentLegs(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of holdings that are on their way under one transfer."""

    transfer: str
    legs: Legs


class Voided(Body, frozen=True, kw_only=True, tag="wallet.voided"):
    """What a member had at a closed epoch's place, or on the way to it, is in the pool again.

    `reason` is why the epoch was closed, or `late` or `fork` where a fact of it that came
    later left something there; `about` is that fact's event then.
    """

    member: str
    hub: str
    hub_epoch: int
    legs: Legs = ()
    transfers: tuple[SentLegs, ...] = ()
    reason: str = ""
    about: str = ""


class Funded(Body, frozen=True, kw_only=True, tag="wallet.funded"):
    """Value was put where a fact needs it, before the fact counts.

    `legs` were put at the epoch's place and `transfers` on their ways; `taken` came out of the
    member's pool, and the rest out of `risk`. `about` is the event that needs them; `reason`
    late, fork, advance, restore or chargeback. Where `pooled`, or without a hub, they were put
    into the pool itself.
    """

    member: str
    hub: str
    hub_epoch: int
    legs: Legs = ()
    transfers: tuple[SentLegs, ...] = ()
    taken: Legs = ()
    reason: str = ""
    about: str = ""
    pooled: bool = False
    payer: str = ""
    """Out of whose pool `taken` came, where that is another id of the same person."""


Sent = Sequence[tuple[str, Sequence[Leg]]]
"""Legs by the transfer under which they are on their way."""


def void(member: str, place: str, legs: Sequence[Leg], sent: Sent = ()) -> list[Posting]:
    """Return the postings that bring value from a closed place and its ways into the pool."""
    pool = member_account(member, CLOUD)
    sources = [(member_account(member, place), legs)]
    sources += [(transit_account(member, transfer), way) for transfer, way in sent]
    return [
        Posting(account, leg.asset, leg.lot, sign * leg.amount)
        for source, moved in sources
        for leg in moved
        for account, sign in ((source, -1), (pool, 1))
    ]


def plan_taking(missing: Iterable[Leg], pool: Iterable[Holding]) -> list[Leg]:
    """Choose what of the pool pays for what is missing: the same lot first, then the others.

    An asset is paid for by the same asset only, out of what ends soonest first, and a pass by
    the same pass: another one is good for other things. What the pool cannot pay is not in the
    answer: that is the merchant's.
    """
    short: Counter[tuple[Asset, str]] = Counter()
    for leg in missing:
        short[leg.asset, leg.lot] += leg.amount
    left = sorted(
        (h for h in pool if h.amount > 0),
        key=lambda h: (h.expires or "9999", h.opened_at, h.lot),
    )
    taken: Counter[tuple[Asset, str]] = Counter()
    for same_lot in (True, False):
        for (asset, lot), amount in short.items():
            usable = (
                replace(h, amount=h.amount - taken[h.asset, h.lot])
                for h in left
                if h.asset == asset and (h.lot == lot or not (same_lot or asset in PASSES))
            )
            for leg in take(usable, amount):
                taken[leg.asset, leg.lot] += leg.amount
                short[asset, lot] -= leg.amount
    return [Leg(asset, lot, amount) for (asset, lot), amount in taken.items() if amount]


def fund(
    member: str,
    place: str,
    *,
    legs: Sequence[Leg],
    sent: Sent = (),
    taken: Sequence[Leg],
    payer: str = "",
) -> list[Posting]:
    """Return the postings that put legs at a place and on ways, out of `taken` and `risk`.

    `taken` lies in the pool of the `payer`, else of the member.
    Where another lot pays than the one that is needed, `risk` changes the one for the other:
    its two postings sum to nothing.
    """
    pool = member_account(payer or member, CLOUD)
    targets = [(member_account(member, place), legs)]
    targets += [(transit_account(member, transfer), way) for transfer, way in sent]
    postings = [Posting(pool, leg.asset, leg.lot, -leg.amount) for leg in taken]
    paid: Counter[tuple[Asset, str]] = Counter()
    for leg in taken:
        paid[leg.asset, leg.lot] += leg.amount
    for account, put in targets:
        for leg in put:
            postings.append(Posting(account, leg.asset, leg.lot, leg.amount))
            paid[leg.asset, leg.lot] -= leg.amount
    rest = sorted((key, amount) for key, amount in paid.items() if amount)
    return [*postings, *(Posting(RISK, asset, lot, amount) for (asset, lot), amount in rest)]


def book_risk(
    entry: Entry, *, member: str, hub: str, hub_epoch: int, reason: str, about: str = ""
) -> Iterator[Change]:
    """Yield the bookings of an event's postings to `risk`, one for each asset.

    `amount` is what the merchant paid, in fen or points: below zero where something came back.
    One lot changed for another costs nothing, and has no row.
    """
    paid: Counter[str] = Counter()
    for posting in entry.event.postings:
        if posting.account == RISK:
            paid[posting.asset] -= posting.amount
    event = entry.event
    for asset, amount in sorted(paid.items()):
        if amount:
            yield Append(
                "risk_booking",
                {
                    "origin": event.origin,
                    "epoch": event.epoch,
                    "seq": event.seq,
                    "asset": asset,
                    "amount": amount,
                    "member": member,
                    "hub": hub,
                    "hub_epoch": hub_epoch,
                    "reason": reason,
                    "about": about,
                    "at": event.at,
                },
            )


def risk_bookings(db: Reader, *, limit: int) -> list[Row]:
    """Return the newest bookings: what was paid for whom, where, when and why."""
    return db.all(
        "SELECT * FROM risk_booking ORDER BY at DESC, origin, epoch, seq DESC, asset"
        " LIMIT :limit",
        limit=limit,
    )


def risk_sums(db: Reader, *, hub: str = "", epoch: int = 0) -> dict[str, int]:
    """Return what the merchant has paid, by asset: in all, or for one epoch of a hub."""
    rows = db.all(
        """SELECT asset, SUM(amount) AS paid FROM risk_booking
            WHERE :hub = '' OR (hub = :hub AND hub_epoch = :epoch) GROUP BY asset""",
        hub=hub,
        epoch=epoch,
    )
    return {row["asset"]: row["paid"] for row in rows if row["paid"]}


def _book(entry: Entry) -> Iterator[Change]:
    body: Voided | Funded = entry.body
    return book_risk(
        entry,
        member=body.member,
        hub=body.hub,
        hub_epoch=body.hub_epoch,
        reason=body.reason,
        about=body.about,
    )


PART = Part(
    name="risk",
    migrations=(
        Migration(
            "risk/1",
            (
                """CREATE TABLE risk_booking (
                     origin TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
                     asset TEXT NOT NULL,
                     amount INTEGER NOT NULL,
                     member TEXT NOT NULL,
                     hub TEXT NOT NULL,
                     hub_epoch INTEGER NOT NULL,
                     reason TEXT NOT NULL,
                     about TEXT NOT NULL,
                     at INTEGER NOT NULL,
                     PRIMARY KEY (origin, epoch, seq, asset)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX risk_booking_by_time ON risk_booking (at)",
            ),
        ),
    ),
    tables={"risk_booking": ("origin", "epoch", "seq", "asset")},
    now={Voided: _book, Funded: _book},
)

"""What the merchant lays out for a member while the line is cut, and how it comes back.

A spend beyond what lies here is paid out of the account `risk`, within limits that the merchant
set (`core.wallet.rights.Floor`, off until somebody sets them): it becomes a lot of its own at
the box's place and is spent at once. Head office then takes as much from the member's pool and
what other stores send back. What is not there stays at `risk`: the member owes it, and it is
taken as soon as something of theirs comes by.

A claim is what a member owes; so is a top-up whose payment was taken back. An outage is counted
by what came down: a box is in round 3 when head office has told it of three of its advances.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.journal import Add, Append, Body, Change, Entry, Part, Posting, place_of
from core.members import ALIASES
from core.sqlite import Migration, Reader, Row
from core.wallet.accounts import (
    CLOUD,
    PASSES,
    STORED_VALUE,
    Asset,
    member_account,
    mint_account,
)
from core.wallet.events import Legs
from core.wallet.rights import Floor
from core.wallet.risk import RISK, book_risk
from core.wallet.rules import Holding, Leg, take

ADVANCE, CHARGEBACK, CORRECTION = "advance", "chargeback", "correction"
"""Why a member owes something."""


class Advanced(Body, frozen=True, kw_only=True, tag="wallet.advanced"):
    """The merchant laid out `amount` fen for a member, as one lot, to pay a bill with.

    `round` is how many of its advances this box knew to be settled: see `outstanding`. It
    never goes back.
    """

    advance: str
    member: str
    lot: str
    amount: int
    round: int
    ticket: str


class Charged(Body, frozen=True, kw_only=True, tag="wallet.charged"):
    """Head office took back what had been given: `risk` pays at once and the member owes it.

    `lot` is the one that is set right, `second` who agreed where one person was not enough.
    """

    claim: str
    member: str
    asset: str
    lot: str
    amount: int
    why: str
    reason: str
    topup: str = ""
    second: str | None = None


class Collected(Body, frozen=True, kw_only=True, tag="wallet.collected"):
    """Head office took `legs` of a member's pool for a claim; `rest` is still owed.

    `first` is the first word on a claim, said also where nothing could be taken; with a hub it
    is said to the box that laid the money out.
    """

    claim: str
    member: str
    why: str
    legs: Legs = ()
    rest: int = 0
    hub: str = ""
    hub_epoch: int = 0
    first: bool = False


def advance(member: str, place: str, lot: str, amount: int) -> list[Posting]:
    """Return the postings that lay out an amount at a place."""
    principal = Asset.PRINCIPAL
    return [
        Posting(RISK, principal, lot, -amount),
        Posting(member_account(member, place), principal, lot, amount),
    ]


def charge(leg: Leg) -> list[Posting]:
    """Return the postings by which `risk` gives back to the mint what was issued in error."""
    return [
        Posting(RISK, leg.asset, leg.lot, -leg.amount),
        Posting(mint_account(CLOUD), leg.asset, leg.lot, leg.amount),
    ]


def collect(member: str, legs: Sequence[Leg]) -> list[Posting]:
    """Return the postings that bring a claim in, out of the member's pool."""
    pool = member_account(member, CLOUD)
    return [
        Posting(account, leg.asset, leg.lot, sign * leg.amount)
        for leg in legs
        for account, sign in ((pool, -1), (RISK, 1))
    ]


def plan_collecting(claim: Row, pool: Sequence[Holding], owed: int) -> list[Leg]:
    """Choose what of the pool pays a claim: its lot and its asset first.

    Stored value pays for stored value, whether principal or bonus, points for points, and a
    pass for itself alone.
    """
    wanted = Asset(claim["asset"])
    kinds = STORED_VALUE if wanted in STORED_VALUE else (wanted,)
    usable = [h for h in pool if h.asset in kinds and h.amount > 0]
    if wanted in PASSES:
        usable = [h for h in usable if h.lot == claim["lot"]]
    usable.sort(
        key=lambda h: (
            h.lot != claim["lot"],
            h.asset != wanted,
            h.expires or "9999",
            h.opened_at,
            h.lot,
        )
    )
    return take(usable, owed)


def why_not(
    floor: Floor, amount: int, *, total: int, member: int, box: int, age_ms: int | None
) -> str:
    """Return what keeps the merchant from laying out `amount` fen; empty where nothing does.

    `total` is what the member is known to have anywhere beyond what pays already; `member` and
    `box` were laid out in this outage before, for the member and by the box; `age_ms` is how
    old that knowledge is, None where nobody can say.
    """
    if not floor.on:
        return "off"
    if age_ms is None or not 0 <= age_ms <= floor.snapshot_age_ms:
        return "stale"
    if amount > total:
        return "total"
    if member + amount > floor.per_member_cents:
        return "member"
    if box + amount > floor.per_outage_cents:
        return "outage"
    return ""


def current_round(db: Reader, place: str) -> int:
    """Return how many advances of a place are settled, as far as is known here.

    Never less than the place has said already: a box that took up its own tail has yet to be
    told anew what it knew then.
    """
    count: int | None = db.value(
        "SELECT count FROM advance_settled WHERE place = :place", place=place
    )
    return max(count or 0, last_round(db, place))


def last_round(db: Reader, place: str) -> int:
    """Return the highest round in which a place laid anything out: none is before it again."""
    number: int | None = db.value(
        "SELECT MAX(round) FROM advance_round WHERE place = :place", place=place
    )
    return number or 0


def outstanding(db: Reader, place: str, settled: int, member: str) -> tuple[int, int]:
    """Return the fen laid out that nobody has settled: for a member, and by the box in all.

    `settled` of the place's advances are, the oldest ones. What lies between them and now
    counts whatever round it was said to be in, so no number that a box says frees it of any.
    """
    origin, _, epoch = place.partition(".")
    row = db.one(
        """SELECT COALESCE(SUM(CASE member WHEN :member THEN amount END), 0) AS theirs,
                  COALESCE(SUM(amount), 0) AS whole
             FROM (SELECT member, amount FROM risk_booking
                    WHERE origin = :origin AND epoch = :epoch AND reason = :advance
                    ORDER BY seq LIMIT -1 OFFSET :settled)""",
        origin=origin,
        epoch=int(epoch or 1),
        advance=ADVANCE,
        settled=settled,
        member=member,
    )
    assert row is not None
    return row["theirs"], row["whole"]


def open_claims(db: Reader, member: str) -> list[Row]:
    """Return what a member owes, oldest first: the claim with `owed`, in fen or points.

    In the names of merged duplicates too.
    """
    query = f"{ALIASES} {_OWED} AND c.member IN (SELECT id FROM alias)"  # noqa: S608 - our own
    return db.all(f"{query} ORDER BY c.at, c.id", member=member)


def untold_claims(db: Reader, *, limit: int) -> list[Row]:
    """Return the claims on which head office has not said its first word, oldest first."""
    untold = "NOT EXISTS (SELECT 1 FROM claim_told t WHERE t.claim = c.id)"
    query = f"{_CLAIMS} WHERE {untold} ORDER BY c.at, c.id LIMIT :limit"
    return db.all(query, limit=limit)


def is_told(db: Reader, claim: str) -> bool:
    """Say whether head office has said its first word on a claim."""
    found = db.one("SELECT 1 FROM claim_told WHERE claim = :claim", claim=claim)
    return found is not None


def all_claims(db: Reader, *, limit: int) -> list[Row]:
    """Return what members owe, newest first."""
    return db.all(f"{_OWED} ORDER BY c.at DESC, c.id LIMIT :limit", limit=limit)


_CLAIMS = """
    SELECT c.*, c.amount - COALESCE(p.amount, 0) AS owed
      FROM claim c LEFT JOIN claim_paid p ON p.claim = c.id"""
_OWED = f"{_CLAIMS} WHERE c.amount > COALESCE(p.amount, 0)"


def note_advance(entry: Entry) -> Iterator[Change]:
    """Count an advance in its round, and open the claim that it is."""
    body: Advanced = entry.body
    event = entry.event
    yield Add(
        "advance_round",
        {
            "place": place_of(event.origin, event.epoch),
            "round": body.round,
            "member": body.member,
        },
        {"amount": body.amount},
    )
    yield Append(
        "claim",
        {
            "id": body.advance,
            "member": body.member,
            "asset": Asset.PRINCIPAL.value,
            "lot": body.lot,
            "amount": body.amount,
            "hub": event.origin,
            "hub_epoch": event.epoch,
            "why": ADVANCE,
            "about": body.ticket,
            "at": event.at,
        },
    )
    yield from book_risk(
        entry,
        member=body.member,
        hub=event.origin,
        hub_epoch=event.epoch,
        reason=ADVANCE,
        about=body.advance,
    )


def _note_charge(entry: Entry) -> Iterator[Change]:
    body: Charged = entry.body
    yield Append(
        "claim",
        {
            "id": body.claim,
            "member": body.member,
            "asset": body.asset,
            "lot": body.lot,
            "amount": body.amount,
            "hub": "",
            "hub_epoch": 0,
            "why": body.why,
            "about": body.reason,
            "at": entry.event.at,
        },
    )
    yield from book_risk(
        entry, member=body.member, hub="", hub_epoch=0, reason=body.why, about=body.claim
    )


def _note_collected(entry: Entry) -> Iterator[Change]:
    body: Collected = entry.body
    amount = sum(amount for _asset, _lot, amount in body.legs)
    if amount:
        yield Add("claim_paid", {"claim": body.claim}, {"amount": amount})
    if body.first:
        yield Append("claim_told", {"claim": body.claim}, again=True)
    if body.hub:
        place = place_of(body.hub, body.hub_epoch)
        yield Add("advance_settled", {"place": place}, {"count": 1})
    yield from book_risk(
        entry,
        member=body.member,
        hub=body.hub,
        hub_epoch=body.hub_epoch,
        reason=body.why,
        about=body.claim,
    )


PART = Part(
    name="floor",
    migrations=(
        Migration(
            "floor/1",
            (
                """CREATE TABLE claim (
                     id TEXT PRIMARY KEY, member TEXT NOT NULL, asset TEXT NOT NULL,
                     lot TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
                     hub TEXT NOT NULL, hub_epoch INTEGER NOT NULL, why TEXT NOT NULL,
                     about TEXT NOT NULL, at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX claim_by_member ON claim (member)",
                """CREATE TABLE claim_paid (
                     claim TEXT PRIMARY KEY, amount INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE advance_round (
                     place TEXT NOT NULL, round INTEGER NOT NULL, member TEXT NOT NULL,
                     amount INTEGER NOT NULL,
                     PRIMARY KEY (place, round, member)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE advance_settled (
                     place TEXT PRIMARY KEY, count INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        Migration(
            "floor/2",
            (
                """CREATE TABLE claim_told (
                     claim TEXT PRIMARY KEY
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    tables={
        "claim": ("id",),
        "claim_paid": ("claim",),
        "claim_told": ("claim",),
        "advance_round": ("place", "round", "member"),
        "advance_settled": ("place",),
    },
    now={Charged: _note_charge, Collected: _note_collected},
)

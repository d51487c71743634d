"""What head office remembers of the rights that it gave.

How much on which day, under which limits, to which bill; and the corrections that wait for a
second person.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from core.catalog import Offer
from core.feed import FeedPublished
from core.journal import (
    Add,
    Append,
    Body,
    Change,
    Entry,
    Event,
    Part,
    Put,
    place_of,
    stamp_of,
)
from core.sqlite import Migration
from core.wallet import (
    CLOUD,
    MINT,
    Accepted,
    Adjusted,
    Asset,
    Charged,
    Granted,
    Rights,
    mint_account,
)

TOPIC = "rights"
OFFER = "offer"


class CorrectionAsked(Body, frozen=True, kw_only=True, tag="wallet.correction_asked"):
    """Somebody wants to set a member's value right by more than one person may alone.

    `amount` is signed, fen or points; `lot` is the one that is meant, if any; `topup` the
    top-up whose payment was taken back.
    """

    correction: str
    member: str
    asset: str
    amount: int
    why: str
    reason: str
    lot: str = ""
    topup: str = ""


class CorrectionEnded(Body, frozen=True, kw_only=True, tag="wallet.correction_ended"):
    """A second person agreed to a correction, or somebody gave it up."""

    correction: str
    agreed: bool


def _note_given(entry: Entry) -> Iterator[Change]:
    """Count what of the right to mint a box was given on a day."""
    body: Granted = entry.body
    if body.member == MINT:
        amount = sum(amount for _asset, _lot, amount in body.legs)
        yield Add("mint_given", {"hub": body.hub, "date": entry.event.date}, {"given": amount})


def _note_taken(entry: Entry) -> Iterator[Change]:
    """Remember that a right has come to a place: from here on nothing is minted without."""
    body: Accepted = entry.body
    if body.member == MINT:
        place = place_of(entry.event.origin, entry.event.epoch)
        yield Add("mint_bound", {"place": place}, {"times": 1})


def _note_issued(event: Event) -> Iterator[Change]:
    """Remember where the right to a bill was first written down; its parts follow from it."""
    for posting in event.postings:
        kind, _, place = posting.account.partition("/")
        if kind == "mint" and posting.asset == Asset.REFUND and "." not in posting.lot:
            yield Add("refund_issued", {"bill": posting.lot, "place": place}, {"times": 1})


def _note_published(entry: Entry) -> Iterator[Change]:
    """Remember what a box may have gone by while it was away."""
    yield from _note_limits(entry)
    yield from _note_offered(entry)


def _note_offered(entry: Entry) -> Iterator[Change]:
    """Remember for how much which passes were ever offered, and by whom."""
    body: FeedPublished = entry.body
    content = entry.documents.get("content")
    event = entry.event
    if body.topic != OFFER or content is None:
        return
    try:
        passes = msgspec.convert(content, Offer).passes
    except msgspec.ValidationError:
        return  # Of a newer version, or made up: nothing is sold by it here.
    for number, one in enumerate(passes):
        yield Append(
            "pass_known",
            {
                "origin": event.origin,
                "epoch": event.epoch,
                "seq": event.seq,
                "number": number,
                "offer": body.key,
                "asset": one.asset,
                "units": one.units,
                "paid": one.paid,
                "items": msgspec.json.encode(one.items).decode(),
                "categories": msgspec.json.encode(one.categories).decode(),
            },
        )


def _note_limits(entry: Entry) -> Iterator[Change]:
    """Remember under which limits a box may have laid something out while it was away."""
    body: FeedPublished = entry.body
    content = entry.documents.get("content")
    event = entry.event
    if body.topic != TOPIC or content is None or body.proposed:
        return
    floor = msgspec.convert(content, Rights).floor
    yield Append(
        "floor_known",
        {
            "origin": event.origin,
            "epoch": event.epoch,
            "seq": event.seq,
            "per_member": floor.per_member_cents,
            "per_outage": floor.per_outage_cents,
            "at": event.at,
        },
    )


def _note_asked(entry: Entry) -> Iterator[Change]:
    body: CorrectionAsked = entry.body
    event = entry.event
    yield Put(
        "correction",
        {"id": body.correction},
        {
            "member": body.member,
            "asset": body.asset,
            "lot": body.lot,
            "amount": body.amount,
            "why": body.why,
            "reason": body.reason,
            "topup": body.topup,
            "asked_by": event.actor or "",
            "asked_at": event.at,
            "state": "asked",
        },
        stamp_of(event),
    )


def _note_ended(entry: Entry) -> Iterator[Change]:
    body: CorrectionEnded = entry.body
    state = "agreed" if body.agreed else "given_up"
    stamp = stamp_of(entry.event)
    yield Put("correction", {"id": body.correction}, {"state": state}, stamp)


def _note_alone(entry: Entry) -> Iterator[Change]:
    """Add up what a person corrected at head office with nobody else's agreement."""
    body: Adjusted | Charged = entry.body
    event = entry.event
    here = any(posting.account == mint_account(CLOUD) for posting in event.postings)
    if here and body.second is None:
        yield Add(
            "corrected_alone",
            {
                "date": event.date,
                "actor": event.actor or "",
                "member": body.member,
                "asset": body.asset,
            },
            {"amount": abs(body.amount)},
        )


TABLES = (
    """CREATE TABLE mint_given (
         hub TEXT NOT NULL, date TEXT NOT NULL, given INTEGER NOT NULL,
         PRIMARY KEY (hub, date)
       ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE mint_bound (
         place TEXT PRIMARY KEY, times INTEGER NOT NULL
       ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE refund_issued (
         bill TEXT NOT NULL, place TEXT NOT NULL, times INTEGER NOT NULL,
         PRIMARY KEY (bill, place)
       ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE floor_known (
         origin TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
         per_member INTEGER NOT NULL, per_outage INTEGER NOT NULL, at INTEGER NOT NULL,
         PRIMARY KEY (origin, epoch, seq)
       ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE correction (
         id TEXT PRIMARY KEY,
         member TEXT NOT NULL DEFAULT '', asset TEXT NOT NULL DEFAULT '',
         lot TEXT NOT NULL DEFAULT '', amount INTEGER NOT NULL DEFAULT 0,
         why TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
         topup TEXT NOT NULL DEFAULT '', asked_by TEXT NOT NULL DEFAULT '',
         asked_at INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'asked',
         stamps TEXT NOT NULL
       ) STRICT, WITHOUT ROWID""",
    # A note to ourselves, no projection: losing it costs a look.
    """CREATE TABLE right_set (
         hub TEXT PRIMARY KEY, pos INTEGER NOT NULL
       ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sale_by_number ON sale (number)",
)

PROJECTED = {
    "mint_given": ("hub", "date"),
    "mint_bound": ("place",),
    "refund_issued": ("bill", "place"),
    "floor_known": ("origin", "epoch", "seq"),
    "pass_known": ("origin", "epoch", "seq", "number"),
    "correction": ("id",),
    "corrected_alone": ("date", "actor", "member", "asset"),
}

PART = Part(
    name="rights",
    migrations=(
        Migration("rights/1", TABLES),
        Migration(
            "rights/2",
            (
                """CREATE TABLE corrected_alone (
                     date TEXT NOT NULL, actor TEXT NOT NULL, member TEXT NOT NULL,
                     asset TEXT NOT NULL, amount INTEGER NOT NULL,
                     PRIMARY KEY (date, actor, member, asset)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        Migration(
            "rights/3",
            (
                # A note to ourselves, no projection: losing it costs a call.
                """CREATE TABLE debt_called (
                     member TEXT PRIMARY KEY, at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        Migration(
            "rights/4",
            (
                # Of the last hour, for the alarm: losing it costs nothing.
                """CREATE TABLE called_to (
                     hub TEXT NOT NULL, hour INTEGER NOT NULL, member TEXT NOT NULL,
                     PRIMARY KEY (hub, hour, member)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
        Migration(
            "rights/5",
            (
                """CREATE TABLE pass_known (
                     origin TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
                     number INTEGER NOT NULL, offer TEXT NOT NULL, asset TEXT NOT NULL,
                     units INTEGER NOT NULL, paid INTEGER NOT NULL, items TEXT NOT NULL,
                     categories TEXT NOT NULL,
                     PRIMARY KEY (origin, epoch, seq, number)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX pass_known_by_offer ON pass_known (offer)",
            ),
        ),
    ),
    tables=PROJECTED,
    postings_now=_note_issued,
    now={
        Accepted: _note_taken,
        Adjusted: _note_alone,
        Charged: _note_alone,
        Granted: _note_given,
        FeedPublished: _note_published,
        CorrectionAsked: _note_asked,
        CorrectionEnded: _note_ended,
    },
)

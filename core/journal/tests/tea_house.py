"""A made-up capability, small enough to see whole: tea is brought, served, and guests noted.

It uses each of the three verbs at each of the two speeds.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.journal import (
    Add,
    Append,
    Body,
    Change,
    Document,
    Entry,
    Event,
    Part,
    Posting,
    Put,
    stamp_of,
)
from core.sqlite import Migration


class TeaBrought(Body, frozen=True, tag="tea.brought"):
    tea: str
    cups: int


class TeaServed(Body, frozen=True, tag="tea.served"):
    tea: str
    cups: int
    fen: int
    guest: str | None = None


class GuestNoted(Body, frozen=True, tag="guest.noted"):
    """What was learnt of a guest; what is None was not asked. The name is in the document."""

    guest: str
    likes: str | None = None
    seat: int | None = None


class TeaCarried(Body, frozen=True, tag="tea.carried"):
    """Tea changed houses; whichever tells of it, sender or receiver, says the same of it."""

    tea: str
    origin: str


def _brought(entry: Entry) -> Iterator[Change]:
    yield _shelf(entry, entry.body.cups)


def _carried(entry: Entry) -> Iterator[Change]:
    row = {"tea": entry.body.tea, "origin": entry.body.origin}
    yield Append("provenance", row, again=True)


def _served(entry: Entry) -> Iterator[Change]:
    yield _shelf(entry, -entry.body.cups)


def _shelf(entry: Entry, cups: int) -> Add:
    return Add("shelf", {"store": entry.event.store, "tea": entry.body.tea}, {"cups": cups})


def _noted(entry: Entry) -> Iterator[Change]:
    known = {"likes": entry.body.likes, "seat": entry.body.seat}
    known |= entry.documents.get("guest", {})
    fields = {name: value for name, value in known.items() if value is not None}
    yield Put("guest", {"id": entry.body.guest}, fields, stamp_of(entry.event))


def _moved(event: Event) -> Iterator[Change]:
    for leg in event.postings:
        yield Add("purse", {"account": leg.account, "asset": leg.asset}, {"fen": leg.amount})


def _legs(event: Event) -> Iterator[Change]:
    for number, leg in enumerate(event.postings):
        yield Append("leg", {"event": event.id, "number": number, "fen": leg.amount})


def _sold(entry: Entry) -> Iterator[Change]:
    event, body = entry.event, entry.body
    row = {"id": event.id, "store": event.store, "tea": body.tea, "fen": body.fen}
    yield Append("sale", row)
    yield Add("takings", {"date": event.date}, {"cups": body.cups, "fen": body.fen})


TEA_HOUSE = Part(
    name="tea_house",
    migrations=(
        Migration(
            "tea_house/1",
            (
                """CREATE TABLE shelf (
                     store TEXT NOT NULL,
                     tea TEXT NOT NULL,
                     cups INTEGER NOT NULL CHECK (cups >= 0),
                     PRIMARY KEY (store, tea)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE guest (
                     id TEXT PRIMARY KEY,
                     name TEXT NOT NULL DEFAULT '',
                     phone TEXT NOT NULL DEFAULT '',
                     likes TEXT NOT NULL DEFAULT '',
                     seat INTEGER,
                     stamps TEXT NOT NULL
                   ) STRICT""",
                """CREATE TABLE sale (
                     id TEXT PRIMARY KEY,
                     store TEXT NOT NULL,
                     tea TEXT NOT NULL,
                     fen INTEGER NOT NULL
                   ) STRICT""",
                """CREATE TABLE purse (
                     account TEXT NOT NULL,
                     asset TEXT NOT NULL,
                     fen INTEGER NOT NULL,
                     PRIMARY KEY (account, asset)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE leg (
                     event TEXT NOT NULL,
                     number INTEGER NOT NULL,
                     fen INTEGER NOT NULL,
                     PRIMARY KEY (event, number)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE provenance (
                     tea TEXT PRIMARY KEY,
                     origin TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE takings (
                     date TEXT PRIMARY KEY,
                     cups INTEGER NOT NULL,
                     fen INTEGER NOT NULL
                   ) STRICT""",
            ),
        ),
    ),
    tables={
        "shelf": ("store", "tea"),
        "guest": ("id",),
        "purse": ("account", "asset"),
        "leg": ("event", "number"),
        "sale": ("id",),
        "takings": ("date",),
        "provenance": ("tea",),
    },
    postings_now=_moved,
    postings_later=_legs,
    now={
        TeaBrought: _brought,
        TeaServed: _served,
        GuestNoted: _noted,
        TeaCarried: _carried,
    },
    later={TeaServed: _sold},
)


def paid(fen: int) -> tuple[Posting, ...]:
    """Return the legs of a cash sale."""
    return (
        Posting("till", "cash", "", fen),
        Posting("revenue", "cash", "", -fen),
    )


def guest_document(name: str, phone: str) -> Document:
    return Document(name="guest", content={"name": name, "phone": phone})

"""A settled bill as it is sent to another store, which may then reverse it.

It comes down in front of the right (`core.wallet.refunding`), because a store has only its
own bills. It is no sale of the store that gets it, so it stands in a table of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from core.journal import Append, Body, Change, Entry, Event, Part, Put, place_of, stamp_of
from core.sqlite import Migration, Reader, Row
from core.tickets.events import TicketSettled
from core.wallet import Lot, lot_rows


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when a bill was settled; times in ms UTC."""

    origin: str
    epoch: int
    seq: int
    at: int
    date: str
    store: str
    actor: str | None = None
    opened_at: int
    opened_by: str | None = None
    device: str | None = None
    """At which it was begun."""


class TicketSent(Body, frozen=True, kw_only=True, tag="ticket.sent"):
    """Head office sent a bill of one store to another one, whole, with the lots that paid."""

    sale: TicketSettled
    settled: Origin
    lots: tuple[Lot, ...] = ()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(TicketSent)
_stamps = msgspec.json.Decoder(dict[str, str])


def settled_at(event: Event, ticket: Row) -> Origin:
    """Return where and when a bill was settled, from its own event and its row."""
    return Origin(
        origin=event.origin,
        epoch=event.epoch,
        seq=event.seq,
        at=event.at,
        date=event.date,
        store=event.store,
        actor=event.actor,
        opened_at=ticket["opened_at"],
        opened_by=ticket["opened_by"],
        device=ticket["device"],
    )


def settled_place(db: Reader, ticket: str) -> str:
    """Return at which place a bill was settled; empty where it was not."""
    return _written_at(db, ticket, "settled_at", states=("settled", "reversed"))


def reversed_place(db: Reader, ticket: str) -> str:
    """Return at which place a bill was reversed, as far as is known here."""
    return _written_at(db, ticket, "state", states=("reversed",))


def settled_by(db: Reader, ticket: str) -> tuple[str, int, int] | None:
    """Return which event settled a bill, as (origin, epoch, seq); None where it was not."""
    return _writer(db, ticket, "settled_at", states=("settled", "reversed"))


def _written_at(db: Reader, ticket: str, field: str, *, states: tuple[str, ...]) -> str:
    written = _writer(db, ticket, field, states=states)
    return "" if written is None else place_of(written[0], written[1])


def _writer(
    db: Reader, ticket: str, field: str, *, states: tuple[str, ...]
) -> tuple[str, int, int] | None:
    row = db.one("SELECT state, stamps FROM ticket WHERE id = :ticket", ticket=ticket)
    if row is None or row["state"] not in states:
        return None
    # As `core.journal.stamp_of` writes it: time, epoch, number, origin.
    _at, epoch, seq, origin = _stamps.decode(row["stamps"])[field].split(".", 3)
    return origin, int(epoch, 16), int(seq, 16)


def sent_bill(db: Reader, ticket: str) -> TicketSent | None:
    """Return a bill of another store that was sent here."""
    raw = db.value("SELECT content FROM sent_ticket WHERE ticket = :t", t=ticket)
    return None if raw is None else _decoder.decode(raw)


def sent_bill_named(db: Reader, number: str) -> Row | None:
    """Return the id (ticket) of a bill that was sent here, by the number on its paper."""
    return db.one("SELECT ticket FROM sent_ticket WHERE number = :number", number=number)


def note_sent(entry: Entry) -> Iterator[Change]:
    """Keep the bill, its place among bills, and the lots that a reversal gives back to."""
    body: TicketSent = entry.body
    sale, settled = body.sale, body.settled
    # By the stamp of its own event: it says nothing that was not true then, and a reversal
    # that was written since, here or elsewhere, is newer.
    own = msgspec.structs.replace(
        entry.event,
        origin=settled.origin,
        epoch=settled.epoch,
        seq=settled.seq,
        at=settled.at,
    )
    yield Put(
        "ticket",
        {"id": sale.ticket},
        {
            "number": sale.number,
            "state": "settled",
            "member": sale.member,
            "version": sale.version,
            "store": settled.store,
            "date": settled.date,
            "opened_at": settled.opened_at,
            "opened_by": settled.opened_by,
            "device": settled.device,
            "settled_at": settled.at,
        },
        stamp_of(own),
    )
    yield Append(
        "sent_ticket",
        {
            "ticket": sale.ticket,
            "number": sale.number,
            "store": settled.store,
            "at": settled.at,
            "content": _encoder.encode(body),
        },
        again=True,
    )
    if sale.member is not None:
        yield from lot_rows(sale.payer or sale.member, body.lots)


PART = Part(
    name="sending",
    migrations=(
        Migration(
            "tickets/sent",
            (
                """CREATE TABLE sent_ticket (
                     ticket TEXT PRIMARY KEY, number TEXT NOT NULL, store TEXT NOT NULL,
                     at INTEGER NOT NULL, content BLOB NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX sent_ticket_by_number ON sent_ticket (number)",
            ),
        ),
    ),
    tables={"sent_ticket": ("ticket",)},
    now={TicketSent: note_sent},
)

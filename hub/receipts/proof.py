"""The journal's fact behind a receipt, and what every receipt says of it."""

from __future__ import annotations

from dataclasses import dataclass

from core.journal import Act, Event, decode
from core.organisation import company, settings, store
from core.sqlite import Reader
from core.staff import staff
from hub.members import member_of
from hub.receipts.build import Left, Printed

HEAD_SHOWN_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One event as it stands in a journal; `head` is the chain after it, as on paper."""

    event: Event
    head: str
    raw: bytes


def newest(db: Reader, act: Act) -> Proof:
    """Return the event that was appended last."""
    me = act.journal.identity
    return proof(db, origin=me.origin, epoch=me.epoch, seq=act.journal.head(db).seq)


def proof(db: Reader, *, origin: str, epoch: int, seq: int) -> Proof:
    """Return an event that is known to be here."""
    row = db.one(
        "SELECT raw, head FROM journal"
        " WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=origin,
        epoch=epoch,
        seq=seq,
    )
    assert row is not None, "tables name only events that are here"
    shown: bytes = row["head"][:HEAD_SHOWN_BYTES]
    return Proof(event=decode(row["raw"]), head=shown.hex().upper(), raw=row["raw"])


def printed(
    db: Reader,
    proven: Proof,
    *,
    member: str | None = None,
    payer: str = "",
    left: Left | None = None,
    copy_mark: str = "",
) -> Printed:
    """Return what a receipt says beside its subject: shop, time, who, whose, what is left.

    Refused: no_company, no_store.
    """
    event = proven.event
    who = staff(db, event.actor) if event.actor else None
    return Printed(
        company=company(db),
        store=store(db, event.store),
        settings=settings(db),
        at=event.at,
        staff=who.name if who else "",
        head=proven.head,
        member=member_of(db, member) if member else None,
        payer=member_of(db, payer) if payer else None,
        left=left,
        copy_mark=copy_mark,
    )

"""Appending: an event, its chain, documents and immediate effect, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from core.clock import Clock, Quality, Reading
from core.ids import Ids
from core.journal.changes import apply
from core.journal.event import (
    SALT_BYTES,
    Body,
    Document,
    Event,
    Posting,
    birth_head,
    chain,
    digest,
    encode,
    encode_body,
)
from core.journal.part import Entry, Parts
from core.sqlite import Reader, Writer


@dataclass(frozen=True, slots=True)
class Head:
    """Where a journal stands: the last event's number, time (ms) and chain value."""

    seq: int
    at: int
    head: bytes

    @property
    def short(self) -> str:
        """Eight characters for paper: history that is rewritten contradicts receipts."""
        return self.head.hex()[:8].upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who writes: an epoch belongs to one box with one key."""

    origin: str
    epoch: int
    birth: bytes
    boot: int

    @property
    def place(self) -> str:
        """Where the value lies that this box may spend in this epoch."""
        return place_of(self.origin, self.epoch)

    @property
    def mark(self) -> str:
        """What numbers on paper end with.

        A box in another's place does not know what that one numbered last without a line.
        """
        return "" if self.epoch == 1 else f"-{self.epoch}"


def place_of(origin: str, epoch: int) -> str:
    """Return the name of the place of value that one epoch of a box is.

    The first one carries the box's name alone: so it was written before a box could have more.
    """
    return origin if epoch == 1 else f"{origin}.{epoch}"


Guard = Callable[[Reader, Body, Sequence[Posting]], None]
"""Raises Refused where an event may not be appended now: its body, and what it moves."""


def _anything(_db: Reader, _body: Body, _postings: Sequence[Posting]) -> None:
    return


class Journal:
    """This box's own stream of events, the only one that it may write."""

    def __init__(
        self,
        *,
        identity: Identity,
        parts: Parts,
        clock: Clock,
        ids: Ids,
        guard: Guard = _anything,
    ) -> None:
        self.identity = identity
        self.parts = parts
        self.clock = clock
        self.ids = ids
        self.guard = guard
        self.sign: Callable[[bytes], bytes] | None = None
        """Signs what leaves on paper; None where nobody could look at it."""

    def begin(self, tx: Writer) -> None:
        """Record the epoch before its first event; again does nothing."""
        me = self.identity
        tx.run(
            "INSERT INTO origin (origin, epoch, birth, own) VALUES (:origin, :epoch, :birth, 1)"
            " ON CONFLICT DO NOTHING",
            origin=me.origin,
            epoch=me.epoch,
            birth=me.birth,
        )

    def head(self, db: Reader) -> Head:
        """Return where the own journal stands."""
        row = db.one(
            "SELECT seq, at, head FROM journal WHERE origin = :origin AND epoch = :epoch"
            " ORDER BY seq DESC LIMIT 1",
            origin=self.identity.origin,
            epoch=self.identity.epoch,
        )
        if row is None:
            return Head(0, 0, birth_head(self.identity.birth))
        return Head(row["seq"], row["at"], row["head"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One command as the edge took it in: when, who, at which device and store.

    Verbs take it so that time and ids are arguments all the way down.
    """

    journal: Journal
    reading: Reading
    store: str
    date: str
    actor: str | None = None
    device: str | None = None
    card_key: bytes = field(default=b"", repr=False)
    """Under which the numbers of employees' cards are hashed; empty where nobody knows it."""

    @property
    def at(self) -> int:
        return self.reading.at

    def new_id(self) -> str:
        return self.journal.ids.new(self.reading.at)

    def append(
        self,
        tx: Writer,
        body: Body,
        *,
        postings: Sequence[Posting] = (),
        documents: Sequence[Document] = (),
    ) -> Event:
        """Append one event and carry out its immediate changes.

        Asserts that the postings of each (asset, lot) sum to zero. Refuses what the journal's
        guard refuses.
        """
        assert_balanced(postings)
        journal, me = self.journal, self.journal.identity
        journal.guard(tx, body, postings)
        last = journal.head(tx)
        unsure = self.reading.quality is Quality.UNSURE
        event_id = self.new_id()
        event = Event(
            id=event_id,
            origin=me.origin,
            epoch=me.epoch,
            seq=last.seq + 1,
            boot=me.boot,
            at=max(self.at, last.at),
            unsure=unsure,
            up=self.reading.up if unsure else 0,
            store=self.store,
            date=self.date,
            actor=self.actor,
            device=self.device,
            body=encode_body(body),
            postings=tuple(postings),
            documents={d.name: self._lay_beside(tx, event_id, d) for d in documents},
        )
        raw = encode(event)
        tx.run(
            "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
            " VALUES (:origin, :epoch, :seq, :at, :head, :raw)",
            origin=me.origin,
            epoch=me.epoch,
            seq=event.seq,
            at=event.at,
            head=chain(last.head, raw),
            raw=raw,
        )
        entry = Entry(event, body, {d.name: d.content for d in documents})
        for change in journal.parts.project_now(event, entry):
            apply(tx, change)
        return event

    def _lay_beside(self, tx: Writer, event_id: str, document: Document) -> str:
        salt = self.journal.ids.randomness(SALT_BYTES)
        content = document.encoded()
        tx.run(
            "INSERT INTO document (event, name, salt, content)"
            " VALUES (:event, :name, :salt, :content)",
            event=event_id,
            name=document.name,
            salt=salt,
            content=content,
        )
        return digest(salt, content)


def assert_balanced(postings: Sequence[Posting]) -> None:
    """Value is moved, never made: each (asset, lot) of an event sums to zero."""
    sums: dict[tuple[str, str], int] = {}
    for posting in postings:
        key = (posting.asset, posting.lot)
        sums[key] = sums.get(key, 0) + posting.amount
    assert not any(sums.values()), f"unbalanced: {sums}"


def documents_of(db: Reader, event: Event) -> dict[str, dict[str, object]]:
    """Return the documents of an event that have not been erased."""
    if not event.documents:
        return {}
    rows = db.all("SELECT name, content FROM document WHERE event = :event", event=event.id)
    return {row["name"]: msgspec.json.decode(row["content"]) for row in rows}

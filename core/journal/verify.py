"""Tampering shows: walk the chain, the signatures, the documents and the postings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from core.journal.append import Identity, assert_balanced
from core.journal.event import Event, birth_head, chain, decode, digest, kind_of
from core.journal.segments import signed_bytes
from core.sqlite import Reader, Row

CheckSignature = Callable[[bytes, bytes, bytes], bool]
"""(birth certificate, signature, signed bytes) -> whether the epoch's key made it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold, and at which event."""

    origin: str
    epoch: int
    seq: int
    what: str
    event: str = ""

    def __str__(self) -> str:
        named = f" ({self.event})" if self.event else ""
        return f"{self.origin}/{self.epoch}/{self.seq}{named}: {self.what}"


def verify(db: Reader, check_signature: CheckSignature) -> Iterator[Finding]:
    """Yield every finding over every origin's journal; nothing when all of it holds.

    A branch is walked from where it leaves its trunk.
    """
    for origin in db.all(
        """SELECT o.origin, o.epoch, o.birth, COALESCE(b.writer, o.origin) AS writer,
                  b.trunk, COALESCE(b.after, 0) AS after
             FROM origin o
             LEFT JOIN branch b ON b.origin = o.origin AND b.epoch = o.epoch
            ORDER BY o.origin, o.epoch"""
    ):
        yield from _verify_chain(db, origin)
        yield from _verify_seals(db, origin, check_signature)


def _beginning(db: Reader, origin: Row) -> bytes | None:
    """Return the head before an origin's first event; None where its trunk has none there."""
    if origin["trunk"] is None:
        return birth_head(origin["birth"])
    found: bytes | None = db.value(
        "SELECT head FROM journal WHERE origin = :trunk AND epoch = :epoch AND seq = :after",
        trunk=origin["trunk"],
        epoch=origin["epoch"],
        after=origin["after"],
    )
    return birth_head(origin["birth"]) if found is None and not origin["after"] else found


def _verify_chain(db: Reader, origin: Row) -> Iterator[Finding]:
    begin, expected = _beginning(db, origin), origin["after"] + 1
    if begin is None:
        at = (origin["origin"], origin["epoch"], expected)
        yield Finding(*at, f"the event that it branches off behind is not in {origin['trunk']}")
        return
    head = begin
    for row in db.each(
        "SELECT seq, at, head, raw FROM journal WHERE origin = :origin AND epoch = :epoch"
        " ORDER BY seq",
        origin=origin["origin"],
        epoch=origin["epoch"],
    ):
        at = (origin["origin"], origin["epoch"], row["seq"])
        if row["seq"] != expected:
            yield Finding(*at, f"events {expected} to {row['seq'] - 1} are missing")
        if chain(head, row["raw"]) != row["head"]:
            yield Finding(*at, "the event is not what was chained", _named(row["raw"]))
        else:
            yield from (Finding(*at, what, _named(row["raw"])) for what in _faults(db, row))
        # Go on from the stored head, so that one changed byte is one finding, not thousands.
        head, expected = row["head"], row["seq"] + 1


def _faults(db: Reader, row: Row) -> Iterator[str]:
    try:
        event = decode(row["raw"])
    except msgspec.MsgspecError as error:
        yield f"the event cannot be read: {error}"
        return
    if event.seq != row["seq"]:
        yield f"the event says it is number {event.seq}"
    if event.at != row["at"]:
        yield f"the event says it happened at {event.at}"
    try:
        assert_balanced(event.postings)
    except AssertionError as error:
        yield f"postings do not sum to zero: {error}"
    yield from _document_faults(db, event)


def _document_faults(db: Reader, event: Event) -> Iterator[str]:
    if not event.documents:
        return
    for row in db.all(
        "SELECT name, salt, content FROM document WHERE event = :id", id=event.id
    ):
        if digest(row["salt"], row["content"]) != event.documents.get(row["name"]):
            yield f"the document {row['name']} is not what the event vouches for"


def _verify_seals(
    db: Reader, origin: Row, check_signature: CheckSignature
) -> Iterator[Finding]:
    identity = Identity(
        origin=origin["writer"], epoch=origin["epoch"], birth=origin["birth"], boot=0
    )
    expected = origin["after"] + 1
    for seal in db.all(
        """SELECT s.first_seq, s.last_seq, s.boot, s.head AS sealed, s.signature, j.head
             FROM segment s LEFT JOIN journal j
               ON j.origin = s.origin AND j.epoch = s.epoch AND j.seq = s.last_seq
            WHERE s.origin = :origin AND s.epoch = :epoch ORDER BY s.first_seq""",
        origin=origin["origin"],
        epoch=identity.epoch,
    ):
        at = (origin["origin"], identity.epoch, seal["last_seq"])
        shared = origin["trunk"] is not None and expected == origin["after"] + 1
        # A branch's first seal may cover what it has in common with its trunk.
        if seal["first_seq"] != expected and not (shared and seal["first_seq"] < expected):
            yield Finding(*at, f"the seal should begin at {expected}")
        if seal["head"] is None:
            yield Finding(*at, "a sealed event is missing")
        else:
            covered = signed_bytes(
                identity,
                first=seal["first_seq"],
                last=seal["last_seq"],
                boot=seal["boot"],
                head=seal["head"],
            )
            fits = check_signature(origin["birth"], seal["signature"], covered)
            if not fits or seal["sealed"] != seal["head"]:
                yield Finding(*at, "the seal does not fit the chain")
        expected = seal["last_seq"] + 1


def _named(raw: bytes) -> str:
    try:
        event = decode(raw)
        return f"{kind_of(event)} {event.id}"
    except msgspec.MsgspecError:
        return ""

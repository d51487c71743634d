"""From kept segments into a merchant's own journal and tables, as they came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cloud.ingest.envelope import read_envelope, trespass
from cloud.ingest.sources import Source
from core.journal import Event, Parts, birth_head, chain, digest, receive_now, set_aside
from core.sqlite import Reader, Writer
from core.wire import Laid, Segment

Documents = dict[str, dict[str, Any]]
React = Callable[[Event, Documents], None]
"""What head office does about an event that has been taken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that somebody has to look at, found while unpacking."""

    hub: str
    kind: str
    detail: str


@dataclass(slots=True)
class Unpacked:
    """What came of it."""

    events: int = 0
    notices: list[Notice] = field(default_factory=list)


def place_in_journal(db: Reader, source: Source) -> tuple[int, bytes, int]:
    """Return how far the merchant's journal has a hub's events: seq, head and time there."""
    row = db.one(
        "SELECT seq, head, at FROM journal WHERE origin = :origin AND epoch = :epoch"
        " ORDER BY seq DESC LIMIT 1",
        origin=source.hub.id,
        epoch=source.epoch.epoch,
    )
    if row is None:
        return 0, birth_head(source.epoch.birth), 0
    return row["seq"], row["head"], row["at"]


def take_segment(
    tx: Writer, parts: Parts, source: Source, segment: Segment, react: React
) -> Unpacked:
    """Take in what of a kept segment is not in the journal yet; again does nothing.

    An event that cannot be applied is put aside with the reason, and so is one that moves what
    is not its hub's; those behind it go on. `react` must not raise.
    """
    done = Unpacked()
    have, head, at = place_in_journal(tx, source)
    if segment.last <= have:
        return done  # Its seal was written with it; what came behind has seals of its own.
    if have == 0:
        _begin(tx, source)
    if segment.first > have + 1:
        raise LookupError(f"{source.hub.id} jumps from {have} to {segment.first}")
    beside = _by_event(segment.documents)
    falsehoods: list[str] = []
    for seq in range(have + 1, segment.last + 1):
        raw = segment.events[seq - segment.first]
        head = chain(head, raw)
        event, fault = read_envelope(
            raw, origin=source.hub.id, epoch=source.epoch.epoch, seq=seq
        )
        at = at if event is None else event.at
        _write(tx, source, seq=seq, at=at, head=head, raw=raw)
        done.events += 1
        if event is not None:
            documents = _lay_beside(tx, event, beside.get(event.id, ()), falsehoods)
            fault = trespass(tx, event)
            if not fault:
                receive_now(tx, parts, event, documents)
                done.notices += _broken(tx, event)
                react(event, documents)
        if fault:
            place = (source.hub.id, source.epoch.epoch, seq)
            set_aside(tx, place, reason=fault, whole=True)
            done.notices.append(
                Notice(hub=source.hub.id, kind="set_aside", detail=f"event {seq}: {fault}")
            )
    done.notices += [
        Notice(hub=source.hub.id, kind="false_document", detail=what) for what in falsehoods
    ]
    _write_seal(tx, source, segment, head)
    return done


def _broken(db: Reader, event: Event) -> Iterator[Notice]:
    """Tell of an event that could not be applied: what this hub holds may differ from here."""
    reason = db.value(
        "SELECT reason FROM quarantine"
        " WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=event.origin,
        epoch=event.epoch,
        seq=event.seq,
    )
    if reason is not None:
        detail = f"event {event.seq}: {reason}"
        yield Notice(hub=event.origin, kind="set_aside", detail=detail)


def _begin(tx: Writer, source: Source) -> None:
    tx.run(
        "INSERT INTO origin (origin, epoch, birth, own) VALUES (:origin, :epoch, :birth, 0)"
        " ON CONFLICT DO NOTHING",
        origin=source.hub.id,
        epoch=source.epoch.epoch,
        birth=source.epoch.birth,
    )


def _write(tx: Writer, source: Source, *, seq: int, at: int, head: bytes, raw: bytes) -> None:
    tx.run(
        "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
        " VALUES (:origin, :epoch, :seq, :at, :head, :raw)",
        origin=source.hub.id,
        epoch=source.epoch.epoch,
        seq=seq,
        at=at,
        head=head,
        raw=raw,
    )


def _write_seal(tx: Writer, source: Source, segment: Segment, head: bytes) -> None:
    # A hub cuts its events once; should one cut them anew, the newest seal is the one to keep.
    tx.run(
        "DELETE FROM segment WHERE origin = :origin AND epoch = :epoch AND first_seq >= :first",
        origin=source.hub.id,
        epoch=source.epoch.epoch,
        first=segment.first,
    )
    tx.run(
        "INSERT INTO segment (origin, epoch, first_seq, last_seq, boot, head, signature)"
        " VALUES (:origin, :epoch, :first, :last, :boot, :head, :signature)",
        origin=source.hub.id,
        epoch=source.epoch.epoch,
        first=segment.first,
        last=segment.last,
        boot=segment.boot,
        head=head,
        signature=segment.signature,
    )


def _by_event(documents: tuple[Laid, ...]) -> Mapping[str, list[Laid]]:
    by_event: dict[str, list[Laid]] = defaultdict(list)
    for laid in documents:
        by_event[laid.event].append(laid)
    return by_event


def _lay_beside(
    tx: Writer, event: Event, laid: Iterable[Laid], falsehoods: list[str]
) -> Documents:
    """Keep and return an event's documents; one that it does not vouch for is none."""
    kept: Documents = {}
    for one in laid:
        vouched = event.documents.get(one.name) == digest(one.salt, one.content)
        content = _read(one.content) if vouched else None
        if not isinstance(content, dict):
            falsehoods.append(f"event {event.seq}: {one.name} is not what it vouches for")
            continue
        tx.run(
            "INSERT INTO document (event, name, salt, content)"
            " VALUES (:event, :name, :salt, :content) ON CONFLICT DO NOTHING",
            event=event.id,
            name=one.name,
            salt=one.salt,
            content=one.content,
        )
        kept[one.name] = content
    return kept


def _read(content: bytes) -> object:
    """Return what a document says; None where it is vouched for and cannot be read."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None

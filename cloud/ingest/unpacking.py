"""From kept segments into a merchant's own journal and tables, as they came."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cloud.ingest.envelope import read_envelope, trespass
from cloud.ingest.lateness import Lateness
from cloud.ingest.sources import Source
from core.journal import (
    WHOLE,
    Event,
    Parts,
    birth_head,
    chain,
    digest,
    kind_name,
    kind_of,
    receive_now,
    set_aside,
)
from core.sqlite import Reader, Row, Writer
from core.tickets import TicketPartReversed, TicketReversed
from core.wallet import Advanced
from core.wire import Laid, Segment

log = logging.getLogger(__name__)

_WHOLE_OR_NOT = frozenset(
    kind_name(body) for body in (Advanced, TicketReversed, TicketPartReversed)
)
"""What its body changes is what counts it: else its value would move again and again."""

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


def place_in_journal(db: Reader, source: Source) -> tuple[int, bytes, int] | None:
    """Return how far the merchant's journal has a source's events: seq, head and time there.

    None for a branch that leaves its trunk behind what is here yet.
    """
    row = _newest(db, source.origin, source.epoch.epoch)
    if row is not None:
        return row["seq"], row["head"], row["at"]
    branch = source.branch
    if branch is None or not branch.after_seq:
        return 0, birth_head(source.epoch.birth), 0
    at: int | None = db.value(
        "SELECT at FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=branch.trunk,
        epoch=branch.epoch,
        seq=branch.after_seq,
    )
    return None if at is None else (branch.after_seq, branch.after_head, at)


def _newest(db: Reader, origin: str, epoch: int) -> Row | None:
    return db.one(
        "SELECT seq, head, at FROM journal WHERE origin = :origin AND epoch = :epoch"
        " ORDER BY seq DESC LIMIT 1",
        origin=origin,
        epoch=epoch,
    )


def take_segment(
    tx: Writer,
    parts: Parts,
    source: Source,
    segment: Segment,
    react: React,
    *,
    lateness: Lateness | None = None,
) -> Unpacked:
    """Take in what of a kept segment is not in the journal yet; again does nothing.

    An event that cannot be applied is put aside with the reason, and so is one that moves what
    is not its hub's; those behind it go on. `react` must not raise. `lateness` takes in what
    came after the end of the epoch. A piece of a segment bears no signature: its seal comes
    with the rest of it.
    """
    place = place_in_journal(tx, source)
    if place is None:
        raise LookupError(f"{source.origin} leaves {source.hub.id} behind its end")
    done, (have, head, at) = Unpacked(), place
    if segment.last <= have:
        return done  # Its seal was written with it; what came behind has seals of its own.
    if _newest(tx, source.origin, source.epoch.epoch) is None:
        _begin(tx, source)
    if segment.first > have + 1:
        raise LookupError(f"{source.origin} jumps from {have} to {segment.first}")
    taking = Taking(
        tx=tx, parts=parts, source=source, react=react, lateness=lateness, done=done
    )
    beside = _by_event(segment.documents)
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
            fault = taking.take(event, beside.get(event.id, ()))
        if fault:
            taking.set_aside(seq, fault)
    _write_seal(tx, source, segment, head)
    return done


@dataclass(slots=True, kw_only=True)
class Taking:
    """The hands that take in one segment's events."""

    tx: Writer
    parts: Parts
    source: Source
    react: React
    lateness: Lateness | None
    done: Unpacked

    def take(self, event: Event, laid: Iterable[Laid]) -> str:
        """Apply an event and react to it; return why nothing of it counts, if so."""
        falsehoods: list[str] = []
        documents = _lay_beside(self.tx, event, laid, falsehoods)
        self.done.notices += [self._notice("false_document", what) for what in falsehoods]
        return self.weigh(event, documents)

    def weigh(self, event: Event, documents: Documents) -> str:
        """Apply an event and react to it, if it may count; return why not, if so."""
        if self.lateness is not None:
            return self._take_late(self.lateness, event, documents)
        if fault := trespass(self.tx, event):
            return fault
        if kind_of(event) not in _WHOLE_OR_NOT:
            self._apply(event, documents)
            return ""
        self.tx.run("SAVEPOINT weighed")
        try:
            self._apply(event, documents)
        except ValueError as error:
            self.tx.run("ROLLBACK TO weighed")
            return str(error)
        finally:
            self.tx.run("RELEASE weighed")
        return ""

    def set_aside(self, seq: int, fault: str) -> None:
        place = (self.source.origin, self.source.epoch.epoch, seq)
        set_aside(self.tx, place, reason=fault, share=WHOLE)
        self.done.notices.append(self._notice("set_aside", f"event {seq}: {fault}"))

    def _take_late(self, lateness: Lateness, event: Event, documents: Documents) -> str:
        fault = lateness.trespass(event)
        if fault:
            return fault
        told = len(self.done.notices)
        self.tx.run("SAVEPOINT late")
        try:
            lateness.take(event, lambda: self._apply(event, documents))
        except Exception as error:
            # Whatever it is that cannot be paid for, what came behind it can.
            log.exception("no books for %s/%s", self.source.origin, event.seq)
            self.tx.run("ROLLBACK TO late")
            del self.done.notices[told:]
            return f"{type(error).__name__}: {error}"
        finally:
            self.tx.run("RELEASE late")
        return ""

    def _apply(self, event: Event, documents: Documents) -> None:
        # A branch's rows bear its own name: its numbers are its trunk's again.
        named = msgspec.structs.replace(event, origin=self.source.origin)
        # What is aside tells that the hub may hold other than is known here.
        if reason := receive_now(self.tx, self.parts, named, documents):
            notice = self._notice("set_aside", f"event {event.seq}: {reason}")
            if kind_of(event) in _WHOLE_OR_NOT:
                raise ValueError(notice.detail)
            self.done.notices.append(notice)
        self.react(named, documents)

    def _notice(self, kind: str, detail: str) -> Notice:
        return Notice(hub=self.source.hub.id, kind=kind, detail=detail)


def _begin(tx: Writer, source: Source) -> None:
    tx.run(
        "INSERT INTO origin (origin, epoch, birth, own) VALUES (:origin, :epoch, :birth, 0)"
        " ON CONFLICT DO NOTHING",
        origin=source.origin,
        epoch=source.epoch.epoch,
        birth=source.epoch.birth,
    )
    if source.branch is not None:
        tx.run(
            "INSERT INTO branch (origin, epoch, writer, trunk, after)"
            " VALUES (:origin, :epoch, :writer, :trunk, :after) ON CONFLICT DO NOTHING",
            origin=source.origin,
            epoch=source.epoch.epoch,
            writer=source.hub.id,
            trunk=source.branch.trunk,
            after=source.branch.after_seq,
        )


def _write(tx: Writer, source: Source, *, seq: int, at: int, head: bytes, raw: bytes) -> None:
    tx.run(
        "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
        " VALUES (:origin, :epoch, :seq, :at, :head, :raw)",
        origin=source.origin,
        epoch=source.epoch.epoch,
        seq=seq,
        at=at,
        head=head,
        raw=raw,
    )


def _write_seal(tx: Writer, source: Source, segment: Segment, head: bytes) -> None:
    if not segment.signature:
        return
    # A hub cuts its events once; should one cut them anew, the newest seal is the one to keep.
    tx.run(
        "DELETE FROM segment WHERE origin = :origin AND epoch = :epoch AND first_seq >= :first",
        origin=source.origin,
        epoch=source.epoch.epoch,
        first=segment.first,
    )
    tx.run(
        "INSERT INTO segment (origin, epoch, first_seq, last_seq, boot, head, signature)"
        " VALUES (:origin, :epoch, :first, :last, :boot, :head, :signature)",
        origin=source.origin,
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

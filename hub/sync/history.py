"""A box's own past as head office keeps it, taken in: checked, kept and projected again.

Nothing is believed but the chain and the seals: who signed an epoch's birth, that each event
follows the one before, and that the epoch's own key sealed them. The tables then follow by the
code that a rebuild uses.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from core.enrolment import StreamInfo
from core.journal import (
    WHOLE,
    Birth,
    Event,
    Identity,
    Parts,
    chain,
    decode,
    digest,
    receive_now,
    set_aside,
    signed_by_birth,
)
from core.sqlite import Reader, Writer
from core.wire import Arrived, Laid, Segment, Stream, Verdict, heads_needed, judge
from hub.sync.downlink import downlink_cursor, downlink_head, keep_event, keep_seal
from hub.sync.link import Link

log = logging.getLogger(__name__)


class Contradicts(Exception):
    """What head office keeps is not what it was, or not what this box holds."""


def own_stream(me: Identity) -> Stream:
    """Return the stream that this epoch of the box writes, as a receiver checks it."""
    return _stream(me.origin, me.epoch, me.birth)


def past_stream(link: Link, kept: StreamInfo) -> Stream:
    """Return an earlier epoch's stream. Raises Contradicts where nobody vouches for it."""
    try:
        birth = msgspec.json.decode(kept.birth, type=Birth)
        vouched = link.vouched(kept.birth, kept.countersignature)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Contradicts(f"epoch {kept.epoch}: {error}") from error
    if not vouched or (birth.hub, birth.epoch) != (kept.origin, kept.epoch):
        raise Contradicts(f"nobody vouches for epoch {kept.epoch}")
    return _stream(kept.origin, kept.epoch, kept.birth)


def begin_past(tx: Writer, stream: Stream) -> None:
    """Record an earlier epoch before its first event; again does nothing."""
    tx.run(
        "INSERT INTO origin (origin, epoch, birth, own) VALUES (:origin, :epoch, :birth, 0)"
        " ON CONFLICT DO NOTHING",
        origin=stream.origin,
        epoch=stream.epoch,
        birth=stream.birth,
    )


def take_past(tx: Writer, parts: Parts, stream: Stream, segments: Iterable[Segment]) -> int:
    """Take segments in, in order; return how many events came.

    What is known already is passed over. Raises Contradicts where one does not go on from what
    is here or is not the epoch's own; then nothing is taken of any.
    """
    return sum(_take(tx, parts, stream, segment) for segment in segments)


def _take(tx: Writer, parts: Parts, stream: Stream, segment: Segment) -> int:
    held = downlink_cursor(tx, stream)
    needed = heads_needed(held.have, segment)
    before, there = (
        (downlink_head(tx, stream, seq) for seq in needed) if needed else (None,) * 2
    )
    judged = judge(stream, held, Arrived(segment=segment, raw=b"", before=before, held=there))
    if judged.verdict is Verdict.KNOWN:
        return 0
    if judged.verdict is not Verdict.NEXT:
        what = f"epoch {stream.epoch}, events {segment.first} to {segment.last}"
        raise Contradicts(f"{what}: {judged.verdict}")
    beside: Mapping[str, list[Laid]] = _by_event(segment.documents)
    head = held.head
    for seq in range(held.have + 1, segment.last + 1):
        raw = segment.events[seq - segment.first]
        head = chain(head, raw)
        keep_event(tx, stream, seq=seq, head=head, raw=raw)
        _apply(tx, parts, stream, seq=seq, raw=raw, beside=beside)
    keep_seal(tx, stream, segment, head)
    return segment.last - held.have


def _apply(
    tx: Writer,
    parts: Parts,
    stream: Stream,
    *,
    seq: int,
    raw: bytes,
    beside: Mapping[str, list[Laid]],
) -> None:
    try:
        event = decode(raw)
    except msgspec.MsgspecError as error:
        set_aside(tx, (stream.origin, stream.epoch, seq), reason=str(error), share=WHOLE)
        return
    receive_now(tx, parts, event, _lay_beside(tx, event, beside.get(event.id, ())))


def _lay_beside(tx: Writer, event: Event, laid: Iterable[Laid]) -> dict[str, dict[str, Any]]:
    """Keep and return an event's documents; what it does not vouch for is none of them."""
    kept: dict[str, dict[str, Any]] = {}
    for one in laid:
        if event.documents.get(one.name) != digest(one.salt, one.content):
            # Head office noted it when it came; without it the event counts all the same.
            log.warning("%s of event %s is not what it vouches for", one.name, event.seq)
            continue
        tx.run(
            "INSERT INTO document (event, name, salt, content)"
            " VALUES (:event, :name, :salt, :content) ON CONFLICT DO NOTHING",
            event=event.id,
            name=one.name,
            salt=one.salt,
            content=one.content,
        )
        kept[one.name] = msgspec.json.decode(one.content, type=dict[str, Any])
    return kept


def _by_event(laid: Iterable[Laid]) -> Mapping[str, list[Laid]]:
    by_event: dict[str, list[Laid]] = defaultdict(list)
    for one in laid:
        by_event[one.event].append(one)
    return by_event


def _stream(origin: str, epoch: int, birth: bytes) -> Stream:
    return Stream(
        origin=origin,
        epoch=epoch,
        birth=birth,
        check=lambda message, signature: signed_by_birth(birth, signature, message),
    )


def is_past_whole(db: Reader, stream: Stream, kept: StreamInfo) -> bool:
    """Say whether all of an earlier epoch is here, to the last event's chain value."""
    held = downlink_cursor(db, stream)
    return (held.have, held.head) == (kept.last_seq, kept.head)

"""Giving head office back what it forgot, over HTTPS: papers, segments, documents, done.

What went down to this box is the merchant's own word, signed, and lies here in full; what head
office told it of the feed is given back as what it is, this box's memory of it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.enrolment import (
    JOURNAL_TYPE,
    RETURN_DOCUMENTS_MAX,
    Held,
    Papers,
    ReturnAnswer,
    ReturnDone,
    ReturnRequest,
    returning_bytes,
)
from core.feed import FeedDocument
from core.journal import Identity
from core.sqlite import Reader
from core.wire import Recover, Stream, pack
from hub.box import Box
from hub.sync.downlink import downlink_cursor
from hub.sync.head_office import Address, Answered, ask, parse_url, read_answer, refusal_in
from hub.sync.link import Link
from hub.sync.outbox import sealed_head, sealed_segments

T = TypeVar("T")

SEGMENTS_AT_ONCE = 16
PLACES_MAX = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What this box holds that head office may have forgotten, as of one moment."""

    box: Box
    request: ReturnRequest
    done: ReturnDone
    documents: tuple[FeedDocument, ...]


def memory_of(
    box: Box, link: Link, stream: Stream, asked: Recover, *, version: str = ""
) -> Memory:
    """Read what is to be given back; the journal itself is read as it is sent."""
    with box.door.read() as db:
        n, _head = sealed_head(db, box.journal.identity)
        done = ReturnDone(
            n=n, down_n=downlink_cursor(db, stream).have, places=tuple(_places(db))
        )
        documents = tuple(_documents(db, asked.feed_after))
    return Memory(box=box, request=_papers(box, link, version), done=done, documents=documents)


def give_back(gate: str, memory: Memory, *, context: ssl.SSLContext) -> None:
    """Give all of it back. Raises Unreachable, and Declined where head office will not have it.

    A second time is the first one again: what head office has, it is not sent.
    """
    address = parse_url(gate)
    answer = _post(address, "/return/papers", memory.request, ReturnAnswer, context)
    for held in answer.streams:
        _give_stream(address, memory.box, held, context)
    for start in range(0, len(memory.documents), RETURN_DOCUMENTS_MAX):
        some = memory.documents[start : start + RETURN_DOCUMENTS_MAX]
        _post(address, "/return/documents", some, dict, context)
    _post(address, "/return/done", memory.done, dict, context)


def _give_stream(address: Address, box: Box, held: Held, context: ssl.SSLContext) -> None:
    path = f"/return/segment?origin={held.origin}&epoch={held.epoch}"
    have = held.have
    while segments := _segments(box, held, have):
        for raw in segments:
            answered = _sound(
                ask(address, "POST", path, context=context, body=raw, content_type=JOURNAL_TYPE)
            )
            now = read_answer(answered, Held).have
            if now <= have:
                return  # It has what this is, or lacks what comes before: nothing here helps.
            have = now


def _segments(box: Box, held: Held, have: int) -> list[bytes]:
    with box.door.read() as db:
        birth = db.value(
            "SELECT birth FROM origin WHERE origin = :origin AND epoch = :epoch",
            origin=held.origin,
            epoch=held.epoch,
        )
        if birth is None:
            return []
        stream = Identity(origin=held.origin, epoch=held.epoch, birth=birth, boot=0)
        found = sealed_segments(db, stream, first=have + 1, limit=SEGMENTS_AT_ONCE)
        return [pack(segment) for segment in found]


def _papers(box: Box, link: Link, version: str) -> ReturnRequest:
    certificate = x509.load_pem_x509_certificate(link.certificate.encode())
    shown = certificate.public_bytes(Encoding.DER)
    return ReturnRequest(
        papers=Papers(
            birth=link.birth,
            countersignature=link.countersignature,
            downlink_birth=link.downlink_birth,
            downlink_signature=link.downlink_signature,
        ),
        store=link.store,
        proof=box.secrets.log_key.sign(returning_bytes(shown)),
        version=version,
    )


def _places(db: Reader) -> list[str]:
    rows = db.all(
        "SELECT DISTINCT place FROM wallet_elsewhere ORDER BY place LIMIT :limit",
        limit=PLACES_MAX,
    )
    return [row["place"] for row in rows]


def _documents(db: Reader, after: int) -> Iterator[FeedDocument]:
    # Where value lies follows from the journals; everything else somebody wrote.
    for row in db.all(
        "SELECT topic, key, pos, content FROM feed_document"
        " WHERE pos > :after AND topic <> 'wallet' ORDER BY pos, topic, key",
        after=after,
    ):
        content = row["content"]
        yield FeedDocument(
            topic=row["topic"],
            key=row["key"],
            pos=row["pos"],
            content=None if content is None else msgspec.json.decode(content),
        )


def _post(
    address: Address, path: str, said: object, shape: type[T], context: ssl.SSLContext
) -> T:
    body = msgspec.json.encode(said)
    return read_answer(_sound(ask(address, "POST", path, context=context, body=body)), shape)


def _sound(answered: Answered) -> Answered:
    if answered.status >= 400:
        raise refusal_in(answered)
    return answered

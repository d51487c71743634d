"""A merchant's tables again: compared with the living ones, or put back when lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from cloud.app import open_cloud
from cloud.feed import position
from cloud.ingest.books import carry, write_history
from cloud.platform import Merchant, Platform, hubs_of
from cloud.recovery import feed_told
from cloud.streams import segments_after
from core.errors import Refused
from core.feed import FeedDocument, FeedPublished, load, replay
from core.journal import (
    Parts,
    birth_head,
    chain,
    decode,
    documents_of,
    drain_all,
    kind_name,
    kind_of,
    rebuild,
    receive_now,
)
from core.sqlite import Reader, Row, Writer
from core.wire import Segment, unpack

POSITION_GAP = 1_000
"""How far behind the feed the shared database may be: it hears of positions each second."""
SEGMENTS_AT_ONCE = 16
RESTORED = "restored"
"""A topic without a handler; its one document keeps the feed above all that was told."""


class NotEmpty(Exception):
    """There is a database already; to put another in its place is for a person to decide."""


def differences(platform: Platform, merchant: Merchant) -> list[str]:
    """Replay every journal of a merchant and return which living tables differ."""
    drain_all(merchant.door, merchant.parts)
    with platform.door.read() as db:
        key = db.value(
            "SELECT value FROM merchant_secret"
            " WHERE merchant = :merchant AND name = 'database-key'",
            merchant=merchant.id,
        )
    with tempfile.TemporaryDirectory(dir=platform.folder, prefix=".rebuild-") as scratch:
        again = Path(scratch, "again.db")
        found = rebuild(merchant.door, again, merchant.parts, key=key, then=replay)
        return list(found)


def restore(folder: Path, merchant_id: str) -> int:
    """Put a merchant's lost database back from the kept segments; return how many events.

    Ingest must not run. Head office's own streams come first, then the hubs' by the usual way,
    which does nothing twice: what head office had answered stands in its own streams. Raises
    NotEmpty where the merchant's database has anything in it. Refused: no_merchant.
    """
    _take_up_birth(folder, merchant_id)
    platform = open_cloud(folder)
    try:
        merchant = platform.merchant(merchant_id)
        events = sum(_put_back_own(platform, merchant, row) for row in _own(platform, merchant))
        merchant.door.write(lambda tx: _put_back_feed(tx, platform, merchant))
        more = True
        while more:
            outcome = carry(platform, merchant)
            events, more = events + outcome.events, outcome.more
        while write_history(merchant):
            pass
        return events
    finally:
        platform.close()


def _take_up_birth(folder: Path, merchant_id: str) -> None:
    """Let the new database begin with the birth certificate that the lost one had."""
    platform = open_cloud(folder)
    try:
        merchant = platform.merchant(merchant_id)
        with platform.door.read() as db:
            kept = db.one(
                "SELECT birth FROM stream_cursor WHERE origin = :origin AND epoch = :epoch",
                origin=merchant_id,
                epoch=merchant.journal.identity.epoch,
            )
            boots = [unpack(row["raw"]).boot for row in _newest(db, merchant_id)]
        with merchant.door.read() as db:
            if db.one("SELECT 1 FROM journal LIMIT 1") is not None:
                raise NotEmpty(merchant_id)
        if kept is None:
            raise Refused("no_merchant")
        merchant.door.write(lambda tx: _remember_birth(tx, merchant_id, kept["birth"], boots))
    finally:
        platform.close()


def _newest(db: Reader, origin: str) -> list[Row]:
    return db.all(
        "SELECT raw FROM segment WHERE origin = :origin ORDER BY epoch DESC, first_seq DESC"
        " LIMIT 1",
        origin=origin,
    )


def _remember_birth(tx: Writer, merchant_id: str, birth: bytes, boots: list[int]) -> None:
    for name, value in (("birth", birth.decode()), ("boot", str(max(boots, default=0)))):
        tx.run(
            "INSERT INTO house (name, value) VALUES (:name, :value)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name=name,
            value=value,
        )
    tx.run("UPDATE origin SET birth = :birth WHERE origin = :o", birth=birth, o=merchant_id)


def _own(platform: Platform, merchant: Merchant) -> list[Row]:
    """Return head office's streams for a merchant, the merchant's own first."""
    with platform.door.read() as db:
        hubs = {hub.id for hub in hubs_of(db, merchant.id)}
        rows = db.all(
            "SELECT origin, epoch, birth FROM stream_cursor WHERE merchant = :merchant"
            " ORDER BY origin, epoch",
            merchant=merchant.id,
        )
    own = [row for row in rows if row["origin"] not in hubs]
    return sorted(own, key=lambda row: row["origin"] != merchant.id)


def _put_back_own(platform: Platform, merchant: Merchant, stream: Row) -> int:
    have, head = 0, birth_head(stream["birth"])
    merchant.door.write(
        lambda tx: tx.run(
            "INSERT INTO origin (origin, epoch, birth, own)"
            " VALUES (:origin, :epoch, :birth, 1) ON CONFLICT DO NOTHING",
            **dict(stream),
        )
    )
    while rows := _kept_after(platform, stream, have):
        for row in rows:
            segment = unpack(row["raw"])
            put = partial(_put_back, parts=merchant.parts, stream=stream, head=head)
            head = merchant.door.write(partial(put, segment=segment))
            have = segment.last
    return have


def _kept_after(platform: Platform, stream: Row, have: int) -> list[Row]:
    with platform.door.read() as db:
        return segments_after(
            db, stream["origin"], stream["epoch"], have, limit=SEGMENTS_AT_ONCE
        )


def _put_back(tx: Writer, *, parts: Parts, stream: Row, segment: Segment, head: bytes) -> bytes:
    """Lay one of head office's own segments back, and return the chain's head after it."""
    for laid in segment.documents:
        tx.run(
            "INSERT INTO document (event, name, salt, content)"
            " VALUES (:event, :name, :salt, :content) ON CONFLICT DO NOTHING",
            event=laid.event,
            name=laid.name,
            salt=laid.salt,
            content=laid.content,
        )
    for raw in segment.events:
        head = chain(head, raw)
        event = decode(raw)
        tx.run(
            "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
            " VALUES (:origin, :epoch, :seq, :at, :head, :raw)",
            origin=event.origin,
            epoch=event.epoch,
            seq=event.seq,
            at=event.at,
            head=head,
            raw=raw,
        )
        receive_now(tx, parts, event, documents_of(tx, event))
    tx.run(
        "INSERT INTO segment (origin, epoch, first_seq, last_seq, boot, head, signature)"
        " VALUES (:origin, :epoch, :first, :last, :boot, :head, :signature)",
        origin=stream["origin"],
        epoch=stream["epoch"],
        first=segment.first,
        last=segment.last,
        boot=segment.boot,
        head=head,
        signature=segment.signature,
    )
    return head


def _put_back_feed(tx: Writer, platform: Platform, merchant: Merchant) -> None:
    """Take what head office published again, at its positions; the rest is derived anew."""
    load(tx, merchant.parts, _published(tx, merchant))
    with platform.door.read() as db:
        told = feed_told(db, merchant.id, at=platform.clock.read().at)
    floor = max(position(tx), told) + POSITION_GAP
    load(
        tx,
        merchant.parts,
        [FeedDocument(topic=RESTORED, key=merchant.id, pos=floor, content=None)],
    )


def _published(db: Reader, merchant: Merchant) -> Iterator[FeedDocument]:
    for row in db.all(
        "SELECT raw FROM journal WHERE origin = :origin ORDER BY epoch, seq",
        origin=merchant.id,
    ):
        event = decode(row["raw"])
        if kind_of(event) != kind_name(FeedPublished):
            continue
        body = msgspec.json.decode(event.body, type=FeedPublished)
        content = documents_of(db, event).get("content")
        if content is not None or body.withdrawn:
            yield FeedDocument(topic=body.topic, key=body.key, pos=body.pos, content=content)

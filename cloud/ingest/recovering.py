"""A merchant's books while head office recovers: what came back is laid down, then settled.

What a hub gave back of its downlink is head office's own word, so it is put into the merchant's
journal as if it had never been lost; only then is what the hub wrote since taken in, for it
rests on that. No stream down is written while a recovery goes on (`reach_of` leads nowhere), so
what comes back always continues what is there.
"""

from __future__ import annotations

import logging
from functools import partial

from cloud.ingest.unpacking import Notice
from cloud.platform import DOWNLINK, Merchant, Platform, epochs_of, find_hub, hubs_of
from cloud.recovery import (
    Recovery,
    begin_books,
    end_recovery,
    feed_told,
    hubs_in_recovery,
    is_over,
    read_document,
    recovery_of,
    returned_documents,
    settle,
    take_back,
    withdraw,
)
from cloud.streams import seal_own, segments_after
from core.journal import Parts, birth_head, chain, decode, receive_now
from core.sqlite import Reader, Row, Writer
from core.wire import Segment, unpack

SEGMENTS_AT_ONCE = 16
DOCUMENTS_AT_ONCE = 100
DOCUMENTS_MAX = 100_000
log = logging.getLogger(__name__)


def prepare(platform: Platform, merchant: Merchant) -> Recovery | None:
    """Lay down what hubs gave back since; return the recovery, None where there is none."""
    with platform.door.read() as shared:
        recovery = recovery_of(shared, merchant.id)
        if recovery is None:
            return None
        told = feed_told(shared, merchant.id, at=platform.clock.read().at)
    merchant.door.write(lambda tx: begin_books(tx, merchant.act(tx), recovery, told=told))
    put_back(platform, merchant)
    _take_documents(platform, merchant)
    return recovery


def conclude(platform: Platform, merchant: Merchant, recovery: Recovery) -> list[Notice] | None:
    """End a recovery of which all is in the books; None where it goes on.

    Returns of which edits nobody is left to say what they were.
    A crash between the two commits leaves a recovery that is settled once more: then nothing
    is below zero, and a second word of its end stands in the stream.
    """
    with platform.door.read() as shared, merchant.door.read() as db:
        if not is_over(shared, db, merchant.id):
            return None
        hubs = hubs_in_recovery(shared, merchant.id)

    notices = _withdraw_rest(platform, merchant)

    def end(tx: Writer) -> int:
        booked = settle(tx, merchant.act(tx), recovery, hubs)
        seal_own(tx, merchant)
        return booked

    booked = merchant.door.write(end)
    platform.door.write(lambda tx: end_recovery(tx, merchant.id))
    log.warning("%s has recovered; booked for %s members", merchant.id, booked)
    platform.ring("web")
    platform.ring("ingest")
    return notices


def put_back(platform: Platform, merchant: Merchant) -> int:
    """Put kept segments of the streams down into the merchant's journal; return how many."""
    laid = 0
    with platform.door.read() as shared:
        streams = [
            (hub.id + DOWNLINK, epoch.epoch, epoch.downlink_birth)
            for hub in hubs_of(shared, merchant.id)
            for epoch in epochs_of(shared, hub.id)
        ]
    for origin, number, birth in streams:
        while rows := _missing(platform, merchant, origin, number):
            for row in rows:
                segment = unpack(row["raw"])
                lay = partial(_lay_back, parts=merchant.parts, origin=origin, birth=birth)
                merchant.door.write(partial(lay, segment=segment))
                laid += 1
    return laid


def _missing(platform: Platform, merchant: Merchant, origin: str, epoch: int) -> list[Row]:
    with merchant.door.read() as db:
        have = _have(db, origin, epoch)
    with platform.door.read() as shared:
        return segments_after(shared, origin, epoch, have, limit=SEGMENTS_AT_ONCE)


def _have(db: Reader, origin: str, epoch: int) -> int:
    seq: int | None = db.value(
        "SELECT MAX(seq) FROM journal WHERE origin = :origin AND epoch = :epoch",
        origin=origin,
        epoch=epoch,
    )
    return seq or 0


def _lay_back(tx: Writer, *, parts: Parts, origin: str, birth: bytes, segment: Segment) -> None:
    """Write what of a segment is not there yet, with its effect and its seal."""
    place = {"origin": origin, "epoch": segment.epoch}
    have = _have(tx, origin, segment.epoch)
    head = tx.value(
        "SELECT head FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        seq=have,
        **place,
    )
    head = birth_head(birth) if head is None else head
    for seq in range(have + 1, segment.last + 1):
        raw = segment.events[seq - segment.first]
        head, event = chain(head, raw), decode(raw)
        tx.run(
            "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
            " VALUES (:origin, :epoch, :seq, :at, :head, :raw)",
            seq=seq,
            at=event.at,
            head=head,
            raw=raw,
            **place,
        )
        receive_now(tx, parts, event, {})
    tx.run(
        "DELETE FROM segment WHERE origin = :origin AND epoch = :epoch AND first_seq >= :first",
        first=segment.first,
        **place,
    )
    tx.run(
        "INSERT INTO segment (origin, epoch, first_seq, last_seq, boot, head, signature)"
        " VALUES (:origin, :epoch, :first, :last, :boot, :head, :signature)",
        first=segment.first,
        last=segment.last,
        boot=segment.boot,
        head=head,
        signature=segment.signature,
        **place,
    )


def _take_documents(platform: Platform, merchant: Merchant) -> None:
    """Judge what hubs hold of the feed; what is not theirs to say waits for the end."""
    while True:
        with platform.door.read() as shared:
            rows = returned_documents(shared, merchant.id, limit=DOCUMENTS_AT_ONCE)
            known = {row["hub"]: find_hub(shared, row["hub"]) for row in rows}
        if not rows:
            return
        stores = {hub: "" if one is None else one.store for hub, one in known.items()}
        taken = merchant.door.write(
            partial(_judge, merchant=merchant, rows=rows, stores=stores)
        )
        platform.door.write(partial(_note_judged, rows=rows, taken=taken))


def _judge(
    tx: Writer, *, merchant: Merchant, rows: list[Row], stores: dict[str, str]
) -> list[bool]:
    act = merchant.act(tx)
    return [
        take_back(
            tx, act, merchant, read_document(row), hub=row["hub"], store=stores[row["hub"]]
        )
        for row in rows
    ]


def _note_judged(tx: Writer, *, rows: list[Row], taken: list[bool]) -> None:
    for row, done in zip(rows, taken, strict=True):
        # What was given back anew meanwhile is judged anew.
        what = "DELETE FROM" if done else "UPDATE"
        how = "" if done else "SET judged = 1"
        tx.run(
            f"{what} returned_document {how} WHERE merchant = :merchant AND hub = :hub"
            " AND topic = :topic AND key = :key AND pos <= :pos",
            **{name: row[name] for name in ("merchant", "hub", "topic", "key", "pos")},
        )


def _withdraw_rest(platform: Platform, merchant: Merchant) -> list[Notice]:
    """Let all stores have the same of what no store may say: as head office knows it."""
    with platform.door.read() as shared:
        rows = returned_documents(shared, merchant.id, limit=DOCUMENTS_MAX, judged=True)

    def take(tx: Writer) -> list[Row]:
        act = merchant.act(tx)
        return [row for row in rows if withdraw(tx, act, read_document(row))]

    lost = {(row["topic"], row["key"]): row["hub"] for row in merchant.door.write(take)}
    return [
        Notice(hub=hub, kind="edit_lost", detail=f"{topic}/{key}")
        for (topic, key), hub in sorted(lost.items())
    ]

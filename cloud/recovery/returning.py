"""What a hub gives back to a head office that was put back from a backup.

Nothing is taken on a hub's word: its papers bear the merchant's own signature, what went down
to it bears it too, and what it wrote bears its own. So whoever calls can add nothing that was
not there before; of the feed alone it says what it holds, and that is taken as its proposal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cloud.platform import DOWNLINK, Epoch, Hub, Merchant, Platform, Reason, alarm, find_hub
from cloud.platform import epochs_of as known_epochs
from cloud.recovery.standing import (
    State,
    Why,
    await_hub,
    awaited_hubs,
    begin_recovery,
    recovery_of,
)
from cloud.streams import Kept, cursor_of, head_at, keep, shut
from core.crypto import verify_log
from core.enrolment import (
    Held,
    Papers,
    ReturnAnswer,
    ReturnDone,
    ReturnRequest,
    returning_bytes,
)
from core.errors import Refused
from core.feed import FeedDocument
from core.journal import Birth, signed_by_birth
from core.sqlite import Reader, Writer
from core.wire import (
    Arrived,
    BadSegment,
    Segment,
    Stream,
    Verdict,
    heads_needed,
    judge,
    parse_link_name,
    shard,
    unpack,
)

UNKNOWN_HUBS_MAX = 50
"""For so many boxes that head office forgot wholly it waits on one box's word: that word bears
no signature, and for each somebody has to decide if it was made up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who the peer's certificate says is calling, whether head office knows it or not."""

    name: str
    certificate: bytes
    """In DER."""
    serial: str
    until: int
    """When the certificate ends, in ms."""

    @classmethod
    def showing(cls, certificate: x509.Certificate) -> Self:
        """Return who shows a certificate that TLS has checked."""
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return cls(
            name=str(names[0].value) if len(names) == 1 else "",
            certificate=certificate.public_bytes(Encoding.DER),
            serial=f"{certificate.serial_number:x}",
            until=int(certificate.not_valid_after_utc.timestamp()) * 1000,
        )


def take_papers(platform: Platform, caller: Caller, asked: ReturnRequest) -> ReturnAnswer:
    """Know a hub again by its papers, and say what it is to give back.

    A hub or an epoch that was forgotten is known from here on; the higher certified epoch wins.
    Refused: return_wrong, hub_revoked.
    """
    named = parse_link_name(caller.name)
    if named is None or named[0] not in platform.merchant_ids():
        raise Refused("return_wrong", what="name")
    merchant = platform.merchant(named[0])
    birth = _certified(merchant, asked.papers, hub=named[1])
    proves = signed_by_birth(
        asked.papers.birth, asked.proof, returning_bytes(caller.certificate)
    )
    if not proves:
        raise Refused("return_wrong", what="proof")
    down = merchant.journal_over(asked.papers.downlink_birth)
    merchant.door.write(down.begin)
    at = platform.clock.read().at

    def take(tx: Writer) -> ReturnAnswer:
        fresh = _know_again(tx, merchant, caller, asked, birth, at=at)
        if fresh:
            begin_recovery(tx, merchant.id, why=Why.FORGOTTEN, at=at)
            await_hub(tx, merchant.id, birth.hub, at=at)
        _record_certificate(tx, caller, birth, at=at)
        recovery = recovery_of(tx, merchant.id)
        return ReturnAnswer(
            incarnation=0 if recovery is None else recovery.incarnation,
            feed_after=0 if recovery is None else recovery.feed_after,
            streams=tuple(
                _held(tx, named)
                for named in _streams(tx, birth.hub)
                if named[1].epoch <= birth.epoch
            ),
        )

    return platform.door.write(take)


def take_segment(platform: Platform, hub: Hub, *, origin: str, epoch: int, raw: bytes) -> Held:
    """Keep a segment that was forgotten, exactly as it came.

    Refused: return_wrong, return_forked, not_recovering.
    """
    try:
        segment = unpack(raw)
    except BadSegment as error:
        raise Refused("return_wrong", what=str(error)) from error
    with platform.door.read() as db:
        if hub.id not in awaited_hubs(db, hub.merchant):
            raise Refused("not_recovering")
        known = _epoch(db, hub, origin, epoch)
    stream = _stream(origin, known)
    at = platform.clock.read().at

    def take(tx: Writer) -> Held | None:
        cursor = cursor_of(tx, origin, epoch, stream.birth)
        needed = heads_needed(cursor.have, segment)
        heads = [head_at(tx, origin, epoch, seq, stream.birth) for seq in needed or ()]
        before, held = heads or (None, None)
        judged = judge(
            stream, cursor, Arrived(segment=segment, raw=raw, before=before, held=held)
        )
        if judged.verdict is Verdict.FORKED:
            _forked(tx, platform, hub, known, segment)
            return None
        if judged.verdict in {Verdict.FORGED, Verdict.OTHER_EPOCH}:
            raise Refused("return_wrong", what="signature")
        place = Kept(
            origin=origin, epoch=epoch, merchant=hub.merchant, birth=stream.birth, at=at
        )
        if judged.verdict is Verdict.NEXT:
            keep(tx, place, segment, raw, after=cursor.have, head=judged.cursor.head)
        return Held(origin=origin, epoch=epoch, have=judged.cursor.have)

    held = platform.door.write(take)
    if held is None:
        raise Refused("return_forked")
    return held


def take_documents(platform: Platform, hub: Hub, documents: list[FeedDocument]) -> None:
    """Put down what a hub holds of the feed, for the books to judge.

    Refused: not_recovering.
    """

    def put(tx: Writer) -> None:
        if hub.id not in awaited_hubs(tx, hub.merchant):
            raise Refused("not_recovering")
        for one in documents:
            tx.run(
                """INSERT INTO returned_document (merchant, hub, topic, key, pos, content)
                   VALUES (:merchant, :hub, :topic, :key, :pos, :content)
                   ON CONFLICT (merchant, hub, topic, key)
                     DO UPDATE SET pos = excluded.pos, content = excluded.content,
                                   judged = 0""",
                merchant=hub.merchant,
                hub=hub.id,
                topic=one.topic,
                key=one.key,
                pos=one.pos,
                content=None if one.content is None else msgspec.json.encode(one.content),
            )

    platform.door.write(put)


def take_done(platform: Platform, hub: Hub, done: ReturnDone) -> None:
    """Note that a hub has given back all; what it wrote itself may still be on its way.

    Its older epochs end with it. Refused: not_recovering, return_incomplete.
    """
    at = platform.clock.read().at

    def note(tx: Writer) -> None:
        if hub.id not in awaited_hubs(tx, hub.merchant):
            raise Refused("not_recovering")
        *older, newest = known_epochs(tx, hub.id)
        kept = cursor_of(tx, hub.id + DOWNLINK, newest.epoch, newest.downlink_birth)
        if kept.have < done.down_n:
            raise Refused("return_incomplete")
        for epoch in older:
            if epoch.closed_at is None:
                shut(tx, epoch, reason=Reason.REPLACED, at=at)
        named = sorted({place.partition(".")[0] for place in done.places})
        unknown = [name for name in named if find_hub(tx, name) is None]
        for name in unknown[:UNKNOWN_HUBS_MAX]:
            await_hub(tx, hub.merchant, name, at=at)
        tx.run(
            "UPDATE recovery_hub SET state = :state, epoch = :epoch, announced = :n,"
            " since = :at WHERE merchant = :merchant AND hub = :hub",
            state=State.RETURNED.value,
            epoch=newest.epoch,
            n=done.n,
            at=at,
            merchant=hub.merchant,
            hub=hub.id,
        )

    platform.door.write(note)
    platform.ring("ingest")
    platform.ring("web")


# -- papers ------------------------------------------------------------------------------------


def _certified(merchant: Merchant, papers: Papers, *, hub: str) -> Birth:
    """Return the birth that the merchant's own key vouches for. Refused: return_wrong."""
    try:
        birth = msgspec.json.decode(papers.birth, type=Birth)
        down = msgspec.json.decode(papers.downlink_birth, type=Birth)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused("return_wrong", what="birth") from error
    mine = merchant.signing.public
    if birth.hub != hub or (down.hub, down.epoch, down.key) != (
        hub + DOWNLINK,
        birth.epoch,
        mine,
    ):
        raise Refused("return_wrong", what="birth")
    for message, signature in (
        (papers.birth, papers.countersignature),
        (papers.downlink_birth, papers.downlink_signature),
    ):
        if not verify_log(public=mine, message=message, signature=signature):
            raise Refused("return_wrong", what="signature")
    return birth


def _know_again(
    tx: Writer,
    merchant: Merchant,
    caller: Caller,
    asked: ReturnRequest,
    birth: Birth,
    *,
    at: int,
) -> bool:
    """Put down a hub or an epoch that was forgotten; say whether it was.

    Refused: hub_revoked, return_wrong.
    """
    epochs = known_epochs(tx, birth.hub)
    newest = epochs[-1] if epochs else None
    same = next((one for one in epochs if one.epoch == birth.epoch), None)
    if same is not None:
        if same.birth != asked.papers.birth:
            raise Refused("return_wrong", what="birth")
        if same is not newest or same.closed_at is not None:
            raise Refused("hub_revoked")
        return False
    if newest is not None and newest.epoch > birth.epoch:
        # Another box was put in its place meanwhile: what this one has comes late.
        _note_epoch(tx, asked.papers, birth)
        forgotten = next(one for one in known_epochs(tx, birth.hub) if one.epoch == birth.epoch)
        shut(tx, forgotten, reason=Reason.REPLACED, at=at)
        return False
    for former in epochs:
        if former.closed_at is None:
            # That it was closed was forgotten with the epoch that followed it.
            shut(tx, former, reason=Reason.REPLACED, at=at)
    tx.run(
        "INSERT INTO hub (id, merchant, store, shard, state, certificate_serial,"
        " certificate_until, enrolled_at, version) VALUES (:id, :merchant, :store, :shard,"
        " 'enrolled', :serial, :until, :at, :version)"
        " ON CONFLICT (id) DO UPDATE SET state = 'enrolled', version = excluded.version",
        id=birth.hub,
        merchant=merchant.id,
        store=asked.store,
        shard=shard(birth.hub),
        serial=caller.serial,
        until=caller.until,
        at=birth.made_at,
        version=asked.version,
    )
    _note_epoch(tx, asked.papers, birth)
    return True


def _note_epoch(tx: Writer, papers: Papers, birth: Birth) -> None:
    tx.run(
        "INSERT INTO epoch (hub, epoch, birth, countersignature, downlink_birth,"
        " downlink_signature)"
        " VALUES (:hub, :epoch, :birth, :signature, :down, :down_signature)",
        hub=birth.hub,
        epoch=birth.epoch,
        birth=papers.birth,
        signature=papers.countersignature,
        down=papers.downlink_birth,
        down_signature=papers.downlink_signature,
    )


def _record_certificate(tx: Writer, caller: Caller, birth: Birth, *, at: int) -> None:
    """Know the certificate that the hub shows: it may have been renewed since the backup."""
    tx.run(
        "INSERT INTO certificate (serial, hub, issued_at, epoch)"
        " VALUES (:serial, :hub, :at, :epoch) ON CONFLICT DO NOTHING",
        serial=caller.serial,
        hub=birth.hub,
        at=at,
        epoch=birth.epoch,
    )
    tx.run(
        "UPDATE hub SET certificate_serial = :serial, certificate_until = :until"
        " WHERE id = :hub AND certificate_until < :until",
        serial=caller.serial,
        until=caller.until,
        hub=birth.hub,
    )


# -- streams -----------------------------------------------------------------------------------


def _streams(db: Reader, hub: str) -> list[tuple[str, Epoch]]:
    """Return what a hub may hold of what head office forgot: its downlinks, its older epochs.

    What it writes now comes by the line.
    """
    epochs = known_epochs(db, hub)
    return [
        *((hub + DOWNLINK, epoch) for epoch in epochs),
        *((hub, epoch) for epoch in epochs[:-1]),
    ]


def _held(db: Reader, named: tuple[str, Epoch]) -> Held:
    origin, epoch = named
    birth = epoch.downlink_birth if origin.endswith(DOWNLINK) else epoch.birth
    have = cursor_of(db, origin, epoch.epoch, birth).have
    return Held(origin=origin, epoch=epoch.epoch, have=have)


def _epoch(db: Reader, hub: Hub, origin: str, number: int) -> Epoch:
    for name, epoch in _streams(db, hub.id):
        if (name, epoch.epoch) == (origin, number):
            return epoch
    raise Refused("return_wrong", what="stream")


def _stream(origin: str, epoch: Epoch) -> Stream:
    birth = epoch.downlink_birth if origin.endswith(DOWNLINK) else epoch.birth
    return Stream(
        origin=origin,
        epoch=epoch.epoch,
        birth=birth,
        check=lambda message, signature: signed_by_birth(birth, signature, message),
    )


def _forked(tx: Writer, platform: Platform, hub: Hub, epoch: Epoch, segment: Segment) -> None:
    """Close an epoch to which head office, having forgotten, has sent a second history."""
    detail = f"events {segment.first} to {segment.last} are others there"
    alarm(tx, platform, hub, kind="downlink_forked", detail=detail)
    shut(tx, epoch, reason=Reason.FORKED, at=platform.clock.read().at)
    tx.run(
        "UPDATE recovery_hub SET state = :state, reason = :reason, since = :at"
        " WHERE merchant = :merchant AND hub = :hub",
        state=State.RELEASED.value,
        reason="downlink_forked",
        at=platform.clock.read().at,
        merchant=hub.merchant,
        hub=hub.id,
    )

"""A hub's past: its streams as they are kept, what it brings late, and how it stands."""

from __future__ import annotations

import hashlib

import msgspec
from flask import Response, request

from cloud.epochs import branches_of, bring_late
from cloud.gate.callers import the_hub, the_merchant, the_platform, typed_number
from cloud.platform import DOWNLINK, Epoch, Reason, epochs_of
from cloud.streams import cursor_of, segments_after
from core.enrolment import (
    JOURNAL_BYTES_MAX,
    JOURNAL_TYPE,
    LateAnswer,
    LateState,
    StandingAnswer,
    StreamInfo,
    StreamsAnswer,
    joined_segments,
)
from core.errors import Refused
from core.sqlite import Reader
from core.wire import MESSAGE_BYTES_MAX, BadSegment, unpack

SEQ_MAX = 2**63 - 1
EPOCH_MAX = 2**31
SEGMENTS_AT_ONCE = 256


def streams() -> Response:
    """Tell which streams of the caller's hub are kept, with the papers to check them by."""
    hub, merchant = the_hub(), the_merchant()
    with the_platform().door.read() as db:
        known = [info for epoch in epochs_of(db, hub.id) for info in _streams(db, epoch)]
    answer = StreamsAnswer(
        hub_id=hub.id, merchant_key=merchant.signing.public, streams=tuple(known)
    )
    return _json(answer)


def journal() -> Response:
    """Return kept segments of one of the caller's streams, as many as one answer holds.

    Refused: epoch_unknown, bad_position.
    """
    origin = request.args.get("origin", "")
    number = typed_number("epoch", 1, most=EPOCH_MAX)
    after = typed_number("after", 0, most=SEQ_MAX)
    with the_platform().door.read() as db:
        epochs = epochs_of(db, the_hub().id)
        if not any(
            info.origin == origin and info.epoch == number
            for epoch in epochs
            for info in _streams(db, epoch)
        ):
            raise Refused("epoch_unknown")
        rows = segments_after(db, origin, number, after, limit=SEGMENTS_AT_ONCE)
    raws: list[bytes] = []
    room = JOURNAL_BYTES_MAX
    for row in rows:
        room -= len(row["raw"]) + 4
        if raws and room < 0:
            break
        raws.append(row["raw"])
    body = joined_segments(raws)
    answer = Response(body, content_type=JOURNAL_TYPE)
    answer.headers["X-Sha256"] = hashlib.sha256(body).hexdigest()
    return answer


def standing() -> Response:
    """Tell a hub how head office sees one of its epochs. Refused: epoch_unknown."""
    hub = the_hub()
    with the_platform().door.read() as db:
        epochs = epochs_of(db, hub.id)
        epoch = _epoch(epochs)
        cursor = cursor_of(db, hub.id, epoch.epoch, epoch.birth)
    return _json(
        StandingAnswer(
            hub_id=hub.id,
            epoch=epoch.epoch,
            newest=epochs[-1].epoch,
            closed=epoch.closed_reason,
            closed_at=epoch.closed_at,
            closed_seq=epoch.closed_seq,
            have=cursor.have,
            head=cursor.head,
        )
    )


def late() -> Response:
    """Keep a segment of a closed epoch, and say where to go on.

    Refused: epoch_unknown, epoch_open, hub_stolen, bad_segment, branches_full.
    """
    request.max_content_length = MESSAGE_BYTES_MAX
    platform, hub = the_platform(), the_hub()
    raw = request.get_data(cache=False)
    try:
        segment = unpack(raw)
    except BadSegment as error:
        raise Refused("bad_segment") from error
    with platform.door.read() as db:
        epoch = _epoch(epochs_of(db, hub.id))
    if epoch.closed_at is None:
        raise Refused("epoch_open")
    if epoch.closed_reason == Reason.STOLEN:
        raise Refused("hub_stolen")
    at = platform.clock.read().at
    answer: LateAnswer = platform.door.write(
        lambda tx: bring_late(tx, epoch, segment, raw, merchant=hub.merchant, at=at)
    )
    if answer.state in {LateState.KEPT, LateState.BRANCH}:
        platform.ring("ingest")
    return _json(answer)


def _streams(db: Reader, epoch: Epoch) -> list[StreamInfo]:
    own = cursor_of(db, epoch.hub, epoch.epoch, epoch.birth)
    down = cursor_of(db, epoch.hub + DOWNLINK, epoch.epoch, epoch.downlink_birth)
    trunk = StreamInfo(
        origin=epoch.hub,
        epoch=epoch.epoch,
        birth=epoch.birth,
        countersignature=epoch.countersignature,
        last_seq=own.have,
        head=own.head,
        closed=epoch.closed_reason,
        closed_seq=epoch.closed_seq,
    )
    downlink = StreamInfo(
        origin=epoch.hub + DOWNLINK,
        epoch=epoch.epoch,
        birth=epoch.downlink_birth,
        countersignature=epoch.downlink_signature,
        last_seq=down.have,
        head=down.head,
        closed=epoch.closed_reason,
    )
    branches = [
        msgspec.structs.replace(
            trunk,
            origin=branch.origin,
            last_seq=branch.seq,
            head=branch.head,
            trunk=branch.trunk,
            after=branch.after_seq,
        )
        for branch in branches_of(db, epoch.hub, epoch.epoch)
    ]
    return [trunk, downlink, *branches]


def _epoch(epochs: list[Epoch]) -> Epoch:
    number = typed_number("epoch", 0, most=EPOCH_MAX)
    for epoch in epochs:
        if epoch.epoch == number:
            return epoch
    raise Refused("epoch_unknown")


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), content_type="application/json")

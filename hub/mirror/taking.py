"""Taking up what a lost box left on its second medium."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence

import msgspec

from core.enrolment import LateState
from core.errors import Refused
from core.journal import Birth
from core.sqlite import Writer
from core.wire import Segment, pack
from hub.box import Box, count_boots
from hub.sync import (
    Contradicts,
    Link,
    bring_late,
    joined,
    keep_waiting,
    own_stream,
    take_past,
)


def take_mirrored(box: Box, segments: Sequence[Segment]) -> int:
    """Go on with this box's own events from a mirror; return how many came.

    A box that is joined takes them once it has head office's part of its past: until then they
    wait in its database. Refused: mirror_does_not_fit.
    """
    me = box.journal.identity
    own = [one for one in segments if one.epoch == me.epoch]

    def take(tx: Writer) -> int:
        count_boots(tx, max((one.boot for one in own), default=0))
        if joined(box.folder):
            keep_waiting(tx, own)
            return sum(len(one.events) for one in own)
        try:
            return take_past(tx, box.parts, own_stream(me), own)
        except Contradicts as error:
            raise Refused("mirror_does_not_fit", what=str(error)) from error

    return box.door.write(take)


def bring_mirrored(segments: Sequence[Segment], link: Link, *, context: ssl.SSLContext) -> int:
    """Bring head office what a lost box had not sent, as late facts; return how many events.

    `link` is the new box's: earlier epochs are closed. Raises Unreachable, Declined.
    """
    states = _brought(segments, link, context)
    return sum(
        len(segment.events)
        for segment, state in states
        if state in {LateState.KEPT, LateState.BRANCH}
    )


def _brought(
    segments: Sequence[Segment], link: Link, context: ssl.SSLContext
) -> Iterator[tuple[Segment, LateState]]:
    mine = msgspec.json.decode(link.birth, type=Birth).epoch
    for segment in segments:
        if segment.epoch < mine:
            answer = bring_late(link.gate, pack(segment), epoch=segment.epoch, context=context)
            yield segment, answer.state

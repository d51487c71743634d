"""Events of this box from its second medium, waiting until its past reaches up to them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from core.sqlite import Writer
from core.wire import Segment, pack, unpack
from hub.box import Box
from hub.sync.history import Contradicts, own_stream, take_past

log = logging.getLogger(__name__)


def keep_waiting(tx: Writer, segments: Iterable[Segment]) -> None:
    """Lay segments in the database until `take_waiting`; again does nothing."""
    for segment in segments:
        tx.run(
            "INSERT INTO waiting_segment (epoch, first_seq, last_seq, raw)"
            " VALUES (:epoch, :first, :last, :raw) ON CONFLICT DO NOTHING",
            epoch=segment.epoch,
            first=segment.first,
            last=segment.last,
            raw=pack(segment),
        )


def take_waiting(tx: Writer, box: Box) -> int:
    """Take what goes on from the own journal as it stands; return how many events came.

    Called before the first new event: that one would take their number. What does not go on
    stays, for somebody to look at.
    """
    me, taken = box.journal.identity, 0
    for row in tx.all(
        "SELECT rowid AS number, raw FROM waiting_segment WHERE epoch = :epoch"
        " ORDER BY first_seq, last_seq",
        epoch=me.epoch,
    ):
        try:
            taken += take_past(tx, box.parts, own_stream(me), [unpack(row["raw"])])
        except Contradicts as error:
            log.error("left on the second medium: %s", error)  # noqa: TRY400 - no stack of use
            continue
        tx.run("DELETE FROM waiting_segment WHERE rowid = :number", number=row["number"])
    return taken

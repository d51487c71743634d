"""What a hub's second history leads to: its epoch ends, and that history is kept too."""

from __future__ import annotations

import logging

from cloud.epochs import bring_late
from cloud.ingest.sources import Source
from cloud.platform import Reason
from cloud.streams import shut
from core.errors import Refused
from core.sqlite import Writer
from core.wire import Arrived

log = logging.getLogger(__name__)


def end_forked(tx: Writer, *, source: Source, closed: list[str], at: int) -> None:
    """End an epoch that has two histories; note its hub in `closed` if it was open."""
    if shut(tx, source.epoch, reason=Reason.FORKED, at=at):
        closed.append(source.hub.id)


def keep_branch(tx: Writer, *, source: Source, cause: Arrived, at: int) -> None:
    """Keep what shows that there are two of a hub: it happened too."""
    try:
        merchant = source.hub.merchant
        bring_late(tx, source.epoch, cause.segment, cause.raw, merchant=merchant, at=at)
    except Refused as refused:
        log.warning("%s: %s", source.hub.name, refused)

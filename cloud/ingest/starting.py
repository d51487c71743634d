"""A start of head office: nobody is on the line, and a new run begins."""

from __future__ import annotations

from collections.abc import Callable

from cloud.ingest.sightings import all_offline
from cloud.platform import Platform
from cloud.recovery import begin_again
from cloud.streams import Run, begin_run, note_feeds
from core.sqlite import Writer


def begin(platform: Platform, position: Callable[[str], int]) -> Run:
    """Begin a run; stores say by its name what they were told in it.

    `position` reads where a merchant's feed stands, after the run has begun.
    """
    at = platform.clock.read().at
    name = platform.ids.new(at)

    def start(tx: Writer) -> Run:
        all_offline(tx)
        begin_again(tx, at=at)
        return begin_run(tx, name=name, at=at)

    run = platform.door.write(start)
    feeds = {merchant: position(merchant) for merchant in platform.merchant_ids()}
    platform.door.write(lambda tx: note_feeds(tx, run, feeds))
    return run

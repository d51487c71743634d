"""The feed's share of a rebuild: what came down from head office, brought in once more."""

from __future__ import annotations

import msgspec

from core.journal import Parts
from core.sqlite import Door, Reader, Row, Writer

_COPY_ROWS = 1_000


def replay(db: Reader, scratch: Door, parts: Parts) -> None:
    """Bring every held document into a database whose journal was replayed before.

    A document is merged by its stamps or replaces what stood under its key, so the newest of
    each key gives what all of them in turn gave.
    """
    batch: list[Row] = []
    for row in db.each(
        "SELECT topic, key, content FROM feed_document ORDER BY pos, topic, key"
    ):
        batch.append(row)
        if len(batch) == _COPY_ROWS:
            _bring(scratch, parts, batch)
            batch = []
    _bring(scratch, parts, batch)


def _bring(scratch: Door, parts: Parts, batch: list[Row]) -> None:
    def bring(tx: Writer) -> None:
        for row in batch:
            handler = parts.feeds.get(row["topic"])
            if handler is not None:
                content = row["content"]
                handler(
                    tx, row["key"], None if content is None else msgspec.json.decode(content)
                )

    scratch.write(bring)

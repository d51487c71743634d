"""What a hub has not seen yet."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from core.feed import FeedDocument
from core.sqlite import Reader, Row

BATCH_BYTES_MAX = 96 * 1024
"""Of contents: with their envelopes a batch stays below what the broker takes, 128 KB."""


URGENT_TOPIC = "card"
URGENT_MAX = 50
"""Lost cards ahead of their place: with the envelope of each some ten kilobytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The newest of each document between two positions, oldest first.

    Lost cards travel ahead of all others: a store that was away refuses them before a list of
    ten thousand members has come down. Whoever stands at `after` stands at `pos` once all of
    it is taken; `more` waits behind.
    """

    after: int
    pos: int
    more: bool
    documents: tuple[FeedDocument, ...]


def position(db: Reader) -> int:
    """Return the feed's newest position; 0 where nothing was ever published."""
    return db.value("SELECT MAX(pos) FROM feed_document") or 0


def batch(db: Reader, after: int, limit: int) -> Stretch:
    """Return up to `limit` documents behind `after`, bounded in bytes too, never none of many.

    A document that was published again meanwhile stands at its new place only.
    """
    rows = db.all(
        "SELECT topic, key, pos, content FROM feed_document WHERE pos > :after"
        " ORDER BY pos LIMIT :limit",
        after=after,
        limit=limit + 1,
    )
    documents: list[FeedDocument] = []
    size = 0
    for row in rows[:limit]:
        size += len(row["content"] or b"")
        if documents and size > BATCH_BYTES_MAX:
            break
        documents.append(_read(row))
    more = len(documents) < len(rows)
    urgent = _urgent(db, rows[len(documents)]["pos"]) if more else ()
    return Stretch(
        after=after,
        pos=documents[-1].pos if documents else max(after, position(db)),
        more=more,
        documents=(*urgent, *documents),
    )


def _urgent(db: Reader, behind: int) -> tuple[FeedDocument, ...]:
    """Return what a later stretch will bring and nobody should wait for: the newest of it."""
    rows = db.all(
        "SELECT topic, key, pos, content FROM feed_document WHERE topic = :topic"
        " AND pos >= :behind ORDER BY pos DESC LIMIT :limit",
        topic=URGENT_TOPIC,
        behind=behind,
        limit=URGENT_MAX,
    )
    return tuple(_read(row) for row in reversed(rows))


def _read(row: Row) -> FeedDocument:
    return FeedDocument(
        topic=row["topic"],
        key=row["key"],
        pos=row["pos"],
        content=None if row["content"] is None else msgspec.json.decode(row["content"]),
    )

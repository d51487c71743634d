"""A stretch of head office's feed, taken whole, whatever one of its documents does."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from core.feed.documents import FeedDocument, take
from core.feed.following import held_pos, move_to
from core.journal import Parts
from core.sqlite import Reader, Row, Writer

log = logging.getLogger(__name__)


def take_batch(
    tx: Writer, parts: Parts, *, after: int, pos: int, documents: Sequence[FeedDocument]
) -> bool:
    """Take what head office published after `after` up to `pos`; say whether it could be.

    False, and nothing is changed, where something between is missing here or this hub follows
    no feed. A batch that came before changes nothing and is True. A document that cannot be
    applied is put aside with the reason and does not hold up those behind it.
    """
    held = held_pos(tx)
    if held is None or after > held:
        return False
    for document in documents:
        _take_or_put_aside(tx, parts, document)
    move_to(tx, pos)
    return True


def put_aside(db: Reader) -> list[Row]:
    """Return the documents that could not be applied here: topic, key, pos, reason."""
    return db.all("SELECT topic, key, pos, reason FROM feed_quarantine ORDER BY topic, key")


def _take_or_put_aside(tx: Writer, parts: Parts, document: FeedDocument) -> None:
    names = {"topic": document.topic, "key": document.key}
    tx.run("SAVEPOINT document")
    try:
        if take(tx, parts, document):
            tx.run("DELETE FROM feed_quarantine WHERE topic = :topic AND key = :key", **names)
    except Exception as error:
        log.exception("put aside %s/%s", document.topic, document.key)
        tx.run("ROLLBACK TO document")
        tx.run(
            """INSERT INTO feed_quarantine (topic, key, pos, reason)
               VALUES (:topic, :key, :pos, :reason) ON CONFLICT (topic, key)
                 DO UPDATE SET pos = excluded.pos, reason = excluded.reason""",
            **names,
            pos=document.pos,
            reason=f"{type(error).__name__}: {error}",
        )
    finally:
        tx.run("RELEASE document")

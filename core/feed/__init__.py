"""The merchant's feed: documents by key that come down from head office.

A document (an item, a staff member, a setting) replaces the one with the same topic and key if
its position is newer; a hub that was away for a month, or is new, needs each only once. Each
slice brings the topics it owns into tables of its own (`Part.feeds`).

Until a hub is joined to a head office it is the author of its own feed: `publish` records the
edit as an event and takes the document by the same path as one that came down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from core.errors import N_, Refusal, Refused
from core.journal import Act, Body, Document, Part, Parts
from core.sqlite import Migration, Writer

__all__ = ["PART", "FeedDocument", "FeedPublished", "load", "publish", "read_snapshot", "take"]


class FeedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One document. `content` is None when the document was withdrawn."""

    topic: str
    key: str
    pos: int
    content: dict[str, Any] | None


class FeedPublished(Body, frozen=True, kw_only=True, tag="feed.published"):
    """The shop edited its own feed. The content lies beside: it may name staff."""

    topic: str
    key: str
    pos: int
    withdrawn: bool = False


def take(tx: Writer, parts: Parts, document: FeedDocument) -> bool:
    """Bring a document in if it is newer than what is held; say whether it was."""
    held = tx.value(
        "SELECT pos FROM feed_document WHERE topic = :topic AND key = :key",
        topic=document.topic,
        key=document.key,
    )
    if held is not None and held >= document.pos:
        return False
    tx.run(
        """INSERT INTO feed_document (topic, key, pos, content)
           VALUES (:topic, :key, :pos, :content)
           ON CONFLICT (topic, key)
             DO UPDATE SET pos = excluded.pos, content = excluded.content""",
        topic=document.topic,
        key=document.key,
        pos=document.pos,
        content=None if document.content is None else msgspec.json.encode(document.content),
    )
    handler = parts.feeds.get(document.topic)
    if handler is not None:  # A topic from a newer head office waits for the update.
        handler(tx, document.key, document.content)
    return True


def publish(
    tx: Writer, act: Act, *, topic: str, key: str, content: dict[str, Any] | None
) -> FeedDocument:
    """Edit the feed as its author, with an event that says who did."""
    pos = 1 + (tx.value("SELECT MAX(pos) FROM feed_document") or 0)
    document = FeedDocument(topic=topic, key=key, pos=pos, content=content)
    beside = () if content is None else (Document(name="content", content=content),)
    act.append(
        tx,
        FeedPublished(topic=topic, key=key, pos=pos, withdrawn=content is None),
        documents=beside,
    )
    take(tx, act.journal.parts, document)
    return document


def load(tx: Writer, parts: Parts, documents: Iterable[FeedDocument]) -> int:
    """Take many documents; return how many were new."""
    return sum(take(tx, parts, document) for document in documents)


def read_snapshot(text: str) -> list[FeedDocument]:
    """Read a feed snapshot: one JSON document a line, as a new hub fetches it.

    Refused: bad_snapshot.
    """
    documents = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                documents.append(msgspec.json.decode(line, type=FeedDocument))
            except msgspec.MsgspecError as error:
                raise Refused("bad_snapshot", line=number, reason=str(error)) from error
    return documents


PART = Part(
    name="feed",
    migrations=(
        Migration(
            "feed/1",
            (
                """CREATE TABLE feed_document (
                     topic TEXT NOT NULL,
                     key TEXT NOT NULL,
                     pos INTEGER NOT NULL,
                     content BLOB,
                     PRIMARY KEY (topic, key)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX feed_document_by_pos ON feed_document (pos)",
            ),
        ),
    ),
    now={FeedPublished: lambda _entry: ()},
    refusals={"bad_snapshot": Refusal(422, N_("快照第 %(line)s 行读不懂：%(reason)s"))},
)

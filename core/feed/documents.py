"""Documents by key: how one is taken, and how an edit is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from core.errors import Refused
from core.feed.following import held_pos
from core.journal import Act, Body, Document, Parts
from core.sqlite import Writer


class FeedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One document. `content` is None when the document was withdrawn."""

    topic: str
    key: str
    pos: int
    content: dict[str, Any] | None


class FeedPublished(Body, frozen=True, kw_only=True, tag="feed.published"):
    """The shop edited the feed. The content lies beside: it may name staff."""

    topic: str
    key: str
    pos: int
    """The edit's own position; of a proposal the position that it was made upon, 0 if none."""
    withdrawn: bool = False
    proposed: bool = False
    """The shop is joined: head office gives the edit its position, or says otherwise."""
    answers: str = ""
    """Head office's word on the proposal with this event id: taken over, or said otherwise."""


def take(tx: Writer, parts: Parts, document: FeedDocument) -> bool:
    """Bring a document in if it is newer than what is held; say whether it was."""
    held = _held(tx, document.topic, document.key)
    if held is not None and held >= document.pos:
        return False
    _lay_down(tx, parts, document)
    return True


def publish(
    tx: Writer,
    act: Act,
    *,
    topic: str,
    key: str,
    content: dict[str, Any] | None,
    answers: str = "",
) -> FeedDocument:
    """Edit the feed, with an event that says who did.

    The author of its own feed gives the edit the next position. A joined hub proposes: the edit
    holds here at once, at the position of what it replaces, so whatever head office says of
    this document afterwards is newer and holds instead.
    """
    proposed = held_pos(tx) is not None
    pos = (_held(tx, topic, key) or 0) if proposed else 1 + _last(tx)
    document = FeedDocument(topic=topic, key=key, pos=pos, content=content)
    beside = () if content is None else (Document(name="content", content=content),)
    act.append(
        tx,
        FeedPublished(
            topic=topic,
            key=key,
            pos=pos,
            withdrawn=content is None,
            proposed=proposed,
            answers=answers,
        ),
        documents=beside,
    )
    _lay_down(tx, act.journal.parts, document)
    return document


def load(tx: Writer, parts: Parts, documents: Iterable[FeedDocument]) -> int:
    """Take many documents; return how many were new.

    Refused: feed_followed, where a joined hub is given documents that head office never sent.
    """
    if held_pos(tx) is not None:
        raise Refused("feed_followed")
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


def _held(tx: Writer, topic: str, key: str) -> int | None:
    pos: int | None = tx.value(
        "SELECT pos FROM feed_document WHERE topic = :topic AND key = :key",
        topic=topic,
        key=key,
    )
    return pos


def _last(tx: Writer) -> int:
    return tx.value("SELECT MAX(pos) FROM feed_document") or 0


def _lay_down(tx: Writer, parts: Parts, document: FeedDocument) -> None:
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

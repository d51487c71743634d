"""Edits: head office's own, and those that a hub proposes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from core.feed import FeedDocument, FeedPublished, publish
from core.journal import Act, Event
from core.sqlite import Row, Writer

log = logging.getLogger(__name__)

OPEN_TOPICS = frozenset({"item", "category", "offer", "settings", "company", "staff"})
"""What a store may edit for all. A role would let it hand out rights that it was not given."""
OWN_TOPIC = "store"
"""A store may edit the document with its own key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A hub's edit, as it came up. `content` is None when it withdraws the document."""

    event: Event
    body: FeedPublished
    content: dict[str, Any] | None
    store: str
    """The store in which head office knows the hub to stand, not what the hub says."""


def bring(tx: Writer, act: Act, documents: Iterable[FeedDocument]) -> int:
    """Publish what a shop brings that already runs, in its order; return how many."""
    ordered = sorted(documents, key=lambda document: document.pos)
    for document in ordered:
        publish(tx, act, topic=document.topic, key=document.key, content=document.content)
    return len(ordered)


def adopt(tx: Writer, act: Act, proposal: Proposal) -> bool:
    """Give a hub's edit the next position; say whether it holds now.

    The event names the person and, as the device, the hub. Declined is what the hub may not
    edit, and an edit older than one that it did not know of; then what holds is published anew
    in nobody's name, because the hub shows its own until something newer comes. A proposal that
    was answered before is not answered again.
    """
    body, event = proposal.body, proposal.event
    known = tx.one(
        "SELECT device FROM feed_edit WHERE answers = :event AND proposed = 0", event=event.id
    )
    if known is not None:
        return known["device"] is not None
    if _may(proposal) and not _overtaken(tx, proposal) and _take_over(tx, act, proposal):
        return True
    publish(
        tx,
        replace(act, actor=None, device=None),
        topic=body.topic,
        key=body.key,
        content=_held_content(tx, body.topic, body.key),
        answers=event.id,
    )
    return False


def _may(proposal: Proposal) -> bool:
    body = proposal.body
    if not body.withdrawn and proposal.content is None:
        return False  # Its content was erased meanwhile: it says nothing any more.
    return body.topic in OPEN_TOPICS or (body.topic == OWN_TOPIC and body.key == proposal.store)


def _take_over(tx: Writer, act: Act, proposal: Proposal) -> bool:
    """Publish a proposal; False, and nothing is changed, where head office cannot read it."""
    body, event = proposal.body, proposal.event
    tx.run("SAVEPOINT adoption")
    try:
        publish(
            tx,
            replace(act, store=event.store, actor=event.actor, device=event.origin),
            topic=body.topic,
            key=body.key,
            content=proposal.content,
            answers=event.id,
        )
    except Exception:
        # It may come from a newer hub; what that hub means is for the update to say.
        log.exception("cannot take over %s/%s of %s", body.topic, body.key, event.origin)
        tx.run("ROLLBACK TO adoption")
        return False
    else:
        return True
    finally:
        tx.run("RELEASE adoption")


def _overtaken(tx: Writer, proposal: Proposal) -> bool:
    """Say whether somebody else edited later, and the hub did not know.

    A clock in the future does not win for ever: a proposal is at the latest from when it came.
    """
    held = _holding_edit(tx, proposal.body.topic, proposal.body.key)
    if held is None or held["pos"] <= proposal.body.pos:
        return False
    if held["device"] == proposal.event.origin:
        return False  # A hub's own edits come up in order.
    proposed_at = held["at"] if held["proposed_at"] is None else held["proposed_at"]
    made_at: int = min(held["at"], proposed_at)
    return made_at > proposal.event.at


def _holding_edit(tx: Writer, topic: str, key: str) -> Row | None:
    """Return the edit that holds: pos, at, device, and when a hub proposed it.

    A declined proposal left an edit too, but what it says was made by the one before.
    """
    return tx.one(
        """SELECT e.pos, e.at, e.device, p.at AS proposed_at
             FROM feed_edit e
             JOIN origin o ON o.origin = e.origin AND o.epoch = e.epoch AND o.own = 1
             LEFT JOIN feed_edit p ON e.answers <> '' AND p.event = e.answers
            WHERE e.topic = :topic AND e.key = :key AND e.proposed = 0
              AND NOT (e.answers <> '' AND e.device IS NULL)
            ORDER BY e.pos DESC LIMIT 1""",
        topic=topic,
        key=key,
    )


def _held_content(tx: Writer, topic: str, key: str) -> dict[str, Any] | None:
    content = tx.value(
        "SELECT content FROM feed_document WHERE topic = :topic AND key = :key",
        topic=topic,
        key=key,
    )
    return None if content is None else msgspec.json.decode(content)

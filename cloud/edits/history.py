"""Who edited a document: the merchant's own stream tells it, also of what came from a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from core.sqlite import Reader, Row

EDITS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit that holds or held.

    `hub` is empty for head office's own, whose `actor` is an account; else the actor is of the
    store's staff. `content` is None where it was withdrawn or the words were erased.
    """

    pos: int
    at: int
    actor: str | None
    hub: str
    store: str
    staff_name: str
    content: dict[str, Any] | None


# Where a proposal was adopted, the moment that counts is when somebody made it at the store.
# Where one was declined, head office said again what held before: nobody edited anything.
_EDITS = """
    SELECT e.pos, COALESCE(p.at, e.at) AS at, e.actor, COALESCE(e.device, '') AS hub, e.store,
           COALESCE(s.name, '') AS staff_name, d.content
      FROM feed_edit e
      JOIN origin o ON o.origin = e.origin AND o.epoch = e.epoch AND o.own = 1
      LEFT JOIN feed_edit p ON e.answers <> '' AND p.event = e.answers
      LEFT JOIN staff s ON s.id = e.actor
      LEFT JOIN document d ON d.event = e.event AND d.name = 'content'
     WHERE e.topic = :topic AND e.key = :key AND e.proposed = 0
       AND NOT (e.answers <> '' AND e.device IS NULL)
     ORDER BY e.pos DESC LIMIT :limit"""


def edits_of(db: Reader, topic: str, key: str, *, limit: int = EDITS_MAX) -> list[Edit]:
    """Return the edits of a document that were taken, the newest first."""
    rows = db.all(_EDITS, topic=topic, key=key, limit=limit)
    return [_edit(row) for row in rows]


def position_of(db: Reader, topic: str, key: str) -> int | None:
    """Return where a document stands in the feed; None where there never was one."""
    pos: int | None = db.value(
        "SELECT pos FROM feed_document WHERE topic = :topic AND key = :key",
        topic=topic,
        key=key,
    )
    return pos


def _edit(row: Row) -> Edit:
    known = dict(row)
    content = known["content"]
    known["content"] = None if content is None else msgspec.json.decode(content)
    return Edit(**known)

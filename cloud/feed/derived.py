"""Documents that follow from the journals. They are put again only when they changed."""

from __future__ import annotations

from typing import Any

import msgspec

from cloud.feed.reading import position
from core.sqlite import Writer

_encoder = msgspec.json.Encoder(order="deterministic")


def put_derived(
    tx: Writer,
    *,
    topic: str,
    key: str,
    content: dict[str, Any] | None,
    unmoved: frozenset[str] = frozenset(),
) -> int | None:
    """Give a document the next position; None where its content is what is held.

    Fields named in `unmoved` (an instant, say) do not count as a change. There is no event,
    because the document can be derived again, and head office's own tables are where it came
    from, so no handler takes it here.
    """
    held = tx.one(
        "SELECT content FROM feed_document WHERE topic = :topic AND key = :key",
        topic=topic,
        key=key,
    )
    encoded = None if content is None else _encoder.encode(content)
    if held is not None and _core(held["content"], unmoved) == _core(encoded, unmoved):
        return None
    if held is None and content is None:
        return None
    pos = position(tx) + 1
    tx.run(
        """INSERT INTO feed_document (topic, key, pos, content)
           VALUES (:topic, :key, :pos, :content)
           ON CONFLICT (topic, key)
             DO UPDATE SET pos = excluded.pos, content = excluded.content""",
        topic=topic,
        key=key,
        pos=pos,
        content=encoded,
    )
    return pos


def _core(encoded: bytes | None, unmoved: frozenset[str]) -> object:
    if encoded is None:
        return None
    content: dict[str, Any] = msgspec.json.decode(encoded)
    return {name: value for name, value in content.items() if name not in unmoved}

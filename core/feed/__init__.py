"""The merchant's feed: documents by key that come down from head office.

A document (an item, a staff member, a setting) replaces the one with the same topic and key if
its position is newer; a hub that was away for a month, or is new, needs each only once. Each
slice brings the topics it owns into tables of its own (`Part.feeds`).

Until a hub is joined to a head office it is the author of its own feed: `publish` records the
edit as an event and takes the document by the same path as one that came down. Once it follows
a head office (`follow`), an edit is a proposal: it holds here at once and goes up as an event;
head office gives it a position of the merchant's feed and it comes down to everybody.
"""

from core.feed.batches import put_aside, take_batch
from core.feed.documents import (
    FeedDocument,
    FeedPublished,
    load,
    publish,
    read_snapshot,
    take,
)
from core.feed.following import follow, held_pos
from core.feed.replaying import replay
from core.feed.tables import PART

__all__ = [
    "PART",
    "FeedDocument",
    "FeedPublished",
    "follow",
    "held_pos",
    "load",
    "publish",
    "put_aside",
    "read_snapshot",
    "replay",
    "take",
    "take_batch",
]

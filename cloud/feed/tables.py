"""Who edited which document when: the author's memory of its own feed."""

from __future__ import annotations

from collections.abc import Iterable

from core.feed import FeedPublished
from core.journal import Append, Change, Entry, Part
from core.sqlite import Migration


def _note_edit(entry: Entry) -> Iterable[Change]:
    body: FeedPublished = entry.body
    event = entry.event
    return [
        Append(
            "feed_edit",
            {
                "origin": event.origin,
                "epoch": event.epoch,
                "seq": event.seq,
                "event": event.id,
                "topic": body.topic,
                "key": body.key,
                "pos": body.pos,
                "proposed": int(body.proposed),
                "withdrawn": int(body.withdrawn),
                "answers": body.answers,
                "at": event.at,
                "store": event.store,
                "actor": event.actor,
                "device": event.device,
            },
        )
    ]


PART = Part(
    name="cloud_feed",
    migrations=(
        Migration(
            "cloud_feed/1",
            (
                """CREATE TABLE feed_edit (
                     origin TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
                     event TEXT NOT NULL, topic TEXT NOT NULL, key TEXT NOT NULL,
                     pos INTEGER NOT NULL,
                     proposed INTEGER NOT NULL CHECK (proposed IN (0, 1)),
                     withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
                     answers TEXT NOT NULL,
                     at INTEGER NOT NULL, store TEXT NOT NULL, actor TEXT, device TEXT,
                     PRIMARY KEY (origin, epoch, seq)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX feed_edit_by_document ON feed_edit (topic, key, pos)",
                "CREATE UNIQUE INDEX feed_edit_by_event ON feed_edit (event)",
                "CREATE INDEX feed_edit_by_answer ON feed_edit (answers) WHERE answers <> ''",
            ),
        ),
    ),
    tables={"feed_edit": ("origin", "epoch", "seq")},
    now={FeedPublished: _note_edit},
)

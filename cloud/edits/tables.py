"""When each hub reached which position of its merchant's feed, in the shared database."""

from __future__ import annotations

from core.sqlite import Migration

# A trigger, because the hub's row has several writers and the moment belongs to the row. For
# 30 days, in ms, it is remembered when a store had something.
MIGRATIONS = (
    Migration(
        "edits/1",
        (
            """CREATE TABLE feed_arrival (
                 hub TEXT NOT NULL, pos INTEGER NOT NULL, at INTEGER NOT NULL,
                 PRIMARY KEY (hub, pos)
               ) STRICT, WITHOUT ROWID""",
            """CREATE TRIGGER feed_arrived AFTER UPDATE OF feed_pos ON hub
                WHEN new.feed_pos > old.feed_pos AND new.last_seen_at IS NOT NULL BEGIN
                  INSERT INTO feed_arrival (hub, pos, at)
                    VALUES (new.id, new.feed_pos, new.last_seen_at) ON CONFLICT DO NOTHING;
                  DELETE FROM feed_arrival
                   WHERE hub = new.id AND at < new.last_seen_at - 2592000000;
                END""",
        ),
    ),
)

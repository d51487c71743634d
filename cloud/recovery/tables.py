"""What is kept of backups and recoveries, in the database that all merchants share."""

from __future__ import annotations

from core.sqlite import Migration

SHARED_TABLES = (
    Migration(
        "recovery/1",
        (
            # A backup is counted in the incarnation that made it: one that was put back counts
            # on from where it stood, and two histories must not share a number.
            """CREATE TABLE backup (
                 incarnation INTEGER NOT NULL,
                 number INTEGER NOT NULL,
                 made_at INTEGER NOT NULL,
                 verified_at INTEGER,
                 file TEXT NOT NULL,
                 size INTEGER NOT NULL,
                 sha256 TEXT NOT NULL,
                 manifest TEXT NOT NULL,
                 sealed INTEGER NOT NULL CHECK (sealed IN (0, 1)),
                 PRIMARY KEY (incarnation, number)
               ) STRICT, WITHOUT ROWID""",
            # How far the newest backup that was read back holds a hub's journal.
            """CREATE TABLE safe (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 seq INTEGER NOT NULL,
                 PRIMARY KEY (origin, epoch)
               ) STRICT, WITHOUT ROWID""",
            # A row is there as long as the merchant is in recovery, and no longer.
            """CREATE TABLE recovery (
                 merchant TEXT PRIMARY KEY,
                 incarnation INTEGER NOT NULL,
                 why TEXT NOT NULL CHECK (why IN ('restored', 'rolled_back', 'forgotten')),
                 began_at INTEGER NOT NULL,
                 feed_after INTEGER NOT NULL
               ) STRICT, WITHOUT ROWID""",
            # Of a hub that head office forgot wholly nothing else is known here.
            """CREATE TABLE recovery_hub (
                 merchant TEXT NOT NULL,
                 hub TEXT NOT NULL,
                 state TEXT NOT NULL CHECK (state IN ('awaited', 'returned', 'released')),
                 epoch INTEGER NOT NULL DEFAULT 0,
                 announced INTEGER NOT NULL DEFAULT 0,
                 since INTEGER NOT NULL,
                 reason TEXT NOT NULL DEFAULT '',
                 PRIMARY KEY (merchant, hub)
               ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE returned_document (
                 merchant TEXT NOT NULL,
                 hub TEXT NOT NULL,
                 topic TEXT NOT NULL,
                 key TEXT NOT NULL,
                 pos INTEGER NOT NULL,
                 content BLOB,
                 -- 1: not this hub's to say; somebody else may.
                 judged INTEGER NOT NULL DEFAULT 0 CHECK (judged IN (0, 1)),
                 PRIMARY KEY (merchant, hub, topic, key)
               ) STRICT, WITHOUT ROWID""",
        ),
    ),
    Migration(
        "recovery/2",
        ("ALTER TABLE recovery ADD COLUMN continues INTEGER NOT NULL DEFAULT 0",),
    ),
)

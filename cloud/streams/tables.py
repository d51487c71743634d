"""Raw segments and cursors, shared; asks and recalls, in each merchant's own database."""

from __future__ import annotations

from collections.abc import Iterable

from core.journal import Append, Change, Entry, Part
from core.sqlite import Migration
from core.wallet import Granted

SHARED_TABLES = (
    Migration(
        "streams_shared/1",
        (
            """CREATE TABLE stream_cursor (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 merchant TEXT NOT NULL,
                 birth BLOB NOT NULL,
                 seq INTEGER NOT NULL,
                 head BLOB NOT NULL,
                 PRIMARY KEY (origin, epoch)
               ) STRICT, WITHOUT ROWID""",
            "CREATE INDEX stream_cursor_by_merchant ON stream_cursor (merchant)",
            # Not WITHOUT ROWID: rows of many kilobytes would make every step of the tree long.
            """CREATE TABLE segment (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 first_seq INTEGER NOT NULL,
                 last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
                 head BLOB NOT NULL,
                 raw BLOB NOT NULL,
                 received_at INTEGER NOT NULL,
                 PRIMARY KEY (origin, epoch, first_seq)
               ) STRICT""",
            """CREATE TABLE fork_segment (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 first_seq INTEGER NOT NULL,
                 last_seq INTEGER NOT NULL,
                 digest BLOB NOT NULL,
                 raw BLOB NOT NULL,
                 received_at INTEGER NOT NULL,
                 PRIMARY KEY (origin, epoch, first_seq, digest)
               ) STRICT""",
            """CREATE TABLE line (
                 hub TEXT PRIMARY KEY,
                 boot INTEGER NOT NULL DEFAULT 0,
                 closed TEXT NOT NULL DEFAULT '',
                 down_n INTEGER NOT NULL DEFAULT 0
               ) STRICT, WITHOUT ROWID""",
        ),
    ),
    Migration(
        "streams_shared/2",
        (
            # Another box in a hub's place counts its starts and its downlink anew.
            """CREATE TABLE line_by_epoch (
                 hub TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 boot INTEGER NOT NULL DEFAULT 0,
                 down_n INTEGER NOT NULL DEFAULT 0,
                 PRIMARY KEY (hub, epoch)
               ) STRICT, WITHOUT ROWID""",
            """INSERT INTO line_by_epoch (hub, epoch, boot, down_n)
               SELECT l.hub, COALESCE((SELECT MAX(epoch) FROM epoch e WHERE e.hub = l.hub), 1),
                      l.boot, l.down_n
                 FROM line l""",
            # What was shut before epochs ended where they ended: behind what is kept. What an
            # operator had shut out says no reason, so its value waits for one.
            """UPDATE epoch SET
                 closed_reason = 'forked',
                 closed_seq = COALESCE((SELECT c.seq FROM stream_cursor c
                                         WHERE c.origin = epoch.hub
                                           AND c.epoch = epoch.epoch), 0),
                 closed_head = (SELECT c.head FROM stream_cursor c
                                 WHERE c.origin = epoch.hub AND c.epoch = epoch.epoch)
               WHERE closed_at IS NOT NULL""",
            """UPDATE epoch SET
                 closed_reason = 'retired',
                 limbo = 1,
                 closed_at = (SELECT COALESCE(MAX(c.revoked_at), 0) FROM certificate c
                               WHERE c.hub = epoch.hub),
                 closed_seq = COALESCE((SELECT c.seq FROM stream_cursor c
                                         WHERE c.origin = epoch.hub
                                           AND c.epoch = epoch.epoch), 0),
                 closed_head = (SELECT c.head FROM stream_cursor c
                                 WHERE c.origin = epoch.hub AND c.epoch = epoch.epoch)
               WHERE closed_at IS NULL
                 AND hub IN (SELECT id FROM hub WHERE state = 'revoked')""",
            """UPDATE hub SET state = 'revoked', online = 0
                WHERE id IN (SELECT hub FROM epoch WHERE closed_at IS NOT NULL)""",
            "DROP TABLE line",
            "ALTER TABLE line_by_epoch RENAME TO line",
        ),
    ),
    Migration(
        "streams_shared/3",
        (
            """CREATE TABLE run (
                 name TEXT PRIMARY KEY,
                 number INTEGER NOT NULL,
                 began_at INTEGER NOT NULL,
                 -- 1: it is noted where every feed stood when it began.
                 fed INTEGER NOT NULL DEFAULT 0 CHECK (fed IN (0, 1))
               ) STRICT, WITHOUT ROWID""",
            "CREATE INDEX run_by_number ON run (number)",
            # Where a feed stood when a run began; no row where it had not moved since.
            """CREATE TABLE run_feed (
                 merchant TEXT NOT NULL,
                 run INTEGER NOT NULL,
                 pos INTEGER NOT NULL,
                 PRIMARY KEY (merchant, run)
               ) STRICT, WITHOUT ROWID""",
            # In which run this epoch last said how far it is.
            "ALTER TABLE line ADD COLUMN run INTEGER NOT NULL DEFAULT 0",
        ),
    ),
)


def _note_grant(entry: Entry) -> Iterable[Change]:
    """Remember to whom a transfer went: nobody else may say that it arrived."""
    body: Granted = entry.body
    return [
        Append(
            "granted",
            {
                "transfer": body.transfer,
                "hub": body.hub,
                "epoch": body.hub_epoch,
                "member": body.member,
                "request": body.request,
                "at": entry.event.at,
            },
        )
    ]


PART = Part(
    name="streams",
    migrations=(
        Migration(
            "streams/1",
            (
                """CREATE TABLE ask (
                     id TEXT PRIMARY KEY,
                     hub TEXT NOT NULL,
                     member TEXT NOT NULL,
                     want INTEGER NOT NULL,
                     why TEXT NOT NULL,
                     at INTEGER NOT NULL,
                     state TEXT NOT NULL,
                     open INTEGER NOT NULL CHECK (open IN (0, 1))
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX ask_open ON ask (member) WHERE open = 1",
                """CREATE TABLE recall (
                     request TEXT NOT NULL,
                     hub TEXT NOT NULL,
                     epoch INTEGER NOT NULL,
                     member TEXT NOT NULL,
                     at INTEGER NOT NULL,
                     open INTEGER NOT NULL CHECK (open IN (0, 1)),
                     PRIMARY KEY (request, hub, epoch)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX recall_open ON recall (member) WHERE open = 1",
                """CREATE TABLE granted (
                     transfer TEXT PRIMARY KEY,
                     hub TEXT NOT NULL,
                     epoch INTEGER NOT NULL,
                     member TEXT NOT NULL,
                     request TEXT NOT NULL,
                     at INTEGER NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE derived (
                     origin TEXT NOT NULL,
                     epoch INTEGER NOT NULL,
                     seq INTEGER NOT NULL,
                     PRIMARY KEY (origin, epoch)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    tables={"granted": ("transfer",)},
    now={Granted: _note_grant},
)

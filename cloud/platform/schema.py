"""The tables that all merchants share: who there is, and what is said before a merchant is."""

from __future__ import annotations

from core.sqlite import Migration

MIGRATIONS = (
    Migration(
        "platform/1",
        (
            """CREATE TABLE memory (
                 name TEXT PRIMARY KEY, value TEXT NOT NULL
               ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE merchant (
                 id TEXT PRIMARY KEY, name TEXT NOT NULL, made_at INTEGER NOT NULL
               ) STRICT""",
            """CREATE TABLE merchant_secret (
                 merchant TEXT NOT NULL REFERENCES merchant,
                 name TEXT NOT NULL,
                 value BLOB NOT NULL,
                 PRIMARY KEY (merchant, name)
               ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE hub (
                 id TEXT PRIMARY KEY,
                 merchant TEXT NOT NULL REFERENCES merchant,
                 store TEXT NOT NULL,
                 shard TEXT NOT NULL,
                 state TEXT NOT NULL CHECK (state IN ('enrolled', 'revoked')),
                 certificate_serial TEXT NOT NULL,
                 certificate_until INTEGER NOT NULL,
                 enrolled_at INTEGER NOT NULL,
                 model TEXT NOT NULL DEFAULT '',
                 version TEXT NOT NULL DEFAULT '',
                 online INTEGER NOT NULL DEFAULT 0 CHECK (online IN (0, 1)),
                 last_seen_at INTEGER,
                 reported_seq INTEGER NOT NULL DEFAULT 0,
                 feed_pos INTEGER NOT NULL DEFAULT 0,
                 clock_at INTEGER,
                 clock_unsure INTEGER NOT NULL DEFAULT 0 CHECK (clock_unsure IN (0, 1)),
                 free_bytes INTEGER
               ) STRICT""",
            "CREATE INDEX hub_by_merchant ON hub (merchant, enrolled_at)",
            """CREATE TABLE epoch (
                 hub TEXT NOT NULL REFERENCES hub,
                 epoch INTEGER NOT NULL,
                 birth BLOB NOT NULL,
                 countersignature BLOB NOT NULL,
                 downlink_birth BLOB NOT NULL,
                 downlink_signature BLOB NOT NULL,
                 closed_at INTEGER,
                 PRIMARY KEY (hub, epoch)
               ) STRICT""",
            """CREATE TABLE certificate (
                 serial TEXT PRIMARY KEY,
                 hub TEXT NOT NULL REFERENCES hub,
                 issued_at INTEGER NOT NULL,
                 revoked_at INTEGER
               ) STRICT""",
            "CREATE INDEX certificate_by_hub ON certificate (hub)",
            """CREATE TABLE enrolment_code (
                 handle TEXT PRIMARY KEY,
                 hash BLOB NOT NULL,
                 merchant TEXT NOT NULL REFERENCES merchant,
                 store TEXT NOT NULL,
                 made_at INTEGER NOT NULL,
                 expires_at INTEGER NOT NULL,
                 tries INTEGER NOT NULL DEFAULT 0,
                 used_at INTEGER,
                 request_hash BLOB,
                 answer BLOB
               ) STRICT""",
            """CREATE TABLE alarm (
                 id TEXT PRIMARY KEY,
                 merchant TEXT NOT NULL,
                 hub TEXT NOT NULL,
                 at INTEGER NOT NULL,
                 kind TEXT NOT NULL,
                 detail TEXT NOT NULL
               ) STRICT""",
            "CREATE INDEX alarm_by_merchant ON alarm (merchant, at)",
        ),
    ),
    Migration(
        "platform/2",
        (
            # Where an epoch ended: what comes behind it came late. In limbo nothing that lay at
            # its place counts as the pool's, until somebody decides.
            "ALTER TABLE epoch ADD COLUMN closed_seq INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE epoch ADD COLUMN closed_head BLOB",
            "ALTER TABLE epoch ADD COLUMN closed_reason TEXT NOT NULL DEFAULT ''",
            """ALTER TABLE epoch
                 ADD COLUMN limbo INTEGER NOT NULL DEFAULT 0 CHECK (limbo IN (0, 1))""",
            "ALTER TABLE certificate ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1",
            """ALTER TABLE enrolment_code
                 ADD COLUMN kind TEXT NOT NULL DEFAULT 'join'
                   CHECK (kind IN ('join', 'replace'))""",
            "ALTER TABLE enrolment_code ADD COLUMN hub TEXT NOT NULL DEFAULT ''",
        ),
    ),
    Migration(
        "platform/3",
        (
            # The kinds of event that its version does not know, for which its stream waits.
            "ALTER TABLE hub ADD COLUMN held_back TEXT NOT NULL DEFAULT ''",
        ),
    ),
    Migration(
        "platform/4",
        (
            """CREATE TABLE night_check (
                 merchant TEXT NOT NULL,
                 at INTEGER NOT NULL,
                 took_ms INTEGER NOT NULL,
                 events INTEGER NOT NULL,
                 problems TEXT NOT NULL,
                 PRIMARY KEY (merchant, at)
               ) STRICT, WITHOUT ROWID""",
        ),
    ),
)

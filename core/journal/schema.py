"""The journal's own tables. `body` holds the exact bytes; nothing here is ever edited."""

from __future__ import annotations

from core.sqlite import Migration

MIGRATIONS = (
    Migration(
        "journal/1",
        (
            """CREATE TABLE origin (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 birth BLOB NOT NULL,
                 own INTEGER NOT NULL CHECK (own IN (0, 1)),
                 PRIMARY KEY (origin, epoch)
               ) STRICT""",
            """CREATE TABLE journal (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 seq INTEGER NOT NULL CHECK (seq > 0),
                 at INTEGER NOT NULL,
                 head BLOB NOT NULL,
                 raw BLOB NOT NULL,
                 PRIMARY KEY (origin, epoch, seq),
                 FOREIGN KEY (origin, epoch) REFERENCES origin
               ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE document (
                 event TEXT NOT NULL,
                 name TEXT NOT NULL,
                 salt BLOB NOT NULL,
                 content BLOB NOT NULL,
                 PRIMARY KEY (event, name)
               ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE segment (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 first_seq INTEGER NOT NULL,
                 last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
                 boot INTEGER NOT NULL,
                 head BLOB NOT NULL,
                 signature BLOB NOT NULL,
                 PRIMARY KEY (origin, epoch, first_seq)
               ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE projected (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 seq INTEGER NOT NULL,
                 PRIMARY KEY (origin, epoch)
               ) STRICT, WITHOUT ROWID""",
            """CREATE TABLE quarantine (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 seq INTEGER NOT NULL,
                 reason TEXT NOT NULL,
                 PRIMARY KEY (origin, epoch, seq)
               ) STRICT, WITHOUT ROWID""",
        ),
    ),
    Migration(
        "journal/2",
        (
            # 1: nothing of the event was applied; 0: its history is missing.
            """ALTER TABLE quarantine
                 ADD COLUMN whole INTEGER NOT NULL DEFAULT 0 CHECK (whole IN (0, 1))""",
        ),
    ),
    Migration(
        "journal/3",
        (
            # A second history of one epoch: it goes on behind the trunk's event `after`, and
            # its events and seals name the trunk's first origin as theirs.
            """CREATE TABLE branch (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 writer TEXT NOT NULL,
                 trunk TEXT NOT NULL,
                 after INTEGER NOT NULL,
                 PRIMARY KEY (origin, epoch)
               ) STRICT, WITHOUT ROWID""",
        ),
    ),
    Migration(
        "journal/4",
        (
            # Which of an event's shares is missing, so that one that is mended can be made up.
            "ALTER TABLE quarantine ADD COLUMN missing_now INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE quarantine ADD COLUMN missing_later INTEGER NOT NULL DEFAULT 0",
            # Before this was noted, history was what nearly always failed.
            "UPDATE quarantine SET missing_later = 1 WHERE whole = 0",
        ),
    ),
    Migration(
        "journal/5",
        (
            # What bodies say that no projector of this version could read.
            """CREATE TABLE passed_over (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 seq INTEGER NOT NULL,
                 kind TEXT NOT NULL,
                 missing_now INTEGER NOT NULL CHECK (missing_now IN (0, 1)),
                 missing_later INTEGER NOT NULL CHECK (missing_later IN (0, 1)),
                 PRIMARY KEY (origin, epoch, seq)
               ) STRICT, WITHOUT ROWID""",
            "CREATE INDEX passed_over_by_kind ON passed_over (kind)",
        ),
    ),
)

"""The feed's own tables."""

from __future__ import annotations

from core.errors import N_, Refusal
from core.feed.documents import FeedPublished
from core.journal import Part
from core.sqlite import Migration

PART = Part(
    name="feed",
    migrations=(
        Migration(
            "feed/1",
            (
                """CREATE TABLE feed_document (
                     topic TEXT NOT NULL,
                     key TEXT NOT NULL,
                     pos INTEGER NOT NULL,
                     content BLOB,
                     PRIMARY KEY (topic, key)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX feed_document_by_pos ON feed_document (pos)",
            ),
        ),
        Migration(
            "feed/2",
            (
                """CREATE TABLE feed_cursor (
                     one INTEGER PRIMARY KEY CHECK (one = 1), pos INTEGER NOT NULL
                   ) STRICT""",
                """CREATE TABLE feed_quarantine (
                     topic TEXT NOT NULL,
                     key TEXT NOT NULL,
                     pos INTEGER NOT NULL,
                     reason TEXT NOT NULL,
                     PRIMARY KEY (topic, key)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    now={FeedPublished: lambda _entry: ()},
    refusals={
        "bad_snapshot": Refusal(422, N_("快照第 %(line)s 行读不懂：%(reason)s")),
        "feed_followed": Refusal(409, N_("这台主机已加入总部，资料由总部下发，不能另外装入")),
    },
)

"""Runs of imports, in each merchant's own database."""

from __future__ import annotations

from cloud.imports.events import ListExported
from core.errors import N_, Refusal
from core.imports import REFUSALS
from core.journal import Part
from core.sqlite import Migration

PART = Part(
    name="lists",
    migrations=(
        Migration(
            "lists/1",
            (
                """CREATE TABLE import_run (
                     id TEXT PRIMARY KEY,
                     list TEXT NOT NULL CHECK (list IN ('members', 'items')),
                     name TEXT NOT NULL,
                     file TEXT NOT NULL,
                     home TEXT NOT NULL,
                     sheet TEXT NOT NULL,
                     overrides BLOB NOT NULL,
                     today TEXT NOT NULL,
                     good INTEGER NOT NULL,
                     bad INTEGER NOT NULL,
                     faults BLOB NOT NULL,
                     categories BLOB NOT NULL,
                     state TEXT NOT NULL
                       CHECK (state IN ('looked', 'running', 'stopped', 'done')),
                     done INTEGER NOT NULL DEFAULT 0,
                     added INTEGER NOT NULL DEFAULT 0,
                     known INTEGER NOT NULL DEFAULT 0,
                     made_at INTEGER NOT NULL,
                     moved_at INTEGER NOT NULL,
                     actor TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX import_run_by_age ON import_run (made_at)",
                """CREATE TABLE import_refused (
                     run TEXT NOT NULL REFERENCES import_run (id) ON DELETE CASCADE,
                     line INTEGER NOT NULL,
                     code TEXT NOT NULL,
                     facts BLOB NOT NULL,
                     PRIMARY KEY (run, line)
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    now={ListExported: lambda _entry: ()},
    refusals={
        "no_list": Refusal(422, N_("请先选一个文件")),
        "no_run": Refusal(404, N_("没有这次导入，可能已经过期删除")),
        "run_started": Refusal(409, N_("这次导入已经开始了")),
        "import_busy": Refusal(409, N_("“%(name)s”还在导入，请等它完成")),
        "no_branch": Refusal(404, N_("没有代号为 %(typed)s 的门店")),
    },
)

READING = Part(name="lists_read", refusals=REFUSALS)
"""What reading a list refuses, for the pages that tell it."""

"""What this box remembers of its backups."""

from __future__ import annotations

from core.backup import REFUSALS
from core.journal import Part
from core.sqlite import Migration, Reader, Writer

LOCAL = Part(
    name="backup",
    migrations=(
        Migration(
            "backup/1",
            (
                """CREATE TABLE backup (
                     number INTEGER PRIMARY KEY,
                     made_at INTEGER NOT NULL,
                     verified_at INTEGER,
                     file TEXT NOT NULL,
                     size INTEGER NOT NULL,
                     sha256 TEXT NOT NULL,
                     manifest TEXT NOT NULL,
                     sealed INTEGER NOT NULL CHECK (sealed IN (0, 1))
                   ) STRICT""",
                """CREATE TABLE backup_setting (
                     name TEXT PRIMARY KEY, value TEXT NOT NULL
                   ) STRICT, WITHOUT ROWID""",
            ),
        ),
    ),
    refusals=REFUSALS,
)


def setting(db: Reader, name: str) -> str:
    return db.value("SELECT value FROM backup_setting WHERE name = :name", name=name) or ""


def set_setting(tx: Writer, name: str, value: str) -> None:
    tx.run(
        "INSERT INTO backup_setting (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=name,
        value=value,
    )

"""How fresh this store's list of lost cards is: when it last had all that head office has."""

from __future__ import annotations

from core.clock import MINUTE_MS
from core.sqlite import Migration, Reader, Writer

NOTED_EVERY_MS = 10 * MINUTE_MS
"""A list that is kept fresh costs one small write in so long."""

MIGRATION = Migration(
    "block_list/1",
    (
        """CREATE TABLE block_list (
             one INTEGER PRIMARY KEY CHECK (one = 1), as_of INTEGER NOT NULL
           ) STRICT""",
    ),
)


def list_as_of(db: Reader) -> int | None:
    """Return when (ms, by this box's clock) the list was whole; None without a head office."""
    as_of: int | None = db.value("SELECT as_of FROM block_list")
    return as_of


def is_due(db: Reader, *, now: int) -> bool:
    """Say whether it is worth a write to note that the list is whole now."""
    as_of = list_as_of(db)
    return as_of is None or not 0 <= now - as_of < NOTED_EVERY_MS


def note_list(tx: Writer, *, now: int) -> None:
    """Note that this store has every document that head office has."""
    tx.run(
        "INSERT INTO block_list (one, as_of) VALUES (1, :now)"
        " ON CONFLICT (one) DO UPDATE SET as_of = excluded.as_of",
        now=now,
    )

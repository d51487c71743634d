"""What was found when a merchant's books were made again at night and compared."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import DAY_MS
from core.sqlite import Reader, Writer

KEPT_MS = 400 * DAY_MS
TOLD_CHARACTERS_MAX = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One night's look at one merchant; `problems` has a line for each thing that differs."""

    merchant: str
    at: int
    took_ms: int
    events: int
    problems: str

    @property
    def fine(self) -> bool:
        return not self.problems


def note_check(tx: Writer, check: Check) -> None:
    """Write down what was found; what is older than a year goes."""
    tx.run("DELETE FROM night_check WHERE at < :old", old=check.at - KEPT_MS)
    tx.run(
        """INSERT INTO night_check (merchant, at, took_ms, events, problems)
           VALUES (:merchant, :at, :took, :events, :problems)
           ON CONFLICT (merchant, at) DO UPDATE SET problems = excluded.problems""",
        merchant=check.merchant,
        at=check.at,
        took=check.took_ms,
        events=check.events,
        problems=check.problems[:TOLD_CHARACTERS_MAX],
    )


def last_checks(db: Reader) -> dict[str, Check]:
    """Return each merchant's newest check, by the merchant."""
    rows = db.all(
        """SELECT * FROM night_check n WHERE at =
             (SELECT MAX(at) FROM night_check WHERE merchant = n.merchant)
            ORDER BY at DESC"""
    )
    return {row["merchant"]: Check(**dict(row)) for row in rows}


def next_to_check(db: Reader, merchants: Sequence[str]) -> str | None:
    """Return whose turn it is: by chance one of those that were looked at longest ago.

    So each has its turn, and nobody knows which one is next.
    """
    seen = {name: check.at for name, check in last_checks(db).items()}
    longest = min((seen.get(one, 0) for one in merchants), default=0)
    due = [one for one in merchants if seen.get(one, 0) == longest]
    return secrets.choice(due) if due else None

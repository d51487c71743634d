"""Whose value moved lately, and when it is time to bring it to rest."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.placement.policy import ASK_LIFETIME_MS
from cloud.placement.visits import WINDOW_WEEKS, weigh
from core.clock import HOUR_MS
from core.sqlite import Reader, Writer

REST_MS = ASK_LIFETIME_MS
"""So long after the last movement the visit is taken to be over."""
RETRY_MS = HOUR_MS
"""So long after a look that found a store off the line there is another."""
RECALL_EVERY_MS = 12 * HOUR_MS
"""A member's money is called in for the split no more often than this, so that who goes to and
fro does not keep two stores busy. Who is recognised is not bound by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A member whose value is to be looked at; `recalled_at` in ms, of the last split."""

    member: str
    recalled_at: int


def note_moved(tx: Writer, member: str, *, at: int) -> None:
    """Look at a member's value once the visit in which it moved is over."""
    tx.run(
        "INSERT INTO resting (member, due_at) VALUES (:member, :due)"
        " ON CONFLICT (member) DO UPDATE SET due_at = excluded.due_at WHERE soon = 0",
        member=member,
        due=at + REST_MS,
    )


def note_soon(tx: Writer, member: str, *, at: int) -> None:
    """Look at a member's value at once: what nobody waits for has arrived in the pool."""
    tx.run(
        "INSERT INTO resting (member, due_at, soon) VALUES (:member, :at, 1)"
        " ON CONFLICT (member) DO UPDATE SET due_at = excluded.due_at, soon = 1",
        member=member,
        at=at,
    )


def note_rested(
    tx: Writer, due: Due, *, again_at: int | None = None, recalled_at: int | None = None
) -> None:
    """Note that a member was looked at, and when (ms) to look again without a movement."""
    tx.run(
        "UPDATE resting SET due_at = :again, soon = 0, recalled_at = :recalled"
        " WHERE member = :member",
        member=due.member,
        again=again_at,
        recalled=due.recalled_at if recalled_at is None else recalled_at,
    )


def due_members(db: Reader, *, now: int, limit: int) -> list[Due]:
    """Return members whose time has come, the longest waiting first."""
    rows = db.all(
        "SELECT member, recalled_at FROM resting WHERE due_at <= :now"
        " ORDER BY due_at, member LIMIT :limit",
        now=now,
        limit=limit,
    )
    return [Due(**dict(row)) for row in rows]


def visit_weights(db: Reader, member: str, *, today: str) -> dict[str, int]:
    """Return how much each store's visits by a member count, by business date `today`."""
    rows = db.all(
        "SELECT store, date, times FROM visit WHERE member = :member"
        " ORDER BY date DESC LIMIT :limit",
        member=member,
        limit=WINDOW_WEEKS * 7 * 4,
    )
    visits = [(row["store"], row["date"], row["times"]) for row in rows]
    return weigh(visits, today=today)

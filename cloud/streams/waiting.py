"""Asks of stores that wait for other stores to release what they hold."""

from __future__ import annotations

from dataclasses import dataclass

from core.sqlite import Reader

WAITING_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A store's ask that is still open, with the box that was called and has not answered."""

    request: str
    member: str
    hub: str
    """Who asked."""
    holder: str
    at: int


def waiting_asks(db: Reader, *, limit: int = WAITING_SHOWN_MAX) -> list[Waiting]:
    """Return open asks, the oldest first, one for each box that is waited for."""
    rows = db.all(
        """SELECT a.id AS request, a.member, a.hub, r.hub AS holder, a.at
             FROM ask a JOIN recall r ON r.member = a.member AND r.open = 1
            WHERE a.open = 1 AND r.hub <> a.hub
            ORDER BY a.at, a.id, r.hub LIMIT :limit""",
        limit=limit,
    )
    return [Waiting(**dict(row)) for row in rows]

"""Which stores a member visits, and how much an older visit still counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date as calendar_date

WINDOW_WEEKS = 13
"""A quarter. A visit of this week counts 169 times as much as one that is twelve weeks old, so
that somebody who moved house is at home in the new store after a month."""
DAYS_A_WEEK = 7


def weigh(visits: Iterable[tuple[str, str, int]], *, today: str) -> dict[str, int]:
    """Return how much each store's visits count, from (store, business date, times).

    The weight falls with the square of the weeks that are left of the window. Dates to come
    count as today: a store's clock may be wrong.
    """
    weights: dict[str, int] = {}
    now = calendar_date.fromisoformat(today)
    for store, date, times in visits:
        days = (now - calendar_date.fromisoformat(date)).days
        left = WINDOW_WEEKS - max(0, days) // DAYS_A_WEEK
        if left > 0:
            weights[store] = weights.get(store, 0) + times * left * left
    return weights

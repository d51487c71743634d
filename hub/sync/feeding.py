"""How the hub follows head office's feed, as part of its step: one batch after the other."""

from __future__ import annotations

from dataclasses import replace

from core.wire import RTO_MAX_MS, RTO_MIN_MS, FeedBatch, batch_fits
from hub.sync.conversation import FetchFeed, HubState, Line, Output, TakeFeed, Trouble

FETCH_WITHIN_MS = 30_000


def batch_came(state: HubState, batch: FeedBatch, now_ms: int) -> tuple[HubState, list[Output]]:
    if state.line is not Line.LIVE:
        return state, []
    if not batch_fits(state.merchant, batch, state.feed_check):
        return state, [Trouble(kind="forged", detail=f"feed {batch.after} to {batch.pos}")]
    position = state.standing.feed_pos
    goal = max(state.feed_goal, batch.pos + (1 if batch.more else 0))
    state = replace(state, feed_goal=goal)
    if batch.after <= position < batch.pos:
        return state, [TakeFeed(batch=batch)]
    return fetch(state, now_ms)


def fetched(
    state: HubState, batch: FeedBatch | None, now_ms: int, chance: float
) -> tuple[HubState, list[Output]]:
    state = replace(state, fetching=False, fetch_at=None)
    if state.line is not Line.LIVE:
        return state, []
    outputs: list[Output] = []
    if batch is not None:
        if batch.pos > state.standing.feed_pos:
            state = replace(state, fetch_rto_ms=RTO_MIN_MS)
            state, outputs = batch_came(state, batch, now_ms)
            if any(isinstance(output, TakeFeed) for output in outputs):
                return state, outputs
        elif not batch.more and batch_fits(state.merchant, batch, state.feed_check):
            # Nothing after us: a goal that was promised by an older word is void.
            return replace(state, feed_goal=state.standing.feed_pos), []
    wait = state.fetch_rto_ms + int(state.fetch_rto_ms * chance / 4)
    longer = min(state.fetch_rto_ms * 2, RTO_MAX_MS)
    return replace(state, fetch_at=now_ms + wait, fetch_rto_ms=longer), outputs


def fetch(state: HubState, now_ms: int) -> tuple[HubState, list[Output]]:
    """Ask for what is missing, one batch at a time."""
    position = state.standing.feed_pos
    if state.fetching or state.fetch_at is not None or position >= state.feed_goal:
        return state, []
    state = replace(state, fetching=True, fetch_at=now_ms + FETCH_WITHIN_MS)
    return state, [FetchFeed(after=position)]

"""Wishes for a member's value on their way to head office and back: a part of the step."""

from __future__ import annotations

from dataclasses import replace

from core.wire import GRANTED, NOTHING, RECALLING, Answer, Ask
from hub.sync.conversation import AskMoved, HubState, Line, Output, Say, Waiting

ANSWER_WITHIN_MS = 800
"""Money that head office holds is one round trip away; the till waits no longer for a word."""
RECALL_WITHIN_MS = 3_000
"""From the ask on, where another store has to release first."""
ASKS_MAX = 64
SLOW, EXPIRED, OFFLINE_ASK = "slow", "expired", "offline"


def want(state: HubState, ask: Ask, now_ms: int) -> tuple[HubState, list[Output]]:
    """Pass a wish on, where there is a line."""
    if state.line is not Line.LIVE or len(state.asks) >= ASKS_MAX:
        return state, [AskMoved(id=ask.id, state=OFFLINE_ASK)]
    if any(waiting.ask.id == ask.id for waiting in state.asks):
        return state, []
    waiting = Waiting(
        ask=ask,
        since=now_ms,
        slow_at=now_ms + ANSWER_WITHIN_MS,
        ends_at=now_ms + RECALL_WITHIN_MS,
    )
    return replace(state, asks=(*state.asks, waiting)), [Say(message=ask)]


def answered(state: HubState, answer: Answer) -> tuple[HubState, list[Output]]:
    """Take in what head office answered."""
    known = next((w for w in state.asks if w.ask.id == answer.id), None)
    if known is None or answer.state not in {GRANTED, RECALLING, NOTHING}:
        return state, []
    others = tuple(w for w in state.asks if w is not known)
    if answer.state == RECALLING:
        others = (*others, replace(known, slow_at=None))
    return replace(state, asks=others), [
        AskMoved(id=answer.id, state=answer.state, reason=answer.reason)
    ]


def expire(state: HubState, now_ms: int) -> tuple[HubState, list[Output]]:
    """Say of what is slow that it is, and end what took too long."""
    kept: list[Waiting] = []
    outputs: list[Output] = []
    for waiting in state.asks:
        if now_ms >= waiting.ends_at:
            outputs.append(AskMoved(id=waiting.ask.id, state=EXPIRED))
        elif waiting.slow_at is not None and now_ms >= waiting.slow_at:
            outputs.append(AskMoved(id=waiting.ask.id, state=SLOW))
            kept.append(replace(waiting, slow_at=None))
        else:
            kept.append(waiting)
    return replace(state, asks=tuple(kept)), outputs


def end_all(state: HubState) -> list[Output]:
    """Say of every wish that the line is gone."""
    return [AskMoved(id=w.ask.id, state=OFFLINE_ASK) for w in state.asks]

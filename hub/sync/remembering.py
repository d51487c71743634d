"""What a hub does when head office has forgotten: pure, as the step that it is part of.

The hub gives back what it was sent, and says hello anew once that is done: head office then
answers from where it stands. Where it did not come to that, the hello asks for it once more.
"""

from __future__ import annotations

from dataclasses import replace

from core.wire import Recover
from hub.sync.conversation import GaveBack, GiveBack, HubState, Output

AGAIN_AFTER_MS = 5_000


def asked_back(state: HubState, asked: Recover) -> tuple[HubState, list[Output]]:
    """Give back what head office asks for, one errand at a time."""
    if state.giving:
        return state, []
    return replace(state, giving=True), [GiveBack(asked=asked)]


def gave_back(state: HubState, done: GaveBack, now_ms: int) -> tuple[HubState, list[Output]]:
    """Say hello anew, at once where it is done."""
    hello_at = now_ms if done.done else now_ms + AGAIN_AFTER_MS
    return replace(state, giving=False, hello_at=hello_at), []

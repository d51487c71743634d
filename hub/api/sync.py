"""How the link to head office is doing."""

from __future__ import annotations

import msgspec

from core.web import Endpoint, read
from hub.api.blueprint import api
from hub.box import here
from hub.sync import link_state


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """`pending` events wait to be held by head office, the oldest for `lag_ms`.

    A shop on its own has `joined` false and nothing else. `safe` is the last event that a
    backup of head office's holds too. `skew_ms` is how far the hub's clock is ahead.
    """

    joined: bool
    online: bool = False
    fenced: bool = False
    since_ms: int | None = None
    heard_at_ms: int | None = None
    pending: int = 0
    lag_ms: int = 0
    feed_pos: int = 0
    safe: int = 0
    skew_ms: int | None = None
    trouble: str = ""


# Those whom the owner gave the shop's hands: the owner, and tokens of devices and programs.
@api.get("/sync")
@Endpoint(permission="device.swipe", answer=Link)
def show_link() -> Link:
    """Say whether the hub is on the line to head office, and what waits."""
    with read() as db:
        state = link_state(db, here())
    if state is None:
        return Link(joined=False)
    return Link(
        joined=True,
        online=state.cloud,
        fenced=state.fenced,
        since_ms=state.since,
        heard_at_ms=state.heard_at,
        pending=state.pending,
        lag_ms=state.lag_ms,
        feed_pos=state.feed_pos,
        safe=state.safe,
        skew_ms=state.skew_ms,
        trouble=state.trouble,
    )

"""What an owner may ask about boxes that were closed, and what was decided of them."""

from __future__ import annotations

from core.journal import Body


class EpochClosed(Body, frozen=True, kw_only=True, tag="hub.epoch_closed"):
    """A box may write no more behind event `seq` of this epoch; `reason` says why."""

    hub: str
    epoch: int
    store: str
    seq: int
    reason: str


class LimboReleased(Body, frozen=True, kw_only=True, tag="hub.limbo_released"):
    """What lay at a stolen box's place goes back to its members."""

    hub: str
    epoch: int
    store: str

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


class PlaceEmptied(Body, frozen=True, kw_only=True, tag="hub.place_emptied"):
    """All that lay at a closed epoch's place, or was on its way there, is in the pools."""

    hub: str
    epoch: int


class LateTaken(Body, frozen=True, kw_only=True, tag="hub.late_taken"):
    """What came late of a history is in the books up to event `seq`, and paid for.

    Books that are written anew do not pay for it a second time.
    """

    origin: str
    epoch: int
    seq: int

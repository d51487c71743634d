"""Whose streams come in: hubs and their epochs, as the shared database knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cloud.epochs import Branch, ClosedPlace, branches_of, stream_of
from cloud.platform import DOWNLINK, Epoch, Hub, epochs_of, find_hub, hubs_of
from cloud.recovery import recovery_of
from cloud.streams import heard_now, line_of
from core.journal import place_of
from core.sqlite import Reader
from core.wire import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A hub in one epoch, or a branch of one; and why it may not write, if so."""

    hub: Hub
    epoch: Epoch
    closed: str
    boot: int
    branch: Branch | None = None

    @property
    def origin(self) -> str:
        """Under which name its events are kept here; a branch says its hub's of itself."""
        return self.hub.id if self.branch is None else self.branch.origin

    @property
    def downlink(self) -> str:
        """The origin of the stream down to it."""
        return self.hub.id + DOWNLINK

    @property
    def place(self) -> str:
        """Where the value lies that it may spend."""
        return place_of(self.hub.id, self.epoch.epoch)

    @property
    def stream(self) -> Stream:
        """Its journal, with the key that its birth certificate names."""
        return stream_of(self.epoch)

    @property
    def closed_place(self) -> ClosedPlace | None:
        """Where it ended, if it did."""
        if self.epoch.closed_at is None:
            return None
        return ClosedPlace(
            hub=self.hub.id,
            epoch=self.epoch.epoch,
            reason=self.closed,
            seq=self.epoch.closed_seq,
        )


Reach = Mapping[str, Source]
"""The hubs of one merchant to which a stream leads, by id."""


def source_of(db: Reader, hub_id: str) -> Source | None:
    """Return a hub in its newest epoch; None for a hub that nobody enrolled."""
    hub = find_hub(db, hub_id)
    if hub is None:
        return None
    epochs = epochs_of(db, hub_id)
    return _source(db, hub, epochs[-1]) if epochs else None


def sources_of(db: Reader, merchant: str) -> list[Source]:
    """Return a merchant's hubs in all their epochs, older ones first, each before its branches.

    What a branch leaves is then there before it.
    """
    return [
        source
        for hub in hubs_of(db, merchant)
        for epoch in epochs_of(db, hub.id)
        for source in _histories(db, hub, epoch)
    ]


def reach_of(db: Reader, merchant: str) -> Reach:
    """Return the hubs that value may be sent to and called in from: none in a recovery.

    Head office that was put back does not know what stands in a stream down, so it writes none
    before the hub has told. And it may have been put back without a word: so in each of its
    runs it writes to nobody who has not said in that run how far it is. What is sent to one
    whose stream waits for an update would wait with it, and be nobody's meanwhile.
    """
    if recovery_of(db, merchant) is not None:
        return {}
    heard = heard_now(db)
    return {
        hub: one
        for hub, one in lines_of(db, merchant).items()
        if (hub, one.epoch.epoch) in heard and not one.hub.held_back
    }


def lines_of(db: Reader, merchant: str) -> Reach:
    """Return the hubs to which a stream leads, whether anything may be sent or not."""
    newest = {source.hub.id: source for source in sources_of(db, merchant)}
    return {hub: source for hub, source in newest.items() if not source.closed}


def _histories(db: Reader, hub: Hub, epoch: Epoch) -> list[Source]:
    trunk = _source(db, hub, epoch)
    if not trunk.closed:
        return [trunk]
    branches = branches_of(db, hub.id, epoch.epoch)
    return [trunk, *(replace(trunk, branch=branch) for branch in branches)]


def _source(db: Reader, hub: Hub, epoch: Epoch) -> Source:
    line = line_of(db, hub.id, epoch.epoch)
    closed = epoch.closed_reason or ("closed" if epoch.closed_at is not None else "")
    return Source(hub=hub, epoch=epoch, closed=closed, boot=line.boot)

"""Whose streams come in: hubs and their epochs, as the shared database knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from cloud.platform import DOWNLINK, Epoch, Hub, epochs_of, find_hub, hubs_of
from cloud.streams import line_of
from core.crypto import verify_log
from core.journal import Birth, place_of
from core.sqlite import Reader
from core.wire import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A hub in one epoch, and why it may not write, if so."""

    hub: Hub
    epoch: Epoch
    closed: str
    boot: int

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
        key = msgspec.json.decode(self.epoch.birth, type=Birth).key
        return Stream(
            origin=self.hub.id,
            epoch=self.epoch.epoch,
            birth=self.epoch.birth,
            check=lambda message, signature: verify_log(
                public=key, message=message, signature=signature
            ),
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
    """Return a merchant's hubs in all their epochs, older epochs first."""
    return [
        _source(db, hub, epoch)
        for hub in hubs_of(db, merchant)
        for epoch in epochs_of(db, hub.id)
    ]


def reach_of(db: Reader, merchant: str) -> Reach:
    """Return the hubs that value may be sent to and called in from."""
    newest = {source.hub.id: source for source in sources_of(db, merchant)}
    return {hub: source for hub, source in newest.items() if not source.closed}


def _source(db: Reader, hub: Hub, epoch: Epoch) -> Source:
    line = line_of(db, hub.id)
    closed = "revoked" if hub.revoked else line.closed
    if not closed and epoch.closed_at is not None:
        closed = "closed"
    return Source(hub=hub, epoch=epoch, closed=closed, boot=line.boot)

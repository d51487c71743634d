"""The people at head office: they hear of a lost box, look at forks, and put things right.

They work through the same verbs as the pages they would use, late and one thing at a time.
"""

from __future__ import annotations

from typing import Any

from cloud.epochs import close_epoch
from cloud.platform import Epoch, epochs_of
from core.errors import Refused
from tests.simulation.node import World
from tests.simulation.real_hub import RealHub

ROUND_MS = 20_000


class Operator:
    """Somebody who looks after the stores of a town, every twenty seconds."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.world: World = place.world
        self.known_lost: list[str] = []
        self.reported: list[str] = []
        """Hubs of which somebody called and said that the box is gone."""

    def begin(self) -> None:
        self.world.later(ROUND_MS, None, self.go_round)

    def lost(self, hub: RealHub) -> None:
        """Somebody calls: this box is gone."""
        self.known_lost.append(hub.hub)
        self.reported.append(hub.hub)

    def forgot(self) -> None:
        """Head office was put back: what was told it may have to be told once more."""
        self.reported = list(self.known_lost)

    def go_round(self) -> None:
        self.world.later(ROUND_MS, None, self.go_round)
        if self.place.cloud.life is None:
            return
        for hub in tuple(self.reported):
            if self.close(hub):
                self.reported.remove(hub)

    def close(self, hub: str) -> bool:
        """Close a lost box's epoch; say whether that is done."""
        cloud = self.place.cloud
        done = cloud.guarded(lambda: self._close(hub))
        return bool(done)

    def _close(self, hub: str) -> bool:
        try:
            close_epoch(self.place.cloud.platform, hub, reason="lost")
        except Refused as no:
            if no.code != "no_hub":
                raise
        return True

    def newest(self, hub: str) -> Epoch:
        """Return a hub's newest epoch as head office knows it."""
        with self.place.cloud.platform.door.read() as db:
            return epochs_of(db, hub)[-1]

"""What breaks in a town, each with the share of the profile that says how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tests.simulation.real_cloud import RealCloud
from tests.simulation.real_hub import RealHub
from tests.simulation.town import CLOCK_JUMPS_MS, Town


class Place(Protocol):
    """A town in which something can break."""

    world: Town
    cloud: RealCloud
    hubs: list[RealHub]
    """The boxes that stand in the stores, whatever state they are in."""
    nodes: list[Any]
    shelf: Any
    album: Any
    tills: dict[RealHub, Any]
    operator: Any

    @property
    def standing(self) -> list[RealHub]:
        """Return the boxes that are no second ones."""
        ...

    def take_up(self, hub: RealHub) -> None:
        """Let one more box be part of it."""
        ...


def cut(place: Place, hub: RealHub) -> None:
    """A store's line is pulled, or put back."""
    world = place.world
    world.cut ^= {hub.hub}
    if hub.hub in world.cut and hub.life is not None:
        hub.disconnect()


def wipe(place: Place, _hub: RealHub) -> None:
    """The broker dies with all that it carries."""
    for each in place.hubs:
        if each.life is not None:
            each.disconnect()


def pause(place: Place, hub: RealHub) -> None:
    """A program is killed, and started a while later."""
    node = place.world.chance.choice([hub, place.cloud])
    if node.life is not None:
        place.world.crash(node)


def half_open(place: Place, hub: RealHub) -> None:
    """A line is dead one way, and nobody notices."""
    if hub.up:
        place.world.half_open(hub)


def clock(place: Place, hub: RealHub) -> None:
    """A box's clock is set wrong."""
    hub.clock.off_ms += place.world.chance.choice(CLOCK_JUMPS_MS)
    place.world.happened["clock"] += 1


def full(place: Place, hub: RealHub) -> None:
    """A disk is full for a while."""
    place.world.fill_up(place.world.chance.choice([hub, place.cloud]))


Fault = Callable[[Place, RealHub], None]
FAULTS: Mapping[str, Fault] = {
    "cut": cut,
    "wipe": wipe,
    "pause": pause,
    "half_open": half_open,
    "clock": clock,
    "full": full,
}
"""By the field of the profile."""


def break_something(place: Place) -> None:
    """Throw the dice for each fault."""
    world = place.world
    hub = world.chance.choice(place.hubs)
    for share, fault in FAULTS.items():
        if world.strikes(getattr(world.profile, share)):
            fault(place, hub)

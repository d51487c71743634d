"""What destroys: disks that come back old, boxes that are gone, boxes that are two.

Whoever destroys something first looks what of it lies elsewhere: a fact that is on one disk
still must be there in the end, however it gets to head office.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cloud.recovery.restoring import _begin_anew
from core.backup import Manifest
from core.journal import decode
from core.sqlite import Reader
from core.wire import unpack
from tests.simulation.adding_up import fact_of
from tests.simulation.faults import Place
from tests.simulation.memory import Platter
from tests.simulation.real_hub import RealHub
from tests.simulation.till import Till

IMAGES_MAX = 3
COPIED = 0.25
"""Of the actions: somebody makes a copy of a disk, as a backup or by pulling a card."""
CLONES_MAX = 1


class Album:
    """Copies of disks, by whose they are; each is a node's databases at one moment."""

    def __init__(self) -> None:
        self.images: dict[Any, list[dict[Path, Platter]]] = {}

    def copy(self, place: Place, node: Any) -> None:
        """Make a copy now; an older one may go for it."""
        held = self.images.setdefault(node, [])
        if len(held) >= IMAGES_MAX:
            held.pop(place.world.chance.randrange(IMAGES_MAX))
        held.append(place.shelf.images(node.folder))

    def draw(self, place: Place, node: Any) -> dict[Path, Platter] | None:
        """Return one of a node's copies."""
        held = self.images.get(node)
        return place.world.chance.choice(held) if held else None

    def forget(self, node: Any) -> None:
        self.images.pop(node, None)


# What is where.


def _facts_in(db: Reader, query: str) -> Iterator[str]:
    for row in db.each(query):
        name = fact_of(decode(row["raw"]))
        if name:
            yield name


def _kept_raw(db: Reader) -> Iterator[str]:
    for row in db.each("SELECT raw FROM segment"):
        for raw in unpack(row["raw"]).events:
            name = fact_of(decode(raw))
            if name:
                yield name


def reachable(place: Place) -> set[str]:
    """Return the facts that lie on some disk that is still in use."""
    found: set[str] = set()
    for path, platter in place.shelf.platters.items():
        db = Reader(platter.connection)
        if path.name == "platform.db":
            found |= set(_kept_raw(db))
        elif path.name == "hub.db" or "merchants" in path.parts:
            # What was set aside on a box is read by nobody any more.
            found |= set(_facts_in(db, "SELECT raw FROM journal"))
    return found


def note_losses(place: Place, what: str, who: str = "") -> None:
    """Write down which facts lie nowhere any more; everything else must survive."""
    world = place.world
    held = reachable(place)
    lost = {name for name, fact in world.facts.items() if fact.told and name not in held}
    fresh = lost - world.lost
    world.lost |= lost
    world.happened["lost facts"] += len(fresh)
    world.happened[what] += 1
    world.gone.append(f"at {world.now}: {what} {who}; {len(fresh)} facts lost")


# What happens.


def amnesia(place: Place, hub: RealHub) -> None:
    """A hub's disk comes back as it was a while ago; the same box goes on with it."""
    image = place.album.draw(place, hub)
    if image is None or hub.gone:
        return
    if hub.life is not None:
        place.world.crash(hub)
    place.shelf.put(hub.folder, image)
    place.tills[hub] = Till(hub)
    note_losses(place, "a hub forgot", hub.name)


def dead(place: Place, hub: RealHub) -> None:
    """A hub's disk is lost with its box."""
    if hub.gone or len(place.standing) <= 1:
        return
    throw_away(place, hub)
    place.operator.lost(hub)
    note_losses(place, "a hub was lost", hub.name)


def throw_away(place: Place, hub: RealHub) -> None:
    """A box is switched off for ever, and its card with it."""
    hub.gone = True
    if hub.life is not None:
        hub.crash()
    place.shelf.lose(hub.folder)
    place.album.forget(hub)
    place.hubs.remove(hub)


def clone(place: Place, hub: RealHub) -> None:
    """A copy of a hub's card starts in another box, while the first one runs on."""
    image = place.album.draw(place, hub)
    clones = sum(each.is_clone for each in place.hubs)
    if image is None or hub.gone or clones >= CLONES_MAX:
        return
    world = place.world
    folder = hub.folder.with_name(f"{hub.folder.name}-{len(place.nodes)}")
    shutil.copytree(hub.folder, folder)
    place.shelf.put(folder, image)
    second = RealHub(world, folder, hub.store)
    second.name = f"{hub.store}, copy {len(place.nodes)}"
    second.is_clone = True
    place.take_up(second)
    world.happened["clone"] += 1
    world.later(world.chance.randrange(10, 5_000), None, second.rise)


def restore(place: Place, _hub: RealHub) -> None:
    """Head office is put back from an older backup, by the operator's own command."""
    _put_back(place, "head office was put back", by_command=True)


def rollback(place: Place, _hub: RealHub) -> None:
    """Head office's machine goes on from an older image, and nobody told it."""
    _put_back(place, "head office forgot", by_command=False)


def _put_back(place: Place, what: str, *, by_command: bool) -> None:
    cloud = place.cloud
    image = place.album.draw(place, cloud)
    if image is None:
        return
    if cloud.life is not None:
        cloud.crash()
    place.world.full.discard(cloud)
    place.shelf.put(cloud.folder, image)
    note_losses(place, what)
    if by_command:
        _begin_anew(cloud.folder, MANIFEST, lambda _folder: cloud.opened())
    place.operator.forgot()
    place.world.later(place.world.chance.randrange(10, 20_000), None, cloud.rise)


MANIFEST = Manifest(kind="cloud", of="", number=1, made_at=0, signer="", files=())
"""Of a backup that nobody relied on yet: no hub was told that anything is safe."""

Disaster = Callable[[Place, RealHub], None]
DISASTERS: Mapping[str, Disaster] = {
    "amnesia": amnesia,
    "dead": dead,
    "clone": clone,
    "restore": restore,
    "rollback": rollback,
}


def strike(place: Place) -> None:
    """Throw the dice for copies and for each disaster."""
    world = place.world
    if not world.profile.destructive or not place.hubs:
        return
    if world.strikes(COPIED):
        place.album.copy(place, world.chance.choice([*place.hubs, place.cloud]))
    hub = world.chance.choice(place.hubs)
    for share, disaster in DISASTERS.items():
        if world.strikes(getattr(world.profile, share)):
            disaster(place, hub)
            return

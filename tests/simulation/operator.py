"""The people at head office: they hear of a lost box, look at forks, and put things right.

They work through the same verbs as the pages and commands that they would use, late and one
thing at a time; and what was cut off they do again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from cloud.epochs import close_epoch
from cloud.platform import epochs_of, find_hub, replace_code
from cloud.recovery import RELEASE_AFTER_MS, State, hubs_in_recovery, release_hub
from core.errors import Refused
from hub.sync.head_office import Declined, Unreachable
from hub.sync.replacing import Replacing
from tests.simulation.adding_up import has_brought_all, is_fenced
from tests.simulation.node import World
from tests.simulation.real_hub import RealHub
from tests.simulation.till import Till
from tests.simulation.town import Died

ROUND_MS = 20_000
PATIENCE_ROUNDS = 4
"""So often they look for a hub in a recovery before they let days go by."""


class Operator:
    """Somebody who looks after the stores of a town, every twenty seconds."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.world: World = place.world
        self.known_lost: list[str] = []
        self.reported: list[str] = []
        """Hubs of which somebody called and said that the box is gone."""
        self.begun: dict[RealHub, str] = {}
        """Machines on their way to becoming a store's box, and their codes."""
        self.waited = 0

    def begin(self) -> None:
        self.world.later(ROUND_MS, None, self.go_round)

    def lost(self, hub: RealHub) -> None:
        """Somebody calls: this box is gone. Another one is on its way to the store."""
        self.known_lost.append(hub.hub)
        self.reported.append(hub.hub)
        folder = hub.folder.with_name(f"{hub.folder.name}-{len(self.place.nodes)}")
        fresh = RealHub(self.place.world, folder, hub.store)
        fresh.hub = hub.hub
        fresh.name = f"{hub.store}, box {len(self.place.nodes)}"
        self.place.nodes.append(fresh)
        self.begun[fresh] = ""

    def forgot(self) -> None:
        """Head office was put back: what was told it may have to be told once more."""
        self.reported = [hub for hub in self.known_lost if hub not in self.reported]
        self.begun = dict.fromkeys(self.begun, "")
        self.waited = 0

    @property
    def is_busy(self) -> bool:
        """Whether something is to be put right still."""
        return bool(self.reported or self.begun) or any(
            is_fenced(hub) for hub in self.place.hubs if hub.life is not None
        )

    def go_round(self) -> None:
        """Look at everything once."""
        self.world.later(ROUND_MS, None, self.go_round)
        for step in (self.close_lost, self.look_at_fenced, self.replace, self.release):
            if self.place.cloud.life is not None:
                step()

    def _do(self, work: Callable[[Any], Any]) -> bool:
        """Do something at head office; False where it died over it or will not have it now."""
        cloud = self.place.cloud
        if cloud.life is None:
            return False

        def tried() -> bool:
            with suppress(Refused):
                work(cloud.platform)
                return True
            return False

        return bool(cloud.guarded(tried))

    # Boxes that are lost, and boxes that are shut out.

    def close_lost(self) -> None:
        for hub in tuple(self.reported):
            if self._do(lambda platform, hub=hub: close_epoch(platform, hub, reason="lost")):
                self.reported.remove(hub)

    def look_at_fenced(self) -> None:
        """Of boxes that were two one is switched off; a box alone is set up anew."""
        for hub in tuple(self.place.hubs):
            if hub.life is None or not is_fenced(hub) or not has_brought_all(hub):
                continue
            doubles = [each for each in self.place.hubs if each.hub == hub.hub]
            if len(doubles) > 1:
                self.place.scrap(hub)
            elif not any(each.hub == hub.hub for each in self.begun):
                hub.crash()
                self.place.hubs.remove(hub)
                self.place.album.forget(hub)
                self.begun[hub] = ""

    # Another box in the place of one.

    def replace(self) -> None:
        for hub, code in tuple(self.begun.items()):
            if code or self._code_for(hub):
                self._become(hub)

    def _code_for(self, hub: RealHub) -> bool:
        def make(platform: Any) -> None:
            with platform.door.read() as db:
                known = find_hub(db, hub.hub)
            if known is None:
                raise Refused("no_hub")
            self.begun[hub] = replace_code(platform, known)

        return self._do(make)

    def _become(self, hub: RealHub) -> None:
        """Run the command on the machine; cut off anywhere it is run once more."""
        running = Replacing(
            folder=hub.folder,
            open_box=hub.open,
            url="https://office",
            code=self.begun[hub],
            version="1",
            tell=lambda *_given, **_more: None,
        )
        hub.mortal = True
        try:
            hub.asking(running.run)
        except (Died, Unreachable):
            return
        except Declined as no:
            self.begun[hub] = ""
            self.world.happened[f"declined {no.code}"] += 1
            return
        except Refused as no:
            if no.code != "disk_full":
                raise
            return
        finally:
            hub.mortal = False
            if hub.box is not None:
                hub.close()
        del self.begun[hub]
        hub.is_clone = False
        self.place.welcome(hub)
        self.place.tills[hub] = Till(hub)
        self.world.happened["replaced"] += 1
        self.world.later(self.world.chance.randrange(10, 5_000), None, hub.rise)

    # A recovery that waits for who never comes.

    def release(self) -> None:
        """After three days go on without a hub of which nobody has heard."""
        platform, merchant = self.place.cloud.platform, self.place.cloud.books
        with platform.door.read() as db:
            awaited = [
                one.hub
                for one in hubs_in_recovery(db, merchant.id)
                if one.state is State.AWAITED
            ]
            open_ones = {hub for hub in awaited if epochs_of(db, hub) and not _closed(db, hub)}
        present = {hub.hub for hub in self.place.hubs if hub.life is not None}
        missing = [hub for hub in awaited if hub not in present or hub not in open_ones]
        self.waited = self.waited + 1 if missing else 0
        if self.waited < PATIENCE_ROUNDS:
            return
        self.place.world.slept_ms += RELEASE_AFTER_MS
        for hub in missing:
            self._do(
                lambda platform, hub=hub: release_hub(
                    platform,
                    platform.merchant(merchant.id),
                    hub=hub,
                    reason="没有消息",
                    actor=None,
                )
            )
        self.waited = 0


def _closed(db: Any, hub: str) -> bool:
    return epochs_of(db, hub)[-1].closed_at is not None

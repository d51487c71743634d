"""Stores and their head office, alive in the simulated world; people trade while things break."""

from __future__ import annotations

import hashlib
import logging
import shutil
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Self

from cloud.members.merging import merge, unmerge
from core.errors import Refused
from core.members import standing_for
from core.sqlite import Writer
from tests.simulation import adding_up
from tests.simulation.dealings import Dealings
from tests.simulation.disasters import Album, note_losses, strike, throw_away
from tests.simulation.faults import break_something
from tests.simulation.furnished import Furnished, furnished, item, outside, scratch_folder
from tests.simulation.history import Violated
from tests.simulation.memory import Platter, Shelf
from tests.simulation.operator import Operator
from tests.simulation.real_cloud import RealCloud
from tests.simulation.real_hub import RealHub
from tests.simulation.till import ITEMS, OFFERS, Till
from tests.simulation.town import Town, TownProfile

HEALING_MS = 400_000
CALMING_MS = 20_000
LOOK_MS = 10_000
MEMBERS_MAX = 4
MEMBERS_SHARE = 0.9
DAILY = {"order": 6, "pay": 8, "top up": 5, "reverse": 1, "register": 2, "publish": 2}


class Company:
    """A town with its stores. Used as a context: it stands in for the outside while it lives."""

    def __init__(
        self, profile: TownProfile, seed: int, *, begun: Furnished | None = None
    ) -> None:
        self.world = Town(profile, seed)
        self.begun = begun or furnished(profile.stores)
        self.shelf = Shelf()
        self.folder: Path = scratch_folder()
        self.members: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        begun = self.begun
        shutil.copytree(begun.folder, self.folder, dirs_exist_ok=True)
        if begun.images is not None:
            self.shelf.put(self.folder, begun.images)
        self.world.now = begun.now
        self.cloud = RealCloud(self.world, self.folder / "cloud", begun.merchant)
        shelf = self.shelf if begun.images is not None else None
        self._stack.enter_context(outside(self.world, shelf))
        self.world.cloud = self.cloud
        self.watch(self.cloud)
        self.shelf.made = self.new_disk
        self.nodes: list[RealCloud | RealHub] = [self.cloud]
        self.hubs: list[RealHub] = []
        self.tills: dict[RealHub, Till] = {}
        self.album = Album()
        self.operator = Operator(self)
        self.dealings = Dealings(self, self.members)
        for store in begun.stores:
            self.take_up(RealHub(self.world, self.folder / store, store))
        return self

    def take_up(self, hub: RealHub) -> None:
        """Let a box be part of the town."""
        self.nodes.append(hub)
        self.welcome(hub)

    def welcome(self, hub: RealHub) -> None:
        """Let a box stand in its store from now on."""
        self.hubs.append(hub)
        self.tills[hub] = Till(hub)
        self.watch(hub)

    def scrap(self, hub: RealHub) -> None:
        """Switch a box off for ever."""
        throw_away(self, hub)
        note_losses(self, "a second box was switched off", hub.name)

    @property
    def standing(self) -> list[RealHub]:
        """Return the boxes that are no second ones."""
        return [hub for hub in self.hubs if not hub.is_clone]

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()
        shutil.rmtree(self.folder)
        self.shelf.close()

    def new_disk(self, path: Path, platter: Platter) -> None:
        for node in self.nodes:
            if node.folder in path.parents:
                self.world.watch(platter, node)

    def watch(self, node: RealCloud | RealHub) -> None:
        """Let what this world does to disks happen to a node's."""
        for path, platter in self.shelf.platters.items():
            if node.folder in path.parents:
                self.world.watch(platter, node)

    # A life.

    def live(self) -> int:
        """Live through all of it and check; return how many steps it took."""
        world, chance = self.world, self.world.chance
        self.dealings.begin()
        for node in (self.cloud, *self.hubs):
            node.rise()
        self.operator.begin()
        for _ in range(world.profile.actions):
            world.run(world.now + chance.choice([1, 20, 300, 2_000, 15_000]))
            break_something(self)
            strike(self)
            self.do_something()
            self.be_people()
            self.dealings.deal()
        self.heal()
        wrong = list(adding_up.wrong(world, self.cloud, self.hubs))
        if wrong:
            where = f"profile {world.profile.name!r}, seed {world.seed}"
            raise Violated("\n".join([where, *wrong[:20], *world.gone]))
        return world.steps

    def heal(self) -> None:
        world = self.world
        world.run(world.now + 1)
        world.heal()
        world.run(world.now + CALMING_MS)
        for node in (self.cloud, *self.hubs):
            node.rise()
        until = world.now + HEALING_MS
        while world.now < until and not self.is_at_rest():
            self.trade_on()
            self.dealings.close_up()
            world.run(world.now + LOOK_MS)

    def trade_on(self) -> None:
        """A shop sells every day, so boxes that are two part sooner or later."""
        doubles = {hub.hub for hub in self.hubs if hub.is_clone}
        for hub in self.hubs:
            if hub.hub not in doubles:
                continue
            if hub.life is not None and hub.settled() and not adding_up.is_fenced(hub):
                with suppress(Refused):
                    self.tills[hub].sell_for_cash()

    def is_at_rest(self) -> bool:
        """Say whether all is said and done, so that waiting longer changes nothing."""
        if any(node.life is None for node in (self.cloud, *self.hubs)):
            return False
        if self.operator.is_busy:
            return False
        return not any(adding_up.unrest(self.cloud, self.hubs))

    def digest(self) -> str:
        """Return what head office's journals are, in a few characters: the same for a seed."""
        with self.cloud.books.door.read() as db:
            rows = db.all("SELECT raw FROM journal ORDER BY origin, epoch, seq")
        return hashlib.sha256(b"".join(row["raw"] for row in rows)).hexdigest()[:16]

    # What people do.

    def do_something(self) -> None:
        chance = self.world.chance
        hub = chance.choice(self.hubs)
        what = chance.choices(list(DAILY), list(DAILY.values()))[0]
        if what == "publish":
            self.publish()
        elif hub.life is not None and hub.settled():
            try:
                self.serve(self.tills[hub], what)
            except Refused as no:
                self.world.happened[f"refused {no.code}"] += 1

    def publish(self) -> None:
        if self.cloud.life is not None:
            key, price = (
                self.world.chance.choice(ITEMS),
                self.world.chance.randrange(100, 9_000),
            )
            self.cloud.guarded(partial(self.cloud.publish_item, key, item(key, price)))

    def be_people(self) -> None:
        """Let members belong to each other: as a family at a till, as one at head office."""
        world, chance = self.world, self.world.chance
        if len(self.members) < 2:
            return
        with suppress(Refused):
            if world.strikes(world.profile.family):
                till = self.tills[chance.choice(self.hubs)]
                if till.node.life is not None and till.node.settled():
                    till.relate(*chance.sample(self.members, 2), apart=chance.random() < 0.3)
            if world.strikes(world.profile.merge) and self.cloud.life is not None:
                self.cloud.guarded(partial(self.take_for_one, *chance.sample(self.members, 2)))

    def take_for_one(self, one: str, other: str) -> None:
        """Merge two members, or part the first where it was merged before."""
        books = self.cloud.books

        def decide(tx: Writer) -> str:
            act = books.act(tx)
            if standing_for(tx, one) != one:
                unmerge(tx, act, member=one)
                return "parted"
            merge(tx, act, loser=one, winner=other)
            return "merged"

        # Noted before it is tried: head office may die with its answer on its lips.
        self.world.merged.append((one, other))
        self.world.happened[books.door.write(decide)] += 1
        self.cloud.carry(self.cloud.merchant)

    def serve(self, till: Till, what: str) -> None:
        if not self.members or (what == "register" and len(self.members) < MEMBERS_MAX):
            if (member := till.register(f"客人{len(self.members)}")) is not None:
                self.members.append(member)
        elif what == "pay" and till.bills:
            till.pay(self.world.chance.choice(list(till.bills)))
        elif what == "reverse" and till.paid:
            till.reverse(self.world.chance.choice(till.paid))
        else:
            self.greet(till, what)

    def greet(self, till: Till, what: str) -> None:
        """Serve a member, if this store has heard of them."""
        chance = self.world.chance
        member = chance.choice(self.members)
        if not till.node.knows(member):
            return
        if what == "top up":
            till.top_up(member, chance.choice([*OFFERS, None]), chance.randrange(1, 50) * 100)
        elif self.world.strikes(self.world.profile.unknown):
            till.spend_unknown(member, chance.randrange(1, 2_000))
        else:
            till.order(member if chance.random() < MEMBERS_SHARE else None)


def live(profile: TownProfile, seed: int) -> Town:
    """Live one history through; return its world. Raises Violated."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with Company(profile, seed) as company:
            company.live()
            company.world.digest = company.digest()
            return company.world
    finally:
        logging.disable(disabled)

"""The same faults over the programs' own runtimes and databases; fewer, for they cost more."""

from __future__ import annotations

from functools import partial

import pytest

from cloud.feed import bring, position
from cloud.ingest.rebuilding import differences
from cloud.platform import enrol
from core.feed import held_pos, replay
from core.journal import drain_all, rebuild
from core.wallet import CLOUD, holdings
from hub.sync import downlink, joining, runtime
from hub.sync.step import Line
from tests.simulation.node import Profile, World
from tests.simulation.real_nodes import RealCloud, RealHub, SimulatedGate, SimulatedLine

STORES = ("s1", "s2")
HEALING_MS = 200_000
MEMBERS_MAX = 3
MIXED = Profile(
    name="mixed, real",
    loss=0.1,
    twice=0.1,
    late=0.2,
    crash=0.02,
    cut=0.1,
    wipe=0.04,
    pause=0.06,
    actions=45,
)
LINES = Profile(name="lines, real", cut=0.3, wipe=0.08, twice=0.05, actions=45)


class Company:
    """Two stores and a head office, with people in them."""

    def __init__(self, profile, seed, folder, monkeypatch) -> None:
        self.world = World(profile, seed)
        self.cloud = RealCloud(self.world, folder / "cloud", STORES)
        self.replace_the_outside(monkeypatch)
        joined = [
            RealHub.joined(self.world, folder / store, store, self.cloud.codes[store])
            for store in STORES
        ]
        self.hubs = {hub.hub: hub for hub in joined}
        self.world.hubs, self.world.cloud = self.hubs, self.cloud
        self.members: list[str] = []
        self.cloud.crash()
        for node in (self.cloud, *joined):
            node.rise()

    def replace_the_outside(self, monkeypatch) -> None:
        platform = self.cloud.platform
        answer = lambda _url, asked, context: enrol(platform, asked, bring=bring)  # noqa: E731
        monkeypatch.setattr(joining, "enrol", answer)
        monkeypatch.setattr(runtime, "_now_ms", lambda: self.world.now)
        rising = lambda kind: lambda *_args, **_more: kind(RealHub.now_rising)  # noqa: E731
        monkeypatch.setattr(runtime, "BrokerLine", rising(SimulatedLine))
        monkeypatch.setattr(runtime, "Gate", rising(SimulatedGate))
        monkeypatch.setattr(runtime.Sending, "_look_at_certificate", lambda _self: None)

    def live(self) -> None:
        world, chance = self.world, self.world.chance
        world.healed = True
        world.run(5_000)
        world.healed = False
        assert all(hub.settled() for hub in self.hubs.values())
        for _ in range(world.profile.actions):
            world.run(world.now + chance.choice([1, 20, 300, 2_000, 15_000]))
            self.break_something()
            self.do_something()
        world.run(world.now + 1)
        world.healed = True
        world.cut.clear()
        world.run(world.now + HEALING_MS)

    def do_something(self) -> None:
        chance = self.world.chance
        hub = chance.choice(list(self.hubs.values()))
        what = chance.choices(["pay", "top up", "register", "publish"], [10, 4, 2, 2])[0]
        if what == "publish":
            if self.cloud.life is not None:
                self.cloud.guarded(
                    partial(
                        self.cloud.publish_item, chance.choice("pqr"), chance.randrange(900)
                    )
                )
            return
        if hub.life is None:
            return
        if not self.members or (what == "register" and len(self.members) < MEMBERS_MAX):
            self.members.append(hub.register(f"客人{len(self.members)}"))
            return
        member = chance.choice(self.members)
        if not hub.known(member):
            return
        if what != "top up":
            hub.pay(member, chance.randrange(1, 3_000))
        else:
            hub.top_up(member, chance.randrange(10, 5_000))

    def break_something(self) -> None:
        world, chance, profile = self.world, self.world.chance, self.world.profile
        hub = chance.choice(list(self.hubs.values()))
        if world.strikes(profile.cut):
            world.cut ^= {hub.hub}
            if hub.hub in world.cut and hub.life is not None:
                hub.disconnect()
        if world.strikes(profile.wipe):
            for each in self.hubs.values():
                if each.life is not None:
                    each.disconnect()
        if world.strikes(profile.pause):
            node = chance.choice([hub, self.cloud])
            if node.life is not None:
                world.crash(node)

    def close(self) -> None:
        for node in (self.cloud, *self.hubs.values()):
            if node.life is not None:
                node.crash()

    # What must hold.

    def wrong(self, folder) -> list[str]:
        merchant = self.cloud.platform.merchant(self.cloud.merchant)
        found = []
        for hub in self.hubs.values():
            found += self.wrong_copies(hub, merchant)
            scratch = folder / f"again-{hub.store}.db"
            drain_all(hub.box.door, hub.box.parts)
            again = rebuild(
                hub.box.door, scratch, hub.box.parts, key=hub.box.database_key, then=replay
            )
            found += [f"{hub.store}: {line}" for line in again]
        found += self.wrong_money(merchant)
        found += differences(self.cloud.platform, merchant)
        with self.cloud.platform.door.read() as db:
            found += [
                f"alarm: {row['kind']} {row['detail']}" for row in db.all("SELECT * FROM alarm")
            ]
        return found

    def wrong_copies(self, hub, merchant) -> list[str]:
        wrong = []
        if hub.sending._state.line is not Line.LIVE:
            wrong.append(f"{hub.store} is {hub.sending._state.line}")
        with hub.box.door.read() as here, merchant.door.read() as there:
            for origin in (hub.hub, f"{hub.hub}.dn"):
                mine, theirs = (
                    [
                        row["raw"]
                        for row in db.all(
                            "SELECT raw FROM journal WHERE origin = :origin ORDER BY seq",
                            origin=origin,
                        )
                    ]
                    for db in (here, there)
                )
                if mine != theirs:
                    wrong.append(f"{origin}: {len(mine)} events here, {len(theirs)} there")
            if held_pos(here) != position(there):
                wrong.append(f"{hub.store} is at {held_pos(here)} of {position(there)}")
            for db in (here, there):
                wrong += [str(dict(row)) for row in db.all("SELECT * FROM quarantine")]
            for member in self.members:
                mine, theirs = (
                    sorted((h.asset, h.lot, h.amount) for h in holdings(db, member, hub.hub))
                    for db in (here, there)
                )
                if mine != theirs:
                    wrong.append(
                        f"{member} holds {mine} at {hub.store}, {theirs} by head office"
                    )
        return wrong

    def wrong_money(self, merchant) -> list[str]:
        wrong = []
        with merchant.door.read() as db:
            for member in self.members:
                held = sum(
                    holding.amount
                    for place in (*self.hubs, CLOUD)
                    for holding in holdings(db, member, place)
                )
                told = self.world.truth[member]["all", ""]
                if held != told:
                    wrong.append(f"{member}: told {told}, held {held}")
            wrong += [
                f"under way: {dict(row)}"
                for row in db.all("SELECT * FROM transit WHERE amount <> 0")
            ]
        return wrong


def live(profile, seed, folder, monkeypatch) -> Company:
    folder.mkdir(exist_ok=True)
    company = Company(profile, seed, folder, monkeypatch)
    try:
        company.live()
        wrong = company.wrong(folder)
        assert wrong == [], f"profile {profile.name!r}, seed {seed}"
    finally:
        company.close()
    return company


@pytest.mark.parametrize("profile", [MIXED, LINES], ids=lambda profile: profile.name)
def test_the_programs_databases_add_up_once_it_is_healed(profile, tmp_path, monkeypatch):
    happened = live(profile, 3, tmp_path, monkeypatch).world.happened
    assert happened["ask"] > 3
    assert happened["fetch"] > 3


@pytest.mark.deep
@pytest.mark.parametrize("profile", [MIXED, LINES], ids=lambda profile: profile.name)
@pytest.mark.parametrize("seed", range(4, 40))
def test_the_programs_databases_add_up_over_more_seeds(profile, seed, tmp_path, monkeypatch):
    live(profile, seed, tmp_path, monkeypatch)


def test_a_box_that_never_takes_in_what_it_was_sent_is_noticed(tmp_path, monkeypatch):
    # The databases' own control: without it an empty history would pass as well.
    monkeypatch.setattr(downlink, "take_in", lambda *_args, **_more: None)
    with pytest.raises(AssertionError, match=r"told \d+, held \d+"):
        live(MIXED, 3, tmp_path, monkeypatch)

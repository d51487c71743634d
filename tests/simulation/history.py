"""One history: people sell while things break; then all is healed, and it must add up."""

from __future__ import annotations

from collections import Counter

from core.wallet.accounts import CLOUD, member_account
from hub.sync.step import Line
from tests.simulation.cloud_node import CloudNode
from tests.simulation.hub_node import FINAL, HubNode
from tests.simulation.node import Profile, World

HUBS = ("aaaaaaaaaaaaaaa1", "aaaaaaaaaaaaaaa2", "aaaaaaaaaaaaaaa3")
MEMBERS = ("ann", "bo", "cem", "dao")
HEALING_MS = 300_000

LOSSES = Profile(name="losses", loss=0.25, twice=0.1, late=0.1)
DISORDER = Profile(name="disorder", twice=0.4, late=0.5, loss=0.05)
CRASHES = Profile(name="crashes", crash=0.02, pause=0.08, loss=0.05, twice=0.05)
LINES = Profile(name="lines", cut=0.25, wipe=0.08, pause=0.03, twice=0.05)
ALL = Profile(
    name="all", loss=0.1, twice=0.1, late=0.2, crash=0.01, cut=0.1, wipe=0.04, pause=0.03
)
LYING_DISK = Profile(name="lying disk", crash=0.02, pause=0.15, forget=0.7, loss=0.05)
NOISE = Profile(name="noise", spoilt=0.15, loss=0.02, twice=0.05)
PROFILES = (LOSSES, DISORDER, CRASHES, LINES, ALL, LYING_DISK, NOISE)

HARMLESS = {"forged", "garbled", "other_epoch", "downlink_ahead", "fenced"}
"""What a spoilt message may look like; nothing else may ever be noticed."""


class Violated(AssertionError):
    """Something that must hold does not; the text has the seed."""


class History:
    """A world with its people. `nodes` lets a test put a broken node in."""

    def __init__(
        self,
        profile: Profile,
        seed: int,
        *,
        hub_node: type[HubNode] = HubNode,
        cloud_node: type[CloudNode] = CloudNode,
    ) -> None:
        self.world = World(profile, seed)
        self.hubs = {hub: hub_node(self.world, hub) for hub in HUBS}
        self.cloud = cloud_node(self.world, list(HUBS))
        self.world.hubs = self.hubs
        self.world.cloud = self.cloud

    def live(self) -> int:
        """Live through all of it and check; return how many steps it took."""
        world, chance = self.world, self.world.chance
        self.cloud.rise()
        for hub in self.hubs.values():
            hub.rise()
        for _ in range(world.profile.actions):
            world.run(world.now + chance.choice([1, 20, 300, 2_000, 15_000]))
            self.break_something()
            self.do_something()
        self.heal()
        self.check()
        return world.steps

    def do_something(self) -> None:
        chance = self.world.chance
        hub = self.hubs[chance.choice(HUBS)]
        member = chance.choice(MEMBERS)
        what = chance.choices(["spend", "top up", "note", "ask", "publish"], [8, 5, 3, 3, 3])[0]
        if what == "publish":
            if self.cloud.life is not None:
                self.cloud.publish(chance.choice("pqrstuvw"), chance.randrange(1_000))
            return
        if hub.life is None:
            return
        match what:
            case "spend":
                hub.spend(member, chance.randrange(1, 3_000))
            case "top up":
                hub.top_up(member, chance.randrange(1, 5_000))
            case "note":
                hub.note()
            case "ask":
                hub.ask(member, chance.choice([0, 500]))

    def break_something(self) -> None:
        world, chance, profile = self.world, self.world.chance, self.world.profile
        hub = self.hubs[chance.choice(HUBS)]
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

    def heal(self) -> None:
        world = self.world
        world.run(world.now + 1)
        world.healed = True
        world.cut.clear()
        world.run(world.now + 6_000)
        for hub in self.hubs.values():
            hub.seal()
        world.run(world.now + HEALING_MS)

    # What must hold.

    def check(self) -> None:
        wrong = [
            *self.wrong_conversations(),
            *self.wrong_copies(),
            *self.wrong_money(),
            *self.wrong_feed(),
            *self.wrong_notes(),
        ]
        if wrong:
            where = f"profile {self.world.profile.name!r}, seed {self.world.seed}"
            raise Violated("\n".join([where, *wrong]))

    def wrong_conversations(self) -> list[str]:
        wrong = []
        for hub in self.hubs.values():
            if hub.state.line is not Line.LIVE:
                wrong.append(f"{hub.hub} is {hub.state.line}")
            wrong += [
                f"{hub.hub} still waits for {ask}: {state}"
                for ask, state in hub.asked.items()
                if state not in FINAL
            ]
            if hub.state.sender.acked != len(hub.disk.log.raws):
                wrong.append(f"{hub.hub} has not been acked")
        for hub, state in self.cloud.states.items():
            if not state.greeted or state.sender.acked != state.sender.total:
                wrong.append(f"{hub} has not acked its downlink")
        return wrong

    def wrong_copies(self) -> list[str]:
        wrong = []
        for hub, node in self.hubs.items():
            kept = self.cloud.disk.hubs[hub]
            if kept.copy.raws != node.disk.log.raws:
                wrong.append(f"{hub}: head office's copy of its journal is another one")
            if kept.unpacked != len(node.disk.log.raws):
                wrong.append(f"{hub}: {kept.unpacked} of {len(node.disk.log.raws)} unpacked")
            if node.disk.down.raws != kept.down.raws:
                wrong.append(f"{hub}: its copy of the downlink is another one")
        return wrong

    def wrong_money(self) -> list[str]:
        ledger = self.cloud.disk.ledger
        wrong = [f"negative: {what}" for what in ledger.negative()]
        wrong += [
            f"under way: {account} {key} {amount}"
            for account, amounts in ledger.accounts.items()
            if account.startswith("transit/")
            for key, amount in amounts.items()
            if amount
        ]
        if self.cloud.disk.recalls:
            wrong.append(f"{len(self.cloud.disk.recalls)} recalls were never answered")
        for hub, node in self.hubs.items():
            for member in MEMBERS:
                account = member_account(member, hub)
                here = _amounts(node.disk.ledger.accounts[account])
                if here != _amounts(ledger.accounts[account]):
                    wrong.append(f"{account} is not the same in both places")
        wrong += self.wrong_sums()
        grants = Counter(self.direct_grants())
        wrong += [f"ask {ask} was granted {n} times" for ask, n in grants.items() if n > 1]
        return wrong

    def wrong_sums(self) -> list[str]:
        """Compare what people were told at the tills with what all places hold together."""
        wrong = []
        for member in MEMBERS:
            held: Counter[tuple[str, str]] = Counter()
            for place in (*HUBS, CLOUD):
                account = self.cloud.disk.ledger.accounts[member_account(member, place)]
                held.update({key: amount for key, amount in account.items() if amount})
            told = _amounts(self.world.truth[member])
            if _amounts(held) != told:
                wrong.append(f"{member}: told {told}, held {_amounts(held)}")
        return wrong

    def direct_grants(self) -> list[str]:
        """Name the ask of each grant that answered one, not a release, at once."""
        return list(self.cloud.granted_at_once)

    def wrong_feed(self) -> list[str]:
        disk = self.cloud.disk
        return [
            f"{hub} is at {node.disk.feed_pos} of the feed's {disk.feed_pos}"
            for hub, node in self.hubs.items()
            if node.disk.feed_pos != disk.feed_pos or node.disk.feed != disk.feed
        ]

    def wrong_notes(self) -> list[str]:
        harmless = HARMLESS if self.world.profile.spoilt else set()
        return [str(note) for note in self.world.notes if note[1] not in harmless]


def _amounts(account: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return {key: amount for key, amount in sorted(account.items()) if amount}

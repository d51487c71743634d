"""Value moves between head office and the stores, whole, once, and each side's log tells it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import msgspec
import pytest

from core.clock import HOUR_MS
from core.feed import PART as FEED
from core.journal import Journal
from core.tests.world import World, open_world
from core.wallet import (
    CLOUD,
    CORRECTED,
    NEVER,
    PART,
    TRANSIT,
    Asset,
    Granted,
    Leg,
    Released,
    ToppedUp,
    all_legs,
    holdings,
    issue,
    lots_of,
    plan_spend,
    read_legs,
    send_grant,
    send_release,
    spend,
    take_in,
    wallet_document,
    written_legs,
)
from core.wallet.events import Adjusted

PARTS = [FEED, PART]
MEMBER = "m1"


@dataclass
class Chain:
    """Two stores and head office, with the streams that head office writes."""

    first: World
    second: World
    office: World
    down: dict[str, World]

    def grant(self, store: World, legs=None, request="") -> Granted:
        """Send the pool's value down; the store hears of it and takes it in."""
        hub = store.journal.identity.origin
        stream = self.down[hub]

        def send(tx):
            act = replace(self.office.act(), journal=stream.journal)
            wanted = all_legs(tx, MEMBER, CLOUD) if legs is None else legs
            number = self.office.ids.new(act.at)
            return send_grant(
                tx, act, transfer=number, member=MEMBER, hub=hub, hub_epoch=1,
                legs=wanted, request=request,
            )  # fmt: skip

        event = self.office.write(send)
        return msgspec.json.decode(event.body, type=Granted)

    def arrive(self, store: World) -> None:
        """Let everything that was granted reach the store, which takes it in."""
        store.hear(self.office, self.down[store.journal.identity.origin].journal)
        granted = [b for b in bodies(store, Granted) if b.hub == store.journal.identity.origin]
        store.write(
            lambda tx: [
                take_in(tx, store.act(), one, place=store.journal.identity.origin)
                for one in granted
            ]
        )

    def release(self, store: World, request="") -> None:
        store.write(
            lambda tx: send_release(
                tx, store.act(), transfer=store.ids.new(0), member=MEMBER, request=request
            )
        )

    def collect(self, store: World) -> None:
        """Let head office hear a store, and take in what it released."""
        self.office.hear(store)
        sent = bodies(self.office, Released)
        self.office.write(
            lambda tx: [take_in(tx, self.office.act(), one, place=CLOUD) for one in sent]
        )

    def document(self):
        with self.office.door.read() as db:
            return wallet_document(db, MEMBER, at=7)


def bodies(world: World, kind):
    tag = kind.__struct_config__.tag
    with world.door.read() as db:
        rows = db.all(
            "SELECT json_extract(CAST(raw AS TEXT), '$.body') AS body FROM journal"
            " WHERE json_extract(CAST(raw AS TEXT), '$.body.kind') = :tag"
            " ORDER BY origin, seq",
            tag=tag,
        )
    return [msgspec.json.decode(row["body"].encode(), type=kind) for row in rows]


@pytest.fixture
def chain(tmp_path):
    with (
        open_world(tmp_path, PARTS, origin="hub-a") as first,
        open_world(tmp_path, PARTS, origin="hub-b", store="S2") as second,
        open_world(tmp_path, PARTS, origin="merchant", store="") as office,
    ):
        down = {}
        for hub in ("hub-a", "hub-b"):
            identity = replace(office.journal.identity, origin=f"{hub}.dn")
            journal = Journal(
                identity=identity, parts=office.parts, clock=office.clock, ids=office.ids
            )
            office.write(journal.begin)
            down[hub] = replace_journal(office, journal)
        yield Chain(first, second, office, down)


def replace_journal(world: World, journal: Journal) -> World:
    return replace(world, journal=journal)


def top_up(world: World, *, lot="l1", fen=100_000, bonus=10_000, points=1_000, **more):
    here = world.journal.identity.origin
    legs = [
        Leg(asset, lot if asset is not Asset.POINTS else NEVER, amount)
        for asset, amount in (
            (Asset.PRINCIPAL, fen),
            (Asset.BONUS, bonus),
            (Asset.POINTS, points),
        )
        if amount
    ]
    body = ToppedUp(
        topup=f"t-{lot}", number="1", member=MEMBER, lot=lot, offer=None, offer_name="",
        price=fen, principal=fen, bonus=bonus, points=points, period="p", payments=(), **more,
    )  # fmt: skip
    world.append(body, postings=issue(MEMBER, here, legs))


def pay(world: World, amount: int) -> None:
    here = world.journal.identity.origin

    def verb(tx):
        held = holdings(tx, MEMBER, here)
        legs = plan_spend(held, amount, store=world.store, date="2026-03-02")
        body = Adjusted(member=MEMBER, lot=NEVER, asset="principal", amount=-amount, reason="x")
        world.act().append(tx, body, postings=spend(MEMBER, here, legs))

    world.write(verb)


def held(world: World, place: str) -> dict[str, int]:
    with world.door.read() as db:
        rows = holdings(db, MEMBER, place)
    return {asset: sum(r.amount for r in rows if r.asset == asset) for asset in CORRECTED}


def alike(chain: Chain) -> None:
    """All tables can be rebuilt, and each store knows of itself what head office does."""
    for world in (chain.first, chain.second):
        assert world.differences() == []
        here = world.journal.identity.origin
        assert held(world, here) == held(chain.office, here)
        assert [r for r in world.rows("lot") if r not in chain.office.rows("lot")] == []
    assert chain.office.differences() == []
    assert chain.office.rows("quarantine") == []


def test_value_comes_from_one_store_to_another_with_all_that_is_known_of_its_lots(chain):
    top_up(chain.first, expires="2027-03-02", stores=("S1", "S2"))
    pay(chain.first, 20_000)
    chain.release(chain.first)
    chain.collect(chain.first)
    chain.grant(chain.second)
    chain.arrive(chain.second)
    chain.collect(chain.second)
    assert held(chain.second, "hub-b") == {
        "principal": 80_000,
        "bonus": 10_000,
        "points": 1_000,
    }
    assert held(chain.second, CLOUD)["principal"] == 0
    assert held(chain.office, CLOUD) == held(chain.first, "hub-a")
    assert chain.second.rows("lot") == chain.first.rows("lot") == chain.office.rows("lot")
    assert [row["amount"] for row in chain.office.rows("transit")] == [0] * 6
    alike(chain)


def test_what_is_on_its_way_is_nowhere_else(chain):
    top_up(chain.first)
    chain.release(chain.first)
    chain.office.hear(chain.first)
    assert chain.document()["places"] == {
        TRANSIT: {"principal": 100_000, "bonus": 10_000, "points": 1_000}
    }
    chain.collect(chain.first)
    assert chain.document()["places"] == {
        CLOUD: {"principal": 100_000, "bonus": 10_000, "points": 1_000}
    }
    chain.grant(chain.second, [Leg(Asset.PRINCIPAL, "l1", 30_000)])
    document = chain.document()
    assert document["places"][TRANSIT] == {"principal": 30_000}
    assert document["places"][CLOUD]["principal"] == 70_000
    assert document["moved"]["hub-a"]["principal"] == -100_000
    assert "hub-b" not in document["moved"]
    assert document["at"] == 7


def test_what_was_taken_in_once_is_not_taken_in_again(chain):
    top_up(chain.first)
    chain.release(chain.first)
    for _again in range(2):
        chain.collect(chain.first)
    chain.grant(chain.second)
    for _again in range(2):
        chain.arrive(chain.second)
        chain.collect(chain.second)
    assert held(chain.second, "hub-b")["principal"] == 100_000
    assert len(bodies(chain.second, Granted)) == 1
    alike(chain)


def test_a_store_that_holds_nothing_says_so_and_nothing_moves(chain):
    chain.release(chain.first, request="r1")
    (released,) = bodies(chain.first, Released)
    assert (released.request, released.legs, released.lots) == ("r1", (), ())
    chain.collect(chain.first)
    assert chain.office.rows("transit") == []
    assert chain.document()["places"] == {}


@pytest.mark.parametrize(
    "legs",
    [
        [],
        [Leg(Asset.PRINCIPAL, "l1", 100_001)],
        [Leg(Asset.PRINCIPAL, "l2", 1)],
        [Leg(Asset.BONUS, "l1", 0)],
    ],
)
def test_head_office_grants_no_more_than_it_holds(chain, legs):
    top_up(chain.first)
    chain.release(chain.first)
    chain.collect(chain.first)
    with pytest.raises(AssertionError):
        chain.grant(chain.second, legs)
    assert held(chain.office, CLOUD)["principal"] == 100_000


def test_lots_and_legs_are_read_back_as_they_were_written(chain):
    top_up(chain.first, expires="2027-03-02", stores=("S1",))
    with chain.first.door.read() as db:
        legs = all_legs(db, MEMBER, "hub-a")
        (lot,) = lots_of(db, legs)
    assert read_legs(written_legs(legs)) == legs
    assert (lot.lot, lot.expires, lot.stores, lot.paid) == (
        "l1",
        "2027-03-02",
        ("S1",),
        100_000,
    )


@dataclass
class Wandering:
    """Days of business in which anything happens in any order; sums in fen."""

    chain: Chain
    chance: random.Random
    brought: int = 0
    spent: int = 0

    def step(self, number: int) -> None:
        store = self.chance.choice([self.chain.first, self.chain.second])
        for world in (self.chain.first, self.chain.second, self.chain.office):
            world.clock.advance(HOUR_MS // 4)
        self.chance.choice(
            [
                lambda: self._bring(store, number),
                lambda: self._spend(store),
                lambda: self._grant(store),
                lambda: self.chain.release(store),
                lambda: self.chain.collect(store),
                lambda: self.chain.arrive(store),
            ]
        )()

    def _bring(self, store: World, number: int) -> None:
        top_up(store, lot=f"l{number}", fen=10_000, bonus=500, points=0)
        self.brought += 10_500

    def _spend(self, store: World) -> None:
        part = sum(held(store, store.journal.identity.origin).values()) // 3
        if part:
            pay(store, part)
            self.spent += part

    def _grant(self, store: World) -> None:
        if any(held(self.chain.office, CLOUD).values()):
            self.chain.grant(store)


def test_value_wanders_for_days_and_none_is_lost_or_made(chain):
    days = Wandering(chain, random.Random(8))
    for number in range(120):
        days.step(number)
    for store in (chain.first, chain.second):
        chain.arrive(store)
        chain.collect(store)
    places = chain.document()["places"]
    left = sum(amount for sums in places.values() for amount in sums.values())
    assert TRANSIT not in places
    assert 0 < days.spent < days.brought
    assert left == days.brought - days.spent
    alike(chain)


def test_holdings_of_a_store_that_ran_before_are_kept(tmp_path):
    with open_world(tmp_path, PARTS) as world:
        top_up(world)
        kept = world.rows("holding")
        lots = world.rows("lot")
        world.write(go_back)
        world.restart()
        assert world.rows("holding") == kept
        assert world.rows("lot") == lots
        assert world.differences() == []


def go_back(tx):
    """Leave the wallet's tables as the first version had them."""
    for statement in (
        "DROP TABLE transit",
        "DROP TABLE transferred",
        "DROP INDEX holding_by_member",
        "DELETE FROM migration WHERE name = 'wallet/2'",
    ):
        tx.run(statement)

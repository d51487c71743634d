"""Any program is ended at any moment while two stores' tills sell: nothing lost, nothing twice."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from contextlib import ExitStack

import pytest

from core.staff import active_staff
from hub.access import make_token
from hub.app import open_hub
from tests.chain.adding_up import (
    assert_every_place_agrees,
    assert_feeds_are_the_same,
    assert_history_of_bills_is_the_same,
    assert_journals_are_the_same,
    assert_tables_follow,
    assert_value_is_conserved,
    wait_until_at_rest,
)
from tests.chain.running import BROKER, GATE, INGEST, WEB, Branch, head_office, until, wired
from tests.kills.sellers import Address, Seller
from tests.kills.test_web import assert_kept, selling, wait_for_a_sale
from tests.started import MASSAGE, seed

pytestmark = pytest.mark.wide

TILL = "till-0"
FIRST_TOP_UP = 100_000
KILL_WITHIN_S = 0.25
DOWN_S = 0.3
REST_S = 60.0
SEED = 20261124
TIMED = 40
SLOWER_MAX = 2.0
NOISE_S = 0.02
NO_WAIT_S = 5.0
"""Shorter than any time-out of a connection: a tap that waited for head office would be longer."""
HONEST = {"insufficient_balance", "over_card_limit"}
"""What a till may be told when a member's value was called away to the other store."""


class Chain:
    """Two stores by their programs, a till in each, and members that both know."""

    def __init__(self, folder, running):
        self.office = running.enter_context(head_office(folder / "office"))
        self.merchant = self.office.admin("merchant", "add", "清和")
        first, second = folder / "first", folder / "second"
        shop = seed(first)
        self.office.take_in(self.merchant, first, bring=True)
        words = ("store", "add", "西湖店", "--merchant", self.merchant, "--code", "B")
        branch = self.office.admin(*words)
        self.office.take_in(self.merchant, second, store=branch, bring=False)
        self.branches, self.boxes = [], []
        for each in (first, second):
            wire = running.enter_context(wired(self.office))
            self.branches.append(Branch(each, wire))
            running.callback(self.branches[-1].stop)
            self.boxes.append(open_hub(each))
            running.callback(self.boxes[-1].close)
        self.tokens = [shop.token("owner", TILL), self._token(self.boxes[1])]
        self.sold = [[], []]
        self.topped_up = [[], []]
        self._open(self.boxes[1])

    def _token(self, box):
        def known():
            with box.door.read() as db:
                return any(person.id == "owner" for person in active_staff(db))

        until(known)
        return box.door.write(
            lambda tx: make_token(tx, box.act(tx), name="owner", staff_id="owner", till=TILL)
        )

    def caller(self, number):
        return self.branches[number].web.caller(self.tokens[number])

    def _open(self, second):
        owner = self.caller(0)
        self.members = [owner.done("POST", "/members", {"name": n})["id"] for n in "甲乙丙丁"]
        until(lambda: count(second, "member") == len(self.members))
        for number in (0, 1):
            self.caller(number).done("POST", "/shifts", {"float_cents": 0})
            for member in self.members:
                paid = [{"tender": "cash", "amount_cents": FIRST_TOP_UP}]
                asked = {"member": member, "amount_cents": FIRST_TOP_UP, "payments": paid}
                answer = self.caller(number).done("POST", "/topups", asked)
                self.topped_up[number].append(answer)

    def sellers(self):
        return [
            Seller(
                till=f"{number}",
                token=self.tokens[number],
                address=Address(port=self.branches[number].web.port),
                members=self.members,
                random=random.Random(SEED + number),
                sold=self.sold[number],
                topped_up=self.topped_up[number],
            )
            for number in (0, 1)
        ]

    def sell(self, number):
        """Sell one thing; return how long the till's two taps took, in seconds."""
        caller = self.caller(number)
        begun = time.monotonic()
        bill = caller.done("POST", "/tickets", {"lines": [{"item": MASSAGE}]})
        paid = [{"tender": "cash", "amount_cents": bill["total_cents"]}]
        asked = {"version": bill["version"], "payments": paid}
        answer = caller.done("POST", f"/tickets/{bill['id']}/settle", asked)
        lasted = time.monotonic() - begun
        self.sold[number].append(answer)
        return lasted

    def assert_all_adds_up(self, scratch):
        with self.office.books(self.merchant) as books:
            wait_until_at_rest(self.boxes, books, REST_S)
            assert_journals_are_the_same(self.boxes, books)
            assert_feeds_are_the_same(self.boxes, books)
            assert_history_of_bills_is_the_same(self.boxes, books)
            assert_value_is_conserved(books)
            assert_every_place_agrees(self.boxes, books, *self._told())
            assert books.findings() == []
            with books.door.read() as db:
                assert db.all("SELECT * FROM quarantine") == []
        for number, box in enumerate(self.boxes):
            assert_tables_follow(box, scratch / f"again-{number}.db")
        self.office.admin("merchant", "check", self.merchant)

    def _told(self):
        """Return what each member must have, of stored value and of points, by the answers."""
        stored, points = Counter(), Counter()
        for topup in (*self.topped_up[0], *self.topped_up[1]):
            stored[topup["member"]] += topup["principal_cents"] + topup["bonus_cents"]
            points[topup["member"]] += topup["points"]
        for sale in (*self.sold[0], *self.sold[1]):
            if sale["member"] is None:
                continue
            points[sale["member"]] += sale["points"]
            stored[sale["member"]] -= sum(
                payment["amount_cents"]
                for payment in sale["payments"]
                if payment["tender"] == "stored_value"
            )
        return stored, points


def count(box, table):
    with box.door.read() as db:
        return db.value(f"SELECT count(*) FROM {table}")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    with ExitStack() as running:
        yield Chain(tmp_path_factory.mktemp("chain"), running)


@pytest.mark.feature("STO-07")
@pytest.mark.parametrize("times", [1, pytest.param(8, marks=pytest.mark.deep)])
def test_programs_of_both_sides_are_killed_at_random_and_all_adds_up(chain, times, tmp_path):
    chance = random.Random(SEED)
    sellers = chain.sellers()
    victims = ["web", "web", "sync", "sync", INGEST, BROKER] * times
    chance.shuffle(victims)
    stores = {"web": [0, 1] * times, "sync": [1, 0] * times}
    with selling(sellers):
        for victim in victims:
            wait_for_a_sale(sellers)
            time.sleep(chance.uniform(0.0, KILL_WITHIN_S))
            if victim in stores:
                kill_in_store(chain, sellers, victim, stores[victim].pop())
            else:
                chain.office.kill(victim)
                time.sleep(chance.uniform(0.0, DOWN_S))
                chain.office.start(victim)
    assert {reply.code for seller in sellers for reply in seller.refused} <= HONEST
    assert all(seller.sold for seller in sellers)
    chain.assert_all_adds_up(tmp_path)
    for box, seller in zip(chain.boxes, sellers, strict=True):
        with box.door.read() as db:
            assert_kept(db, [seller])


def kill_in_store(chain, sellers, victim, number):
    branch = chain.branches[number]
    if victim == "web":
        branch.kill_web()
        sellers[number].address.port = branch.web.port
    else:
        branch.kill_sync()


@pytest.mark.feature("STO-07")
def test_without_head_office_tills_are_as_quick_and_everything_arrives_afterwards(
    chain, tmp_path
):
    up = [chain.sell(turn % 2) for turn in range(TIMED)]
    for name in (WEB, GATE, INGEST, BROKER):
        chain.office.kill(name)
    try:
        until(lambda: not any(connected(chain)), why="the stores did not notice")
        before = [count(box, "journal") for box in chain.boxes]
        down = [chain.sell(turn % 2) for turn in range(TIMED)]
        with chain.office.books(chain.merchant) as books:
            for box, seq in zip(chain.boxes, before, strict=True):
                assert count(box, "journal") >= seq + TIMED
                assert held_of(books, box) < count(box, "journal")
    finally:
        for name in (BROKER, GATE, WEB, INGEST):
            chain.office.start(name)
    assert statistics.median(down) <= SLOWER_MAX * statistics.median(up) + NOISE_S
    assert max(down) < NO_WAIT_S
    chain.assert_all_adds_up(tmp_path)


def connected(chain):
    return [
        branch.web.caller(token).get("/sync").body["online"]
        for branch, token in zip(chain.branches, chain.tokens, strict=True)
    ]


def held_of(books, box):
    with books.door.read() as db:
        return db.value(
            "SELECT count(*) FROM journal WHERE origin = :own",
            own=box.journal.identity.origin,
        )

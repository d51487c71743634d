"""Any program is ended at any moment while two stores' tills sell: nothing lost, nothing twice."""

from __future__ import annotations

import random
import statistics
import time
from contextlib import ExitStack

import pytest

from tests.chain.running import BROKER, GATE, INGEST, WEB, until
from tests.chain.selling import HONEST, SEED, Chain, count
from tests.kills.test_web import assert_kept, selling, wait_for_a_sale

pytestmark = pytest.mark.wide

KILL_WITHIN_S = 0.25
DOWN_S = 0.3
TIMED = 40
SLOWER_MAX = 2.0
NOISE_S = 0.02
NO_WAIT_S = 5.0
"""Shorter than any time-out of a connection: a tap that waited for head office would be longer."""


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
                chain.kill_in_store(sellers, victim, stores[victim].pop())
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

"""Two stores and their head office at work, and at any moment one of their programs is killed.

Tills sell all the time. At the end nothing may be lost, doubled or different anywhere: journals,
tables, receipts, every account of every place (`tests/chain/adding_up.py`).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.chain.running import BROKER, GATE, INGEST
from tests.chain.selling import HONEST, Chain
from tests.kills.sellers import Seller
from tests.kills.test_web import assert_kept, selling, wait_for_a_sale

VICTIMS = ("web", "web", "sync", "sync", INGEST, INGEST, BROKER, GATE)
"""A store's two, and head office's but for its pages."""
STORES = 2
KILL_WITHIN_S = 1.0
DOWN_S = 0.5
PATIENCE_S = 180.0
"""A busy machine takes long to start a program; that a till waits is no difference."""
REST_S = 600.0
"""So long everything may take to arrive afterwards; tables follow what was sold."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    kills: Counter[str] = field(default_factory=Counter)
    sales: int = 0
    topups: int = 0
    replayed: int = 0
    unanswered: int = 0
    """Tries that ended without an answer and were made again under the same key."""
    events: int = 0
    problems: list[str] = field(default_factory=list)


def kill_programs(beside: Path, *, seconds: float, seed: int) -> Outcome:
    """Sell and kill for so long; then add everything up."""
    outcome = Outcome()
    with ExitStack() as running:
        chain = Chain(beside / "chain", running)
        sellers = chain.sellers(seed, patience_s=PATIENCE_S)
        try:
            with selling(sellers):
                _kill(chain, sellers, outcome, seconds=seconds, chance=random.Random(seed))
            _look(chain, sellers, beside)
        except (AssertionError, TimeoutError) as wrong:
            outcome.problems.append(f"{type(wrong).__name__}: {wrong}"[:2_000])
        _count(chain, sellers, outcome)
    return outcome


def _kill(
    chain: Chain,
    sellers: list[Seller],
    outcome: Outcome,
    *,
    seconds: float,
    chance: random.Random,
) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        wait_for_a_sale(sellers, PATIENCE_S)
        time.sleep(chance.uniform(0.0, KILL_WITHIN_S))
        victim = chance.choice(VICTIMS)
        if victim in {"web", "sync"}:
            chain.kill_in_store(sellers, victim, chance.randrange(STORES))
        else:
            chain.office.kill(victim)
            time.sleep(chance.uniform(0.0, DOWN_S))
            chain.office.start(victim)
        outcome.kills[victim] += 1


def _look(chain: Chain, sellers: list[Seller], scratch: Path) -> None:
    refused = {reply.code for seller in sellers for reply in seller.refused}
    assert refused <= HONEST, refused
    chain.assert_all_adds_up(scratch, rest_s=REST_S)
    for box, seller in zip(chain.boxes, sellers, strict=True):
        with box.door.read() as db:
            assert_kept(db, [seller])


def _count(chain: Chain, sellers: list[Seller], outcome: Outcome) -> None:
    outcome.sales = sum(len(seller.sold) for seller in sellers)
    outcome.topups = sum(len(seller.topped_up) for seller in sellers)
    outcome.replayed = sum(seller.replayed for seller in sellers)
    outcome.unanswered = sum(seller.lost for seller in sellers)
    for box in chain.boxes:
        with box.door.read() as db:
            outcome.events += box.journal.head(db).seq

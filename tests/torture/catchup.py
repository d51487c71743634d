"""A store that sold for thirty days without a line catches up over a slow one.

Head office's programs, the broker and `hub sync` are the real ones, over mutual TLS; only the
line between is ours. What arrived is compared with what the store wrote, byte for byte.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cloud.app import open_cloud
from hub.app import open_hub
from hub.sync import load_link
from tests.bench.catchup import _applied, _digest, _kept
from tests.bench.chain import HOST, joined_chain, until
from tests.bench.programs import started
from tests.torture.slow_line import SlowLine

DAYS, SALES_A_DAY, EVENTS_A_SALE = 30, 300, 5.4
BITS_A_SECOND, ROUND_TRIP_S = 1_000_000, 0.2
KEPT_WITHIN_S, APPLIED_WITHIN_S = 600.0, 600.0
GOAL_S = 60.0
LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """How long it took from the start of the sending program."""

    events: int
    kept_s: float
    applied_s: float
    up_bytes: int
    same: bool
    """Whether head office has the store's journal, byte for byte."""


def catch_up(beside: Path, *, days: int = DAYS, sales_a_day: int = SALES_A_DAY) -> Caught:
    """Let a store catch up that was cut off for so long."""
    events = int(days * sales_a_day * EVENTS_A_SALE)
    with joined_chain(beside / "chain", events=events, days=days) as chain:
        chain.start_ingest()
        link = load_link(chain.store)
        box = open_hub(chain.store)
        with box.door.read() as db:
            last = box.journal.head(db).seq
        own = _digest(box.door, link.hub)
        box.close()
        platform = open_cloud(chain.folder)
        merchant = platform.merchant(chain.account.merchant)
        ports = (int(chain.broker.rpartition(":")[2]), chain.programs["gate"].port)
        line = SlowLine(ports, bits_a_second=BITS_A_SECOND, round_trip_s=ROUND_TRIP_S)
        with line:
            broker, gate = (f"{HOST}:{port}" for port in line.ports)
            words = ("--data", str(chain.store), "--retry-max", "0.3")
            through = ("--broker", broker, "--gate", f"https://{gate}")
            began = time.perf_counter()
            chain.stack.enter_context(started(chain.store, "hub", "sync", *words, *through))
            kept_s = _within(lambda: _kept(platform, link.hub) >= last, KEPT_WITHIN_S) - began
            applied_s = _within(lambda: _applied(merchant), APPLIED_WITHIN_S) - began
            same = _digest(merchant.door, link.hub) == own
            chain.stack.close()
        platform.close()
    return Caught(
        events=last, kept_s=kept_s, applied_s=applied_s, up_bytes=line.carried[0], same=same
    )


def _within(holds, within_s: float) -> float:
    return until(holds, within_s=within_s, every_s=LOOK_S)

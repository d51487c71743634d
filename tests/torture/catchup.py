"""A store that sold for thirty days without a line catches up over a slow one.

Head office's programs, the broker and `hub sync` are the real ones, over mutual TLS; only the
line between is ours. What arrived is compared with what the store wrote, byte for byte.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cloud.app import open_cloud
from core.journal import SEGMENT_EVENTS_MAX, signed_bytes
from core.sqlite import Writer
from hub.app import open_hub
from hub.box import Box
from hub.jobs import SEAL_EVERY_S
from hub.sync import load_link
from tests.bench.catchup import are_tables_up, digest_of, journalled_up_to, kept_up_to
from tests.bench.chain import EVENTS_A_SALE, HOST, joined_chain, until
from tests.bench.programs import started
from tests.torture.slow_line import SlowLine

DAYS, SALES_A_DAY = 30, 300
BITS_A_SECOND, ROUND_TRIP_S = 1_000_000, 0.2
KEPT_WITHIN_S, APPLIED_WITHIN_S = 600.0, 600.0
GOAL_S = 60.0
LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """How long it took from the start of the sending program."""

    events: int
    seals: int
    """Under how many the store had written them."""
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
        assert link is not None
        box = open_hub(chain.store)
        with box.door.read() as db:
            last = box.journal.head(db).seq
        seals = box.door.write(lambda tx: _seal_as_it_sold(tx, box))
        own = digest_of(box.door, link.hub, last)
        box.close()
        platform = open_cloud(chain.folder)
        merchant = platform.merchant(chain.account.merchant)
        ports = (int(chain.broker.rpartition(":")[2]), chain.programs["gate"].port)
        line = SlowLine(ports, bits_a_second=BITS_A_SECOND, round_trip_s=ROUND_TRIP_S)

        def is_kept() -> bool:
            return kept_up_to(platform, link.hub) >= last

        def is_applied() -> bool:
            return journalled_up_to(merchant, link.hub) >= last and are_tables_up(merchant)

        with line:
            broker, gate = (f"{HOST}:{port}" for port in line.ports)
            words = ("--data", str(chain.store), "--retry-max", "0.3")
            through = ("--broker", broker, "--gate", f"https://{gate}")
            began = time.perf_counter()
            chain.stack.enter_context(started(chain.store, "hub", "sync", *words, *through))
            kept_s = until(is_kept, within_s=KEPT_WITHIN_S, every_s=LOOK_S) - began
            applied_s = until(is_applied, within_s=APPLIED_WITHIN_S, every_s=LOOK_S) - began
            same = digest_of(merchant.door, link.hub, last) == own
            chain.stack.close()
        platform.close()
    return Caught(
        events=last,
        seals=seals,
        kept_s=kept_s,
        applied_s=applied_s,
        up_bytes=line.carried[0],
        same=same,
    )


def _seal_as_it_sold(tx: Writer, box: Box) -> int:
    """Cut the journal as a store does while it sells, not as one that was made in one go.

    Its programs seal each sale by itself, at the latest once a minute: thousands of small
    segments are what a month without a line leaves.
    """
    me = box.journal.identity
    place = {"origin": me.origin, "epoch": me.epoch}
    tx.run("DELETE FROM segment WHERE origin = :origin AND epoch = :epoch", **place)
    made, first, rows = (
        0,
        1,
        tx.all(
            "SELECT seq, at, head FROM journal WHERE origin = :origin AND epoch = :epoch"
            " ORDER BY seq",
            **place,
        ),
    )
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        is_apart = following is None or following["at"] - row["at"] >= SEAL_EVERY_S * 1000
        if not is_apart and row["seq"] - first + 1 < SEGMENT_EVENTS_MAX:
            continue
        last, head = row["seq"], row["head"]
        covered = signed_bytes(me, first=first, last=last, boot=me.boot, head=head)
        tx.run(
            "INSERT INTO segment (origin, epoch, first_seq, last_seq, boot, head, signature)"
            " VALUES (:origin, :epoch, :first, :last, :boot, :head, :signature)",
            first=first,
            last=last,
            boot=me.boot,
            head=head,
            signature=box.secrets.log_key.sign(covered),
            **place,
        )
        made, first = made + 1, last + 1
    return made

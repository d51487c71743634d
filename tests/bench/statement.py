"""How soon a member's statement is there, and checked again, in a book with a long past."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from core.clock import ManualClock, SystemClock
from core.crypto import signing_key
from core.journal import Act, drain_all
from core.members import member_of
from core.sqlite import Reader, Writer
from core.statements import Statement, checked, sign, statement_of
from core.till import Offered
from core.wallet import Asset
from hub.app import open_hub
from hub.box import Box
from hub.wallet import TopUp, adjust, top_up
from tests.bench import Ratio, Report
from tests.bench.shop import OWNER, furnish

EVENTS = 20_000
MOVEMENTS = 5_000
WITHIN_S = 60.0
BATCH = 500
DAYS = 350
DAY_MS = 86_400_000
ROUND = (10_000, -5_000, -3_000, -2_000)
"""A top-up, and what is taken from it until nothing is left."""
LAST_DAY = "9999-12-31"


def run(*, events: int = EVENTS, full: bool = False) -> Report:
    del full
    movements = max(events * MOVEMENTS // EVENTS, 8)
    with tempfile.TemporaryDirectory() as name:
        shop = furnish(Path(name) / "hub")
        clock = ManualClock(SystemClock().read().at)
        box = open_hub(shop.folder, clock=clock)
        try:
            _live(box, clock, shop.members, events=events, movements=movements)
            drain_all(box.door, box.parts)
            with box.door.read() as db:
                whole, month = _timed(db, shop.members[0], clock)
        finally:
            box.close()
    table = Table(title="a statement, made, signed and checked", title_justify="left")
    for heading in ("", "movements", "bytes", "clock", "CPU"):
        table.add_column(heading, justify="right" if heading else "left")
    for what, (made, size, spent, cpu) in (("all", whole), ("a month", month)):
        table.add_row(
            what, f"{len(made.movements):,}", f"{size:,}", f"{spent:.2f} s", f"{cpu:.2f} s"
        )
    goal = Ratio(
        name="statement",
        what=f"of {len(whole[0].movements):,} movements among {events:,} events, seconds",
        rounds=[whole[2]],
        at_most=WITHIN_S,
    )
    return Report(title="statement: every movement of a member", ratios=[goal], tables=[table])


def _live(
    box: Box, clock: ManualClock, members: tuple[str, ...], *, events: int, movements: int
) -> None:
    """Let the first member have so many movements, and the others the rest, over a year."""
    begun, every = clock.at, events // movements
    others = members[1:]
    turns = dict.fromkeys(members, 0)

    def some(numbers: range) -> Iterator[str]:
        for number in numbers:
            mine = number % every == 0
            yield members[0] if mine else others[number % len(others)]

    for first in range(0, events, BATCH):
        clock.at = begun + first * DAYS * DAY_MS // events
        chosen = list(some(range(first, min(first + BATCH, events))))

        def write(tx: Writer, chosen: list[str] = chosen) -> None:
            for member in chosen:
                _move(tx, box.act(tx, actor=OWNER), member, turns[member])
                turns[member] += 1

        box.door.write(write)
        drain_all(box.door, box.parts)


def _move(tx: Writer, act: Act, member: str, turn: int) -> None:
    amount = ROUND[turn % len(ROUND)]
    if amount < 0:
        adjust(tx, act, member=member, asset=Asset.PRINCIPAL, amount=amount, reason="bench")
        return
    paid = (Offered(tender="cash", amount=amount),)
    wanted = TopUp(member=member, amount=amount, payments=paid)
    top_up(tx, act, wanted, topup=act.new_id(), till="till-0")


def _timed(
    db: Reader, member: str, clock: ManualClock
) -> tuple[tuple[Statement, int, float, float], ...]:
    key = signing_key(os.urandom(32))
    row = member_of(db, member)

    def one(first: str) -> tuple[Statement, int, float, float]:
        began, spent = time.perf_counter(), time.process_time()
        made = statement_of(db, row, merchant="bench", first=first, last=LAST_DAY, at=clock.at)
        file = sign(made, key=key.public, with_key=key.sign)
        assert checked(file, keys=[key.public]) == made
        return made, len(file), time.perf_counter() - began, time.process_time() - spent

    whole = one("0000-01-01")
    last = whole[0].movements[-len(whole[0].movements) // 12]
    return whole, one(last.date)

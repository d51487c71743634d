"""Taking in a shop's old member list: rows a second, and what a row costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from rich.table import Table

from core import feed
from core.imports import (
    MEMBERS,
    MemberRow,
    Tally,
    TypedRow,
    add_categories,
    find_mapping,
    read_rows,
    read_table,
)
from core.imports.tests.messy import TODAY, write_members
from hub.app import open_hub
from hub.box import Box
from hub.imports import post_batch, post_member
from hub.imports.service import BATCH_ROWS
from tests.bench import Report
from tests.bench.shop import furnish

ROWS, ROWS_FULL = 2_000, 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One transaction: seconds of CPU, and by the clock on the wall."""

    cpu_s: float
    lasted: float


def run(*, full: bool = False, rows: int = ROWS) -> Report:
    count = ROWS_FULL if full else rows
    with tempfile.TemporaryDirectory() as name:
        began = time.process_time()
        read = _read(Path(name) / "members.csv", count)
        reading_us = (time.process_time() - began) / len(read) * 1e6
        box = open_hub(furnish(Path(name) / "hub").folder)
        try:
            events, batches = _post(box, read)
        finally:
            box.close()
    table = Table(title=f"{len(read):,} members, {events / len(read):.1f} events a row")
    for heading in ("", "rows/s", "CPU a row"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("reading the file", f"{1e6 / reading_us:,.0f}", f"{reading_us:.0f} µs")
    first, last = batches[0], batches[-1]
    for called, chosen in (("first batch", [first]), ("last batch", [last]), ("all", batches)):
        cpu = statistics.fmean(batch.cpu_s for batch in chosen) / BATCH_ROWS
        lasted = statistics.fmean(batch.lasted for batch in chosen) / BATCH_ROWS
        table.add_row(f"posting, {called}", f"{1 / lasted:,.0f}", f"{cpu * 1e6:.0f} µs")
    return Report(
        title="importing: a messy member list of the system before",
        reading=[
            "Posting a row registers a member, issues a card and opens a balance.",
            f"{BATCH_ROWS} rows share a transaction.",
        ],
        tables=[table],
    )


def _read(path: Path, count: int) -> list[TypedRow]:
    """Write a list as shops export it, read it back, and return what can be posted."""
    write_members(path, count, bad_fraction=0.02, seed=1)
    with read_table(path) as table:
        mapping = find_mapping(table, MEMBERS, {})
        return [
            row
            for row in read_rows(table, MEMBERS, mapping, today=TODAY)
            if isinstance(row, TypedRow)
        ]


def _post(box: Box, rows: list[TypedRow]) -> tuple[int, list[Batch]]:
    """Post whole batches; return how many events they made, and what each took."""
    categories = {row.category for row in rows if isinstance(row, MemberRow) and row.category}
    box.door.write(
        lambda tx: add_categories(
            tx, box.act(tx, device="import"), categories, publish=feed.publish
        )
    )
    with box.door.read() as db:
        before = box.journal.head(db).seq
    post = partial(post_member, key=box.secrets.card_key)
    tally, batches, source = Tally(), [], iter(rows)
    while len(batch := list(islice(source, BATCH_ROWS))) == BATCH_ROWS:
        cpu, began = time.process_time(), time.perf_counter()
        tally.count(post_batch(box, batch, post))
        batches.append(
            Batch(cpu_s=time.process_time() - cpu, lasted=time.perf_counter() - began)
        )
    assert tally.added == len(batches) * BATCH_ROWS, tally.refused[:3]
    with box.door.read() as db:
        return box.journal.head(db).seq - before, batches

"""Finding a member while typing, among very many: what a till types, and how long it waits.

Before each search another connection commits, as tills do all day, so that a reader's cache is
empty: a warm one answers in a fraction of the time.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from pypinyin import Style, lazy_pinyin
from rich.table import Table

from core.sqlite import Row
from hub.app import open_hub
from hub.box import Box
from hub.members import cards_of, search
from tests.bench import Report, percentile
from tests.bench.members import shop_with

FEW, MANY = 100_000, 1_000_000
SEARCHES = 60
GOAL_MS = 50
FIRST_ROW = 100
"""Behind the members that every bench shop has."""

Typed = Callable[[Row, str], str]
"""What somebody types who looks for a member, of whom one card is given."""


def _pinyin(row: Row) -> str:
    return "".join(lazy_pinyin(row["name"]))


def _initials(row: Row) -> str:
    return "".join(lazy_pinyin(row["name"], style=Style.FIRST_LETTER))


KINDS: dict[str, Typed] = {
    "phone, 1 digit": lambda row, _card: row["phone"][:1],
    "phone, 2 digits": lambda row, _card: row["phone"][:2],
    "phone, 3 digits": lambda row, _card: row["phone"][:3],
    "phone, 4 digits": lambda row, _card: row["phone"][:4],
    "phone, 7 digits": lambda row, _card: row["phone"][:7],
    "phone, whole": lambda row, _card: row["phone"],
    "phone, last four": lambda row, _card: row["phone"][-4:],
    "initial of the surname": lambda row, _card: _initials(row)[:1],
    "initials": lambda row, _card: _initials(row),
    "pinyin of the surname": lambda row, _card: lazy_pinyin(row["name"])[0],
    "pinyin zhang": lambda _row, _card: "zhang",
    "pinyin, whole": lambda row, _card: _pinyin(row),
    "surname": lambda row, _card: row["name"][:1],
    "given name": lambda row, _card: row["name"][1:],
    "name": lambda row, _card: row["name"],
    "name and last four": lambda row, _card: f"{row['name'][:1]} {row['phone'][-4:]}",
    "card": lambda _row, card: card,
    "number": lambda row, _card: row["number"],
    "number, first 5": lambda row, _card: row["number"][:5],
    "no hit": lambda row, _card: f"qx{row['phone'][:3]}",
    "two that never meet": lambda _row, _card: "王 李",
}


def run(*, full: bool = False) -> Report:
    counts = (FEW, MANY) if full else (FEW,)
    report = Report(
        title=f"member_search: {SEARCHES} searches of each kind, at most 20 hits",
        reading=[
            "Each search finds an empty cache: another till has committed since the last one.",
            "CPU is what a search costs; the other columns also wait for a busy machine.",
        ],
    )
    for count in counts:
        report.tables.append(_table(count))
    if not full:
        report.notes.append(f"--full also searches among {MANY:,} members.")
    return report


def _table(count: int) -> Table:
    box = open_hub(shop_with(count))
    try:
        people = _some(box, count)
        table = Table(
            title=f"among {count:,} members, goal: no search over {GOAL_MS} ms of CPU",
            title_justify="left",
        )
        for heading in ("typed", "for example", "hits", "p50", "p99", "worst", "worst CPU"):
            table.add_column(heading, justify="left" if heading == "typed" else "right")
        for kind, typed in KINDS.items():
            texts = [typed(row, card) for row, card in people]
            searches = [_search(box, text) for text in texts]
            spent = [found.lasted_ms for found in searches]
            cpu = max(found.cpu_ms for found in searches)
            table.add_row(
                kind,
                texts[0],
                f"{max(found.hits for found in searches)}",
                f"{statistics.median(spent):.1f} ms",
                f"{percentile(spent, 99):.1f} ms",
                f"{max(spent):.1f} ms",
                f"{'[red]' if cpu > GOAL_MS else ''}{cpu:.1f} ms",
            )
        return table
    finally:
        box.close()


def _some(box: Box, count: int) -> list[tuple[Row, str]]:
    """Return members from everywhere in the list, each with a card."""
    chance = random.Random(5)
    rows = [chance.randrange(FIRST_ROW, count) for _ in range(SEARCHES)]
    with box.door.read() as db:
        found = [db.one("SELECT * FROM member WHERE rowid = :row", row=row) for row in rows]
        return [(row, cards_of(db, row["id"])[0]["number"]) for row in found if row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search: how many it found, and what it took."""

    hits: int
    lasted_ms: float
    cpu_ms: float


def _search(box: Box, text: str) -> Search:
    box.door.write(lambda tx: tx.run("UPDATE box SET value = value + 1 WHERE name = 'boot'"))
    cpu, began = time.thread_time(), time.perf_counter()
    with box.door.read() as db:
        hits = len(search(db, text))
    return Search(
        hits=hits,
        lasted_ms=(time.perf_counter() - began) * 1000,
        cpu_ms=(time.thread_time() - cpu) * 1000,
    )

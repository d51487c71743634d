"""A whole sale over HTTP against the least that Flask can do: CPU, throughput, waiting.

Two real gunicorn servers with the hub's settings take turns. A sale at the till is five
requests (the bill, three lines, the payment); a program may say it in two. What is compared
first is the payment alone, one request against one request that writes twelve rows.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.table import Table

from tests.bench import Ratio, Report, percentile, ratios, take_turns
from tests.bench.http_clients import Done, Place, Staff, staffed
from tests.bench.programs import Program, serving, started, web
from tests.bench.shop import TILLS, furnish

SALES = 16
"""In a turn: short turns, and many of them, are how a ratio survives neighbours."""
ROUNDS = 15
FEW, MANY = 1, TILLS
SETTLE, SALE, SALE_IN_TWO, PLAIN = "payment", "sale, 5 requests", "sale, 2 requests", "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One contender's turn: CPU of the server and seconds at the client, for each sale."""

    cpu_ms: float
    each: list[float]
    rate: float


@dataclass(frozen=True, kw_only=True)
class Counter:
    """Both servers, and the tills before them."""

    hub: Program
    plain: Program
    staff: Staff

    def sell(self, *, tills: int, writing: str) -> tuple[Round, Round]:
        """Write and settle bills; return the payments, and the sales as a whole."""
        before = self.hub.cpu_s()
        written = self.staff.do(writing, tills=tills, count=SALES)
        between = self.hub.cpu_s()
        settled = self.staff.do("settle", tills=tills, count=SALES)
        after = self.hub.cpu_s()
        whole = [wrote + paid for wrote, paid in zip(written.each, settled.each, strict=True)]
        return (
            _round(after - between, settled),
            _round(after - before, Done(each=whole, lasted=written.lasted + settled.lasted)),
        )

    def send_rows(self, *, tills: int) -> tuple[Round]:
        # A request is short; more of them make the CPU time as exact as the other side's.
        before = self.plain.cpu_s()
        done = self.staff.do("send_rows", tills=tills, count=3 * SALES)
        return (_round(self.plain.cpu_s() - before, done),)


def _round(cpu_s: float, done: Done) -> Round:
    count = len(done.each)
    return Round(cpu_ms=cpu_s / count * 1000, each=done.each, rate=count / done.lasted)


Rounds = dict[tuple[str, int], list[Round]]


def measure(counter: Counter) -> Rounds:
    """Let the ways of selling take turns, with one client and with one at each till."""
    contenders: dict[str, Callable[[], tuple[Round, ...]]] = {}
    for tills in (FEW, MANY):
        sell = partial(counter.sell, tills=tills)
        contenders |= {
            f"{SALE}/{tills}": partial(sell, writing="write_bills"),
            f"{PLAIN}/{tills}": partial(counter.send_rows, tills=tills),
            f"{SALE_IN_TWO}/{tills}": partial(sell, writing="write_bills_at_once"),
        }
    turns = take_turns(contenders, rounds=ROUNDS)
    rounds: Rounds = {}
    for tills in (FEW, MANY):
        rounds[SETTLE, tills] = [turn[0] for turn in turns[f"{SALE}/{tills}"]]
        rounds[SALE, tills] = [turn[1] for turn in turns[f"{SALE}/{tills}"]]
        rounds[SALE_IN_TWO, tills] = [turn[1] for turn in turns[f"{SALE_IN_TWO}/{tills}"]]
        rounds[PLAIN, tills] = [turn[0] for turn in turns[f"{PLAIN}/{tills}"]]
    return rounds


def run(*, full: bool = False) -> Report:
    del full
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        hub_folder, plain_folder = Path(name) / "hub", Path(name) / "plain"
        plain_folder.mkdir()
        shop = furnish(hub_folder)
        hub = stack.enter_context(web(hub_folder))
        stack.enter_context(started(hub_folder, "hub", "jobs", "--data", str(hub_folder)))
        plain = stack.enter_context(
            serving(plain_folder, "tests.bench.plain_flask", str(plain_folder), asked="/health")
        )
        places = [
            Place(
                host=hub.host,
                hub_port=hub.port,
                plain_port=plain.port,
                token=token,
                members=shop.members[till::TILLS],
            )
            for till, token in enumerate(shop.tokens)
        ]
        staff = stack.enter_context(staffed(places))
        rounds = measure(Counter(hub=hub, plain=plain, staff=staff))
    return Report(
        title="http_sale: a sale against a plain Flask endpoint that writes 12 rows, FULL",
        reading=[
            "A ratio is CPU of the servers' processes for each sale; the clients' is left out.",
            "The hub checks, prices, chains and makes a receipt; the plain side only writes.",
        ],
        ratios=[
            _ratio(rounds, SETTLE, FEW, at_most=3),
            _ratio(rounds, SETTLE, MANY, at_most=3),
            _ratio(rounds, SALE_IN_TWO, FEW),
            _ratio(rounds, SALE, FEW),
            _ratio(rounds, SALE, MANY),
        ],
        tables=[_table(rounds)],
    )


def _ratio(rounds: Rounds, what: str, tills: int, *, at_most: float | None = None) -> Ratio:
    hub = [turn.cpu_ms for turn in rounds[what, tills]]
    plain = [turn.cpu_ms for turn in rounds[PLAIN, tills]]
    return Ratio(
        name="",
        what=f"{what}: CPU ÷ plain request's CPU, {tills} client{'s' * (tills > 1)}",
        rounds=ratios(hub, plain),
        at_most=at_most,
        absolute=f"{statistics.median(hub):.2f} ms ÷ {statistics.median(plain):.2f} ms",
    )


def _table(rounds: Rounds) -> Table:
    table = Table(title="what a client sees, this disk", title_justify="left")
    for heading in ("", "clients", "CPU", "per second", "p50", "p99"):
        table.add_column(heading, justify="right" if heading else "left")
    for (what, tills), turns in rounds.items():
        each = [seconds * 1000 for turn in turns for seconds in turn.each]
        table.add_row(
            what,
            f"{tills}",
            f"{statistics.median(turn.cpu_ms for turn in turns):.2f} ms",
            f"{statistics.median(turn.rate for turn in turns):,.0f}",
            f"{statistics.median(each):.1f} ms",
            f"{percentile(each, 99):.1f} ms",
        )
    return table

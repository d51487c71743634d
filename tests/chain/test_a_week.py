"""A week in two stores with an imported member list, and one line cut half of the time."""

from __future__ import annotations

import csv
import random
import time
from collections import Counter
from contextlib import ExitStack

import pytest

from core.clock import DAY_MS, HOUR_MS, BusinessDay, ManualClock, SystemClock
from core.imports.tests.messy import write_members
from tests.chain.adding_up import (
    assert_every_place_agrees,
    assert_feeds_are_the_same,
    assert_history_of_bills_is_the_same,
    assert_journals_are_the_same,
    assert_reports_are_the_same,
    assert_tables_follow,
    assert_takings_are_as_told,
    assert_value_is_conserved,
    held_by_members,
    on_paper,
    stored_of,
    wait_until_at_rest,
)
from tests.chain.running import Store, command, head_office, link_of, until, wired
from tests.chain.trading import Cashier, Told
from tests.started import seed

DAYS = 7
OPEN_MS = 11 * HOUR_MS
WALK_INS = 0.15
REGULARS = 40
"""Half of the guests are some of these, so that value goes to and fro."""
SEED = 20261123
HEADING_ROWS = 4
ZONE = BusinessDay("Asia/Shanghai")


class Chain:
    """Two stores and head office with the members of two lists, at rest."""

    def __init__(self, office, merchant, stores, wires, clock):
        self.office, self.merchant = office, merchant
        self.stores, self.wires, self.clock = stores, wires, clock
        self.boxes = [store.box for store in stores]

    def rest(self, timeout_s):
        with self.office.books(self.merchant) as books:
            wait_until_at_rest(self.boxes, books, timeout_s)

    def held(self):
        with self.office.books(self.merchant) as books, books.door.read() as db:
            return held_by_members(db)


def lists(folder, members):
    """Write one member list as two files: what a store has, and what head office was given."""
    whole = folder / "members.csv"
    written = write_members(whole, members, 0.0, SEED)
    with whole.open(encoding="gb18030", newline="") as stream:
        rows = list(csv.reader(stream))
    head, body = rows[:HEADING_ROWS], rows[HEADING_ROWS:]
    middle = len(body) * 2 // 3
    for name, part in (("store.csv", body[:middle]), ("office.csv", body[middle:])):
        with (folder / name).open("w", encoding="gb18030", newline="") as stream:
            csv.writer(stream).writerows([*head, *part])
    return written


@pytest.fixture
def chain(request, tmp_path):
    members, rest_s = request.param
    written = lists(tmp_path, members)
    first, second = tmp_path / "first", tmp_path / "second"
    seed(first)
    command("hub", first, "admin", "import", "members", str(tmp_path / "store.csv"), "--yes")
    with ExitStack() as running:
        office = running.enter_context(head_office(tmp_path / "office"))
        merchant = office.admin("merchant", "add", "清和")
        office.take_in(merchant, first, bring=True)
        words = ("store", "add", "西湖店", "--merchant", merchant, "--code", "B")
        branch = office.admin(*words)
        office.take_in(merchant, second, store=branch, bring=False)
        listed = str(tmp_path / "office.csv")
        office.admin("import", "members", listed, "--merchant", merchant, "--yes")
        clock = ManualClock(SystemClock().read().at)
        stores, wires = [], []
        for folder in (first, second):
            wires.append(running.enter_context(wired(office)))
            stores.append(Store(folder, clock))
            running.callback(stores[-1].close)
            stores[-1].send_over(wires[-1])
        until(lambda: all(store.link().cloud for store in stores))
        opened = Chain(office, merchant, stores, wires, clock)
        opened.rest(rest_s)
        held = opened.held()
        assert sum(stored_of(held).values()) == written.principal_cents + written.bonus_cents
        assert written.good == members
        assert link_of(first)["merchant"] == link_of(second)["merchant"]
        yield opened


def live(chain, visits):
    """Let a week pass; the second store's line is cut for every other half day."""
    chance = random.Random(SEED)
    told = Told()
    cashiers = [Cashier(store=store, chance=chance, told=told) for store in chain.stores]
    with chain.stores[0].box.door.read() as db:
        known = [row["id"] for row in db.all("SELECT id FROM member ORDER BY id")]
    regulars = chance.sample(known, REGULARS)
    morning = (chain.clock.at // DAY_MS + 1) * DAY_MS + 2 * HOUR_MS  # 10:00 in Shanghai.
    dates, cut = [], 0
    for day in range(DAYS):
        chain.clock.at = morning + day * DAY_MS
        dates.append(ZONE.date(chain.clock.at))
        for cashier in cashiers:
            cashier.begin_day()
        for number in range(2 * visits):
            away = (number < visits) == (day % 2 == 0)
            switch(chain, cashiers[1], online=not away)
            cut += away
            chain.clock.advance(OPEN_MS // (2 * visits))
            chance.choice(cashiers).serve(guest(chance, known, regulars))
        for cashier in cashiers:
            cashier.end_day()
            cashier.store.box.door.checkpoint()  # As the timers' program does.
    assert cut * 2 == DAYS * 2 * visits
    switch(chain, cashiers[1], online=True)
    return told, dates


def switch(chain, cashier, *, online):
    if online is cashier.online:
        return
    cashier.online = online
    wire = chain.wires[1]
    if online:
        wire.plug_in()
    else:
        wire.cut()


def guest(chance, known, regulars):
    if chance.random() < WALK_INS:
        return None
    return chance.choice(regulars if chance.random() < 0.5 else known)


@pytest.mark.feature("STO-02")
@pytest.mark.feature("STO-07")
@pytest.mark.feature("EXP-11")
@pytest.mark.parametrize(
    ("chain", "visits", "rest_s"),
    [
        pytest.param((300, 60.0), 9, 60.0, id="300 members"),
        pytest.param((10_000, 900.0), 120, 300.0, id="10000 members", marks=pytest.mark.deep),
    ],
    indirect=["chain"],
)
def test_after_a_week_all_three_sides_agree_to_the_fen(chain, visits, rest_s, tmp_path):
    opening = chain.held()
    begun = time.monotonic()
    told, dates = live(chain, visits)
    lasted = time.monotonic() - begun
    chain.rest(rest_s)
    healed = time.monotonic() - begun - lasted
    assert_it_was_a_week_worth_the_name(told, visits)
    stored, points = stored_of(opening) + Counter(), Counter()
    for (member, asset), amount in opening.items():
        if asset == "points":
            points[member] += amount
    stored.update(told.stored)
    points.update(told.points)
    with chain.office.books(chain.merchant) as books:
        events = assert_journals_are_the_same(chain.boxes, books)
        assert_feeds_are_the_same(chain.boxes, books)
        assert_history_of_bills_is_the_same(chain.boxes, books)
        assert_reports_are_the_same(chain.boxes, books)
        assert_takings_are_as_told(chain.boxes, books, told, dates)
        assert_value_is_conserved(books)
        assert_every_place_agrees(chain.boxes, books, stored, points)
        assert books.findings() == []
        with books.door.read() as db:
            assert db.all("SELECT * FROM quarantine") == []
    for number, store in enumerate(chain.stores):
        paper, branch = on_paper(store.box), store.branch
        for name, count in (
            ("sold", "bills"),
            ("returned", "reversals"),
            ("topped_up", "topups"),
        ):
            assert paper[name] == told.of(branch, name)
            assert paper[f"{name} receipts"] == told.of(branch, count)
        # Whatever goes through a drawer is on a Z report once.
        assert sum(
            told.drawers[f"{branch} {t}"] for t in ("cash", "bank_card", "stored_value")
        ) == (
            told.of(branch, "sold") + told.of(branch, "topped_up") - told.of(branch, "returned")
        )
        assert told.drawers[f"{branch} stored_value"] == told.of(branch, "from_balance")
        assert_tables_follow(store.box, tmp_path / f"again-{number}.db")
    chain.office.admin("merchant", "check", chain.merchant)
    assert {kind for kind, _detail in chain.office.alarms()} <= {"clock"}
    print(
        f"{events} events, {told.total('bills')} bills, {told.total('reversals')} reversals,"
        f" {told.total('topups')} top-ups, sold {told.total('sold')} fen,"
        f" {told.brought} of {told.followed} waits for value ended with it;"
        f" refused {dict(told.refused)};"
        f" a week in {lasted:.1f} s, at rest after {healed:.1f} s more"
    )


def assert_it_was_a_week_worth_the_name(told, visits):
    assert told.total("bills") > DAYS * visits
    assert told.total("reversals") > 0
    assert told.total("topups") > DAYS
    assert told.total("from_balance") > 0
    assert told.brought > 0
    assert told.followed > told.brought, "no guest stood there while a line was cut"
    assert set(told.refused) <= {"over_card_limit"}

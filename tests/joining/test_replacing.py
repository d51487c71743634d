"""The drill: a store's memory card dies, and one code brings the store back on another box.

Real programs on both sides, the real broker between them, and the commands that people type.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from cloud.gate.tests.started import looked_into
from core.errors import Refused
from core.feed import publish
from core.journal import decode
from core.sqlite import Reader
from core.till import STORED_VALUE, Offered
from core.wallet import CLOUD, mint_left
from core.wallet.accounts import parse_member_account, parse_transit_account
from hub.checkout import pay_ticket
from hub.fence import fence
from hub.members import Application, Profile, register
from hub.sync import load_link
from hub.tickets import add_line, open_ticket, read_ticket
from hub.wallet import follow
from tests.architecture.sources import ROOT
from tests.joining.test_joining import box, joined, running_shop, said
from tests.joining.test_two_stores import (
    TILL,
    Store,
    free_port,
    knows,
    office,
    program,
    shift,
    tmp,
    top_up,
    topped_up,
    until,
)

__all__ = ["free_port", "office", "tmp"]

pytestmark = pytest.mark.wide

FOOT_MASSAGE = 12_800
UNHEARD = 5_000
MINUTES_MAX = 15


def sell(store, member=None, *, tender="cash"):
    """Settle a bill of one foot massage; return its number."""

    def verb(tx, act):
        ticket = act.new_id()
        number = open_ticket(tx, act, ticket=ticket, member=member)
        add_line(tx, act, ticket=ticket, line=act.new_id(), item="i1")
        found = read_ticket(tx, ticket)
        pay_ticket(
            tx,
            act,
            ticket=ticket,
            version=found.version,
            till=TILL,
            payments=(Offered(tender=tender, amount=found.bill.total),),
            key=act.new_id(),
        )
        return number

    return store.do(verb)


def opened_bill(store, member):
    return store.do(lambda tx, act: open_ticket(tx, act, ticket=act.new_id(), member=member))


def brought(store, member):
    """Ask for what lies elsewhere, as the till does when a card is swiped; return what is here."""
    store.do(lambda tx, act: follow(tx, act, member=member, why="bill"))
    return store.balance(member).here


def bills(store):
    return store.ask(lambda db: {row["number"] for row in db.all("SELECT number FROM sale")})


def history(store):
    """Bring the history of bills up to date, as each page does that somebody acts on."""
    assert store.differences(store.box.folder / ".again.db") == []
    (store.box.folder / ".again.db").unlink()
    return bills(store)


def in_books(office, merchant, query):
    with looked_into(office.folder) as platform:
        served = platform.merchant(merchant)
        with served.door.read() as db:
            return query(db)


def value_of(db: Reader, member):
    """Return what a member has in stored value, by place, on the way included."""
    sums: Counter[str] = Counter()
    for table, place in (("holding", "place"), ("transit", "'transit'")):
        for row in db.all(
            f"SELECT {place} AS place, SUM(amount) AS amount FROM {table}"
            " WHERE member = :member AND asset IN ('principal', 'bonus') GROUP BY 1",
            member=member,
        ):
            sums[row["place"]] += row["amount"]
    return {place: amount for place, amount in sums.items() if amount}


def postings_agree(db: Reader):
    """Say whether the ledger's tables are the sums of all that was ever posted."""
    posted: Counter[tuple[str, str, str]] = Counter()
    for row in db.all("SELECT raw FROM journal"):
        for posting in decode(row["raw"]).postings:
            if parse_member_account(posting.account) or parse_transit_account(posting.account):
                posted[posting.asset, posting.lot, ""] += posting.amount
    held: Counter[tuple[str, str, str]] = Counter()
    for table in ("holding", "transit"):
        for row in db.all(f"SELECT asset, lot, amount FROM {table}"):
            held[row["asset"], row["lot"], ""] += row["amount"]
    return +posted == +held and -posted == -held


class Chain:
    """One store of a merchant at head office, with its box."""

    def __init__(self, office, tmp, name):
        self.office, self.tmp, self.name = office, tmp, name
        self.folder = tmp / name
        running_shop(self.folder, name, "A")
        self.merchant = said(office.folder, "admin", "merchant", "add", name)
        code = said(office.folder, "admin", "code", "--merchant", self.merchant)
        joined(office, self.folder, code, "--bring")
        self.hub = load_link(self.folder).hub

    @contextlib.contextmanager
    def sync(self, folder):
        broker = ("--broker", f"127.0.0.1:{self.office.broker}")
        with program(
            self.tmp, "hub", "sync", "--retry-max", "0.3", *broker, data=folder
        ) as process:
            yield process

    @contextlib.contextmanager
    def store(self, folder):
        opened = Store(folder)
        try:
            yield opened
        finally:
            opened.box.close()

    def code(self, reason):
        words = ("admin", "hub", "replace", self.hub, "--reason", reason)
        return said(self.office.folder, *words)


@dataclass(frozen=True, kw_only=True)
class Day:
    """What a store did while head office listened, and after its line was cut."""

    member: str
    numbers: set[str]
    waiting: str
    unheard: str


def a_working_day(chain):
    with chain.store(chain.folder) as store, chain.sync(chain.folder):
        item = {"code": "101", "name": "足疗 60 分钟", "price": FOOT_MASSAGE}
        store.do(lambda tx, act: publish(tx, act, topic="item", key="i1", content=item))
        shift(store)
        member = topped_up(store, 100_000)
        numbers = {sell(store), sell(store, member, tender=STORED_VALUE)}
        waiting = opened_bill(store, member)
        until(lambda: store.link().cloud and store.link().pending == 0)
    # The line is cut, and the store sells on; nobody else hears of that.
    with chain.store(chain.folder) as store:
        top_up(store, member, UNHEARD)
        unheard = sell(store)
    return Day(member=member, numbers=numbers, waiting=waiting, unheard=unheard)


def an_old_card_is_put_in(chain, old, member):
    """Start the old box again; return the bill that it could still write."""
    with chain.store(old) as found, chain.sync(old):
        until(lambda: found.ask(fence) is not None)
        assert found.ask(fence).replaced
        with pytest.raises(Refused, match="box_fenced"):
            sell(found, member, tender=STORED_VALUE)
        late = sell(found)
        until(lambda: found.link().pending == 0)
    return late


@pytest.mark.feature("SYS-09")
@pytest.mark.feature("SYS-05")
def test_a_store_whose_card_died_is_back_from_one_code_and_its_old_card_doubles_nothing(
    office, tmp
):
    chain = Chain(office, tmp, "重来")
    day = a_working_day(chain)
    member, old = day.member, tmp / "old card"
    shutil.move(chain.folder, old)

    begun = time.monotonic()
    done, told = box(chain.folder, "replace", office.url, chain.code("lost"))
    assert done == 0, told
    took_s = time.monotonic() - begun
    assert took_s < MINUTES_MAX * 60
    assert "会员 members 1" in told
    with chain.store(chain.folder) as store, chain.sync(chain.folder):
        assert store.box.journal.identity.epoch == 2
        assert history(store) == day.numbers
        assert knows(store, member)
        until(lambda: store.link().cloud)
        # What the old box held went back to the pool, and comes to whoever serves the guest.
        until(lambda: brought(store, member) == 100_000 - FOOT_MASSAGE)
        # The shift is still open, so is the bill; no number is given twice.
        paid = sell(store, member, tender=STORED_VALUE)
        assert paid not in day.numbers | {day.waiting}
        back_s = time.monotonic() - begun
        until(lambda: store.link().pending == 0)

        late = an_old_card_is_put_in(chain, old, member)
        left = 100_000 + UNHEARD - 2 * FOOT_MASSAGE
        until(lambda: in_total(office, chain, member) == left)
        assert store.link().cloud
        until(lambda: store.balance(member).total == left)
        assert history(store) == day.numbers | {paid}
        assert store.box.findings() == []
    until(lambda: len(written(office, chain)) == 5)
    assert written(office, chain) == sorted([*day.numbers, paid, day.unheard, late])
    assert in_books(office, chain.merchant, postings_agree)
    # A place that is closed holds nothing; and it cost the merchant nothing.
    places = in_books(office, chain.merchant, lambda db: value_of(db, member))
    assert set(places) <= {CLOUD, f"{chain.hub}.2"}
    assert in_books(office, chain.merchant, risk) == []
    print(f"\nthe box was back after {took_s:.1f} s, the guest had paid after {back_s:.1f} s")


def written(office, chain):
    """Return the numbers of all bills that head office knows; each is worth the same."""
    rows = in_books(office, chain.merchant, lambda db: db.all("SELECT number, total FROM sale"))
    assert {row["total"] for row in rows} <= {FOOT_MASSAGE}
    return sorted(row["number"] for row in rows)


def first_epoch(db, hub):
    return [
        (row["seq"], row["head"])
        for row in db.all(
            "SELECT seq, head FROM journal WHERE origin = :hub AND epoch = 1 ORDER BY seq",
            hub=hub,
        )
    ]


def in_total(office, chain, member):
    return sum(in_books(office, chain.merchant, lambda db: value_of(db, member)).values())


def risk(db):
    return [dict(row) for row in db.all("SELECT * FROM risk_booking")]


@pytest.mark.feature("SYS-09")
def test_a_replacement_that_is_killed_anywhere_goes_on_where_it_was(office, tmp):
    chain = Chain(office, tmp, "断电")
    with chain.store(chain.folder) as store, chain.sync(chain.folder):
        shift(store)
        members = [topped_up(store, 1_000)]
        until(lambda: store.link().cloud and store.link().pending == 0)
    shutil.rmtree(chain.folder)
    code = chain.code("broken")
    words = ("replace", office.url, code, "--data", str(chain.folder))
    chance = random.Random(11)
    killed = 0
    for _turn in range(6):
        process = subprocess.Popen(
            [sys.executable, "-m", "hub", "admin", *words],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.6 + 1.6 * chance.random())
        process.kill()
        killed += process.wait() < 0
    done, told = box(chain.folder, "replace", office.url, code)
    if done != 0:
        # It was whole before the last kill; the code was good for one box only.
        assert not (chain.folder / "replacing.json").exists(), told
    assert killed > 0
    with chain.store(chain.folder) as store, chain.sync(chain.folder):
        kept = in_books(office, chain.merchant, lambda db: first_epoch(db, chain.hub))
        assert store.ask(lambda db: first_epoch(db, chain.hub)) == kept
        assert kept
        assert knows(store, members[0])
        assert history(store) == set()
        assert store.box.findings() == []
        until(lambda: store.link().cloud and store.link().pending == 0)


def test_two_boxes_from_one_card_are_both_shut_out_and_one_of_them_becomes_the_store_again(
    office, tmp
):
    chain = Chain(office, tmp, "双胞胎")
    with chain.store(chain.folder) as store, chain.sync(chain.folder):
        shift(store)
        member = topped_up(store, 10_000)
        # Its right to top up has come, so that both lives know of it.
        until(lambda: store.ask(lambda db: mint_left(db, chain.hub)) is not None)
        until(lambda: store.link().cloud and store.link().pending == 0)
    twin = tmp / "twin"
    shutil.copytree(chain.folder, twin, ignore=shutil.ignore_patterns("run"))
    with chain.store(chain.folder) as store, chain.sync(chain.folder):
        top_up(store, member, 200)
        top_up(store, member, 200)
        until(lambda: store.link().cloud and store.link().pending == 0)
    with chain.store(twin) as other, chain.sync(twin):
        top_up(other, member, 3_000)
        # Two histories: the second is kept as facts too, and neither box goes on with value.
        until(lambda: other.ask(fence) is not None)
        with pytest.raises(Refused, match="box_fenced"):
            top_up(other, member, 1)
        until(lambda: other.link().pending == 0)
    with chain.store(chain.folder) as store, chain.sync(chain.folder):
        until(lambda: store.ask(fence) is not None)
    until(lambda: in_total(office, chain, member) == 13_400)
    done, told = box(twin, "replace", office.url, chain.code("forked"))
    assert done == 0, told
    with chain.store(twin) as store, chain.sync(twin):
        assert store.ask(fence) is None
        until(lambda: brought(store, member) == 13_400)
        assert store.box.findings() == []
        assert store.differences(tmp / "twin.db") == []
    assert in_books(office, chain.merchant, postings_agree)
    assert in_books(office, chain.merchant, risk) == []


def test_a_box_is_not_replaced_under_its_running_programs_nor_by_a_foreign_code(office, tmp):
    mine, other = Chain(office, tmp, "本店"), Chain(office, tmp, "别店")
    code = mine.code("broken")
    with mine.store(mine.folder), mine.sync(mine.folder) as process:
        until((mine.folder / "run" / "sync.json").exists)
        done, told = box(mine.folder, "replace", office.url, code)
        assert (done, "请先停止" in told) == (1, True), told
        assert process.poll() is None
    done, told = box(other.folder, "replace", office.url, code)
    assert (done, "属于另一家门店" in told) == (1, True), told
    done, told = box(mine.folder, "replace", office.url, "AAAAA-AAAAA")
    assert done == 1
    # What it wrote since is brought first; then its own code puts the box aside, whole.
    guest = Application(profile=Profile(name="王小明", phone="13900000001"))
    with mine.store(mine.folder) as store:
        member = store.do(lambda tx, act: register(tx, act, guest))
    done, told = box(mine.folder, "replace", office.url, code)
    assert done == 0, told
    assert "hub-epoch-1.db" in told
    known = "SELECT 1 FROM member WHERE id = :id"
    until(lambda: in_books(office, mine.merchant, lambda db: db.value(known, id=member)))
    done, told = box(mine.folder, "replace", office.url, code)
    assert (done, "已经换好了" in told) == (1, True), told
    assert (mine.folder / "hub-epoch-1.db").is_file()
    with mine.store(mine.folder) as store:
        assert store.box.journal.identity.epoch == 2
        assert store.here == mine.hub
        assert store.box.findings() == []

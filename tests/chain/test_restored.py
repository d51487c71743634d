"""Head office burns down and is put back from yesterday's backup, by the commands of an operator.

Since the backup value was granted, prices and people were edited, a store was opened and sold.
All of it comes back from the stores, byte for byte; what nobody but head office knew is booked.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from functools import partial

import pytest

from cloud.recovery import incarnation_of, recovery_of
from core.errors import Refused
from core.feed import publish
from core.members import Application, Profile, register
from core.till import Offered
from core.wallet import CLOUD, Asset, Leg, issue, risk_bookings
from core.wallet.events import Adjusted
from hub.checkout import pay_topup
from hub.fence import fence
from hub.wallet import RECOGNISED, TopUp, balance, follow
from tests.chain.adding_up import assert_every_place_agrees
from tests.chain.running import BROKER, GATE, INGEST, WEB, Store, command, until
from tests.chain.test_faults import TILL, Chain

pytestmark = pytest.mark.wide

QUIET_S = 3.0


class Burnt(Chain):
    """A chain whose head office is lost and put back."""

    def back_up(self):
        key = self.folder / "recovery-key.txt"
        if not key.exists():
            key.write_text(self.office.admin("recovery-key"), encoding="utf-8")
        away = self.folder / "away"
        away.mkdir(exist_ok=True)
        return self.office.admin("backup", str(away))

    def burn_and_restore(self, file):
        """Lose head office with all that it has, and put it back at the same address."""
        self.office.end()
        self.office.folder.rename(self.folder / "burnt")
        key = self.folder / "recovery-key.txt"
        self.office.admin("restore", file, "--key", str(key))
        for name in (BROKER, GATE, WEB, INGEST):
            self.office.start(name)

    def rest(self, *stores):
        """Wait until nothing moves: what was frozen goes to where it belongs afterwards."""
        before = None
        while True:
            super().rest(*stores)
            with self.office.books(self.merchant) as books, books.door.read() as db:
                now = tuple(
                    db.value(f"SELECT {what}")
                    for what in ("COUNT(*) FROM journal", "MAX(pos) FROM feed_document")
                )
            if now == before:
                return
            before = now
            time.sleep(QUIET_S)

    def assert_all_adds_up(self, *stores):
        self.rest(*stores)
        super().assert_all_adds_up(*stores)

    def recovers(self):
        with self.office.looked_into() as platform, platform.door.read() as db:
            return recovery_of(db, self.merchant) is not None


@pytest.fixture
def chain(tmp_path):
    with ExitStack() as running:
        yield Burnt(tmp_path, running)


def joined_member(store, name, phone):
    known = Application(profile=Profile(name=name, phone=phone))
    return store.do(lambda tx, act: register(tx, act, known))


def top_up(store, member, amount):
    paid = (Offered(tender="cash", amount=amount),)
    wanted = TopUp(member=member, amount=amount, payments=paid)
    store.do(lambda tx, act: pay_topup(tx, act, wanted, till=TILL, key=act.new_id()))


def knows(store, member):
    return store.ask(
        lambda db: db.value("SELECT 1 FROM member WHERE id = :id", id=member) is not None
    )


def held(store, member):
    return store.ask(lambda db: balance(db, store.box.act(db), member))


def bring_here(store, member, amount):
    """Recognise a member whose value lies elsewhere, and wait until it is here."""
    until(lambda: knows(store, member))
    until(lambda: held(store, member).elsewhere >= amount)
    store.do(lambda tx, act: follow(tx, act, member=member, why=RECOGNISED))
    until(lambda: held(store, member).here >= amount)


def price_of(store, item):
    return store.ask(lambda db: db.value("SELECT price FROM item WHERE id = :id", id=item))


def edit_price(chain, item, content):
    with chain.office.books(chain.merchant) as books:
        books.door.write(
            lambda tx: publish(tx, books.act(tx), topic="item", key=item, content=content)
        )
        books.written()


@pytest.mark.feature("SYS-04")
def test_head_office_is_put_back_and_everybody_converges(chain):
    first, second = chain.store(), chain.store()
    guest = joined_member(first, "李慧敏", "13812342046")
    top_up(first, guest, 100_000)
    edit_price(chain, "x1", {"code": "901", "name": "艾灸", "price": 9_800})
    chain.rest(first, second)
    until(lambda: price_of(second, "x1") == 9_800)
    file = chain.back_up()
    assert file.endswith(".age")
    until(lambda: first.link().safe > 0)

    # The day goes on: grants, new members, a price, another store with value of its own.
    bring_here(second, guest, 100_000)
    walk_in = joined_member(second, "王丽", "13900000001")
    top_up(second, walk_in, 30_000)
    edit_price(chain, "x1", {"code": "901", "name": "艾灸", "price": 12_800})
    until(lambda: price_of(first, "x1") == price_of(second, "x1") == 12_800)
    third = chain.store()
    bring_here(third, walk_in, 30_000)
    chain.rest(first, second, third)
    before = chain.held(second)

    chain.burn_and_restore(file)
    stores = (first, second, third)
    until(lambda: all(store.link().cloud for store in stores))
    until(lambda: not chain.recovers(), why="it does not end")
    chain.assert_all_adds_up(*stores)
    assert chain.held(second) >= before
    assert price_of(first, "x1") == price_of(third, "x1") == 12_800
    stored = Counter({guest: 100_000, walk_in: 30_000})
    points = Counter({one: held(third, one).all_points for one in (guest, walk_in)})
    with chain.office.books(chain.merchant) as books:
        boxes = [store.box for store in stores]
        assert_every_place_agrees(boxes, books, stored, points)
        with books.door.read() as db:
            assert risk_bookings(db, limit=9) == []
    with chain.office.looked_into() as platform, platform.door.read() as db:
        assert incarnation_of(db) == 2
    # Life goes on: value follows, and another backup is safe.
    bring_here(first, walk_in, 30_000)
    chain.rest(*stores)
    chain.back_up()
    until(lambda: third.link().safe > 0)
    chain.assert_all_adds_up(*stores)


def test_what_only_head_office_knew_is_booked_and_the_till_says_why_nothing_comes(chain):
    first, second = chain.store(), chain.store()
    guest = joined_member(first, "李慧敏", "13812342046")
    top_up(first, guest, 20_000)
    chain.rest(first, second)
    file = chain.back_up()
    with chain.office.books(chain.merchant) as books:
        books.door.write(partial(credited, books=books, member=guest))
        books.written()
    bring_here(second, guest, 25_000)
    chain.rest(first, second)
    first.wire.cut()
    until(lambda: not first.link().cloud)

    chain.burn_and_restore(file)
    until(lambda: second.link().cloud)
    top_up(second, guest, 1_000)
    until(lambda: second.link().pending == 0)
    assert chain.recovers()
    first.wire.plug_in()
    until(lambda: first.link().cloud)
    until(lambda: not chain.recovers(), why="it does not end")
    chain.assert_all_adds_up(first, second)
    assert held(second, guest).here == 26_000
    with chain.office.books(chain.merchant) as books, books.door.read() as db:
        (booked,) = risk_bookings(db, limit=9)
        assert (booked["amount"], booked["reason"]) == (5_000, "restore")
        assert db.value("SELECT COUNT(*) FROM holding WHERE amount < 0") == 0


def credited(tx, *, books, member):
    act = books.act(tx)
    lot = act.new_id()
    body = Adjusted(member=member, lot=lot, asset="principal", amount=5_000, reason="补偿")
    legs = [Leg(Asset.PRINCIPAL, lot, 5_000)]
    act.append(tx, body, postings=issue(member, CLOUD, legs))


@pytest.mark.feature("SYS-09")
def test_a_box_put_back_from_an_old_backup_takes_up_its_own_tail_before_it_sells(chain):
    store = chain.store()
    guest = joined_member(store, "李慧敏", "13812342046")
    top_up(store, guest, 20_000)
    usb, folder = chain.folder / "usb", store.box.folder
    usb.mkdir()
    file = command("hub", folder, "admin", "backup", str(usb)).splitlines()[-1]
    top_up(store, guest, 5_000)
    chain.rest(store)
    events = store.ask(store.box.journal.head).seq
    store.close()
    folder.rename(chain.folder / "broken-card")

    card = chain.folder / "new-card"
    command("hub", card, "admin", "restore", file)
    again = Store(card, store.clock)
    chain.running.callback(again.close)
    assert again.ask(again.box.journal.head).seq < events
    with pytest.raises(Refused, match="taking_up"):
        top_up(again, guest, 100)
    again.send_over(store.wire)
    until(lambda: again.ask(again.box.journal.head).seq >= events)
    until(lambda: again.ask(fence) is None and again.link().cloud)
    assert held(again, guest).here == 25_000
    top_up(again, guest, 1_000)
    chain.assert_all_adds_up(again)
    assert held(again, guest).here == 26_000
    assert "forked" not in chain.alarms_of(again)

"""What strangers, forgers and clocks may do to the wire, from a box's disk to head office's."""

from __future__ import annotations

import shutil
import threading
from contextlib import ExitStack

import msgspec
import pytest
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv5
from paho.mqtt.enums import MQTTErrorCode

from cloud.feed import position
from core.clock import DAY_MS, ManualClock, SystemClock
from core.feed import publish
from core.feed import publish as edit_here
from core.journal import Body, Part, Posting, seal
from core.members import Application, Profile, register
from core.staff import active_staff
from core.till import Offered
from core.wire import Channel, pack, topic
from hub.app import CAPABILITIES, CORE_PARTS
from hub.box import open_box
from hub.checkout import pay_topup
from hub.sync import load_link, sealed_segments, tls_context
from hub.sync.gate import Gate
from hub.sync.link import save_link
from hub.till import open_till
from hub.wallet import RECOGNISED, TopUp, balance, follow
from tests.chain.adding_up import (
    assert_feeds_are_the_same,
    assert_journals_are_the_same,
    assert_tables_follow,
    assert_value_is_conserved,
    wait_until_at_rest,
)
from tests.chain.running import BROKER, HOST, Store, head_office, until, wired
from tests.started import MASSAGE, seed

pytestmark = pytest.mark.wide

TILL = "till-0"
REST_S = 60.0
ANSWER_S = 10.0
NOT_ALLOWED = 0x87
AWAY_DAYS = 30
IN_2070 = 3_155_760_000_000
ITEMS = 300
EDITS = 2 * ITEMS
"""More documents than a live batch carries, and no more than one fetch."""


class FromTheFuture(Body, frozen=True, kw_only=True, tag="spa.levitated"):
    member: str
    height: int


FUTURE = Part(name="spa", now={FromTheFuture: lambda _entry: ()})


class Chain:
    """Head office with one merchant, and stores that are opened when a test wants one."""

    def __init__(self, folder, running):
        self.folder, self.running = folder, running
        self.office = running.enter_context(head_office(folder / "office"))
        self.merchant = self.office.admin("merchant", "add", "清和")
        self.number = 0

    def store(self, *, at=None, opener=None):
        """Open a store at head office, join a box for it, and put both on the line."""
        self.number += 1
        folder = self.folder / f"store-{self.number}"
        if self.number == 1:
            seed(folder)
            self.office.take_in(self.merchant, folder, bring=True)
        else:
            words = ("--merchant", self.merchant, "--code", f"B{self.number}")
            branch = self.office.admin("store", "add", f"{self.number}店", *words)
            self.office.take_in(self.merchant, folder, store=branch, bring=False)
        wire = self.running.enter_context(wired(self.office))
        clock = ManualClock(at or SystemClock().read().at)
        store = Store(folder, clock, **({} if opener is None else {"opener": opener}))
        self.running.callback(store.close)
        store.send_over(wire)
        until(lambda: store.link().cloud)
        until(lambda: store.ask(active_staff))
        store.do(lambda tx, act: open_till(tx, act, till=TILL, float_cents=0, key=act.new_id()))
        self.rest(store)
        return store

    def rest(self, *stores):
        with self.office.books(self.merchant) as books:
            wait_until_at_rest([store.box for store in stores], books, REST_S)

    def held(self, store):
        """Return how many of a store's events head office has in the merchant's journal."""
        with self.office.books(self.merchant) as books, books.door.read() as db:
            return db.value("SELECT count(*) FROM journal WHERE origin = :own", own=store.id)

    def assert_all_adds_up(self, *stores):
        boxes = [store.box for store in stores]
        with self.office.books(self.merchant) as books:
            wait_until_at_rest(boxes, books, REST_S)
            assert_journals_are_the_same(boxes, books)
            assert_feeds_are_the_same(boxes, books)
            assert_value_is_conserved(books)
            assert books.findings() == []
        for store in stores:
            scratch = store.box.folder / f"again-{store.box.journal.ids.randomness(4).hex()}.db"
            assert_tables_follow(store.box, scratch)

    def alarms_of(self, store):
        with self.office.looked_into() as platform, platform.door.read() as db:
            rows = db.all("SELECT kind FROM alarm WHERE hub = :hub", hub=store.id)
        return [row["kind"] for row in rows]


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    with ExitStack() as running:
        yield Chain(tmp_path_factory.mktemp("faults"), running)


@pytest.fixture(scope="module")
def first(chain):
    return chain.store()


@pytest.fixture(scope="module")
def second(chain, first):
    return chain.store()


class Stranger:
    """Somebody at the broker with the papers of one box, who says what the test says."""

    def __init__(self, office, store, *, client_id=""):
        link = load_link(store.box.folder)
        self._answered = threading.Condition()
        self._reasons = {}
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5)
        client.tls_set_context(tls_context(store.box.folder, link))
        client.on_publish = self._published
        self.let_in = threading.Event()
        client.on_connect = lambda *_: self.let_in.set()
        client.connect(HOST, office.ports[BROKER], keepalive=30)
        client.loop_start()
        assert self.let_in.wait(ANSWER_S)
        self.client = client

    def say(self, store, payload):
        """Publish where a box sends its journal; return the broker's reason."""
        link = load_link(store.box.folder)
        name = topic(link.merchant, link.hub, Channel.UP_LOG)
        sent = self.client.publish(name, payload, qos=1)
        assert sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        with self._answered:
            assert self._answered.wait_for(lambda: sent.mid in self._reasons, ANSWER_S)
        return self._reasons[sent.mid]

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()

    def _published(self, _client, _data, mid, reason, _properties):
        with self._answered:
            self._reasons[mid] = reason.value
            self._answered.notify_all()


def member(store, name="李慧敏"):
    known = Application(profile=Profile(name=name))
    return store.do(lambda tx, act: register(tx, act, known))


def top_up(store, whose, amount=10_000):
    wanted = TopUp(
        member=whose, amount=amount, payments=(Offered(tender="cash", amount=amount),)
    )
    store.do(lambda tx, act: pay_topup(tx, act, wanted, till=TILL, key=act.new_id()))


def segments(store, after=0):
    """Return a store's sealed segments behind an event, as they travel."""
    box = store.box
    box.door.write(lambda tx: seal(tx, box.journal.identity, box.secrets.log_key.sign))
    with box.door.read() as db:
        found = sealed_segments(db, box.journal.identity, first=after + 1, limit=100)
        return [pack(segment) for segment in found]


def head(store):
    return store.ask(store.box.journal.head).seq


def test_a_replayed_segment_is_kept_once_and_moves_nothing_again(chain, first):
    top_up(first, member(first))
    chain.rest(first)
    held = chain.held(first)
    stranger = Stranger(chain.office, first)
    for raw in segments(first) * 2:
        stranger.say(first, raw)
    stranger.leave()
    top_up(first, member(first, "王芳"))
    chain.assert_all_adds_up(first)
    assert chain.held(first) > held
    assert chain.alarms_of(first) == []


def test_a_segment_with_one_byte_changed_is_dropped_with_an_alarm_and_the_true_one_counts(
    chain, second
):
    second.wire.cut()
    until(lambda: not second.link().cloud)
    before = head(second)
    top_up(second, member(second))
    assert chain.held(second) == before
    (raw,) = segments(second, before)
    stranger = Stranger(chain.office, second)
    for place in (60, 100, len(raw) // 2, len(raw) - 1):
        changed = bytearray(raw)
        changed[place] ^= 1
        stranger.say(second, bytes(changed))
    until(lambda: {"forged", "garbled"} & set(chain.alarms_of(second)))
    stranger.leave()
    assert chain.held(second) == before
    second.wire.plug_in()
    chain.assert_all_adds_up(second)
    assert chain.held(second) > before


def test_nobody_writes_under_another_boxs_name(chain, first, second):
    """Neither on its topics, nor with its client id, nor with its segments as one's own."""
    chain.rest(first, second)
    top_up(first, member(first))
    chain.rest(first, second)
    before = [chain.held(store) for store in (first, second)]
    stolen = segments(first)
    link = load_link(first.box.folder)
    stranger = Stranger(chain.office, second, client_id=f"{link.merchant}.{link.hub}")
    assert stranger.say(first, stolen[-1]) == NOT_ALLOWED
    stranger.say(second, stolen[-1])
    until(lambda: "forged" in chain.alarms_of(second))
    assert first.link().cloud, "a client id that is taken must throw nobody out"
    stranger.leave()
    assert [chain.held(store) for store in (first, second)] == before
    top_up(first, member(first))
    chain.assert_all_adds_up(first, second)


def test_a_box_with_another_boxs_certificate_reaches_nobody_until_it_has_its_own(chain):
    """As after a wrong backup: it says its own name under papers that name another."""
    robbed, muddled = chain.store(), chain.store()
    chain.rest(robbed, muddled)
    muddled.pause()
    own = muddled.box.folder
    kept = own / "kept"
    kept.mkdir()
    for name in ("link.json", "secrets/link.key"):
        shutil.copy2(own / name, kept)
    other = robbed.box.folder
    shutil.copy2(other / "secrets/link.key", own / "secrets/link.key")
    papers = load_link(other)
    muddle(own, certificate=papers.certificate)
    before = head(muddled)
    robbed.pause()
    muddled.resume()
    top_up(muddled, member(muddled))
    with pytest.raises(AssertionError):
        until(lambda: muddled.link().cloud, 3.0)
    assert chain.held(muddled) == before
    muddled.pause()
    shutil.copy2(kept / "link.json", own / "link.json")
    shutil.copy2(kept / "link.key", own / "secrets/link.key")
    robbed.resume()
    muddled.resume()
    top_up(robbed, member(robbed))
    chain.assert_all_adds_up(robbed, muddled)
    assert chain.held(muddled) > before


def muddle(folder, **fields):
    save_link(folder, msgspec.structs.replace(load_link(folder), **fields))


def open_newer_hub(folder, *, clock=None):
    """Open a box of a later version, which writes a kind that nobody here knows."""
    parts = (*CORE_PARTS, *(part for c in CAPABILITIES for part in c.parts), FUTURE)
    return open_box(folder, parts, clock=clock)


def test_a_box_from_the_future_is_taken_in_with_all_that_it_moves(chain, first):
    newer = chain.store(opener=open_newer_hub)
    guest = member(newer)
    top_up(newer, guest, 10_000)

    def levitate(tx, act):
        lot = tx.value(
            "SELECT lot FROM holding WHERE member = :member AND asset = 'principal'",
            member=guest,
        )
        act.append(
            tx,
            FromTheFuture(member=guest, height=3),
            postings=(
                Posting(f"member/{guest}/{newer.id}", "principal", lot, -4_000),
                Posting("revenue", "principal", lot, 4_000),
            ),
        )

    newer.do(levitate)
    top_up(newer, guest, 1_000)
    chain.assert_all_adds_up(newer, first)
    assert chain.alarms_of(newer) == ["newer"]
    with chain.office.books(chain.merchant) as books, books.door.read() as db:
        held = db.value(
            "SELECT SUM(amount) FROM holding WHERE member = :m AND asset = 'principal'", m=guest
        )
        assert held == 7_000
        assert db.all("SELECT * FROM quarantine") == []


def test_a_box_that_was_away_for_a_month_fetches_the_feed_once_and_sends_all(
    chain, first, monkeypatch
):
    away = chain.store()
    guests = [member(away, name) for name in "甲乙丙"]
    chain.rest(away, first)
    away.wire.cut()
    until(lambda: not away.link().cloud)
    begun = head(away)
    for day in range(AWAY_DAYS):
        away.clock.advance(DAY_MS)
        for guest in guests:
            top_up(away, guest, 1_000 + day)
    with chain.office.books(chain.merchant) as books:
        month = edit_prices(books)
    fetched = []
    fetch = Gate.fetch

    def counted(gate, after):
        if gate._url == away.wire.gate:
            fetched.append(after)
        fetch(gate, after)

    monkeypatch.setattr(Gate, "fetch", counted)
    waiting = away.link().pending
    assert waiting == head(away) - begun
    assert waiting >= AWAY_DAYS * len(guests)
    away.wire.plug_in()
    chain.assert_all_adds_up(away, first)
    # What follows from its own month comes behind that, as it does at any time.
    assert len([after for after in fetched if after < month]) == 1
    assert price(away, f"item-{ITEMS - 1}") == 10_000 + EDITS - 1


def edit_prices(books):
    """Edit many prices at head office; return the feed's position then."""

    def edit(tx):
        for number in range(EDITS):
            item = f"item-{number % ITEMS}"
            content = {"code": item, "name": item, "price": 10_000 + number}
            publish(tx, books.act(tx), topic="item", key=item, content=content)
        return position(tx)

    pos = books.door.write(edit)
    books.written()
    return pos


def price(store, item):
    return store.ask(lambda db: db.value("SELECT price FROM item WHERE id = :item", item=item))


def test_a_brand_new_box_has_all_that_head_office_has_and_value_follows_a_guest_to_it(
    chain, first
):
    guest = member(first)
    top_up(first, guest, 30_000)
    chain.rest(first)
    fresh = chain.store()
    chain.assert_all_adds_up(fresh, first)
    assert price(fresh, MASSAGE) == price(first, MASSAGE) > 0
    assert here(fresh, guest) == 0
    fresh.do(lambda tx, act: follow(tx, act, member=guest, why=RECOGNISED))
    until(lambda: here(fresh, guest) == 30_000)
    chain.assert_all_adds_up(fresh, first)


def here(store, whose):
    return store.ask(lambda db: balance(db, store.box.act(db), whose)).here


def test_a_box_in_2070_trades_is_told_of_and_does_not_have_the_last_word(chain, first):
    ahead = chain.store(at=IN_2070)
    top_up(ahead, member(ahead))
    known = {"code": "101", "name": "足疗", "price": 20_700}
    ahead.do(lambda tx, act: edit_here(tx, act, topic="item", key=MASSAGE, content=known))
    chain.rest(ahead, first)
    assert price(first, MASSAGE) == 20_700
    known = {"code": "101", "name": "足疗", "price": 12_900}
    first.do(lambda tx, act: edit_here(tx, act, topic="item", key=MASSAGE, content=known))
    chain.assert_all_adds_up(ahead, first)
    assert price(first, MASSAGE) == price(ahead, MASSAGE) == 12_900
    assert chain.alarms_of(ahead) == ["clock"]
    assert chain.alarms_of(first) == []

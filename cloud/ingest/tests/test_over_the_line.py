"""The program as it runs: a real broker, mutual TLS, and kills at any time."""

from __future__ import annotations

import pytest

from cloud.app import open_cloud
from cloud.broker import find_mosquitto
from cloud.epochs import close_epoch
from cloud.ingest.tests.programs import Box, Program, broker_on, eventually, free_port
from cloud.ingest.tests.stores import Store, kinds_in
from cloud.platform import parse_broker, set_places
from cloud.platform.tests.office import edit, merchant_in
from core.wire import GRANTED, Answer, Ask, Channel, FeedBatch, Fence, Greet, encode

TEA = {"code": "201", "name": "茉莉花茶", "price": 3_800}

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto here")


class Line:
    """Head office's programs, and the test's own hand on the same folder."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.platform = open_cloud(folder)
        broker = parse_broker(f"127.0.0.1:{self.port}")
        self.platform.door.write(
            lambda tx: set_places(tx, broker=broker, gate="https://127.0.0.1:1")
        )
        self.merchant = merchant_in(self.platform, stores=("s1", "s2"))
        self.broker = broker_on(folder, self.port)
        self.ingest = self.start_ingest()
        self.boxes = []
        self.stores = []

    def start_ingest(self):
        return Program(self.folder, "ingest", "--broker", f"127.0.0.1:{self.port}")

    def box(self, digit, store):
        made = Store(
            self.folder / "stores",
            self.platform,
            self.merchant,
            name=str(digit) * 16,
            store=store,
            seed=digit,
            at=self.platform.clock.read().at,
        )
        self.stores.append(made)
        box = Box(self.folder, made, self.port)
        self.boxes.append(box)
        return made, box

    def close(self):
        for box in self.boxes:
            box.leave()
        for program in (self.ingest, self.broker):
            program.kill()
        for store in self.stores:
            store.close()
        self.platform.close()


@pytest.fixture
def line(tmp_path):
    (tmp_path / "office").mkdir()
    opened = Line(tmp_path / "office")
    yield opened
    opened.close()


def test_a_sale_is_at_head_office_and_a_price_at_the_store_soon_after(line):
    store, box = line.box(1, "s1")
    assert box.welcome().acked == 0
    member = store.member()
    store.top_up(member, 10_000)
    for raw in store.segments():
        box.say(Channel.UP_LOG, raw)
    assert box.acked(2).acked == 2
    eventually(
        lambda: kinds_in(line.merchant, store.id) == ["member.registered", "wallet.opened"]
    )
    # What follows comes down again, signed; and then what head office edits.
    box.wait_for(lambda _c, s: isinstance(s, FeedBatch))
    edit(line.merchant, topic="item", key="i1", content=TEA)
    line.merchant.written()
    box.wait_for(
        lambda _c, s: isinstance(s, FeedBatch) and any(b"201" in bytes(d) for d in s.documents)
    )
    with line.platform.door.read() as db:
        row = db.one("SELECT online, last_seen_at FROM hub WHERE id = :h", h=store.id)
    assert row["online"] == 1
    assert row["last_seen_at"] > 0


def test_killed_ingest_asks_who_is_there_and_takes_in_what_was_not_acknowledged(line):
    store, box = line.box(1, "s1")
    box.welcome()
    store.member("一")
    (raw,) = store.segments()
    line.ingest.kill()
    box.say(Channel.UP_LOG, raw)
    line.ingest = line.start_ingest()
    box.wait_for(lambda _c, s: isinstance(s, Greet))
    assert box.welcome().acked == 0
    for again in store.segments():
        box.say(Channel.UP_LOG, again)
    box.acked(1)
    eventually(lambda: kinds_in(line.merchant, store.id) == ["member.registered"])


def test_a_broker_that_is_killed_and_wiped_loses_nothing(line):
    store, box = line.box(1, "s1")
    box.welcome()
    store.member("一")
    line.broker.kill()
    for raw in store.segments():
        box.say(Channel.UP_LOG, raw)
    line.broker = broker_on(line.folder, line.port)
    assert box.up.wait(20)
    assert box.welcome().acked in {0, 1}
    for raw in store.segments():
        box.say(Channel.UP_LOG, raw)
    box.acked(1)


def test_money_is_granted_over_the_line(line):
    (first, box_1), (second, box_2) = line.box(1, "s1"), line.box(2, "s2")
    member = first.member()
    first.top_up(member, 10_000)
    box_1.welcome()
    box_2.welcome()
    for raw in first.segments():
        box_1.say(Channel.UP_LOG, raw)
    box_1.acked(2)
    eventually(lambda: len(kinds_in(line.merchant, first.id)) == 2)
    box_2.say(Channel.UP_ASK, encode(Ask(id="q1", member=member)))
    first.take_down(box_1.wait_for(lambda c, _s: c is Channel.DOWN_LOG))
    for raw in first.segments(after=2):
        box_1.say(Channel.UP_LOG, raw)
    second.take_down(box_2.wait_for(lambda c, _s: c is Channel.DOWN_LOG))
    assert second.held(member) == 10_000
    answer = box_2.wait_for(lambda _c, s: isinstance(s, Answer) and s.state == GRANTED)
    assert answer.id == "q1"


def test_a_hub_that_is_revoked_hears_so_while_it_is_on_the_line(line):
    store, box = line.box(1, "s1")
    box.welcome()
    close_epoch(line.platform, store.id, reason="retired")
    assert box.wait_for(lambda _c, s: isinstance(s, Fence)).reason == "retired"


def test_it_ends_at_once_when_it_is_told_to(line):
    _store, box = line.box(1, "s1")
    box.welcome()
    assert line.ingest.stop() < 5
    assert line.ingest.process.returncode == 0
    # Also without a broker, between two tries to reach it.
    line.broker.kill()
    line.ingest = line.start_ingest()
    eventually(lambda: "no line" in line.ingest.said.read_text() or None)
    assert line.ingest.stop() < 5
    assert line.ingest.process.returncode == 0

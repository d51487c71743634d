from __future__ import annotations

import json
import secrets
import time
from dataclasses import replace

import msgspec
import pytest
from msgspec import structs

from core.enrolment import Broker
from core.wallet import MINT, Asset, holdings
from core.wire import (
    Ack,
    Ask,
    Channel,
    DownAck,
    Fence,
    Greet,
    Hello,
    Presence,
    Welcome,
    encode,
    origin_cursor,
    pack,
    sign_batch,
    unpack,
)
from hub.jobs import seal_journal
from hub.simulator.line import Line, LineState, Route
from hub.sync import link_state, load_link
from hub.sync.tests.office import MERCHANT, WAIT_S
from hub.wallet import newest_wish
from tests.torture.slow_line import SlowLine

LIVE_S = 1.0
"""What is promised. Alone on a machine it takes 40 ms, and busy ones run these tests too."""


def until(condition, timeout_s=WAIT_S):
    ends_at = time.monotonic() + timeout_s
    while time.monotonic() < ends_at:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


@pytest.fixture
def hub(followed):
    return followed.box.journal.identity.origin


def last_seq(shop):
    return shop.ask(lambda db: shop.box.journal.head(db).seq)


def all_arrived(online, shop):
    """Say whether head office holds exactly what this box wrote."""
    me = shop.box.journal.identity
    with shop.box.door.read() as db:
        rows = db.all("SELECT raw FROM journal WHERE origin = :me ORDER BY seq", me=me.origin)
    return online.hubs[me.origin].events == [row["raw"] for row in rows]


def state(shop):
    return shop.ask(lambda db: link_state(db, shop.box))


def principal(shop, member, hub):
    return sum(
        h.amount
        for h in shop.ask(lambda db: holdings(db, member, hub))
        if h.asset == Asset.PRINCIPAL
    )


def test_what_happened_before_and_after_joining_arrives_whole(online, followed, sending, hub):
    followed.member()
    sending()
    until(lambda: all_arrived(online, followed))
    followed.member(phone="13900000000")
    followed.box.written()
    until(lambda: all_arrived(online, followed))
    documents = online.hubs[hub].documents.values()
    assert any("李慧敏".encode() in content for content in documents)
    until(lambda: state(followed).cloud and state(followed).pending == 0)


def test_what_is_written_is_at_head_office_within_a_second(online, followed, sending, hub):
    sending()
    until(lambda: all_arrived(online, followed) and state(followed).cloud)
    took = []
    for number in range(10):
        time.sleep(0.1)
        before = len(online.hubs[hub].events)
        begun = time.monotonic()
        followed.member(phone=f"1390000000{number}")
        followed.box.written()
        until(lambda before=before: len(online.hubs[hub].events) > before)
        took.append(time.monotonic() - begun)
    # A busy machine may be late once; the rule is what a customer meets.
    assert sorted(took)[len(took) // 2] < LIVE_S, took


def test_head_office_hears_who_is_there_and_who_left(online, followed, sending):
    program = sending()
    online.wait_heard(Presence(state="on"))
    _, said = online.wait_heard(Hello)
    assert said.version == ""
    assert "wallet.granted" in said.kinds
    assert said.clock_at == followed.clock.at
    program.stop()
    online.wait_heard(Presence(state="off"))


def test_the_feed_comes_down_by_one_fetch_after_any_time_away(online, followed, sending):
    for day in range(30):
        for item in range(20):
            online.publish("category", f"c{item}", {"name": f"第 {day} 天"})
    sending()
    until(lambda: state(followed).feed_pos == 600)
    assert online.fetched == [0]
    names = followed.ask(
        lambda db: db.all("SELECT content FROM feed_document WHERE topic = 'category'")
    )
    assert sum("第 29 天" in row["content"].decode() for row in names) == 20


def test_a_long_feed_comes_in_several_fetches_and_each_document_once(online, followed, sending):
    online.batch_documents = 10
    for item in range(35):
        online.publish("category", f"c{item}", {"name": str(item)})
    sending()
    until(lambda: state(followed).feed_pos == 35)
    assert online.fetched == [0, 10, 20, 30]


def test_an_edit_at_head_office_is_here_at_once_and_a_missed_one_is_fetched(
    online, followed, sending, hub
):
    sending()
    until(lambda: state(followed).cloud)
    online.publish("category", "c1", {"name": "新"})
    online.send_batch(hub, 0)
    until(lambda: state(followed).feed_pos == 1, 2.0)
    assert online.fetched == []
    online.send_batch(hub, 0)  # The same again.
    online.publish("category", "c2", {"name": "丢"})  # This one is lost on the way.
    online.publish("category", "c3", {"name": "到"})
    online.send_batch(hub, 2)
    until(lambda: state(followed).feed_pos == 3)
    assert online.fetched == [1]


def test_a_feed_that_the_merchant_did_not_sign_is_not_taken(online, followed, sending, hub):
    sending()
    until(lambda: state(followed).cloud)
    online.publish("category", "c1", {"name": "假"})
    batch = json.loads(encode(online.batch(0)))
    batch["documents"][0]["content"]["name"] = "假的"
    online.say_raw(hub, Channel.DOWN_FEED, json.dumps(batch).encode())
    until(lambda: "forged" in (state(followed).trouble or ""), 3.0)
    assert state(followed).feed_pos == 0


def test_a_document_that_is_none_does_not_hold_up_the_feed(online, followed, sending, hub):
    sending()
    until(lambda: state(followed).cloud)
    online.publish("category", "c1", {"name": "好"})
    good = encode_document(online.feed[0])
    batch = sign_batch(MERCHANT, [b'{"topic":1}', good, b"7"], online.key.sign, after=0, pos=1)
    online.say(hub, batch)
    until(lambda: state(followed).feed_pos == 1)
    assert followed.ask(lambda db: db.value("SELECT pos FROM feed_document WHERE key = 'c1'"))


def encode_document(document):
    return msgspec.json.encode(document)


def test_value_comes_down_and_the_acceptance_goes_up(online, followed, sending, hub):
    member = followed.member()
    sending()
    until(lambda: all_arrived(online, followed))
    online.grant(hub, member, 50_000)
    begun = time.monotonic()
    online.send_down(hub)
    until(lambda: online.kinds(hub)[-1:] == ["wallet.accepted"])
    assert time.monotonic() - begun < 2.0
    assert principal(followed, member, hub) == 50_000
    _, ack = online.wait_heard(DownAck)
    while ack.acked < 1:
        _, ack = online.wait_heard(DownAck)
    assert followed.box.findings() == []


def test_what_came_down_while_away_comes_at_the_next_hello(online, followed, sending, hub):
    member = followed.member()
    for _ in range(5):
        online.grant(hub, member, 1_000)
    sending()
    until(lambda: online.kinds(hub).count("wallet.accepted") == 5)
    assert principal(followed, member, hub) == 5_000


def test_a_segment_that_comes_twice_or_out_of_order_counts_once(online, followed, sending, hub):
    member = followed.member()
    sending()
    until(lambda: state(followed).cloud)
    for _ in range(3):
        online.grant(hub, member, 1_000)
    one, two, three = map(pack, online.down_segments(hub))
    for raw in (three, one, one, two, three, two, three, one):
        online.say_raw(hub, Channel.DOWN_LOG, raw)
    until(lambda: principal(followed, member, hub) == 3_000)
    until(lambda: online.kinds(hub).count("wallet.accepted") == 3)
    time.sleep(0.3)
    assert online.kinds(hub).count("wallet.accepted") == 3


def test_a_changed_byte_on_the_way_down_is_dropped_and_told(online, followed, sending, hub):
    member = followed.member()
    sending()
    until(lambda: state(followed).cloud)
    online.grant(hub, member, 1_000)
    (segment,) = online.down_segments(hub)
    raw = segment.events[0].replace(b"1000", b"9000")
    forged = replace(segment, events=(raw,))
    online.say_raw(hub, Channel.DOWN_LOG, pack(forged))
    until(lambda: "forged" in (state(followed).trouble or ""))
    assert principal(followed, member, hub) == 0
    online.send_down(hub)
    until(lambda: principal(followed, member, hub) == 1_000)


NONSENSE = (b"", b"\0" * 100, b"H1" + b"\xff" * 200, b"{", b"[" * 5_000, b'{"kind":"nova"}')


def test_nonsense_from_the_network_ends_nothing(online, followed, sending, hub):
    program = sending()
    until(lambda: state(followed).cloud)
    downward = [c for c in Channel if c.value.startswith("dn/")]
    for channel in downward:
        for payload in NONSENSE:
            online.say_raw(hub, channel, payload)
    followed.member()
    followed.box.written()
    until(lambda: all_arrived(online, followed))
    assert program.thread.is_alive()
    until(lambda: program.sending._bad >= len(downward) * len(NONSENSE))
    assert program.thread.is_alive()


def wish_heard(online, timeout_s):
    """Wait for a wish about a member; a box asks for its right to mint by itself."""
    while True:
        _, asked = online.wait_heard(Ask, timeout_s)
        if asked.member != MINT:
            return asked


def test_a_cashier_never_waits_and_the_wish_goes_out_and_is_answered(
    online, followed, sending, hub
):
    member = followed.member()
    sending()
    until(lambda: state(followed).cloud)
    followed.box.door.write(
        lambda tx: tx.run(
            """INSERT INTO follow_request (id, member, asked_at, state, why)
               VALUES ('wish-1', :member, :at, 'asked', 'ticket')""",
            member=member,
            at=followed.clock.at,
        )
    )
    followed.box.written()
    asked = wish_heard(online, 2.0)
    assert (asked.id, asked.member, asked.why) == ("wish-1", member, "ticket")
    until(lambda: followed.ask(lambda db: newest_wish(db, member)["state"]) == "granted", 2.0)


def test_a_wish_of_somebody_who_left_is_not_sent_after_a_minute(online, followed, sending, hub):
    member = followed.member()
    followed.box.door.write(
        lambda tx: tx.run(
            """INSERT INTO follow_request (id, member, asked_at, state, why)
               VALUES ('wish-1', :member, :at, 'asked', 'ticket')""",
            member=member,
            at=followed.clock.at - 60_000,
        )
    )
    sending()
    until(lambda: state(followed).cloud)
    with pytest.raises(AssertionError, match="not said"):
        wish_heard(online, 1.0)


def test_head_office_that_has_restarted_greets_and_is_told_where_the_hub_stands(
    online, followed, sending, hub
):
    sending()
    online.wait_heard(Hello)
    until(lambda: state(followed).cloud)
    online.say(hub, Greet())
    online.wait_heard(Hello, 2.0)


def test_a_head_office_that_lost_some_is_sent_it_again_byte_for_byte(
    online, followed, sending, hub
):
    sending()
    until(lambda: all_arrived(online, followed))
    known = online.hubs[hub]
    before = [raw for raw in known.raws if unpack(raw).first == 1][-1]
    known.raws.clear()
    # It comes back from an old backup, in which there is nothing of this hub.
    known.events.clear()
    known.cursor = origin_cursor(known.birth)
    online.say(hub, Greet())
    until(lambda: all_arrived(online, followed))
    assert known.raws[0] == before


def test_a_fence_ends_the_sending_and_is_shown(online, followed, sending, hub):
    sending()
    until(lambda: state(followed).cloud)
    online.deaf = True
    online.say(hub, Fence(epoch=2, reason="closed"))
    until(lambda: state(followed).trouble.startswith("fenced"))
    assert not state(followed).cloud


def test_a_head_office_that_holds_another_history_is_not_written_to(
    online, followed, sending, hub
):
    sending()
    until(lambda: all_arrived(online, followed) and state(followed).cloud)
    acked = last_seq(followed)
    online.deaf = True
    other = {"epoch": 1, "acked": acked, "head": b"\0" * 32, "credits": 8}
    online.say(hub, Ack(**other))
    # It is shown the event that differs, and will not see it.
    online.say(hub, Welcome(**other, down_len=0, feed_pos=0, time=online.time))
    until(lambda: state(followed).trouble.startswith("fenced"))


def test_a_hub_whose_clock_stands_in_2070_sends_and_takes_all_the_same(
    online, followed, sending, hub
):
    followed.clock.at = 3_155_760_000_000
    member = followed.member()
    sending()
    until(lambda: all_arrived(online, followed))
    online.grant(hub, member, 1_000)
    online.send_down(hub)
    until(lambda: principal(followed, member, hub) == 1_000)
    until(lambda: state(followed).cloud)
    assert state(followed).skew_ms > 40 * 365 * 86_400_000


@pytest.fixture
def wire(broker):
    with Line((Route(port=0, to=broker.port),)) as line:
        yield line


def test_a_line_that_is_pulled_and_plugged_back_loses_and_doubles_nothing(
    online, followed, sending, hub, wire
):
    sending(broker=Broker(host="127.0.0.1", port=wire.ports[0]))
    until(lambda: all_arrived(online, followed))
    for turn in range(3):
        wire.switch(LineState.CUT)
        until(lambda: not state(followed).cloud)
        for number in range(5):
            followed.member(phone=f"1390000{turn}{number:03}")
            followed.box.written()
        assert state(followed).pending >= 5
        wire.switch(LineState.UP)
        until(lambda: all_arrived(online, followed))
    until(lambda: state(followed).cloud and state(followed).pending == 0)


def test_a_line_that_fell_silent_is_noticed_and_left(
    online, followed, sending, hub, wire, monkeypatch
):
    monkeypatch.setattr("hub.sync.line.DELIVERY_TIMEOUT_S", 1.0)
    sending(broker=Broker(host="127.0.0.1", port=wire.ports[0]))
    until(lambda: all_arrived(online, followed) and state(followed).cloud)
    wire.switch(LineState.SILENT)
    followed.member()
    followed.box.written()
    until(lambda: not state(followed).cloud, 6.0)
    wire.switch(LineState.UP)
    until(lambda: all_arrived(online, followed))


def test_a_line_so_slow_that_receipts_take_long_is_kept_while_they_come(
    online, followed, broker, sending, hub, monkeypatch
):
    monkeypatch.setattr("hub.sync.line.DELIVERY_TIMEOUT_S", 1.5)
    for number in range(40):
        followed.member(phone=f"1390000{number:04}", note=secrets.token_hex(400))
        if number % 8 == 0:
            seal_journal(followed.box)
    with SlowLine((broker.port,), bits_a_second=16_000, round_trip_s=0.1) as slow:
        began = time.monotonic()
        sending(broker=Broker(host="127.0.0.1", port=slow.ports[0]))
        until(lambda: all_arrived(online, followed), 3 * WAIT_S)
        until(lambda: state(followed).pending == 0)
        assert time.monotonic() - began > 3
    said = [online.heard.get_nowait()[2] for _ in range(online.heard.qsize())]
    assert sum(isinstance(one, Hello) for one in said) == 1


def test_a_head_office_away_leaves_the_store_alone(online, followed, sending, hub):
    online.deaf = True
    sending()
    online_since = time.monotonic()
    followed.open_shift()
    followed.sale()
    followed.box.written()
    assert time.monotonic() - online_since < 2.0
    time.sleep(0.5)
    assert state(followed).pending == last_seq(followed)
    assert not state(followed).cloud
    online.deaf = False
    online.say(hub, Greet())
    until(lambda: all_arrived(online, followed))


def test_the_program_ends_when_it_is_told(online, followed, sending):
    program = sending()
    until(lambda: state(followed).cloud)
    program.stop()
    assert not state(followed).cloud


def test_what_was_known_to_be_held_is_remembered_while_the_line_is_down(
    online, followed, sending
):
    program = sending()
    until(lambda: all_arrived(online, followed))
    until(lambda: state(followed).pending == 0)
    program.stop()
    followed.member()
    assert state(followed).pending == 1


def test_a_certificate_is_renewed_in_time_and_serves_the_next_connection(
    online, followed, sending, hub, wire
):
    before = load_link(followed.box.folder)
    sending(broker=Broker(host="127.0.0.1", port=wire.ports[0]))
    until(lambda: load_link(followed.box.folder).certificate != before.certificate)
    after = load_link(followed.box.folder)
    assert replace_certificate(after, before) == before
    wire.switch(LineState.CUT)
    until(lambda: not state(followed).cloud)
    wire.switch(LineState.UP)
    until(lambda: state(followed).cloud)


def replace_certificate(link, other):
    return structs.replace(link, certificate=other.certificate)


def test_a_certificate_for_another_key_is_not_taken(online, followed, sending):
    before = load_link(followed.box.folder)
    online.renewed = lambda _name, _csr: (
        200,
        encode_renewal(online.authority.file.read_text()),
    )
    sending()
    until(lambda: online.renewals)
    time.sleep(0.5)
    assert load_link(followed.box.folder) == before
    assert state(followed).cloud


def encode_renewal(pem):
    return json.dumps({"certificate": pem, "ca": pem}).encode()

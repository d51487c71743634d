"""What comes in is kept raw with its cursor, and only then acknowledged."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from cloud.epochs import branches_of, close_epoch
from cloud.ingest.tests.stores import forged, kinds_in
from cloud.platform.tests.office import Hub
from core.journal import Identity, birth_head, signed_bytes
from core.journal.append import Head
from core.wire import Ack, Channel, Fence, Welcome, pack, unpack


def acks(desk, store):
    return [said.acked for _channel, said in desk.heard_by(store) if isinstance(said, Ack)]


def kept(platform, branches=False):
    with platform.door.read() as db:
        return [
            (r["origin"], r["first_seq"], r["last_seq"])
            for r in db.all("SELECT * FROM segment ORDER BY origin, first_seq")
            if len(r["origin"]) == 16 or (branches and "~" in r["origin"])
        ]


def test_a_segment_is_acknowledged_after_it_is_kept_byte_for_byte(
    platform, merchant, desk, first
):
    first.member()
    desk.greet(first)
    (raw,) = first.segments()
    desk.hear(first, Channel.UP_LOG, raw)
    assert acks(desk, first) == [1]
    with platform.door.read() as db:
        assert db.value("SELECT raw FROM segment WHERE origin = :o", o=first.id) == raw
    desk.work()
    assert kinds_in(merchant, first.id) == ["member.registered"]
    assert merchant.findings() == []


def test_a_hub_is_welcomed_with_where_head_office_stands(desk, first):
    first.member()
    desk.greet(first)
    (welcome,) = [s for _c, s in desk.heard_by(first) if isinstance(s, Welcome)]
    assert (welcome.epoch, welcome.acked, welcome.down_len) == (1, 0, 0)
    assert welcome.feed_pos == 2


def test_the_same_segment_again_changes_nothing_and_is_acknowledged_again(
    platform, merchant, desk, first
):
    first.member()
    desk.greet(first)
    (raw,) = first.segments()
    for _ in range(3):
        desk.hear(first, Channel.UP_LOG, raw)
    desk.work()
    assert acks(desk, first) == [1, 1, 1]
    assert kept(platform) == [(first.id, 1, 1)]
    assert kinds_in(merchant, first.id) == ["member.registered"]


def test_a_gap_is_answered_by_how_far_head_office_is(platform, desk, first):
    desk.greet(first)
    first.member("一")
    first.segments()
    first.member("二")
    one, two = first.segments()
    desk.hear(first, Channel.UP_LOG, two)
    assert acks(desk, first) == [0]
    desk.hear(first, Channel.UP_LOG, one)
    desk.hear(first, Channel.UP_LOG, two)
    assert acks(desk, first) == [1, 2]
    assert kept(platform) == [(first.id, 1, 1), (first.id, 2, 2)]


def test_a_segment_that_overlaps_what_is_kept_gives_only_its_new_events(
    platform, merchant, desk, first
):
    desk.greet(first)
    first.member("一")
    (one,) = first.segments()
    desk.hear(first, Channel.UP_LOG, one)
    first.member("二")
    # The box has lost its seals and cuts the same events anew.
    first.door.write(lambda tx: tx.run("DELETE FROM segment"))
    (both,) = first.segments()
    assert unpack(both).first == 1
    desk.hear(first, Channel.UP_LOG, both)
    desk.work()
    assert acks(desk, first) == [1, 2]
    assert kept(platform) == [(first.id, 1, 1), (first.id, 2, 2)]
    assert kinds_in(merchant, first.id) == ["member.registered"] * 2
    assert merchant.findings() == []


def test_one_changed_byte_is_dropped_with_an_alarm_and_not_acknowledged(platform, desk, first):
    first.member()
    desk.greet(first)
    (raw,) = first.segments()
    changed = forged(first, raw, lambda e: e.replace(b'"store":"s1"', b'"store":"s2"'))
    desk.heard_by(first)
    desk.hear(first, Channel.UP_LOG, changed)
    assert acks(desk, first) == []
    assert kept(platform) == []
    assert [kind for kind, _ in desk.alarms()] == ["forged"]


def test_bytes_that_are_no_segment_are_an_alarm_and_nothing_else(platform, desk, first):
    desk.greet(first)
    for rubbish in (b"", b"H1", bytes(200), first.id.encode() * 20):
        desk.hear(first, Channel.UP_LOG, rubbish)
    assert kept(platform) == []
    assert [kind for kind, _ in desk.alarms()] == ["garbled"]


def other_branch(store, raw):
    """Return a segment with the same numbers and another event, truly signed."""
    segment = unpack(raw)
    events = tuple(e.replace(b'"actor":"w1"', b'"actor":"w2"') for e in segment.events)
    assert events != segment.events
    changed = replace(segment, events=events, documents=())
    head = changed.heads(birth_head(store.identity.birth))[-1]
    covered = signed_bytes(
        store.identity, first=segment.first, last=segment.last, boot=1, head=head
    )
    return pack(replace(changed, signature=store.key.sign(covered)))


def test_two_histories_under_one_name_are_both_kept_and_the_hub_is_fenced(
    platform, desk, first
):
    first.member()
    desk.greet(first)
    (raw,) = first.segments()
    desk.hear(first, Channel.UP_LOG, raw)
    desk.heard_by(first)
    desk.hear(first, Channel.UP_LOG, other_branch(first, raw))
    said = [s for _c, s in desk.heard_by(first)]
    assert [type(s) for s in said] == [Fence]
    assert said[0].reason == "forked"
    with platform.door.read() as db:
        (branch,) = branches_of(db, first.id)
        assert (branch.trunk, branch.after_seq, branch.seq) == (first.id, 0, 1)
    assert kept(platform) == [(first.id, 1, 1)]
    assert kept(platform, branches=True)[1:] == [(branch.origin, 1, 1)]
    assert [kind for kind, _ in desk.alarms()] == ["forked"]
    with platform.door.read() as db:
        assert db.value("SELECT closed_at FROM epoch WHERE hub = :h", h=first.id)
    # Neither history goes on before somebody has looked, also after a restart.
    first.member("三")
    again = type(desk)(platform)
    again.hear(first, Channel.UP_LOG, first.segments()[-1])
    assert any(isinstance(s, Fence) for _c, s in again.heard_by(first))
    assert kept(platform) == [(first.id, 1, 1)]
    assert kept(platform, branches=True)[1:] == [(branch.origin, 1, 1)]


def test_another_epoch_is_fenced_and_not_kept(platform, desk, first):
    first.member()
    (raw,) = first.segments()
    desk.greet(first)
    desk.heard_by(first)
    elder = pack(replace(unpack(raw), epoch=2))
    desk.hear(first, Channel.UP_LOG, elder)
    assert [type(s) for _c, s in desk.heard_by(first)] == [Fence]
    assert kept(platform) == []
    assert [kind for kind, _ in desk.alarms()] == ["other_epoch"]


def test_a_segment_on_another_hubs_topic_is_not_taken_for_that_hubs(
    platform, desk, first, second
):
    first.member()
    desk.greet(second)
    (raw,) = first.segments()
    desk.hear(second, Channel.UP_LOG, raw)
    assert kept(platform) == []
    assert [kind for kind, _ in desk.alarms()] == ["forged"]


def test_a_hub_under_another_merchants_name_is_nobody(platform, desk, first):
    first.member()
    (raw,) = first.segments()
    name = first.topic(Channel.UP_LOG).replace(first.merchant, "zzzzzzzz")
    desk.exchange.take([(name, raw)], desk.now)
    assert desk.said == []
    assert kept(platform) == []
    assert [kind for kind, _ in desk.alarms()] == ["foreign_topic"]


def test_a_hub_that_nobody_joined_is_nobody(platform, merchant, desk, first):
    first.id = "9" * 16
    desk.hear(first, Channel.UP_LOG, first.segments()[0] if first.segments() else b"x")
    assert desk.said == []
    assert desk.alarms() == []


def test_a_revoked_hub_is_fenced_at_once_and_nothing_of_it_is_kept(platform, desk, first):
    desk.greet(first)
    first.member()
    close_epoch(platform, first.id, reason="retired")
    desk.heard_by(first)
    desk.exchange.look_again(desk.now)
    assert [type(s) for _c, s in desk.heard_by(first)] == [Fence]
    for raw in first.segments():
        desk.hear(first, Channel.UP_LOG, raw)
    assert kept(platform) == []
    assert "revoked" in [kind for kind, _ in desk.alarms()]


def test_a_full_disk_acknowledges_nothing_and_goes_on_once_there_is_room(platform, desk, first):
    first.member()
    desk.greet(first)
    (raw,) = first.segments()
    with platform.door.read() as db:
        pages = db.value("SELECT page_count FROM pragma_page_count")
    platform.door._writing.execute(f"PRAGMA max_page_count = {pages}")
    big = [first.member(f"会员{n}") for n in range(60)]
    assert big
    desk.heard_by(first)
    for one in [raw, *first.segments(after=1)]:
        desk.hear(first, Channel.UP_LOG, one)
    after = acks(desk, first)
    assert after[-1] < 61
    platform.door._writing.execute("PRAGMA max_page_count = 1000000")
    desk.now += 60_000
    for one in first.segments():
        desk.hear(first, Channel.UP_LOG, one)
    assert acks(desk, first)[-1] == 61


def test_many_hubs_segments_are_kept_in_one_transaction(platform, desk, first, second):
    messages = []
    for store in (first, second):
        desk.greet(store)
        store.member()
        messages += [(store.topic(Channel.UP_LOG), raw) for raw in store.segments()]
    desk.said.clear()
    written = []
    write = platform.door.write

    def counted(verb):
        written.append(verb)
        return write(verb)

    object.__setattr__(platform.door, "write", counted)
    desk.exchange.take(messages, desk.now)
    assert len(written) == 1
    assert acks(desk, first) == acks(desk, second) == [1]


def test_a_fresh_start_knows_where_every_stream_stands(platform, desk, first):
    first.member()
    desk.greet(first)
    desk.hear(first, Channel.UP_LOG, first.segments()[0])
    again = type(desk)(platform)
    again.greet(first)
    (welcome,) = [s for _c, s in again.heard_by(first) if isinstance(s, Welcome)]
    with first.door.read() as db:
        head: Head = first.journal.head(db)
    assert (welcome.acked, welcome.head) == (1, head.head)


def test_what_pages_show_of_a_hub_is_written_down(platform, desk, first):
    first.member()
    desk.greet(first, version="9.9", free_bytes=5)
    with platform.door.read() as db:
        row = dict(db.one("SELECT * FROM hub WHERE id = :h", h=first.id))
    assert (row["online"], row["version"], row["reported_seq"]) == (1, "9.9", 1)
    assert row["last_seen_at"] == platform.clock.at
    assert row["free_bytes"] == 5
    desk.exchange.line_down(desk.now)
    with platform.door.read() as db:
        assert db.value("SELECT online FROM hub WHERE id = :h", h=first.id) == 0


def test_a_clock_in_2070_is_an_alarm_and_everything_flows(platform, merchant, desk, first):
    first.clock.advance(44 * 365 * 86_400_000)
    first.member()
    desk.sync(first, rounds=2)
    assert kinds_in(merchant, first.id) == ["member.registered"]
    with merchant.door.read() as db:
        at = db.value("SELECT at FROM journal WHERE origin = :o", o=first.id)
    assert at == first.clock.at
    with platform.door.read() as db:
        seen = db.value("SELECT last_seen_at FROM hub WHERE id = :h", h=first.id)
    assert seen == platform.clock.at
    assert ("clock", "16060 days ahead") in desk.alarms()


def test_a_clock_that_is_four_minutes_off_is_no_alarm(desk, first):
    first.clock.advance(4 * 60_000)
    desk.greet(first)
    assert desk.alarms() == []


def test_a_stolen_birth_certificate_without_its_key_keeps_nothing(platform, desk, first):
    first.member()
    (raw,) = first.segments()
    thief = Hub(first.id, seed=99)
    segment = unpack(raw)
    head = segment.heads(birth_head(first.identity.birth))[-1]
    identity = Identity(origin=first.id, epoch=1, birth=first.identity.birth, boot=1)
    covered = signed_bytes(identity, first=1, last=1, boot=1, head=head)
    stolen = replace(segment, signature=thief.log_key.sign(covered))
    desk.greet(first)
    desk.hear(first, Channel.UP_LOG, pack(stolen))
    assert kept(platform) == []
    assert msgspec.json.decode(first.identity.birth)["hub"] == first.id


def test_whatever_keeps_a_segment_from_being_kept_it_is_taken_when_it_comes_again(
    platform, desk, first
):
    first.member()
    desk.greet(first)
    (raw,) = first.segments()
    platform.door.write(
        lambda tx: tx.run(
            "CREATE TRIGGER stuck BEFORE INSERT ON segment"
            " BEGIN SELECT RAISE(ABORT, 'not now'); END"
        )
    )
    desk.heard_by(first)
    desk.hear(first, Channel.UP_LOG, raw)
    assert acks(desk, first) == [0]
    platform.door.write(lambda tx: tx.run("DROP TRIGGER stuck"))
    desk.hear(first, Channel.UP_LOG, raw)
    assert acks(desk, first) == [1]
    assert kept(platform) == [(first.id, 1, 1)]


def test_what_is_only_for_pages_waits_where_nothing_can_be_written(platform, desk, first):
    desk.greet(first)
    first.member()
    platform.door._writing.execute("PRAGMA query_only = ON")
    # It comes back, whatever is due; before, it tried for as long as the disk was full.
    desk.greet(first, version="0.2")
    desk.exchange.tick(desk.now + 60_000)
    platform.door._writing.execute("PRAGMA query_only = OFF")
    desk.exchange.tick(desk.now + 120_000)
    with platform.door.read() as db:
        assert db.value("SELECT version FROM hub") == "0.2"
    for raw in first.segments():
        desk.hear(first, Channel.UP_LOG, raw)
    assert acks(desk, first)[-1] == 1

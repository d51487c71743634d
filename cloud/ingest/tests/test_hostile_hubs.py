"""A box that was taken over: it has its key and its certificate, and writes what it likes."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from cloud.epochs import LateTaken, PlaceEmptied
from cloud.ingest import differences
from cloud.ingest.books import handle
from cloud.ingest.sources import sources_of
from cloud.ingest.tests.stores import Store
from cloud.ingest.tests.test_unpacking import aside, edited, held, rows, send
from cloud.ingest.unpacking import take_segment
from core.feed import FeedPublished
from core.journal import Document, Journal, Parts, Posting, digest
from core.members import MemberMerged, MemberUnmerged
from core.members.events import MemberRegistered
from core.till.events import PeriodClosed, PeriodOpened
from core.wallet import Adjusted, Released
from core.wire import Ask, Channel, Laid, encode, unpack


@pytest.fixture
def sent(merchant, desk, first, second):
    """100 yuan on the way to the second store; (member, transfer, lot)."""
    member = first.member()
    first.top_up(member, 10_000)
    desk.sync(first, second)
    desk.exchange.told(
        handle(desk.platform, merchant, [(second.id, Ask(id="q", member=member))]), desk.now
    )
    desk.sync(first, rounds=3)
    ((transfer, lot),) = rows(merchant, "SELECT transfer, lot FROM transit WHERE amount > 0")
    return member, transfer, lot


def everything(merchant, member):
    way = rows(merchant, "SELECT SUM(amount) FROM transit WHERE member = :m", m=member)
    return sum(held(merchant, member).values()) + (way[0][0] or 0)


@pytest.mark.parametrize("penny", [0, 1])
def test_a_hub_cannot_release_what_is_on_its_way_to_another(
    platform, merchant, desk, first, second, sent, penny
):
    member, transfer, _lot = sent
    first.top_up(member, 100)
    ((own,),) = _rows_of(first, "SELECT lot FROM holding WHERE amount = 100")
    legs = (("principal", own, penny),) if penny else ()
    first.append(
        Released(transfer=transfer, member=member, legs=legs),
        postings=(
            Posting(f"member/{member}/{first.id}", "principal", own, -penny),
            Posting(f"transit/{member}/{transfer}", "principal", own, penny),
        )
        if penny
        else (),
    )
    desk.sync(first)
    desk.sync(second)
    assert second.held(member) == 10_000
    assert held(merchant, member) == {first.id: 100, second.id: 10_000, "cloud": 0}
    assert everything(merchant, member) == 10_100
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"]
    assert differences(platform, merchant) == []


def _rows_of(store, sql):
    with store.door.read() as db:
        return [tuple(row) for row in db.all(sql)]


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:-1] + b',"zz":' + DEEP + b"}",
        lambda raw: raw.replace(b'"body":{', b'"body":{"zz":' + DEEP + b","),
        edited(at=2**63),
        edited(at=10**30),
        edited(at=-(2**63) - 1),
        edited(boot=10**30),
        edited(date="x" * 10_000),
        edited(
            postings=[
                ["mint/1111111111111111", "principal", "x", -(10**30)],
                ["member/m/1111111111111111", "principal", "x", 10**30],
            ]
        ),
    ],
)
def test_no_event_ends_the_keeping_of_books(platform, merchant, desk, first, change):
    first.member("一")
    first.append(Adjusted(member="m", lot="x", asset="principal", amount=0, reason="y"))
    send(first, desk, change)
    assert rows(merchant, "SELECT COUNT(*) FROM journal WHERE origin = :o", o=first.id) == [
        (2,)
    ]
    assert rows(merchant, "SELECT id FROM member WHERE name = '一'") != []
    assert held(merchant, "m") == {}
    assert len(aside(merchant)) == len(desk.alarms())
    assert differences(platform, merchant) == []


@pytest.mark.parametrize(
    "content", [b'{"name":"\xff"}', b"1e999", b'{"name":' + b"9" * 5000 + b"}"]
)
def test_no_document_ends_the_keeping_of_books(platform, merchant, desk, first, content):
    first.append(MemberRegistered(member="m", standing="member", number="1"))
    (raw,) = first.segments()
    (event,) = unpack(raw).events
    salt = b"s" * 16

    def change(raw):
        read = msgspec.json.decode(raw)
        return msgspec.json.encode(read | {"documents": {"profile": digest(salt, content)}})

    laid = Laid(
        event=msgspec.json.decode(event)["id"], name="profile", salt=salt, content=content
    )
    send(first, desk, change, beside=(laid,))
    assert rows(merchant, "SELECT COUNT(*) FROM journal WHERE origin = :o", o=first.id) == [
        (1,)
    ]


def test_what_a_second_clerk_takes_in_once_more_leaves_every_seal(
    platform, merchant, desk, first
):
    """Two programs may read the same slice before either has written it."""
    for name in ("一", "二", "三"):
        first.member(name)
        first.seal()
    desk.greet(first)
    for raw in first.segments():
        desk.hear(first, Channel.UP_LOG, raw)
    with platform.door.read() as db:
        (source,) = sources_of(db, merchant.id)
    read = [unpack(raw) for raw in first.segments()]
    desk.work()
    for segment in read:
        done = merchant.door.write(
            lambda tx, one=segment: take_segment(
                tx, merchant.parts, source, one, lambda *_: pytest.fail("once more")
            )
        )
        assert done.events == 0
    assert len(rows(merchant, "SELECT 1 FROM segment WHERE origin = :o", o=first.id)) == 3
    assert merchant.findings() == []


def test_two_boxes_in_one_store_both_close_their_tills(
    tmp_path, platform, merchant, desk, first
):
    """A box that is lost is followed by a new one, which counts its reports from 1 again."""
    third = Store(tmp_path, platform, merchant, name="3" * 16, store="s1", seed=13)
    for box in (first, third):
        box.append(PeriodOpened(period=f"p{box.id[0]}", till="t1", float_cents=0))
        box.append(PeriodOpened(period=f"q{box.id[0]}", till="t2", float_cents=0))
        box.append(
            PeriodClosed(
                period=f"p{box.id[0]}",
                till="t1",
                z_number=1,
                float_cents=0,
                counted=0,
                expected=0,
                difference_note="",
                totals=(),
            )
        )
    desk.sync(first, third)
    assert aside(merchant) == []
    assert rows(merchant, "SELECT state, COUNT(*) FROM till_period GROUP BY state") == [
        ("closed", 2),
        ("open", 2),
    ]
    assert differences(platform, merchant) == []
    third.close()


HUGE = 10**30


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (Channel.UP_CONTROL, {"boot": HUGE}),
        (Channel.UP_CONTROL, {"boot": -HUGE}),
        (Channel.UP_CONTROL, {"n": HUGE}),
        (Channel.UP_CONTROL, {"n": -1}),
        (Channel.UP_CONTROL, {"down_n": HUGE}),
        (Channel.UP_CONTROL, {"feed_pos": HUGE}),
        (Channel.UP_CONTROL, {"clock_at": HUGE}),
        (Channel.UP_CONTROL, {"clock_at": -HUGE}),
        (Channel.UP_CONTROL, {"free_bytes": HUGE}),
        (Channel.UP_CONTROL, {"epoch": HUGE}),
        (Channel.UP_CONTROL, {"kind": "down_ack", "acked": 0, "feed_pos": HUGE}),
        (Channel.UP_CONTROL, {"kind": "down_ack", "acked": -HUGE}),
        (Channel.UP_ASK, {"kind": "ask", "id": "q", "want": HUGE}),
    ],
)
def test_no_message_of_one_hub_holds_up_another(
    platform, merchant, desk, first, second, channel, words
):
    member = first.member("一")
    first.top_up(member, 10_000)
    desk.sync(first, second)
    said = msgspec.json.decode(encode(first.hello())) | {"member": member} | words
    theirs = msgspec.json.encode(said)
    second.member("二")
    ours = [(second.topic(Channel.UP_LOG), raw) for raw in second.segments()]
    desk.exchange.take([(first.topic(channel), theirs), *ours], desk.now)
    desk.work()
    desk.exchange.tick(desk.now + 20_000)
    assert rows(merchant, "SELECT COUNT(*) FROM journal WHERE origin = :o", o=second.id) == [
        (1,)
    ]
    second.member("三")
    desk.sync(second)
    assert rows(merchant, "SELECT COUNT(*) FROM member") == [(3,)]


def forge(store, body, **more):
    """Write an event that this box's own tables would refuse."""
    journal = Journal(
        identity=store.identity, parts=Parts(()), clock=store.clock, ids=store.journal.ids
    )
    store.do(lambda tx, act: replace(act, journal=journal).append(tx, body, **more))


def test_a_hub_cannot_merge_a_stranger_with_its_own_man(
    platform, merchant, desk, first, second
):
    """Every store and the pool would hand over all that the stranger has."""
    stranger, thief = first.member("李慧敏"), second.member("贼")
    first.top_up(stranger, 10_000)
    desk.sync(first, second)
    forge(second, MemberMerged(member=stranger, winner=thief, merge="m", winners=(thief,)))
    forge(second, MemberUnmerged(member=stranger, winner=thief, merge="m"))
    desk.sync(first, second)
    assert first.held(stranger) == 10_000
    assert sum(held(merchant, thief).values()) == 0
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"] * 2
    assert differences(platform, merchant) == []


def test_a_hub_cannot_write_head_offices_own_books(platform, merchant, desk, first, second):
    """Not that a place is empty, that a history is paid for, nor how much it may lay out."""
    limits = {"floor": {"per_member_cents": 10**9, "per_outage_cents": 10**9}}
    content = Document(name="content", content=limits)
    forge(first, PlaceEmptied(hub=second.id, epoch=1))
    forge(first, LateTaken(origin=first.id, epoch=1, seq=10**9))
    forge(first, FeedPublished(topic="rights", key="-", pos=9), documents=(content,))
    desk.sync(first)
    assert rows(merchant, "SELECT * FROM emptied_place") == []
    assert rows(merchant, "SELECT * FROM late_taken") == []
    assert rows(merchant, "SELECT * FROM floor_known") == []
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"] * 3
    assert differences(platform, merchant) == []


@pytest.mark.parametrize("asset", ["points", "principal"])
def test_no_amount_is_so_large_that_the_books_cannot_be_added_up(
    platform, merchant, desk, first, second, asset
):
    member = first.member()
    for lot in ("a", "b", "c"):
        forge(
            first,
            Adjusted(member=member, lot=lot, asset=asset, amount=2**62, reason="x"),
            postings=(
                Posting(f"mint/{first.id}", asset, lot, -(2**62)),
                Posting(f"member/{member}/{first.id}", asset, lot, 2**62),
            ),
        )
    desk.sync(first)
    second.member("王芳")
    desk.sync(second)
    assert rows(merchant, "SELECT 1 FROM member WHERE name = '王芳'") != []
    assert held(merchant, member) == {}
    assert differences(platform, merchant) == []

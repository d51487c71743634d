"""From kept segments into the merchant's tables, whatever a hub wrote."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from cloud.ingest import differences
from cloud.ingest.books import handle
from cloud.ingest.tests.stores import kinds_in
from core.journal import (
    Body,
    Document,
    Posting,
    birth_head,
    chain,
    decode,
    encode,
    signed_bytes,
)
from core.members.events import MemberRegistered
from core.wallet import Accepted, Adjusted, Granted
from core.wire import Ask, Channel, pack, unpack


class FromTheFuture(Body, frozen=True, kw_only=True, tag="spa.levitated"):
    member: str
    height: int


def rows(merchant, sql, **values):
    with merchant.door.read() as db:
        return [tuple(row) for row in db.all(sql, **values)]


def held(merchant, member):
    return dict(
        rows(
            merchant,
            "SELECT place, SUM(amount) FROM holding WHERE member = :m GROUP BY place",
            m=member,
        )
    )


def aside(merchant):
    return rows(merchant, "SELECT seq, reason, whole FROM quarantine ORDER BY seq")


def test_two_stores_members_and_money_are_head_offices_too(
    platform, merchant, desk, first, second
):
    one, two = first.member("李慧敏"), second.member("王芳")
    first.top_up(one, 10_000)
    second.top_up(two, 5_000, bonus=500)
    desk.sync(first, second)
    assert held(merchant, one) == {first.id: 10_000}
    assert held(merchant, two) == {second.id: 5_500}
    names = rows(merchant, "SELECT name FROM member ORDER BY name")
    assert names == [("李慧敏",), ("王芳",)]
    assert len(rows(merchant, "SELECT 1 FROM movement")) == 3
    assert merchant.findings() == []
    assert differences(platform, merchant) == []


def test_a_kind_from_a_newer_hub_is_kept_moves_its_value_and_is_told_of(
    platform, merchant, desk, first
):
    member = first.member()
    first.top_up(member, 10_000)
    first.append(
        FromTheFuture(member=member, height=3),
        postings=(
            Posting(f"member/{member}/{first.id}", "principal", _lot(first), -4_000),
            Posting("revenue", "principal", _lot(first), 4_000),
        ),
    )
    desk.greet(first, kinds=("member.registered", "spa.levitated"), version="7.0")
    desk.sync(first)
    assert kinds_in(merchant, first.id)[-1] == "spa.levitated"
    assert held(merchant, member) == {first.id: 6_000}
    assert aside(merchant) == []
    assert ("newer", "version 7.0 writes spa.levitated") in desk.alarms()
    assert differences(platform, merchant) == []


def _lot(store):
    with store.door.read() as db:
        return db.value("SELECT lot FROM holding")


def send(store, desk, change, beside=()):
    """Seal what the store has, but with its last event changed, truly chained and signed."""
    (raw,) = store.segments()
    segment = unpack(raw)
    events = (*segment.events[:-1], change(segment.events[-1]))
    changed = replace(segment, events=events)
    head = birth_head(store.identity.birth)
    for event in events:
        head = chain(head, event)
    covered = signed_bytes(
        store.identity, first=segment.first, last=segment.last, boot=segment.boot, head=head
    )
    documents = (*segment.documents, *beside)
    sealed = replace(changed, documents=documents, signature=store.key.sign(covered))
    desk.hear(store, Channel.UP_LOG, pack(sealed))
    desk.work()


def edited(**fields):
    def change(raw):
        content = msgspec.json.decode(raw)
        return msgspec.json.encode(content | fields)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: b"{not an event", "unreadable"),
        (lambda raw: b'{"id":"\xff"}', "unreadable"),
        (edited(seq=99), "it says that it is"),
        (edited(origin="2222222222222222"), "it says that it is"),
        (edited(epoch=9), "it says that it is"),
        (edited(postings=[["revenue", "principal", "x", 5]]), "unbalanced"),
        (
            edited(
                postings=[
                    ["member/m/cloud", "principal", "x", -5],
                    ["revenue", "principal", "x", 5],
                ]
            ),
            "is not its own",
        ),
        (
            edited(
                postings=[
                    ["member/m/2222222222222222", "principal", "x", 5],
                    ["mint/1111111111111111", "principal", "x", -5],
                ]
            ),
            "is not its own",
        ),
        (
            edited(
                postings=[
                    ["member/m/1111111111111111", "principal", "x", 5],
                    ["mint/cloud", "principal", "x", -5],
                ]
            ),
            "is not its own",
        ),
        (
            edited(
                postings=[
                    ["member/m/1111111111111111", "principal", "x", 5],
                    ["transit/m/t", "principal", "x", -5],
                ]
            ),
            "was not sent to it",
        ),
        (edited(body={"nothing": 1}), "required field"),
        (
            edited(
                body=msgspec.to_builtins(
                    Granted(transfer="t", member="m", hub="1" * 16, hub_epoch=1, legs=())
                )
            ),
            "is for head office to say",
        ),
    ],
)
def test_an_event_that_a_hub_may_not_write_is_set_aside_and_those_behind_go_on(
    platform, merchant, desk, first, change, reason
):
    first.member("一")
    first.append(Adjusted(member="m", lot="x", asset="principal", amount=0, reason="y"))
    send(first, desk, change)
    ((seq, told, whole),) = aside(merchant)
    assert (seq, whole) == (2, 1)
    assert reason in told
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"]
    assert len(rows(merchant, "SELECT 1 FROM journal WHERE origin = :o", o=first.id)) == 2
    assert rows(merchant, "SELECT name FROM member") == [("一",)]
    assert rows(merchant, "SELECT 1 FROM holding") == []
    assert differences(platform, merchant) == []


def test_a_body_that_breaks_its_projector_does_not_hold_up_the_next_segment(
    platform, merchant, desk, first
):
    member = first.member()
    first.top_up(member, 10_000)
    # A fault of the box: head office must not fall over it.
    first.door._writing.execute("PRAGMA ignore_check_constraints = ON")
    first.append(MemberRegistered(member=member, standing="emperor", number="1"))
    desk.greet(first)
    for raw in first.segments():
        desk.hear(first, Channel.UP_LOG, raw)
    first.top_up(member, 1_000)
    for raw in first.segments(after=3):
        desk.hear(first, Channel.UP_LOG, raw)
    desk.work()
    (broken,) = aside(merchant)
    assert broken[0] == 3
    assert "CHECK constraint failed" in broken[1]
    assert held(merchant, member) == {first.id: 11_000}
    assert differences(platform, merchant) == []


def test_more_than_a_hub_holds_is_moved_by_none_of_its_events(platform, merchant, desk, first):
    member = first.member()
    first.top_up(member, 1_000)
    first.append(Adjusted(member=member, lot="x", asset="principal", amount=0, reason="y"))
    lot = _lot(first)
    send(
        first,
        desk,
        edited(
            postings=[
                [f"member/{member}/{first.id}", "principal", lot, -5_000],
                ["revenue", "principal", lot, 5_000],
            ]
        ),
    )
    ((seq, reason, whole),) = aside(merchant)
    assert (seq, whole) == (3, 1)
    assert "of 1000 that it has" in reason
    assert held(merchant, member) == {first.id: 1_000}
    assert differences(platform, merchant) == []


def test_a_document_that_its_event_does_not_vouch_for_is_not_kept(
    platform, merchant, desk, first
):
    first.member("李慧敏")
    (raw,) = first.segments()
    segment = unpack(raw)
    (laid,) = segment.documents
    false = replace(laid, content=laid.content.replace("李慧敏".encode(), "张三".encode()))
    desk.hear(first, Channel.UP_LOG, pack(replace(segment, documents=(false,))))
    desk.work()
    assert rows(merchant, "SELECT name FROM member") == [("",)]
    assert rows(merchant, "SELECT 1 FROM document WHERE event = :e", e=laid.event) == []
    assert [kind for kind, _ in desk.alarms()] == ["false_document"]
    assert merchant.findings() == []


def test_an_erased_document_does_not_keep_the_event_out(merchant, desk, first):
    first.append(
        MemberRegistered(member="m", standing="member", number="1"),
        documents=(Document(name="profile", content={"name": "李"}),),
    )
    first.door.write(lambda tx: tx.run("DELETE FROM document"))
    desk.sync(first)
    assert rows(merchant, "SELECT id, name FROM member") == [("m", "")]


def test_a_hub_cannot_take_in_what_was_sent_to_another(merchant, desk, first, second):
    member = first.member()
    first.top_up(member, 10_000)
    desk.sync(first, second)
    # Head office sends it to the second store, whose box has not heard of it yet.
    desk.exchange.told(
        handle(desk.platform, merchant, [(second.id, Ask(id="q", member=member))]), desk.now
    )
    desk.sync(first, rounds=3)
    ((transfer, lot, amount),) = rows(
        merchant, "SELECT transfer, lot, amount FROM transit WHERE amount > 0"
    )
    # The first one says that it arrived there.
    first.append(
        Accepted(transfer=transfer, member=member, legs=(("principal", lot, amount),)),
        postings=(
            Posting(f"member/{member}/{first.id}", "principal", lot, amount),
            Posting(f"transit/{member}/{transfer}", "principal", lot, -amount),
        ),
    )
    desk.sync(first)
    assert any("was not sent to it" in reason for _s, reason, _w in aside(merchant))
    desk.sync(second)
    assert held(merchant, member)[second.id] == 10_000 == second.held(member)


def test_events_lie_in_the_journal_exactly_as_they_were_written(merchant, desk, first):
    first.member()
    first.append(FromTheFuture(member="m", height=1))
    desk.sync(first)
    with first.door.read() as db:
        wrote = [r["raw"] for r in db.all("SELECT raw FROM journal ORDER BY seq")]
    assert [
        r[0]
        for r in rows(
            merchant, "SELECT raw FROM journal WHERE origin = :o ORDER BY seq", o=first.id
        )
    ] == wrote
    assert encode(decode(wrote[0])) == wrote[0]

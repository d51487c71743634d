"""A box whose clock stood in 2070: what it edited can be edited again by everybody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud.ingest import differences
from cloud.ingest.tests.test_unpacking import aside, rows
from cloud.members.sql import movements
from core.clock import Quality
from core.journal import Document
from core.members import CardReturned, MemberChanged, ahead_of, issue_card, member_of
from core.organisation import ClockAnchored

IN_2070 = 3_155_760_000_000


def rename(store, member, name):
    def edit(tx, act):
        over = ahead_of(act, member_of(tx, member), ("name",))
        profile = Document(name="profile", content={"name": name})
        act.append(
            tx,
            MemberChanged(member=member, fields=("name",), over=over),
            documents=(profile,),
        )

    store.do(edit)


def issue(store, member):
    """Issue a card as the box itself: these stores have no staff."""

    def hand_out(tx, act):
        issue_card(tx, replace(act, actor=None), member=member, card="K-77")

    store.do(hand_out)


def name_at(store, member):
    with store.door.read() as db:
        return member_of(db, member)["name"]


@pytest.fixture
def mended(desk, first, second):
    """A member whom the second store named while its clock was wrong; now it is right."""
    member = first.member("一")
    desk.sync(first, second)
    was, second.clock.at = second.clock.at, IN_2070
    rename(second, member, "二")
    issue(second, member)
    desk.sync(first, second)
    assert name_at(first, member) == "二"
    second.clock.at = was + 60_000
    first.clock.at = was + 120_000
    desk.platform.clock.advance(120_000)
    return member


def test_an_edit_from_2070_is_edited_again_and_again(
    platform, merchant, desk, first, second, mended
):
    for store, name in ((first, "三"), (second, "四"), (first, "五"), (first, "六")):
        rename(store, mended, name)
        assert name_at(store, mended) == name
        desk.sync(first, second)
        assert name_at(first, mended) == name == name_at(second, mended)
        assert rows(merchant, "SELECT name FROM member") == [(name,)]
    (stamps,) = rows(merchant, "SELECT length(json_extract(stamps, '$.name')) FROM member")
    assert stamps[0] < 200
    assert aside(merchant) == []
    assert differences(platform, merchant) == []


def test_a_card_from_2070_can_be_taken_back(merchant, desk, first, second, mended):
    def take_back(tx, act):
        row = tx.one("SELECT * FROM card WHERE active = 1")
        over = ahead_of(act, row, ("active",))
        act.append(tx, CardReturned(member=mended, card=row["number"], over=over))

    first.do(take_back)
    desk.sync(first, second)
    assert rows(merchant, "SELECT active FROM card") == [(0,)]
    with second.door.read() as db:
        assert db.value("SELECT active FROM card") == 0
    issue(first, mended)
    desk.sync(first, second)
    assert rows(merchant, "SELECT active, generation FROM card") == [(1, 2)]


def unsure_topup(store, member, *, up):
    store.clock.quality, store.clock.up = Quality.UNSURE, up
    store.top_up(member)


def test_what_a_box_wrote_before_it_knew_the_time_is_shown_when_it_was(
    platform, merchant, desk, first
):
    member = first.member()
    asleep = first.clock.at + 1_000
    unsure_topup(first, member, up=60_000)
    first.clock.at = asleep - 1_000  # It stands still.
    unsure_topup(first, member, up=3_660_000)
    desk.sync(first)

    def shown():
        with merchant.door.read() as db:
            return [row["at"] - asleep for row in movements(db, member)]

    before = rows(merchant, "SELECT raw FROM journal ORDER BY origin, epoch, seq")
    assert len(set(shown())) == 1
    first.clock.quality = Quality.GOOD
    first.append(ClockAnchored(first=1, last=1, up=3_720_000, at=asleep + 10_000_000))
    desk.sync(first)
    assert shown() == [9_940_000, 6_340_000], "newest first, as they were written"
    after = rows(merchant, "SELECT raw FROM journal ORDER BY origin, epoch, seq")
    assert set(before) < set(after), "no byte of the journal changed"
    assert differences(platform, merchant) == []


@pytest.mark.parametrize(
    "wrong", [{"first": 2}, {"at": 1 << 62}, {"up": 1 << 62}, {"up": -5}, {"at": -5}]
)
def test_a_time_that_cannot_be_or_is_another_runs_corrects_nothing(
    merchant, desk, first, wrong
):
    member = first.member()
    unsure_topup(first, member, up=60_000)
    said = {"first": 1, "last": 9, "up": 120_000, "at": first.clock.at + 10_000_000} | wrong
    written_at = first.clock.at
    first.append(ClockAnchored(**said))
    desk.sync(first)
    with merchant.door.read() as db:
        assert [row["at"] for row in movements(db, member)] == [written_at]
    assert aside(merchant) == []

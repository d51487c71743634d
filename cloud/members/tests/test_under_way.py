"""Money on its way: which transfer, since when, to which store, and why it takes so long."""

from __future__ import annotations

import pytest

from cloud.access.tests.office import words
from core.clock import MINUTE_MS


@pytest.fixture
def sent(office):
    """A member whose money left for the second store and has not arrived."""
    member = office.a.member()
    office.a.top_up(member)
    office.a.send_to(office.b, member, arrives=False)
    return member


def on_the_line(office, box, online):
    office.platform.door.write(
        lambda tx: tx.run("UPDATE hub SET online = :on WHERE id = :id", on=online, id=box.hub)
    )


@pytest.mark.feature("STO-05")
def test_a_members_page_tells_where_each_part_of_their_money_lies_and_goes(office, sent):
    on_the_line(office, office.b, 1)
    page = words(office.browser().get(f"/members/{sent}"))
    assert "在途 ¥1,100.00，去江边店" in page
    assert "刚发出，江边店正在确认，通常几秒钟到账。" in page


@pytest.mark.feature("STO-05")
def test_what_has_been_under_way_for_long_is_listed_with_the_reason(office, sent):
    browser = office.browser()
    on_the_line(office, office.b, 0)
    assert "没有在途这么久的钱" in words(browser.get("/members/under-way"))
    assert "在途超过" not in words(browser.get("/members"))
    office.clock.advance(11 * MINUTE_MS)
    listed = words(browser.get("/members/under-way"))
    assert "李慧敏 江边店 11 分钟前 ¥1,100.00" in listed
    assert "江边店断网了；钱没有丢，联网后自动到账。" in listed
    assert "有 1 笔钱在途超过 10 分钟。" in words(browser.get("/members"))
    assert "没有在途这么久的钱" in words(browser.get("/members/under-way?minutes=60"))


def test_a_store_on_the_line_that_does_not_answer_is_told_apart(office, sent):
    on_the_line(office, office.b, 1)
    office.clock.advance(11 * MINUTE_MS)
    listed = words(office.browser().get("/members/under-way"))
    assert "江边店已联机，却一直没有确认收到，请联系维护。" in listed


def test_what_went_to_a_box_that_is_no_more_comes_back(office, sent):
    office.platform.door.write(
        lambda tx: tx.run("UPDATE epoch SET closed_at = 1 WHERE hub = :id", id=office.b.hub)
    )
    listed = words(office.browser().get("/members/under-way?minutes=0"))
    assert "江边店的这台主机已经停用，这笔钱会自动退回总部。" in listed


def test_a_wish_that_another_store_has_not_answered_is_told(office, sent):
    on_the_line(office, office.a, 0)

    def waits(tx):
        tx.run(
            "INSERT INTO ask (id, hub, member, want, why, at, state, open)"
            " VALUES ('q', :b, :member, 0, '', :at, 'recalling', 1)",
            b=office.b.hub,
            member=sent,
            at=office.clock.at,
        )
        tx.run(
            "INSERT INTO recall (request, hub, epoch, member, at, open)"
            " VALUES ('q', :a, 1, :member, :at, 1)",
            a=office.a.hub,
            member=sent,
            at=office.clock.at,
        )

    office.merchant.door.write(waits)
    listed = words(office.browser().get("/members/under-way"))
    assert "等别的门店让出来" in listed
    assert "人民路店断网了，联网后才能让出来。" in listed


def test_another_merchants_transfers_are_not_shown(office, sent):
    other = office.browser(host="biejia")
    assert "没有在途这么久的钱" in words(other.get("/members/under-way?minutes=0"))

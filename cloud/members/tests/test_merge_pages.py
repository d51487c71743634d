"""Duplicates at head office: seen side by side with what they have, merged, taken apart."""

from __future__ import annotations

import pytest

from cloud.access.tests.office import words
from core.members import card_row, standing_for


@pytest.fixture
def twins(office):
    """The same guest in two stores, each time with money: (older, younger)."""
    older = office.a.member("李慧敏", "13812342046", card="8100000001")
    office.a.top_up(older)
    office.clock.advance(60_000)
    younger = office.b.member("李惠敏", "13812342046", card="8100000002")
    office.b.top_up(younger, 50_000, 0)
    return older, younger


def asked(office, question):
    with office.a.merchant.door.read() as db:
        return question(db)


def confirm(browser, loser, winner):
    page = f"/members/merge?loser={loser}&winner={winner}"
    return browser.post("/members/merge", page, loser=loser, winner=winner)


@pytest.mark.feature("EXP-15")
def test_two_people_stand_side_by_side_with_what_a_merge_would_make_of_them(office, twins):
    older, younger = twins
    browser = office.browser()
    assert "与上一位合并" in words(browser.get("/members/duplicates"))
    page = words(browser.get(f"/members/merge?loser={younger}&winner={older}"))
    for said in (
        "姓名 李慧敏 李惠敏 李慧敏",
        "会员卡 8100000001 8100000002 8100000001、8100000002",
        "本金 ¥1,000.00 ¥500.00 ¥1,500.00",
        "赠金 ¥100.00 ¥0.00 ¥100.00",
        "合并可以撤销",
    ):
        assert said in page
    assert asked(office, lambda db: standing_for(db, younger)) == younger, "only looked at"


@pytest.mark.feature("EXP-15")
def test_a_merge_is_confirmed_and_undone_and_every_fen_is_where_it_was(office, twins):
    older, younger = twins
    browser = office.browser()
    answer = confirm(browser, younger, older)
    page = words(browser.get(answer.location))
    assert "已合并，各店正在收到" in page
    assert "储值合计 ¥1,600.00" in page
    assert "8100000002" in page
    assert browser.get(f"/members/{younger}").location.endswith(older)
    assert "没有重复的手机号" in words(browser.get("/members/duplicates"))
    assert (
        words(browser.get("/members")).count("138****2046")
        + words(browser.get("/members")).count("13812342046")
        == 1
    )
    listed = words(browser.get("/members/merges"))
    assert "李惠敏" in listed
    assert "撤销合并" in listed

    undone = browser.post(f"/members/{younger}/unmerge", "/members/merges")
    assert "还没花掉的正在退回" in words(browser.get(undone.location))
    assert "储值合计 ¥500.00" in words(browser.get(f"/members/{younger}"))
    assert "储值合计 ¥1,100.00" in words(browser.get(f"/members/{older}"))


def test_who_may_not_merge_is_not_offered_it_and_is_refused(office, twins):
    older, younger = twins
    browser = office.browser("auditor")
    assert "与上一位合并" not in words(browser.get("/members/duplicates"))
    assert browser.get(f"/members/merge?loser={younger}&winner={older}").status_code == 403
    refused = browser.post("/members/merge", loser=younger, winner=older)
    assert refused.status_code == 403


def test_merging_the_same_two_again_is_told(office, twins):
    older, younger = twins
    browser = office.browser()
    confirm(browser, younger, older)
    again = browser.get(f"/members/merge?loser={younger}&winner={older}")
    assert again.status_code == 409
    assert "已经是同一位会员" in words(again)


def test_a_card_is_reported_lost_at_head_office_and_found_again(office, twins):
    older, _younger = twins
    browser = office.browser()
    home = f"/members/{older}"
    answer = browser.post(f"{home}/cards/8100000001/lost", home)
    assert "联网的门店马上拒收" in words(browser.get(answer.location))
    assert "已挂失" in words(browser.get(home))
    assert asked(office, lambda db: card_row(db, "8100000001")["blocked"]) == 1
    browser.post(f"{home}/cards/8100000001/found", home)
    assert asked(office, lambda db: card_row(db, "8100000001")["blocked"]) == 0

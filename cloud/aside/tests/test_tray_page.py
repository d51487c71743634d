"""The tray at head office: what was not booked and why, and the two things to do about it."""

from __future__ import annotations

import pytest

from cloud.access.tests.office import words
from cloud.aside import requests
from core.journal import set_aside
from core.journal.project import WHOLE


@pytest.fixture
def record(office):
    """A bill of the first store that was set aside; (origin, epoch, seq)."""
    office.a.sell(12_800)
    with office.merchant.door.read() as db:
        row = db.one(
            "SELECT origin, epoch, seq FROM journal WHERE origin = :hub ORDER BY seq DESC",
            hub=office.a.hub,
        )
    place = (row["origin"], row["epoch"], row["seq"])
    reason = "500 principal at member/m/x is not its own"
    office.merchant.door.write(lambda tx: set_aside(tx, place, reason=reason, share=WHOLE))
    return place


def path(record, verb):
    return "/aside/{}/{}/{}/{}".format(*record, verb)


def test_a_record_stands_in_the_tray_with_its_reason_in_plain_words(office, record):
    page = words(office.browser("auditor").get("/aside"))
    assert "人民路店" in page
    assert "它动了不属于这家店的钱" in page
    assert "ticket.settled" in page
    assert "再试一次" not in page, "who only looks decides nothing"
    assert "没有搁置的记录" in words(office.browser(host="biejia").get("/aside"))


def test_trying_again_is_left_to_the_program_that_takes_records_in(office, record):
    browser = office.browser()
    assert browser.post(path(record, "again"), page="/aside").status_code == 303
    with office.merchant.door.read() as db:
        assert [one.place for one in requests(db)] == [record]
    assert "正在重试" in words(browser.get("/aside"))


def test_leaving_it_out_needs_a_reason_and_is_written_down(office, record):
    browser = office.browser()
    browser.post(path(record, "leave"), page="/aside", reason=" ")
    assert "aside.left" not in office.kinds()
    browser.post(path(record, "leave"), page="/aside", reason="试机时的单")
    assert office.kinds().count("aside.left") == 1
    page = words(browser.get("/aside"))
    assert "没有搁置的记录 决定不算 试机时的单" in page
    assert "陈店主" in page


def test_nobody_decides_about_what_is_not_there_or_another_merchants(office, record):
    assert office.browser().post("/aside/x/1/1/again", page="/aside").status_code == 404
    other = office.browser(host="biejia")
    assert other.post(path(record, "again"), page="/aside").status_code == 404
    assert office.browser("auditor").post(path(record, "again")).status_code == 403

"""A box that did not know the time says later what it was; pages then show when things were."""

from __future__ import annotations

import msgspec
import pytest

from core.clock import HOUR_MS, MINUTE_MS, Quality
from core.journal import decode, drain_all, kind_of
from core.tickets import sales_of_member
from hub.sales.sql import topups_of_day
from hub.tests.shop import words


def events(shop):
    with shop.box.door.read() as db:
        rows = db.all("SELECT raw FROM journal ORDER BY epoch, seq")
    return [decode(row["raw"]) for row in rows]


def anchors(shop):
    found = [e for e in events(shop) if kind_of(e) == "clock.anchored"]
    return [msgspec.json.decode(e.body) for e in found]


@pytest.fixture
def awoken(shop):
    """A shop whose box woke up without the time of day, and what it sold before it knew it."""
    shop.open_shift()
    member = shop.member()
    asleep = shop.clock.at
    shop.clock.quality, shop.clock.up = Quality.UNSURE, 2 * MINUTE_MS
    shop.box.anchor_times()
    shop.clock.up = 10 * MINUTE_MS
    shop.top_up(member)
    shop.clock.up = 70 * MINUTE_MS
    shop.sale("i1", member=member, tender="stored_value")
    # The network is there: it is four hours later than the box believed.
    shop.clock.quality, shop.clock.up = Quality.GOOD, 80 * MINUTE_MS
    shop.clock.at = asleep + 4 * HOUR_MS
    return shop, member, asleep


def times(shop, member):
    drain_all(shop.box.door, shop.box.parts)
    with shop.box.door.read() as db:
        day = db.value("SELECT date FROM topup")
        [topup] = topups_of_day(db, day)
        [sale] = sales_of_member(db, member)
        return topup["at"], sale["at"]


def test_once_the_clock_is_right_pages_show_when_it_was_and_the_journal_stays(awoken):
    shop, member, asleep = awoken
    before = [e for e in events(shop) if e.unsure]
    assert {e.at for e in before} == {asleep}, "they stand at what the box knew had passed"
    assert times(shop, member) == (asleep, asleep)
    shop.box.anchor_times()
    assert len(anchors(shop)) == 1
    right = asleep + 4 * HOUR_MS - 80 * MINUTE_MS
    assert times(shop, member) == (right + 10 * MINUTE_MS, right + 70 * MINUTE_MS)
    assert [e for e in events(shop) if e.unsure] == before
    page = words(shop.browser().get("/sales"))
    assert shop.box.findings() == []
    assert "12:50" in page
    assert "13:50" in page
    shop.box.anchor_times()
    assert len(anchors(shop)) == 1, "it is said once"


def test_what_another_run_of_the_machine_wrote_stays_unsure(awoken, monkeypatch):
    shop, member, asleep = awoken
    monkeypatch.setattr("hub.box.machine_run", lambda: "after the next power cut")
    shop.box.anchor_times()
    assert anchors(shop) == []
    assert times(shop, member) == (asleep, asleep)


def test_a_clock_that_was_never_wrong_says_nothing(shop):
    shop.open_shift()
    shop.sale("i2")
    shop.box.anchor_times()
    assert anchors(shop) == []
    assert all(e.up == 0 for e in events(shop))


def test_a_time_that_cannot_be_is_not_believed(awoken):
    shop, member, asleep = awoken
    shop.clock.at = 9_999_999_999_999
    shop.box.anchor_times()
    assert times(shop, member) == (asleep, asleep)

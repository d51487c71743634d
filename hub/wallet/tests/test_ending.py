"""A store ends points after its business day, and lets them count where it cannot be sure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from core.clock import DAY_MS, Quality
from core.wallet import holdings
from hub.jobs import DayEnds
from hub.tests.shop import fault, words

RULE = {"per": "1", "points": "1", "earns": "topup", "ends": "year", "years": "1"}
OVER = int(datetime(2028, 1, 8, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)


@pytest.fixture
def earned(shop):
    """A member of a shop whose points end with the next year, with 128 of them."""
    shop.browser("owner").post("/settings/points", data=RULE)
    shop.open_shift()
    member = shop.member()
    shop.sale("i1", member=member)
    return member


def points(shop, member):
    place = shop.box.journal.identity.place
    held = shop.ask(lambda db: holdings(db, member, place))
    return {one.lot: one.amount for one in held}


def close_day(shop, *, reached=True):
    DayEnds(shop.box).look(reached=reached)


def test_the_page_says_which_points_end_when_and_the_log_that_they_did(shop, earned):
    page = words(shop.browser().get(f"/members/{earned}"))
    assert "积分 99 99 分至 2027-12-31" in page
    shop.clock.at = OVER
    close_day(shop)
    page = words(shop.browser().get(f"/members/{earned}"))
    assert "积分到期 — — −99" in page.replace("-99", "−99")
    assert points(shop, earned) == {}


def test_unused_points_move_to_the_next_year_and_a_line_shows_it(shop, earned):
    shop.browser("owner").post("/settings/points", data=RULE | {"over": "carry"})
    shop.clock.at = OVER
    close_day(shop)
    page = words(shop.browser().get(f"/members/{earned}"))
    assert "积分转入下一期 · 99 分" in page
    assert "积分 99 99 分至 2028-12-31" in page


@pytest.mark.parametrize("why", ["off the line", "unsure", "too early"])
def test_points_count_on_where_the_store_cannot_be_sure(shop, earned, why):
    shop.clock.at = OVER - (DAY_MS if why == "too early" else 0)
    if why == "unsure":
        shop.clock.quality = Quality.UNSURE
    close_day(shop, reached=why != "off the line")
    assert points(shop, earned) == {"2027-12": 99}


def test_a_reversal_takes_back_the_points_that_the_bill_gave(shop, earned):
    shop.browser("owner").post(
        "/settings/points", data=RULE | {"ends": "months", "months": "1"}
    )
    ticket = shop.sale("i2", member=earned)
    assert points(shop, earned) == {"2026-10": 38, "2027-12": 99}
    shop.browser().post(f"/sales/{ticket}/reverse", data={"reason": "点错", "key": "k" * 32})
    assert points(shop, earned) == {"2027-12": 99}


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"months": "0"}, "months", "应在 1 到 120 之间"),
        ({"months": ""}, "months", "请填写"),
        ({"months": "121"}, "months", "应在 1 到 120 之间"),
    ],
)
def test_a_wrong_validity_is_told_at_its_field(shop, wrong, field, said):
    answer = shop.browser("owner").post(
        "/settings/points", data=RULE | {"ends": "months"} | wrong
    )
    assert (answer.status_code, fault(answer, field)) == (422, said)


def test_the_trial_says_until_when_todays_points_count(shop):
    tried = shop.browser("owner").get("/settings/points/try", query_string=RULE)
    assert "今天积的到 2027-12-31 为止" in words(tried)

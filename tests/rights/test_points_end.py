"""Points travel with the month they end in, and whoever holds them then ends them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cloud.ingest import differences
from cloud.ingest.books import close_day
from core.clock import DAY_MS
from core.feed import publish
from core.members import member_of
from core.statements import statement_of
from core.wallet import CLOUD, send_release
from hub.wallet import end_some, follow
from tests.rights.shops import drained, sync

RULE = {"points": {"ends": "year", "ends_after": 1, "on_stored_value": True}}
OVER = int(datetime(2028, 1, 8, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)


@pytest.fixture
def earned(merchant, desk, first, second):
    """A member of both stores with 99 points at the first one, which end with 2027."""
    merchant.door.write(
        lambda tx: publish(tx, merchant.act(tx), topic="settings", key="-", content=RULE)
    )
    sync(desk, first, second)
    member = first.register()
    first.sell(member)
    sync(desk, first, second)
    return member


def points(merchant, member):
    with merchant.door.read() as db:
        rows = db.all(
            "SELECT place, lot, amount FROM holding WHERE member = :m AND asset = 'points'"
            " AND amount > 0 ORDER BY place",
            m=member,
        )
    return {(row["place"], row["lot"]): row["amount"] for row in rows}


def release(shop, member):
    shop.do(lambda tx, act: send_release(tx, act, transfer=act.new_id(), member=member))


def end_at(shop):
    return shop.door.write(lambda tx: end_some(tx, shop.quiet()))


def test_points_end_where_they_lie_whoever_holds_them(platform, merchant, desk, first, earned):
    first.sell(earned)
    release(first, earned)
    first.sell(earned)
    sync(desk, first)
    assert points(merchant, earned) == {
        (first.place, "2027-12"): 99,
        (CLOUD, "2027-12"): 198,
    }
    platform.clock.at = first.clock.at = OVER - DAY_MS
    date, _outcome = close_day(platform, merchant, closed="")
    assert (date, end_at(first)) == ("2028-01-07", 0), "the grace is not over"
    platform.clock.at = first.clock.at = OVER
    drained(first)
    close_day(platform, merchant, closed=date)
    assert close_day(platform, merchant, closed="2028-01-08") is None
    assert points(merchant, earned) == {(first.place, "2027-12"): 99}, "not head office's"
    assert end_at(first) == 1
    sync(desk, first)
    assert points(merchant, earned) == {}
    assert desk.alarms() == []
    assert differences(platform, merchant) == []


def test_points_take_their_month_along_to_another_store(merchant, desk, first, second, earned):
    release(first, earned)
    sync(desk, first, second)
    second.do(lambda tx, act: follow(tx, act, member=earned, why="bill"))
    sync(desk, first, second)
    assert points(merchant, earned) == {(second.place, "2027-12"): 99}
    desk.platform.clock.at = second.clock.at = OVER
    drained(second)
    assert end_at(second) == 1
    sync(desk, second)
    assert points(merchant, earned) == {}
    assert desk.alarms() == []


def test_a_statement_shows_that_points_ended_or_moved_on(
    platform, merchant, desk, first, earned
):
    carried = {"points": RULE["points"] | {"carry_over": True}}
    release(first, earned)
    sync(desk, first)
    platform.clock.at = OVER
    for content in (carried, RULE):
        merchant.door.write(
            lambda tx, c=content: publish(
                tx, merchant.act(tx), topic="settings", key="-", content=c
            )
        )
        close_day(platform, merchant, closed="")
        platform.clock.at += 366 * DAY_MS
    with drained(merchant).door.read() as db:
        made = statement_of(
            db,
            member_of(db, earned),
            merchant="m",
            first="2026-01-01",
            last="2030-12-31",
            at=0,
        )
    assert [(one.kind, one.change.points, one.after.points) for one in made.movements] == [
        ("ticket.settled", 99, 99),
        ("wallet.points_carried", 0, 99),
        ("wallet.points_ended", -99, 0),
    ]
    assert differences(platform, merchant) == []

"""A year passes for a started hub: what nobody used of the points moves on or ends."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from hub.tests.shop import words
from hub.tests.test_over_http import TEA, Counter, new_key
from tests.started import assert_sound, seed, start
from tests.torture.disk_shim import CLOCK, build

YEARS_S = 3 * 366 * 24 * 3600
WAIT_S = 60.0
PTS_07 = {"per": "1", "points": "1", "earns": "topup", "ends": "year", "years": "0"}


@pytest.fixture
def turned(tmp_path, monkeypatch):
    """The file that turns the clock of every program which is started from here."""
    monkeypatch.setenv("LD_PRELOAD", str(build(tmp_path / "shim", CLOCK)))
    monkeypatch.setenv("CLOCK_TURNED", str(tmp_path / "turned"))
    return tmp_path / "turned"


@pytest.fixture
def counter(tmp_path, turned):
    del turned
    shop = seed(tmp_path / "shop")
    with start(shop.folder) as hub:
        yield Counter(hub, shop.tokens)
    assert_sound(shop.folder)


def wait_for(look, sentence):
    """Return the page once it says something; it does not, and what it says is told."""
    until = time.monotonic() + WAIT_S
    while sentence not in (page := words(look())):
        assert time.monotonic() < until, page
        time.sleep(0.5)
    return page


@pytest.mark.feature("PTS-07")
def test_points_that_nobody_used_move_to_the_next_period_and_others_end(counter, turned):
    owner, desk = counter.browser(), counter.browser("cashier")
    desk.post("/shift/open", float="50000", key=new_key())
    owner.post("/settings/points", **PTS_07, over="carry")
    keeper = counter.member(desk, name="李慧敏")
    user = counter.member(desk, name="王强", phone="13900000002")
    for member in (keeper, user):
        counter.sale(TEA, member=member, till="till-0")
    taken = {"asset": "points", "way": "down", "amount": "10", "reason": "换茶杯"}
    owner.post(f"/members/{user}/adjust", **taken, key=new_key())
    assert "积分 28" in words(owner.get(f"/members/{user}"))
    turned.write_text(str(YEARS_S))
    jobs = [sys.executable, "-m", "hub", "jobs", "--data", str(counter.hub.folder)]
    program = subprocess.Popen(jobs)
    try:
        wait_for(lambda: owner.get(f"/members/{keeper}"), "积分转入下一期 · 38 分")
        wait_for(lambda: owner.get(f"/members/{user}"), "积分到期")
    finally:
        program.terminate()
        program.wait(WAIT_S)
    assert "积分 38" in words(owner.get(f"/members/{keeper}"))
    assert "积分 0" in words(owner.get(f"/members/{user}"))

"""Somebody goes on at another device: what lay open comes along, the one before is shut out."""

from __future__ import annotations

import pytest

from core.clock import HOUR_MS
from hub.access.tests.tablet import paired
from hub.pos.tests.test_screen import open_till, tap


@pytest.fixture
def lost(shop):
    """Lend a phone on which the cashier has a bill of one tea open."""
    open_till(shop)
    phone = paired(shop)
    phone.log_in()
    phone.get("/")
    tap(phone, "/pos/lines", item="i2")
    return phone


def logged_in(shop, role="cashier"):
    other = paired(shop)
    assert other.log_in(role).status_code == 302
    other.get("/")
    return other


def shows_tea(tablet):
    return "/pos/lines/" in tablet.get("/pos/ticket").text


def test_what_lay_open_comes_along_and_is_open_in_one_place(shop, lost):
    other = logged_in(shop)
    assert shows_tea(other)
    lost.log_in("manager")
    assert not shows_tea(lost)


def test_the_device_that_was_left_says_where_its_person_is(shop, lost):
    logged_in(shop)
    answer = lost.get("/login").text
    assert "王芳 已在“前台平板”登录，这里退出了" in answer
    lost.log_in("manager")
    assert "这里退出了" not in lost.get("/login").text, "it is for whoever comes next, once"


def test_a_bill_comes_along_from_a_device_that_was_taken_out_before(shop, lost):
    device = shop.ask(lambda db: db.value("SELECT id FROM device"))
    shop.browser("manager").post(f"/settings/devices/{device}/unpair")
    assert lost.get("/").location == "/pair"
    assert "已被移除" in lost.get("/pair").text
    assert shows_tea(logged_in(shop))


def test_nobody_elses_log_in_takes_the_bill(shop, lost):
    assert not shows_tea(logged_in(shop, "manager"))
    assert shows_tea(lost)


def test_a_bill_that_is_open_already_stays_and_the_other_one_waits(shop, lost):
    other = logged_in(shop, "manager")
    tap(other, "/pos/lines", item="i1")
    other.log_in()
    page = other.get("/").text
    assert "足疗 60 分钟" in page
    number = shop.ask(lambda db: db.value("SELECT min(number) FROM ticket"))
    assert number in page, "it waits among the open ones"


def test_who_logged_out_or_left_long_ago_left_the_bill_there(shop, lost):
    lost.get("/")
    lost.post("/logout")
    assert not shows_tea(logged_in(shop))
    lost.log_in()
    shop.clock.advance(12 * HOUR_MS + 1)
    assert not shows_tea(logged_in(shop))


def test_one_tap_shuts_a_lost_device_out_and_gives_the_code_for_its_till(shop, lost):
    device = shop.ask(lambda db: db.value("SELECT id FROM device"))
    page = shop.browser("manager").post(f"/settings/devices/{device}/replace").text
    assert "data-pairing-code" in page
    assert lost.get("/").location == "/pair"
    till = shop.ask(lambda db: db.value("SELECT till FROM invite"))
    assert till == "前台"
    assert (
        shop.browser("cashier").post(f"/settings/devices/{device}/replace").status_code == 403
    )

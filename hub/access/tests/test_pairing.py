"""Letting devices in."""

from __future__ import annotations

from core.clock import MINUTE_MS
from hub.access import invite
from hub.access.tests.tablet import Tablet, paired


def events(shop, kind):
    return shop.ask(
        lambda db: db.value(
            "SELECT count(*) FROM journal WHERE CAST(raw AS TEXT) LIKE :like",
            like=f'%"kind":"{kind}"%',
        )
    )


def test_a_code_lets_one_device_in_once(shop):
    code = shop.do(lambda tx, act: invite(tx, act, till="前台"))
    assert Tablet(shop).pair(code).json == {"next": "/login"}
    again = Tablet(shop).pair(code)
    assert again.status_code == 403
    assert "配对码不对或已过期" in again.text
    assert events(shop, "device.paired") == 1


def test_a_code_is_read_as_people_write_it(shop):
    code = shop.do(lambda tx, act: invite(tx, act, till="前台"))
    spelled = f" {code[:5].lower()}-{code[5:].lower()} "
    assert Tablet(shop).pair(spelled).status_code == 200


def test_a_code_ends_after_fifteen_minutes(shop):
    code = shop.do(lambda tx, act: invite(tx, act, till="前台"))
    shop.clock.advance(15 * MINUTE_MS + 1)
    assert Tablet(shop).pair(code).status_code == 403


def test_a_guessed_code_a_false_key_and_rubbish_let_nobody_in(shop):
    tablet = Tablet(shop)
    for code in ("0000000000", "", "ZZZ", "💥", "A" * 5000):
        assert tablet.pair(code).status_code == 403
    code = shop.do(lambda tx, act: invite(tx, act, till="前台"))
    tablet.get("/pair")
    assert tablet.post("/pair", code=code, public_key="AAAA", name="x").status_code == 422


def test_an_unpaired_device_sees_no_page_but_pairing(shop):
    tablet = Tablet(shop)
    for path in ("/", "/login", "/members", "/settings/devices"):
        answer = tablet.get(path)
        assert answer.status_code in {302, 404}
        if answer.status_code == 302:
            assert answer.location == "/pair"
    assert "王芳" not in tablet.get("/pair").text


def test_a_device_that_was_shut_out_is_out_at_the_next_tap(shop):
    tablet = paired(shop)
    assert tablet.log_in().status_code == 302
    assert tablet.get("/").status_code == 200
    device = shop.ask(lambda db: db.value("SELECT id FROM device"))
    manager = shop.browser("manager")
    assert manager.post(f"/settings/devices/{device}/unpair").status_code == 302
    assert tablet.get("/").location == "/pair"
    assert events(shop, "device.unpaired") == 1


def test_only_who_may_pair_sees_a_code(shop):
    assert shop.browser("cashier").get("/settings/devices").status_code == 403
    page = shop.browser("manager").post("/settings/devices/invite", data={"till": "前台2"})
    assert "data-pairing-code" in page.text
    assert "svg" in page.text

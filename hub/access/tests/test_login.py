"""Logging in: a paired device, a person, and guesses that run out."""

from __future__ import annotations

from core.clock import DAY_MS, HOUR_MS, MINUTE_MS
from core.crypto import card_hash
from core.feed import publish
from hub.access.tests.tablet import Tablet, paired
from hub.tests.shop import PEOPLE, PIN


def give_card(shop, card, role="cashier"):
    staff, number, name = PEOPLE[role]
    hashed = card_hash(card, key=shop.box.secrets.card_key)
    content = {"number": number, "name": name, "role": role, "card_hashes": [hashed]}
    shop.do(lambda tx, act: publish(tx, act, topic="staff", key=staff, content=content))


def test_a_pin_on_a_paired_device_opens_the_till(shop):
    tablet = paired(shop)
    assert tablet.log_in().location == "/"
    assert "王芳" in tablet.get("/").text


def test_a_copied_cookie_opens_nothing_without_the_devices_key(shop):
    tablet = paired(shop)
    thief = Tablet(shop)
    thief.http = tablet.http
    assert thief.log_in().status_code == 403
    assert tablet.get("/").status_code == 302


def test_a_signature_works_once(shop):
    tablet = paired(shop)
    tablet.get("/login")
    used = tablet.sign()
    assert tablet.post("/login", signature=used, number="02", pin=PIN).status_code == 302
    assert tablet.post("/login", signature=used, number="02", pin=PIN).status_code == 403


def test_a_wrong_pin_and_an_unknown_number_are_told_alike(shop):
    tablet = paired(shop)
    wrong = tablet.log_in(pin="000001")
    unknown = tablet.log_in(number="77")
    for answer in (wrong, unknown):
        assert answer.status_code == 403
        assert "工号或 PIN 不对" in answer.text


def test_guesses_wait_longer_and_end_at_ten_a_day_on_that_device_only(shop):
    tablet, other = paired(shop), paired(shop)
    told = []
    for _ in range(14):
        answer = tablet.log_in(pin="000001")
        told.append(answer.text)
        shop.clock.advance(6 * MINUTE_MS)
    assert sum("工号或 PIN 不对" in text for text in told) == 10
    assert "今天在这台设备上错了太多次" in told[-1]
    assert "今天在这台设备上错了太多次" in tablet.log_in().text, "the right PIN is too late"
    assert other.log_in().status_code == 302, "an outsider locks nobody out elsewhere"
    shop.clock.advance(DAY_MS)
    assert tablet.log_in().status_code == 302


def test_after_three_wrong_pins_the_next_try_must_wait(shop):
    tablet = paired(shop)
    for _ in range(3):
        tablet.log_in(pin="000001")
    assert "秒再试" in tablet.log_in().text
    shop.clock.advance(9_000)
    assert tablet.log_in().status_code == 302


def test_a_staff_card_logs_its_owner_in_and_a_strange_card_nobody(shop):
    give_card(shop, "0012345678")
    tablet = paired(shop)
    assert tablet.log_in(number="x", pin="", card="9999999999").status_code == 403
    assert tablet.log_in(number="x", pin="", card="0012345678").status_code == 302
    assert "王芳" in tablet.get("/").text


def test_a_session_ends_after_twelve_hours(shop):
    tablet = paired(shop)
    tablet.log_in()
    shop.clock.advance(12 * HOUR_MS + 1)
    assert tablet.get("/").location.startswith("/login")


def test_one_person_is_at_one_device_and_the_last_one_wins(shop):
    first, second = paired(shop), paired(shop)
    first.log_in()
    second.log_in()
    assert first.get("/").location.startswith("/login")
    assert second.get("/").status_code == 200


def test_a_locked_till_shows_nothing_until_the_pin(shop):
    tablet = paired(shop)
    tablet.log_in()
    tablet.get("/")
    assert tablet.post("/lock").status_code == 302
    assert tablet.get("/").location.startswith("/login")
    assert "已锁定" in tablet.get("/login").text
    assert tablet.log_in().status_code == 302
    assert tablet.get("/").status_code == 200


def test_logging_out_ends_the_session(shop):
    tablet = paired(shop)
    tablet.log_in()
    tablet.get("/")
    tablet.post("/logout")
    assert tablet.get("/").location.startswith("/login")


def test_a_disabled_login_stops_at_the_next_tap(shop):
    tablet = paired(shop)
    tablet.log_in()
    content = {"number": "02", "name": "王芳", "role": "cashier", "active": False}
    shop.do(lambda tx, act: publish(tx, act, topic="staff", key="w1", content=content))
    assert tablet.get("/").location.startswith("/login")


def test_after_login_nobody_is_sent_to_another_site(shop):
    tablet = paired(shop)
    for asked in ("https://bank.com/", "//bank.com", "/\\bank.com", "javascript:alert(1)"):
        assert tablet.log_in(next=asked).location == "/"
    assert tablet.log_in(next="/members?q=1").location == "/members?q=1"


def test_card_numbers_cannot_be_tried_out(shop):
    give_card(shop, "0012345678")
    tablet = paired(shop)
    told = []
    for number in range(12):
        told.append(tablet.log_in(number="x", pin="", card=f"00000000{number:02}").text)
        shop.clock.advance(6 * MINUTE_MS)
    assert "今天在这台设备上错了太多次" in told[-1]
    assert tablet.log_in(number="x", pin="", card="0012345678").status_code == 403
    assert tablet.log_in(number="x", pin="", card="not a card!").status_code == 403
    failed = "SELECT count(*) FROM journal WHERE CAST(raw AS TEXT) LIKE '%pin_failed%'"
    assert shop.ask(lambda db: db.value(failed)) == 10


def test_a_managers_card_alone_opens_nothing(shop):
    give_card(shop, "0012345679", role="manager")
    tablet = paired(shop)
    answer = tablet.log_in(number="x", pin="", card="0012345679")
    assert answer.status_code == 403
    assert "请再输入 PIN" in answer.text
    assert f'name="number" value="{PEOPLE["manager"][1]}"' in answer.text
    assert tablet.get("/").location.startswith("/login")


def test_a_till_that_nobody_touches_locks_itself_on_the_hub(shop):
    tablet = paired(shop)
    tablet.log_in()
    shop.clock.advance(100_000)
    assert tablet.get("/", headers={"Accept": "text/html"}).status_code == 200
    shop.clock.advance(100_000)
    assert tablet.get("/").status_code == 200, "the page before counted as work"
    shop.clock.advance(151_000)
    assert tablet.get("/").location.startswith("/login")

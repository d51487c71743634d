"""Coming in: e-mail, password and code together, counted, bounded, and told in the journal."""

from __future__ import annotations

import re
import time

import pyotp
import pytest

from cloud.access import add_account
from cloud.access.accounts import accounts_of
from cloud.access.login import FAILURE_TAKES_S
from cloud.access.tests.office import PASSWORD, form_token, words

OWNER = "owner@qinghe.example"


def test_the_right_three_let_in_and_are_told_in_the_merchants_own_journal(office):
    browser = office.stranger()
    answer = browser.log_in(OWNER, PASSWORD, office.code())
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "今天营业额" in words(browser.get("/"))
    assert office.kinds()[-1] == "account.logged_in"
    assert "account.logged_in" not in office.kinds(office.other)


@pytest.mark.parametrize(
    ("email", "password"),
    [(OWNER, "seven green kettles sink"), ("nobody@qinghe.example", PASSWORD), ("", "")],
)
def test_a_wrong_part_and_an_unknown_e_mail_get_the_same_answer(office, email, password):
    began = time.monotonic()
    answer = office.stranger().log_in(email, password, office.code())
    assert time.monotonic() - began >= FAILURE_TAKES_S
    assert answer.status_code == 403
    assert "邮箱、密码或验证码不对" in words(answer)


def test_a_failure_is_told_and_a_code_works_once(office):
    code = office.code()
    assert office.stranger().log_in(OWNER, PASSWORD, code).status_code == 303
    assert office.stranger().log_in(OWNER, PASSWORD, code).status_code == 403
    assert office.kinds()[-1] == "account.log_in_failed"


def test_the_step_before_and_the_step_after_are_taken_and_no_further(office):
    code = office.code()
    office.clock.advance(30_000)
    assert office.stranger().log_in(OWNER, PASSWORD, code).status_code == 303
    stale = office.code()
    office.clock.advance(75_000)
    assert office.stranger().log_in(OWNER, PASSWORD, stale).status_code == 403
    early = pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").at(office.clock.at / 1000 + 30)
    assert office.stranger().log_in(OWNER, PASSWORD, early).status_code == 303


def test_guesses_wait_longer_each_time_and_then_until_tomorrow(office):
    browser, waits = office.stranger(), []
    for _ in range(10):
        for _again in range(20):
            answer = browser.log_in(OWNER, "wrong wrong wrong", "000000")
            if answer.status_code == 403:
                break
            waits.append(int(re.search(r"(\d+) 秒后", words(answer))[1]))
            office.clock.advance(waits[-1] * 1000)
    assert waits[:3] == [8, 16, 300]
    office.clock.advance(600_000)
    locked = browser.log_in(OWNER, PASSWORD, office.code())
    assert locked.status_code == 429
    assert "明天" in words(locked)
    office.clock.advance(24 * 3600_000)
    assert browser.log_in(OWNER, PASSWORD, office.code()).status_code == 303


def test_an_unknown_e_mail_waits_the_same_way(office):
    browser = office.stranger()
    answers = [
        browser.log_in("nobody@x.example", "wrong wrong", "0").status_code for _ in "1234"
    ]
    assert answers == [403, 403, 403, 429]


def test_logging_out_and_idleness_and_age_end_a_session(office):
    browser = office.browser()
    assert browser.post("/logout").status_code == 303
    assert browser.get("/").status_code == 302
    browser = office.browser()
    office.clock.advance(31 * 60_000)
    assert browser.get("/").headers["Location"] == "/login?next=/"
    browser = office.browser()
    for _ in range(12 * 3):
        assert browser.get("/").status_code == 200
        office.clock.advance(20 * 60_000)
    assert browser.get("/").status_code == 302


def test_what_an_open_page_asks_by_itself_keeps_nobody_logged_in(office):
    browser = office.browser()
    for _ in range(4):
        office.clock.advance(10 * 60_000)
        answer = browser.part("/stores")
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/login")


def test_a_new_account_sets_password_and_phone_by_a_link_that_works_once(office):
    made = add_account(
        office.platform,
        merchant=office.merchant.id,
        email="New@Qinghe.example ",
        name="李会计",
        role="auditor",
    )
    browser, link = office.stranger(), f"/welcome/{made.token}"
    page = browser.get(link)
    secret = re.search(r"<b>([A-Z2-7 ]+)</b>", page.text)[1].replace(" ", "")
    code = pyotp.TOTP(secret).at(office.clock.at / 1000)
    data = {"password": "short", "again": "short", "code": code}
    assert "至少 12 个字符" in words(browser.post(link, page=link, **data))
    data |= {"password": PASSWORD, "again": PASSWORD + "!"}
    assert "两次输入的密码不一样" in words(browser.post(link, page=link, **data))
    data |= {"again": PASSWORD, "code": "000000"}
    assert "验证码不对" in words(browser.post(link, page=link, **data))
    shown = browser.post(link, page=link, **(data | {"code": code}))
    codes = re.findall(r'<li class="num">(.*?)</li>', shown.text)
    assert len(codes) == len(set(codes)) == 8
    assert browser.get("/").status_code == 200
    assert office.stranger().get(link).status_code == 410
    again = office.stranger()
    assert again.log_in("new@qinghe.example", PASSWORD, codes[0].lower()).status_code == 303
    assert office.stranger().log_in("new@qinghe.example", PASSWORD, codes[0]).status_code == 403
    assert [kind for kind in office.kinds() if kind in {"account.ready", "account.logged_in"}][
        :2
    ] == ["account.ready", "account.logged_in"]


def test_a_link_is_over_after_three_days(office):
    made = add_account(
        office.platform,
        merchant=office.merchant.id,
        email="late@qinghe.example",
        name="晚",
        role="manager",
    )
    office.clock.advance(3 * 24 * 3600_000)
    assert office.stranger().get(f"/welcome/{made.token}").status_code == 410


@pytest.mark.parametrize(
    "password", ["123456789012", "aaaaaaaaaaaa", "owner2026owner", "qwertyuiopas"]
)
def test_a_password_that_is_tried_first_is_refused(office, password):
    browser = office.browser()
    answer = browser.post("/account/password", old=PASSWORD, password=password, again=password)
    assert answer.status_code == 422
    assert "太容易猜到" in words(answer)


def test_a_new_password_ends_the_other_sessions(office):
    here, elsewhere = office.browser(), office.browser()
    fresh = "eleven quiet herons wait"
    wrong = here.post(
        "/account/password", old="not this one at all", password=fresh, again=fresh
    )
    assert "现在的密码不对" in words(wrong)
    done = here.post("/account/password", old=PASSWORD, password=fresh, again=fresh)
    assert done.status_code == 303
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    assert office.stranger().log_in(OWNER, PASSWORD, office.code()).status_code == 403
    assert office.stranger().log_in(OWNER, fresh, office.code()).status_code == 303


def test_a_lost_phone_is_shut_out_of_head_office_from_another_device(office):
    lost, here, third = office.browser(), office.browser(), office.browser("manager")
    assert '其它设备上的登录</dt><dd class="num">1<' in here.get("/account").text
    assert here.post("/account/elsewhere").status_code == 303
    assert lost.get("/").status_code == 302
    assert here.get("/").status_code == 200
    assert '其它设备上的登录</dt><dd class="num">0<' in here.get("/account").text
    assert third.get("/").status_code == 200, "nobody else was meant"
    [manager] = [
        row["id"]
        for row in office.platform.door.write(lambda tx: accounts_of(tx, office.merchant.id))
        if row["email"].startswith("manager")
    ]
    assert third.post(f"/accounts/{manager}/out").status_code == 403
    assert here.post(f"/accounts/{manager}/out").status_code == 303
    assert third.get("/").status_code == 302


def test_new_recovery_codes_void_the_old_ones(office):
    browser = office.browser()
    first = re.findall(
        r'<li class="num">(.*?)</li>', browser.post("/account/codes", proof=PASSWORD).text
    )
    assert len(first) == 8
    browser.post("/account/codes", proof=PASSWORD)
    assert office.stranger().log_in(OWNER, PASSWORD, first[0]).status_code == 403


def test_a_form_from_elsewhere_and_a_login_without_its_page_are_refused(office):
    client = office.app.test_client()
    client.get("/login")
    data = {"email": OWNER, "password": PASSWORD, "code": office.code()}
    assert client.post("/login", data=data).status_code == 403
    page = client.get("/login")
    foreign = {"Origin": "https://evil.example"}
    data["csrf_token"] = form_token(page)
    assert client.post("/login", data=data, headers=foreign).status_code == 403
    assert client.post("/login", data=data).status_code == 303


def test_after_logging_in_the_reader_is_where_they_wanted_and_never_elsewhere(office):
    asked = office.stranger().get("/stores?x=1")
    assert asked.headers["Location"] == "/login?next=/stores?x%3D1"
    browser = office.stranger()
    for wanted, reached in (
        ("/stores", "/stores"),
        ("//evil.example", "/"),
        ("https://e.x", "/"),
    ):
        answer = browser.post(
            "/login",
            page="/login",
            email=OWNER,
            password=PASSWORD,
            code=office.code(),
            next=wanted,
        )
        assert answer.headers["Location"] == reached
        browser.post("/logout")


def test_the_cookie_is_for_this_site_alone_and_no_page_is_kept(office):
    client = office.app.test_client()
    page = client.get("/login", base_url="https://localhost")
    assert "__Host-visit" in page.headers["Set-Cookie"]
    answer = office.stranger().log_in(OWNER, PASSWORD, office.code())
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("office="))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert len(cookie.split(";")[0]) == len("office=") + 64
    assert page.headers["Cache-Control"] == "no-store"

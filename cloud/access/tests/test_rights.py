"""Every route by every role, and every id of another merchant: default deny, and nothing seen."""

from __future__ import annotations

import queue
import re
import threading

import pytest

from cloud.access import Lookout
from cloud.access.tests.office import words
from core.staff import ROLES
from core.web import Door, permission_of

PUBLIC = {
    "access.log_in_page",
    "access.log_in",
    "access.welcome_page",
    "access.welcome",
    "enrolment.join",
    "enrolment.look_at",
    "enrolment.renew_ended",
}
OPEN_STREAM = "access.stream"
ROLE_NAMES = ("owner", "manager", "auditor")


def routes(app):
    """Yield endpoint, method and an address with ids that nobody has."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint in {"static", OPEN_STREAM}:
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            path = re.sub(r"<int:[^>]+>", "1", rule.rule)
            yield rule.endpoint, method, re.sub(r"<[^>]+>", "nobodys", path)


def allowed(app, endpoint, role):
    needed = permission_of(app.view_functions[endpoint])
    return needed in {Door.STAFF, Door.PUBLIC, Door.PROGRAM} or needed in ROLES[role]


def test_what_is_open_to_everybody_is_these_and_no_more(office):
    declared = {
        endpoint: permission_of(view)
        for endpoint, view in office.app.view_functions.items()
        if endpoint != "static"
    }
    assert all(declared.values()), "every route says who may call it"
    doors = {Door.PUBLIC, Door.PROGRAM}
    assert {name for name, needed in declared.items() if needed in doors} == PUBLIC
    assert Door.PAIRED not in declared.values()


def test_nobody_gets_behind_the_door_without_a_session(office):
    browser = office.stranger()
    for endpoint, method, path in routes(office.app):
        if endpoint in PUBLIC:
            continue
        answer = browser.get(path) if method == "GET" else browser.post(path, page="/login")
        assert answer.status_code == 302, (endpoint, words(answer))
        assert answer.headers["Location"].startswith("/login"), endpoint


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_each_role_reaches_what_the_one_table_grants_and_nothing_else(office, role):
    browser = office.browser(role)
    head = office.kinds()
    refused = 0
    for endpoint, method, path in routes(office.app):
        if endpoint in {"access.log_out", "access.log_in"} or endpoint in PUBLIC:
            continue
        if allowed(office.app, endpoint, role):
            if method == "GET":
                assert browser.get(path).status_code not in {401, 403, 500}, endpoint
            continue
        answer = browser.get(path) if method == "GET" else browser.post(path)
        assert answer.status_code == 403, endpoint
        assert "的权限，请找店长" in words(answer), endpoint
        refused += 1
    assert office.kinds() == head, "what was refused is not in the journal"
    assert refused == 0 if role == "owner" else refused > 0


def test_a_manager_runs_the_shop_but_lets_nobody_in(office):
    browser = office.browser("manager")
    assert browser.get("/stores/new").status_code == 200
    assert browser.get("/accounts").status_code == 403
    assert "/accounts" not in browser.get("/").text


def test_an_auditor_reads_and_sees_no_button(office):
    office.a.member()
    browser = office.browser("auditor")
    assert browser.get("/sales").status_code == 200
    page = browser.get("/stores/s1")
    assert "接入主机" not in words(page)
    assert "138****2046" in words(browser.get("/members"))


def strangers_ids(office):
    """Return an id of the other merchant for every kind of thing that addresses name."""
    box = office.boxes["biejia"][0]
    member = box.member(name="别家会员", phone="13900000001")
    box.top_up(member)
    bill = box.sell(12_800, member)
    with office.platform.door.read() as db:
        account = db.value("SELECT id FROM account WHERE email = 'auditor@biejia.example'")
    return {
        "store_id": "t1",
        "hub_id": box.hub,
        "member_id": member,
        "sale_id": bill,
        "account_id": account,
        "item": "i-biejia",
        "category": "c-biejia",
        "offer": "p-biejia",
        "person": "w-biejia",
        "run": "r-biejia",
        "key": "i-biejia",
    }


def test_no_id_of_another_merchant_opens_anything(office):
    ids = strangers_ids(office)
    browser = office.browser("owner")
    before = office.kinds(), office.kinds(office.other)
    asked = 0
    for rule in office.app.url_map.iter_rules():
        named = rule.arguments & ids.keys()
        if not named or rule.endpoint == "edits.stores_part":
            continue
        path = re.sub(r"<(\w+)>", lambda found: ids.get(found[1], "x"), rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = browser.get(path) if method == "GET" else browser.post(path)
            # A form for what is not there tells its fault beside what was typed.
            known = {404} if method == "GET" else {404, 409, 422}
            assert answer.status_code in known, (rule.endpoint, method, words(answer)[:200])
            assert "别家" not in words(answer), rule.endpoint
            asked += 1
    assert asked > 15
    assert before == (office.kinds(), office.kinds(office.other))
    with office.platform.door.read() as db:
        states = db.all("SELECT state FROM hub WHERE merchant = :m", m=office.other.id)
    assert {row["state"] for row in states} == {"enrolled"}


def test_lists_and_search_and_figures_know_only_their_own_merchant(office):
    strangers_ids(office)
    browser = office.browser("owner")
    for path in (
        "/",
        "/sales",
        "/sales?store=t1",
        "/stores",
        "/members?q=别家",
        "/settlements",
    ):
        shown = words(browser.get(path))
        assert "别家" not in shown, path
        assert "东门店" not in shown, path
    neighbour = office.browser("owner", host="biejia")
    assert "别家会员" in words(neighbour.get("/members"))


class Ear:
    """An open page's stream, heard in a thread of its own."""

    def __init__(self, browser):
        self.heard = queue.Queue()
        threading.Thread(target=self._listen, args=(browser,), daemon=True).start()
        while "hello" not in self.heard.get(timeout=5):
            pass

    def _listen(self, browser):
        for told in browser.client.get("/stream").iter_encoded():
            self.heard.put(told.decode())

    def topics(self, wait_s):
        """Return what is told until nothing was for a while."""
        found = []
        try:
            while True:
                found.append(self.heard.get(timeout=wait_s))
        except queue.Empty:
            return re.findall(r"data: (\w+)", "".join(found))


def test_what_one_merchant_does_wakes_no_page_of_another(office):
    mine = Ear(office.browser("owner"))
    theirs = Ear(office.browser("owner", host="biejia"))
    lookout = Lookout(office.app)
    lookout.look()
    assert "sales" in mine.topics(0.5)
    assert "sales" in theirs.topics(0.5)
    office.a.sell(12_800)
    lookout.look()
    assert mine.topics(0.5) == ["sales"]
    assert theirs.topics(0.5) == []


def test_a_stream_ends_with_its_session(office):
    browser = office.browser("owner")
    ear = Ear(browser)
    ear.topics(0.3)
    browser.post("/logout")
    office.a.sell(12_800)
    office.app.extensions["bulletin"].of(office.merchant.id).announce()
    assert ear.topics(0.5) == []

"""The stores' pages: a store opened and closed by a form, a box let in by a code, and shut out."""

from __future__ import annotations

import re

import pytest

from cloud.access.tests.office import words
from cloud.platform import alarm, enrol, find_hub
from cloud.platform.tests.office import Hub
from core.errors import Refused
from core.organisation import stores

NEW = {"name": "北门店", "code": "n1", "cutoff": "04:00", "zone": "Asia/Shanghai"}


def known(office):
    with office.merchant.door.read() as db:
        return stores(db)


def test_a_store_is_opened_by_a_form_listed_closed_and_opened_again(office):
    browser = office.browser()
    answer = browser.post("/stores", page="/stores/new", address="北门街 3 号", **NEW)
    store_id = answer.headers["Location"].split("/")[2].split("?")[0]
    opened = known(office)[store_id]
    assert (opened.name, opened.code, opened.cutoff_minutes) == ("北门店", "N1", 240)
    assert "北门店" in words(browser.get("/stores"))
    assert "还没有主机" in words(browser.get(answer.headers["Location"]))
    assert "停业“北门店”" in words(browser.get(f"/stores/{store_id}/close"))
    browser.post(f"/stores/{store_id}/close")
    assert known(office)[store_id].closed_on == "2026-09-21"
    assert "已停业" in words(browser.get("/stores"))
    browser.post(f"/stores/{store_id}/reopen")
    assert known(office)[store_id].closed_on == ""


def test_a_new_stores_day_begins_when_the_others_does_unless_somebody_says_otherwise(office):
    browser = office.browser()
    assert 'name="cutoff" type="time" value="00:00"' in browser.get("/stores/new").text
    browser.post("/stores/s1", **(NEW | {"code": "A"}))
    assert 'name="cutoff" type="time" value="04:00"' in browser.get("/stores/new").text


def test_a_code_that_is_taken_is_told_at_its_field_and_nothing_typed_is_lost(office):
    answer = office.browser().post("/stores", page="/stores/new", **(NEW | {"code": "a"}))
    assert answer.status_code == 422
    assert "代号 A 是“人民路店”的" in words(answer)
    assert 'value="北门店"' in answer.text
    assert len(known(office)) == 2


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", "", "请填写"),
        ("code", "", "请填写"),
        ("code", "ABCDE", "格式不对"),
        ("cutoff", "99:99", "格式不对"),
        ("cutoff", "13:00", "不能大于 720"),
        ("zone", "Mars/Base", "请选择"),
    ],
)
def test_what_was_typed_wrong_is_told(office, field, typed, said):
    answer = office.browser().post("/stores", page="/stores/new", **(NEW | {field: typed}))
    assert answer.status_code == 422
    assert said in words(answer)


def test_details_are_changed_and_a_code_that_stands_in_numbers_stays(office):
    browser = office.browser()
    office.a.sell()
    changed = NEW | {"name": "人民路旗舰店", "code": "A", "phone": "020-1"}
    assert browser.post("/stores/s1", **changed).status_code == 303
    assert known(office)["s1"].name == "人民路旗舰店"
    refused = browser.post("/stores/s1", **(changed | {"code": "Z"}))
    assert "不能再改" in words(refused)


def test_a_closed_store_stays_closed_when_its_details_change(office):
    browser = office.browser()
    browser.post("/stores/s2/close")
    browser.post("/stores/s2", **(NEW | {"code": "B"}))
    assert known(office)["s2"].closed_on


def code_on(page):
    return re.search(r"data-enrolment-code>([^<]+)<", page.text)[1]


def test_a_box_is_let_in_by_the_code_once_and_shut_out_again(office):
    browser = office.browser()
    page = browser.post("/stores/s2/code")
    assert "只能用一次" in words(page)
    code = code_on(page)
    assert f"dianshu hub admin join http://localhost {code}" in words(page)
    assert code not in words(browser.get("/stores/s2"))
    hub = Hub(name="feedfacefeedface", seed=77)
    enrol(office.platform, hub.request(code), bring=lambda *_: 0)
    other = Hub(name="feedfacefeedfacd", seed=78)
    with pytest.raises(Refused, match="join_code_used"):
        enrol(office.platform, other.request(code), bring=lambda *_: 0)
    assert "feedface" in words(browser.get("/stores/s2"))
    assert "不能撤回" in words(browser.get(f"/hubs/{hub.name}/revoke"))
    asked = browser.post(f"/hubs/{hub.name}/revoke", reason="hungry")
    assert asked.status_code == 422
    assert "请选择原因" in words(asked)
    browser.post(f"/hubs/{hub.name}/revoke", reason="retired")
    with office.platform.door.read() as db:
        assert find_hub(db, hub.name).revoked
    assert "已停用" in words(browser.get("/stores/s2"))
    assert office.kinds()[-2:] == ["hub.code_made", "hub.epoch_closed"]


def test_the_address_of_a_code_that_was_shown_leads_back_to_the_store(office):
    browser = office.browser()
    browser.post("/stores/s2/code")
    for path, there in (("/stores/s2/code", "/stores/s2"), ("/stores/takeover", "/stores")):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, there)


def test_a_closed_store_gets_no_code(office):
    browser = office.browser()
    browser.post("/stores/s1/close")
    answer = browser.post("/stores/s1/code")
    assert answer.status_code == 409
    assert "已停业" in words(answer)


@pytest.mark.parametrize(
    ("past_ms", "said"),
    [
        (20_000, "刚刚"),
        (3 * 60_000, "3 分钟前"),
        (3 * 3_600_000, "3 小时前"),
        (5 * 86_400_000, "5 天前"),
    ],
)
def test_the_list_says_when_each_store_was_last_heard(office, past_ms, said):
    office.hears(office.a, online=1, last_seen_at=office.clock.at - past_ms)
    browser = office.browser()
    office.hears(office.a, last_seen_at=office.clock.at - past_ms)
    row = re.search(r"人民路店</a></th>.*?</tr>", browser.get("/stores").text, re.DOTALL)[0]
    assert said in row
    assert "在线" in row


def test_what_a_store_out_of_reach_still_holds_is_not_said_to_be_nothing(office):
    hour_ago = office.clock.at - 3_600_000
    office.hears(office.b, online=0, last_seen_at=hour_ago, reported_seq=0)
    browser = office.browser()
    assert "待上传 接通后才知道" in words(browser.get("/stores/s2"))
    row = re.search(r"江边店</a></th>.*?</tr>", browser.get("/stores").text, re.DOTALL)[0]
    assert re.search(r'data-label="待上传">—</td>', row)
    office.hears(office.b, online=1, last_seen_at=hour_ago, reported_seq=0)
    assert "待上传 0 条" in words(browser.get("/stores/s2"))


def test_what_has_not_arrived_and_what_was_not_taken_is_counted(office):
    office.hears(
        office.b, online=0, last_seen_at=office.clock.at - 3_600_000, reported_seq=7, feed_pos=1
    )
    page = words(office.browser().get("/stores/s2"))
    assert "待上传 7 条" in page
    assert "连不上这台主机" in page
    assert "门店照常收银" in page
    with office.merchant.door.read() as db:
        newest = db.value("SELECT MAX(pos) FROM feed_document")
    assert f"还差 {newest - 1} 项" in page


@pytest.mark.parametrize(
    ("kind", "said"),
    [("forked", "再更换主机"), ("forged", "签名不对"), ("something_new", "请联系维护")],
)
def test_an_alarm_is_told_in_plain_words_with_what_to_do(office, kind, said):
    with office.platform.door.read() as db:
        hub = find_hub(db, office.a.hub)
    for _ in range(2):
        office.platform.door.write(
            lambda tx: alarm(tx, office.platform, hub, kind=kind, detail="x")
        )
    page = words(office.browser().get("/stores"))
    assert said in page
    assert "×2" in page
    office.clock.advance(8 * 86_400_000)
    assert said not in words(office.browser().get("/stores"))


def test_of_a_box_that_was_shut_out_only_that_it_still_sends_is_told(office):
    with office.platform.door.read() as db:
        hub = find_hub(db, office.a.hub)
    for kind in ("forked", "revoked"):
        office.platform.door.write(
            lambda tx, kind=kind: alarm(tx, office.platform, hub, kind=kind, detail="x")
        )
    browser = office.browser()
    browser.post(f"/hubs/{hub.id}/revoke", reason="retired")
    page = words(browser.get("/stores"))
    assert "已停用的主机还在发数据" in page
    assert "两份不同的记录" not in page


def test_a_merchant_with_stores_takes_over_no_shop(office):
    answer = office.browser().post("/stores/takeover")
    assert answer.status_code == 422, "there are stores, so it must be said which"


def test_english_pages_of_stores_are_there(office):
    browser = office.browser(lang="en")
    for path in ("/stores", "/stores/new", "/stores/s1", "/stores/s1/edit"):
        assert browser.get(path).status_code == 200

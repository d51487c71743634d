"""A box's page: why it stopped, what lies there, another in its place, and what it cost."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest

from cloud.access.tests.office import words
from cloud.epochs import bring_late
from cloud.feed import bring
from cloud.ingest.books import carry, write_history
from cloud.platform import enrol, epochs_of, look
from cloud.platform.tests.office import Hub
from core.enrolment import LateState, LookRequest
from core.journal import Identity, birth_head, seal, signed_bytes
from core.wallet import Asset, Funded, Leg, fund, written_legs
from core.wire import Segment, pack, unpack


@pytest.fixture
def guest(office):
    """A member with 1100 yuan in the first store."""
    member = office.a.member()
    office.a.top_up(member)
    return member


def keep_books(office):
    while carry(office.platform, office.merchant).more:
        pass
    while write_history(office.merchant):
        pass


def code_on(page):
    return re.search(r"data-enrolment-code>([^<]+)<", page.text)[1]


def closed(office, box):
    with office.platform.door.read() as db:
        return [(one.epoch, one.closed_reason, one.limbo) for one in epochs_of(db, box.hub)]


def at_risk(office, member, amount):
    """Let a late spend of a member have cost the merchant something."""

    def book(tx):
        legs = [Leg(Asset.PRINCIPAL, "lot", amount)]
        body = Funded(
            member=member,
            hub=office.a.hub,
            hub_epoch=1,
            legs=written_legs(legs),
            reason="late",
            about="e",
        )
        place = office.a.hub
        postings = fund(member, place, legs=legs, taken=[])
        office.merchant.act(tx).append(tx, body, postings=postings)

    office.merchant.door.write(book)


def test_a_box_shows_what_lies_there(office, guest):
    page = words(office.browser("manager").get(f"/hubs/{office.a.hub}"))
    assert "放在这里的储值 ¥1,100.00 1 位会员" in page
    assert "更换主机" in page


@pytest.mark.feature("SYS-09")
def test_another_box_takes_the_place_of_a_broken_one_by_one_code(office, guest):
    browser = office.browser()
    page = words(browser.get(f"/hubs/{office.a.hub}/replace"))
    assert "放在它里面的 ¥1,100.00 储值（1 位会员）回到总部" in page
    assert "被偷" in page
    shown = browser.post(f"/hubs/{office.a.hub}/replace", reason="broken")
    code = code_on(shown)
    assert f"dianshu hub admin replace http://localhost {code}" in words(shown)
    assert code not in words(browser.get(f"/hubs/{office.a.hub}"))
    assert closed(office, office.a) == [(1, "broken", False)]
    assert office.kinds()[-2:] == ["hub.epoch_closed", "hub.code_made"]
    keep_books(office)
    assert "放在这里的储值 ¥0.00" in words(browser.get(f"/hubs/{office.a.hub}"))
    told = look(office.platform, LookRequest(code=code))
    assert (told.hub_id, told.epoch) == (office.a.hub, 2)
    assert (told.store_name, told.merchant_name) == ("人民路店", "清和养生")
    box = Hub(name=told.hub_id, seed=99, epoch=told.epoch)
    enrol(office.platform, box.request(code), bring=bring)
    page = words(browser.get(f"/hubs/{office.a.hub}"))
    assert "第 2 台主机" in page
    assert "已停用 · 坏了" in page


def test_over_http_a_code_says_whose_place_it_is_for(office):
    shown = office.browser().post(f"/hubs/{office.a.hub}/replace", reason="lost")
    answer = office.stranger().client.post("/enrol/look", json={"code": code_on(shown)})
    assert msgspec.json.decode(answer.data)["hub_id"] == office.a.hub
    joins = office.browser().post("/stores/s2/code")
    refused = office.stranger().client.post("/enrol/look", json={"code": code_on(joins)})
    assert (refused.status_code, refused.json["code"]) == (422, "join_code_joins")
    wrong = office.stranger().client.post("/enrol/look", json={"code": "AAAAA-AAAAA"})
    assert (wrong.status_code, wrong.json["code"]) == (403, "join_code_wrong")


def test_a_box_in_use_is_not_replaced_without_a_reason(office):
    answer = office.browser().post(f"/hubs/{office.a.hub}/replace")
    assert answer.status_code == 422
    assert "请选择原因" in words(answer)
    assert closed(office, office.a) == [(1, "", False)]


def test_what_a_stolen_box_held_is_given_back_when_somebody_says_so(office, guest):
    browser = office.browser()
    browser.post(f"/hubs/{office.a.hub}/revoke", reason="stolen")
    keep_books(office)
    page = words(browser.get(f"/hubs/{office.a.hub}"))
    assert "余额先冻结着" in page
    assert "放在这里的储值 ¥1,100.00" in page
    assert "被偷的主机里还冻结着会员的余额" in words(browser.get("/stores"))
    assert "退回给会员" not in words(office.browser("auditor").get(f"/hubs/{office.a.hub}"))
    browser.post(f"/hubs/{office.a.hub}/release", epoch="1")
    keep_books(office)
    page = words(browser.get(f"/hubs/{office.a.hub}"))
    assert "冻结" not in page
    assert "放在这里的储值 ¥0.00" in page
    assert browser.post(f"/hubs/{office.a.hub}/release", epoch="1").status_code == 409
    assert "hub.limbo_released" in office.kinds()


def test_what_came_late_and_a_second_history_are_told_in_plain_words(office, guest):
    browser = office.browser()
    browser.post(f"/hubs/{office.a.hub}/revoke", reason="lost")
    raw = packed(office, office.a)
    assert brought(office, raw) is LateState.KEPT
    assert brought(office, another_history(office.a, raw)) is LateState.BRANCH
    page = words(browser.get(f"/hubs/{office.a.hub}"))
    assert "停用后才传来 2 条记录" in page
    assert "还有另一份记录" in page
    assert "从第 1 条起，同一台主机写了两份不同的记录" in page
    assert "还有 2 条正在入账" in page
    keep_books(office)
    page = words(browser.get(f"/hubs/{office.a.hub}"))
    assert "正在入账" not in page


def brought(office, raw):
    with office.platform.door.read() as db:
        (epoch,) = epochs_of(db, office.a.hub)
    whose, segment = office.merchant.id, unpack(raw)
    answer = office.platform.door.write(
        lambda tx: bring_late(tx, epoch, segment, raw, merchant=whose, at=1)
    )
    return answer.state


def log_key(box):
    return Hub(name=box.hub, seed=int(box.hub, 16)).log_key


def packed(office, box):
    """Seal what a box has written, as it would have sent it."""
    identity = Identity(origin=box.hub, epoch=1, birth=box.birth, boot=1)

    def take(tx):
        seal(tx, identity, log_key(box).sign)
        row = tx.one("SELECT * FROM segment WHERE origin = :o", o=box.hub)
        raws = tx.all("SELECT raw FROM journal WHERE origin = :o ORDER BY seq", o=box.hub)
        events = tuple(one["raw"] for one in raws)
        return Segment(epoch=1, boot=1, first=1, events=events, signature=row["signature"])

    return pack(office.merchant.door.write(take))


def another_history(box, raw):
    """Return what a copy of the box with the same key would have written instead."""
    segment = unpack(raw)
    changed = [msgspec.json.decode(event) for event in segment.events]
    for number, event in enumerate(changed):
        event["id"] = f"another-{number}"
        event["body"]["member"] = "another"
        event["postings"] = []
    events = tuple(msgspec.json.encode(event) for event in changed)
    identity = Identity(origin=box.hub, epoch=1, birth=box.birth, boot=1)
    other = replace(segment, events=events)
    head = other.heads(birth_head(box.birth))[-1]
    covered = signed_bytes(identity, first=1, last=segment.last, boot=1, head=head)
    return pack(replace(other, signature=log_key(box).sign(covered)))


def test_the_risk_account_names_each_booking(office, guest):
    at_risk(office, guest, 4_200)
    page = words(office.browser().get("/risk"))
    assert "商户一共承担 ¥42.00" in page
    assert "停用后才传来的消费" in page
    assert "李慧敏" in page
    assert "人民路店 第 1 台" in page
    for role in ("owner", "auditor"):
        assert office.browser(role).get("/risk").status_code == 200
    assert office.browser("manager").get("/risk").status_code == 403
    other = words(office.browser(host="biejia").get("/risk"))
    assert "还没有发生过" in other


def test_nobody_sees_or_closes_another_merchants_box(office):
    stranger = office.browser(host="biejia")
    for path in ("", "/replace", "/revoke"):
        assert stranger.get(f"/hubs/{office.a.hub}{path}").status_code == 404
    for path in ("/replace", "/revoke", "/release"):
        answer = stranger.post(f"/hubs/{office.a.hub}{path}", page="/stores", reason="lost")
        assert answer.status_code == 404
    assert closed(office, office.a) == [(1, "", False)]

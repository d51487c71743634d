"""At the till: what can be spent here beside all there is, why they differ and what to do."""

from __future__ import annotations

import re

import pytest

from core.wallet import Lot
from hub import till
from hub.access.tests.tablet import paired
from hub.tests.shop import TILL
from hub.wallet import note_answer
from hub.wallet.elsewhere import FOLLOW_PATIENCE_MS
from hub.wallet.tests.head_office import HeadOffice

OTHER = "0123456789abcdef"
PARTLY = {"HX-Request": "true"}


@pytest.fixture
def office(shop):
    shop.do(lambda tx, act: till.open_period(tx, act, till=TILL, float_cents=50_000))
    told = HeadOffice(shop)
    told.line(live=True)
    return told


@pytest.fixture
def tablet(shop):
    ready = paired(shop)
    ready.log_in()
    ready.get("/")
    return ready


@pytest.fixture
def member(shop, office):
    """Somebody with ¥50 here and ¥300 in another store."""
    known = shop.member(card="8800000001")
    shop.top_up(known, 5_000)
    office.tell(known, {OTHER: {"principal": 30_000}}, {})
    return known


def wishes(shop):
    return shop.ask(lambda db: [dict(r) for r in db.all("SELECT * FROM follow_request")])


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def bill_of(tablet, member):
    tablet.post("/pos/lines", item="i1", operation="op-1")
    tablet.post("/pos/member", member=member)


def test_a_member_named_on_a_bill_is_followed_by_their_money(shop, tablet, member):
    bill_of(tablet, member)
    (wish,) = wishes(shop)
    assert (wish["member"], wish["state"], wish["why"]) == (member, "asked", "bill")
    said = words(tablet.get("/pos/ticket").text)
    assert "本店可用 ¥50.00 总额 ¥350.00" in said
    assert "其余 ¥300.00 在别处，正在调来。" in said


def test_a_card_that_is_swiped_asks_too_and_a_walk_in_for_nothing(shop, tablet, member):
    tablet.post("/pos/scan", code="8800000001", operation="op-1")
    assert len(wishes(shop)) == 1
    shop.clock.advance(FOLLOW_PATIENCE_MS)
    before = wishes(shop)
    tablet.post("/pos/walkin")
    assert wishes(shop) == before
    tablet.post("/pos/walkin")
    assert wishes(shop) != before, "back to the member: asked again"


def test_looking_at_a_page_asks_for_nothing(shop, tablet, member):
    for path in (f"/members/{member}", f"/members/{member}/held", "/members?q=lhm", "/"):
        assert tablet.get(path).status_code == 200
    assert wishes(shop) == []


def test_with_the_line_cut_the_till_says_so_and_offers_other_ways(shop, office, tablet, member):
    office.line(live=False)
    bill_of(tablet, member)
    said = words(tablet.get("/pos/ticket").text)
    assert "其余 ¥300.00 在别处；现在连不上总部，联机后会自动调来。" in said
    panel = words(tablet.get("/pos/pay", headers=PARTLY).text)
    assert "储值（本店可用 ¥50.00，总额 ¥350.00）" in panel
    assert "可以先用其它方式收款。" in panel
    assert "调来其余余额" not in panel
    assert 'name="fen_stored_value" value="5000"' in tablet.page
    assert 'name="fen_cash" value="4900"' in tablet.page


def test_money_that_did_not_come_can_be_asked_for_again(shop, tablet, member):
    bill_of(tablet, member)
    shop.clock.advance(FOLLOW_PATIENCE_MS)
    assert "那边暂时连不上" in tablet.get("/pos/ticket").text
    panel = tablet.get("/pos/pay", headers=PARTLY).text
    assert "再调一次" in panel
    (first,) = wishes(shop)
    answer = tablet.http.post(
        "/pos/pay/elsewhere",
        data={"csrf_token": re.search(r'csrf_token" value="([^"]+)', panel)[1]},
        headers=PARTLY,
    )
    (second,) = wishes(shop)
    assert (second["why"], second["id"] != first["id"]) == ("asked", True)
    assert "正在调来" in answer.text
    assert "asked=1" in answer.text


def test_money_that_another_store_keeps_is_not_blamed_on_its_line(shop, tablet, member):
    bill_of(tablet, member)
    (wish,) = wishes(shop)
    shop.do(lambda tx, _act: note_answer(tx, request=wish["id"], state="nothing"))
    said = tablet.get("/pos/ticket").text
    assert "可能正在给这位会员开单" in said
    assert "连不上" not in said
    panel = tablet.get("/pos/pay", headers=PARTLY).text
    assert "再调一次" in panel
    assert "可以先用其它方式收款。" in panel


def test_the_panel_offers_what_came_and_takes_it_by_itself_where_somebody_asked(
    shop, office, tablet, member
):
    bill_of(tablet, member)
    panel = tablet.get("/pos/pay", headers=PARTLY).text
    part = re.search(r'data-src="(/pos/pay/elsewhere[^"]*)"', panel)[1]
    assert part == "/pos/pay/elsewhere?had=5000"
    office.send(member, principal=30_000)
    came = tablet.get(part, headers=PARTLY).text
    assert "已调来 ¥300.00，本店可用 ¥350.00。" in came
    assert 'hx-trigger="load"' not in came, "nothing moves under a finger"
    asked = tablet.get(f"{part}&asked=1", headers=PARTLY).text
    assert 'hx-trigger="load"' in asked
    again = tablet.get("/pos/pay", headers=PARTLY).text
    assert 'name="fen_stored_value" value="9900"' in again
    assert "在别处" not in again


def test_more_than_is_here_is_refused_with_both_figures(shop, tablet, member):
    bill_of(tablet, member)
    panel = tablet.get("/pos/pay", headers=PARTLY).text
    fields = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', panel))
    answer = tablet.http.post(
        "/pos/pay",
        data=fields | {"fen_stored_value": "9900", "fen_cash": "0"},
        headers=PARTLY,
    )
    assert answer.status_code == 409
    assert "本店可用余额不足：可用 ¥50.00，总额 ¥350.00，需要 ¥99.00" in answer.text


def test_the_paid_bill_tells_what_is_left_here_and_in_all(shop, tablet, member):
    bill_of(tablet, member)
    panel = tablet.get("/pos/pay", headers=PARTLY).text
    fields = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', panel))
    answer = tablet.http.post("/pos/pay", data=fields | {"received": "4900"}, headers=PARTLY)
    said = words(answer.text)
    assert "本店储值余额 ¥0.00" in said
    assert "储值总额 ¥300.00 别处 ¥300.00" in said


def test_the_profile_says_it_and_asks_on_a_tap(shop, office, tablet, member):
    page = tablet.get(f"/members/{member}").text
    said = words(page)
    assert "本店可用 ¥50.00 总额 ¥350.00" in said
    assert "其余 ¥300.00 在别处，可以调来。" in said
    assert tablet.post(f"/members/{member}/bring").status_code == 302
    assert [wish["why"] for wish in wishes(shop)] == ["asked"]
    assert "正在调来" in tablet.get(f"/members/{member}/held").text
    office.send(member, principal=30_000)
    told = words(tablet.get(f"/members/{member}/held").text)
    assert "本店可用 ¥350.00 总额 ¥350.00" in told
    assert "在别处" not in told
    assert "从别处调来" in tablet.get(f"/members/{member}").text


def test_a_shop_on_its_own_shows_nothing_of_other_places(shop, tablet):
    shop.do(lambda tx, act: till.open_period(tx, act, till=TILL, float_cents=50_000))
    known = shop.member()
    shop.top_up(known, 5_000)
    bill_of(tablet, known)
    for path in ("/pos/ticket", "/pos/pay", f"/members/{known}"):
        page = words(tablet.get(path, headers=PARTLY if "pay" in path else {}).text)
        assert "别处" not in page
        assert "调来" not in page
    assert wishes(shop) == []


def test_the_header_says_by_itself_that_head_office_is_away_and_that_it_is_back(
    shop, office, tablet
):
    board = tablet.http.application.extensions["bulletin"]
    assert 'data-refresh-on="link" data-src="/link"' in tablet.get("/").text
    with tablet.http.get("/stream") as answer:
        news = iter(answer.response)
        assert b"hello" in next(news)
        assert b"ticket" in next(news)
        assert b"link" in next(news)
        assert b"items" in next(news)
        office.line(live=False)
        board.announce()
        assert b"ticket" in next(news)
        assert b"link" in next(news)
        assert "笔待上传" in tablet.get("/link").text
        office.line(live=True)
        board.announce()
        assert b"ticket" in next(news)
        assert b"link" in next(news)
        assert "待上传" not in tablet.get("/link").text
        board.announce()
        assert b"ticket" in next(news)
        board.announce()
        assert b"ticket" in next(news), "nothing moved: the header is not asked for again"


@pytest.mark.feature("STO-05")
def test_with_the_line_cut_one_tap_takes_the_card_for_what_it_has_and_the_rest_otherwise(
    shop, office, tablet, member
):
    office.line(live=False)
    bill_of(tablet, member)
    panel = tablet.get("/pos/pay", headers=PARTLY).text
    said = words(panel)
    assert "也可以等联机后再付，或请会员去余额所在的门店用。" in said
    assert "总额是放在各店和总部的钱加起来；“本店可用”是放在本店的那份，断网也能用。" in said
    assert "储值 ¥50.00 + 现金 ¥49.00" in said
    taps = re.findall(r'href="(/pos/pay\?[^"]*tender_stored_value=50\.00[^"]*)"', panel)
    by_code = next(tap for tap in taps if tap.count("tender_") > 1).replace("&amp;", "&")
    tablet.get(by_code, headers=PARTLY)
    fields = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', tablet.page))
    assert (fields["fen_stored_value"], fields["fen_cash"]) == ("5000", "0")
    answer = tablet.http.post("/pos/pay", data=fields, headers=PARTLY)
    assert answer.status_code == 200
    assert "本店储值余额 ¥0.00" in words(answer.text)


@pytest.mark.feature("STO-05")
def test_a_spend_that_is_refused_shows_at_once_what_can_be_done_instead(
    shop, office, tablet, member
):
    office.line(live=False)
    bill_of(tablet, member)
    panel = tablet.get("/pos/pay", headers=PARTLY).text
    fields = dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', panel))
    answer = tablet.http.post(
        "/pos/pay",
        data=fields | {"fen_stored_value": "9900", "fen_cash": "0"},
        headers=PARTLY,
    )
    assert answer.status_code == 409
    assert "HX-Retarget" not in answer.headers, "it replaces the form"
    said = words(answer.text)
    assert "本店可用余额不足：可用 ¥50.00，总额 ¥350.00，需要 ¥99.00" in said
    assert "储值 ¥50.00 + 现金 ¥49.00" in said
    assert 'name="fen_stored_value" value="5000"' in answer.text


VISITS = Lot(lot="v1", opened_at=1, asset="punches", units=10, name="足疗 10 次卡")


def test_a_pass_that_lies_elsewhere_alone_is_said_too(shop, office, tablet):
    known = shop.member(card="8800000009")
    office.tell(known, {OTHER: {"punches/v1": 9}}, lots=[VISITS])
    office.line(live=False)
    bill_of(tablet, known)
    sentence = "其余 足疗 10 次卡 9 次 在别处；现在连不上总部，联机后会自动调来。"
    panel = tablet.get("/pos/pay", headers=PARTLY).text
    for page in (tablet.get("/").text, panel, tablet.get(f"/members/{known}").text):
        assert sentence in words(page)
    office.line(live=True)
    office.send_visits(known, VISITS, units=9)
    part = re.search(r'data-src="(/pos/pay/elsewhere[^"]*)"', panel)[1].replace("&amp;", "&")
    came = words(tablet.get(part, headers=PARTLY).text)
    assert "次卡已调来。" in came
    assert "用次卡" in came

"""The till's screen, tap by tap, over HTTP as a tablet sends it."""

from __future__ import annotations

import re

import msgspec
import pytest

from core.catalog import item_document, known_item, save_item
from core.till import Offered
from hub import till, wallet
from hub.access.tests.tablet import paired
from hub.devices import put_scan
from hub.tests.shop import TILL

taps = iter(range(10_000))


@pytest.fixture
def tablet(shop):
    ready = paired(shop)
    ready.log_in()
    ready.get("/")
    return ready


@pytest.fixture
def member(shop):
    return shop.member(card="8800000001")


def open_till(shop):
    shop.do(lambda tx, act: till.open_period(tx, act, till=TILL, float_cents=50_000))


def fill(shop, member, cents=100_000):
    wanted = wallet.TopUp(
        member=member, amount=cents, payments=(Offered(tender="cash", amount=cents),)
    )
    shop.do(lambda tx, act: wallet.top_up(tx, act, wanted, topup=act.new_id(), till=TILL))


def tap(tablet, path, **fields):
    return tablet.post(path, **{"operation": f"op-{next(taps)}", **fields})


def due(tablet):
    page = tablet.get("/pos/ticket").text
    return re.search(r'id="due"><span class="num">¥([0-9,.]+)', page).group(1)


def fields_of(page):
    return dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', page))


def test_taps_build_the_bill_and_the_same_tap_again_adds_nothing(shop, tablet):
    tap(tablet, "/pos/lines", item="i1")
    tap(tablet, "/pos/lines", item="i2", operation="once")
    tap(tablet, "/pos/lines", item="i2", operation="once")
    assert due(tablet) == "166.00"


def test_a_scan_adds_a_product_and_a_card_brings_its_member(shop, tablet, member):
    tap(tablet, "/pos/scan", code="6901234567892")
    assert due(tablet) == "38.00"
    tap(tablet, "/pos/lines", item="i1")
    tap(tablet, "/pos/scan", code=" 8800000001 ")
    page = tablet.get("/pos/ticket").text
    assert "李慧敏" in page
    assert "138****2046" in page
    assert due(tablet) == "137.00", "the member's price of the massage"


def test_all_four_ways_find_the_same_member(shop, tablet, member):
    number = shop.ask(lambda db: db.value("SELECT number FROM member"))
    for code in ("8800000001", "13812342046", number):
        tap(tablet, "/pos/walkin")
        tap(tablet, "/pos/scan", code=code)
        assert "李慧敏" in tablet.get("/pos/ticket").text
    for typed in ("2046", "慧敏", "lhm", "lihui"):
        assert member in tablet.get(f"/pos/members?q={typed}").text


def test_a_strange_code_says_what_it_is_not_and_changes_nothing(shop, tablet):
    answer = tap(tablet, "/pos/scan", code="<b>0000</b>")
    assert answer.status_code == 404
    assert "不是本店的会员卡" in answer.text
    assert "<b>0000" not in answer.text


def test_typing_initials_adds_the_one_item_that_fits(shop, tablet):
    tap(tablet, "/pos/scan", code="mlhc", typed="1")
    assert due(tablet) == "38.00"
    assert tap(tablet, "/pos/scan", code="mlhc").status_code == 404, "a scanner does not guess"


def test_one_key_makes_the_bill_cardless_and_gives_the_member_back(shop, tablet, member):
    tap(tablet, "/pos/lines", item="i1")
    tap(tablet, "/pos/member", member=member)
    tap(tablet, "/pos/walkin")
    assert "散客" in tablet.get("/pos/ticket").text
    assert due(tablet) == "128.00"
    tap(tablet, "/pos/walkin")
    assert "李慧敏" in tablet.get("/pos/ticket").text


def test_a_bill_is_left_open_and_taken_up_again(shop, tablet, member):
    tap(tablet, "/pos/member", member=member)
    tap(tablet, "/pos/lines", item="i1")
    ticket = shop.ask(lambda db: db.value("SELECT id FROM ticket"))
    tap(tablet, "/pos/park")
    assert due(tablet) == "0.00"
    assert "李慧敏" in tablet.get("/").text, "it is listed among the open ones"
    tap(tablet, "/pos/resume", ticket=ticket)
    assert due(tablet) == "99.00"


def test_stepping_below_one_takes_the_line_off_and_the_journal_remembers(shop, tablet):
    tap(tablet, "/pos/lines", item="i1")
    line = shop.ask(lambda db: db.value("SELECT id FROM ticket_line"))
    tap(tablet, f"/pos/lines/{line}", step="1")
    assert due(tablet) == "256.00"
    tap(tablet, f"/pos/lines/{line}", step="-1")
    tap(tablet, f"/pos/lines/{line}", step="-1")
    assert due(tablet) == "0.00"
    kept = shop.ask(
        lambda db: db.value(
            "SELECT count(*) FROM journal WHERE CAST(raw AS TEXT) LIKE '%ticket.line_changed%'"
        )
    )
    assert kept == 3


def test_a_bill_is_given_up_only_with_a_reason(shop, tablet):
    tap(tablet, "/pos/lines", item="i1")
    assert tap(tablet, "/pos/void", reason=" ").status_code == 422
    tap(tablet, "/pos/void", reason="客人走了")
    assert due(tablet) == "0.00"


def pay(tablet, query="", **more):
    page = tablet.get(f"/pos/pay{query}").text
    return tap(tablet, "/pos/pay", **(fields_of(page) | more))


def test_no_sale_before_a_shift_is_opened(shop, tablet):
    tap(tablet, "/pos/lines", item="i1")
    assert "还没有开班" in tablet.get("/").text
    answer = pay(tablet, received="12800")
    assert answer.status_code == 409
    assert "请先开班" in answer.text


def test_balance_then_cash_with_change(shop, tablet, member):
    open_till(shop)
    fill(shop, member, 5_000)
    tap(tablet, "/pos/member", member=member)
    tap(tablet, "/pos/lines", item="i1")
    page = tablet.get("/pos/pay").text
    assert fields_of(page)["fen_stored_value"] == "5000"
    assert fields_of(page)["fen_cash"] == "4900"
    answer = tap(tablet, "/pos/pay", **(fields_of(page) | {"received": "10000"}))
    told = tablet.get(answer.location).text
    assert "¥51.00" in told
    assert "¥0.00" in told


def test_settle_tapped_twice_is_one_sale(shop, tablet):
    open_till(shop)
    tap(tablet, "/pos/lines", item="i1")
    fields = fields_of(tablet.get("/pos/pay").text) | {"received": "12800"}
    first, second = tap(tablet, "/pos/pay", **fields), tap(tablet, "/pos/pay", **fields)
    assert first.location == second.location
    count = "SELECT count(*) FROM journal WHERE CAST(raw AS TEXT) LIKE '%\"ticket.settled\"%'"
    assert shop.ask(lambda db: db.value(count)) == 1
    receipts = "SELECT count(*) FROM print_job WHERE kind = 'receipt'"
    assert shop.ask(lambda db: db.value(receipts)) == 1


def test_a_bill_that_changed_meanwhile_is_not_paid_as_it_was(shop, tablet):
    open_till(shop)
    tap(tablet, "/pos/lines", item="i1")
    fields = fields_of(tablet.get("/pos/pay").text) | {"received": "12800"}
    tap(tablet, "/pos/lines", item="i2")
    answer = tap(tablet, "/pos/pay", **fields)
    assert answer.status_code == 409
    assert "刚在别处改过" in answer.text


def test_too_little_cash_is_refused_with_both_sums(shop, tablet):
    open_till(shop)
    tap(tablet, "/pos/lines", item="i1")
    answer = pay(tablet, received="10000")
    assert answer.status_code == 422
    assert "100.00" in answer.text
    assert "128.00" in answer.text


@pytest.mark.parametrize("typed", ["-5", "一百", "1e3", "99999999999", "NaN"])
def test_a_sum_that_is_none_is_told_and_nothing_breaks(shop, tablet, typed):
    tap(tablet, "/pos/lines", item="i1")
    answer = tablet.get(f"/pos/pay?tender_stored_value=0&tender_bank_card={typed}")
    assert answer.status_code in {200, 422}


def test_every_refusal_is_english_for_an_english_reader(shop, tablet):
    answer = tablet.http.get("/pos/pay", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert not re.search(r"[\u4e00-\u9fff]", answer.text.split("<main")[1].split("</main")[0])


def test_the_cardless_key_never_gives_one_guests_bill_to_another(shop, tablet, member):
    tap(tablet, "/pos/lines", item="i1")
    walk_in = shop.ask(lambda db: db.value("SELECT id FROM ticket"))
    tap(tablet, "/pos/park")
    tap(tablet, "/pos/member", member=member)
    tap(tablet, "/pos/lines", item="i2")
    tap(tablet, "/pos/park")
    tap(tablet, "/pos/resume", ticket=walk_in)
    tap(tablet, "/pos/walkin")
    assert "散客" in tablet.get("/pos/ticket").text


def test_a_stream_ends_when_its_device_is_shut_out(shop, tablet):
    stream = iter(tablet.http.get("/stream").response)
    assert b"hello" in next(stream)
    device = shop.ask(lambda db: db.value("SELECT id FROM device"))
    shop.browser("manager").post(f"/settings/devices/{device}/unpair")
    assert list(stream) == []


def first_news(tablet, stream, count):
    with tablet.http.get(stream) as answer:
        events = iter(answer.response)
        assert b"hello" in next(events)
        return [next(events).decode() for _ in range(count)]


def test_a_price_that_changes_reaches_a_till_that_stands_open(shop, tablet):
    [tiles] = re.findall(r'data-refresh-on="items" data-src="([^"]+)"', tablet.get("/").text)
    row = shop.ask(lambda db: known_item(db, "i1"))
    board = tablet.http.application.extensions["bulletin"]
    with tablet.http.get("/stream") as answer:
        news = iter(answer.response)
        assert b"hello" in next(news)
        assert b"ticket" in next(news)
        assert b"link" in next(news)
        assert b"items" in next(news)
        dearer = msgspec.structs.replace(item_document(row), price=49_600, member_price=None)
        shop.do(lambda tx, act: save_item(tx, act, item="i1", content=dearer))
        board.announce()
        assert b"ticket" in next(news)
        assert b"items" in next(news)
        board.announce()
        assert b"ticket" in next(news)
        board.announce()
        assert b"ticket" in next(news), "nothing moved: the tiles are not asked for again"
    assert "¥496" in tablet.get(tiles).text


def test_a_card_swiped_while_a_page_gives_way_to_the_next_reaches_the_next(shop, tablet):
    [stream] = re.findall(r'data-stream="([^"]+)"', tablet.get("/").text)
    shop.do(lambda tx, act: put_scan(tx, act, till=TILL, value="0012345678"))
    scan, _ = first_news(tablet, stream, 2)
    assert "event: scan\ndata: 0012345678\n" in scan
    [place] = re.findall(r"^id: (.+)$", scan, re.MULTILINE)
    [after] = first_news(tablet, f"/stream?after={place}", 1)
    assert "event: refresh" in after


def test_a_card_swiped_long_before_a_page_opened_is_no_longer_meant(shop, tablet):
    [stream] = re.findall(r'data-stream="([^"]+)"', tablet.get("/").text)
    shop.do(lambda tx, act: put_scan(tx, act, till=TILL, value="0012345678"))
    shop.do(lambda tx, _: tx.run("UPDATE scan SET at = at - 11000"))
    [after] = first_news(tablet, stream, 1)
    assert "event: refresh" in after

"""What has ended leaves room for new money, and swallows none that a reversal gives back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import Refused
from core.feed import FeedDocument, load
from core.journal import drain_all, rebuild
from core.organisation import settings
from core.till import STORED_VALUE, Offered
from core.wallet import Asset, holdings
from hub.checkout import pay_ticket, pay_topup, reprint, reverse
from hub.tests.shop import TILL
from hub.tickets import add_line, open_ticket, read_ticket
from hub.till import close_period, open_period
from hub.wallet import TopUp, balance

OFFER = {"name": "周卡", "price": 10_000, "principal": 8_000, "bonus": 4_000, "term_days": 7}
LATER_MS = int(timedelta(days=9).total_seconds() * 1000)
PRICE = 9_900


@pytest.fixture
def lasting_a_week(shop):
    """Return a member with one lot that ends in a week."""
    document = FeedDocument(topic="offer", key="week", pos=1_000, content=OFFER)
    shop.box.door.write(lambda tx: load(tx, shop.box.parts, [document]))
    shop.open_shift()
    member = shop.member()
    fill(shop, TopUp(member=member, offer="week", payments=(cash(OFFER["price"]),)))
    return member


def cash(amount):
    return Offered(tender="cash", amount=amount)


def fill(shop, wanted):
    return shop.do(lambda tx, act: pay_topup(tx, act, wanted, till=TILL, key=act.new_id()))


def wallet_of(shop, member):
    return shop.ask(lambda db: balance(db, shop.box.act(db), member))


def held(shop, member):
    place = shop.box.journal.identity.origin
    return shop.ask(
        lambda db: {
            (one.asset, one.expires is None): one.amount
            for one in holdings(db, member, place)
            if one.asset is not Asset.POINTS
        }
    )


def sold_by_card(shop, member):
    def sell(tx, act):
        ticket = act.new_id()
        open_ticket(tx, act, ticket=ticket, member=member)
        add_line(tx, act, ticket=ticket, line=act.new_id(), item="i1")
        found = read_ticket(tx, ticket)
        pay_ticket(
            tx,
            act,
            ticket=ticket,
            version=found.version,
            till=TILL,
            payments=(Offered(tender=STORED_VALUE, amount=found.bill.total),),
            key=act.new_id(),
        )
        return ticket

    return shop.do(sell)


def undo(shop, ticket):
    return shop.do(
        lambda tx, act: reverse(
            tx, act, ticket=ticket, reversal=act.new_id(), till=TILL, reason="没有服务"
        )
    )


def pass_the_end(shop):
    shop.do(lambda tx, act: close_period(tx, act, till=TILL, counted=0))
    shop.clock.advance(LATER_MS)
    shop.do(lambda tx, act: open_period(tx, act, till=TILL, float_cents=0))


def assert_rebuilt_alike(shop, tmp_path):
    drain_all(shop.box.door, shop.box.parts)
    again = rebuild(
        shop.box.door, tmp_path / "again.db", shop.box.parts, key=shop.box.database_key
    )
    assert list(again) == []
    assert shop.box.findings() == []


def test_value_from_a_lot_that_ended_comes_back_as_one_that_can_be_spent(
    shop, lasting_a_week, tmp_path
):
    member = lasting_a_week
    ticket = sold_by_card(shop, member)
    pass_the_end(shop)
    assert wallet_of(shop, member).here == 0

    fact = undo(shop, ticket)

    assert {(asset, amount) for asset, _lot, amount in fact.renewed} == {
        ("principal", 8_000),
        ("bonus", PRICE - 8_000),
    }
    assert held(shop, member) == {
        (Asset.PRINCIPAL, True): 8_000,
        (Asset.BONUS, True): PRICE - 8_000,
        (Asset.BONUS, False): 12_000 - PRICE,
    }
    (lot,) = {lot for _asset, lot, _amount in fact.renewed}
    row = shop.ask(lambda db: db.one("SELECT * FROM lot WHERE lot = :lot", lot=lot))
    assert (row["paid"], row["principal"], row["bonus"]) == (8_000, 8_000, PRICE - 8_000)
    at = shop.ask(lambda db: db.value("SELECT at FROM journal ORDER BY seq DESC LIMIT 1"))
    assert (row["member"], row["opened_at"], row["expires"]) == (member, at, None)
    sold_by_card(shop, member)
    assert wallet_of(shop, member).here == 0
    assert_rebuilt_alike(shop, tmp_path)


def test_value_goes_back_to_a_lot_that_still_lives(shop, lasting_a_week, tmp_path):
    before = held(shop, lasting_a_week)
    fact = undo(shop, sold_by_card(shop, lasting_a_week))
    assert fact.renewed == ()
    assert held(shop, lasting_a_week) == before
    assert_rebuilt_alike(shop, tmp_path)


def test_a_lot_that_ended_leaves_room_below_the_limit_of_a_card(shop, lasting_a_week):
    limit = shop.ask(settings).topup_max_cents
    whole = TopUp(member=lasting_a_week, amount=limit, payments=(cash(limit),))
    with pytest.raises(Refused, match="over_card_limit"):
        fill(shop, whole)
    pass_the_end(shop)
    fill(shop, whole)
    assert wallet_of(shop, lasting_a_week).here == limit


def test_a_reversal_counts_what_its_lines_list(shop):
    shop.open_shift()
    member = shop.member()
    ticket = shop.sale(member=member)
    undo(shop, ticket)
    drain_all(shop.box.door, shop.box.parts)
    rows = shop.ask(lambda db: db.all("SELECT sign, list_total, total FROM sale ORDER BY sign"))
    assert [tuple(row) for row in rows] == [(-1, 12_800, PRICE), (1, 12_800, PRICE)]


def test_a_copy_needs_its_right_and_a_first_print_does_not(shop):
    shop.open_shift()
    ticket = shop.sale()
    with pytest.raises(Refused, match="not_allowed"):
        shop.do(lambda tx, act: reprint(tx, act, sale=ticket), role="technician")
    assert shop.do(lambda tx, act: reprint(tx, act, sale=ticket), role="cashier")["print_job"]

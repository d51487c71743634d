"""A box that was taken over writes what it likes about bills and advances, and gains nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud.epochs import bring_late, close_epoch
from cloud.ingest import differences
from cloud.platform import epochs_of
from core.clock import HOUR_MS
from core.journal import Journal, Parts, Posting, decode
from core.tickets import TicketOpened, TicketReversed, TicketSettled
from core.wallet import (
    REVENUE,
    Adjusted,
    Advanced,
    Moved,
    Payment,
    Released,
    advance,
    risk_sums,
)
from core.wire import unpack
from tests.rights.shops import allow, sync

FLOOR = {"per_member_cents": 10_000, "per_outage_cents": 15_000, "snapshot_age_ms": HOUR_MS}


def total(merchant, member):
    with merchant.door.read() as db:
        return db.value(
            "SELECT COALESCE(SUM(amount), 0) FROM holding WHERE member = :m"
            " AND asset IN ('principal', 'bonus')",
            m=member,
        )


def lots(merchant, member, asset):
    with merchant.door.read() as db:
        rows = db.all(
            "SELECT lot, SUM(amount) AS amount FROM holding WHERE member = :m AND asset = :a"
            " GROUP BY lot HAVING SUM(amount) > 0",
            m=member,
            a=asset,
        )
    return [(row["lot"], row["amount"]) for row in rows]


def at_risk(merchant):
    with merchant.door.read() as db:
        return risk_sums(db).get("principal", 0)


def out_of_revenue(shop, member, lot, amount, asset="principal"):
    return (
        Posting(REVENUE, asset, lot, -amount),
        Posting(f"member/{member}/{shop.place}", asset, lot, amount),
    )


def forge(shop, body, postings=()):
    """Write an event that this box's own tables know nothing of, and would refuse."""
    journal = Journal(
        identity=shop.identity, parts=Parts(()), clock=shop.clock, ids=shop.journal.ids
    )
    shop.do(lambda tx, act: replace(act, journal=journal).append(tx, body, postings=postings))


def told(desk):
    return [kind for kind, _ in desk.alarms()]


@pytest.fixture
def sold(desk, first, second):
    """A bill of ¥99 that the first store sold to a member out of ¥120."""
    member = first.register()
    first.fill(member, offer="week")
    ticket = first.spend(member)
    sync(desk, first, second)
    return member, ticket


def sale_of(shop, ticket):
    """Return the settling's event and body as the box wrote them."""
    with shop.door.read() as db:
        for row in db.all("SELECT raw FROM journal WHERE origin = :o", o=shop.id):
            event = decode(row["raw"])
            body = shop.parts.entry(event, {})
            if body and isinstance(body.body, TicketSettled) and body.body.ticket == ticket:
                return event, body.body
    raise LookupError(ticket)


def opposite(sale, **changes):
    fields = {
        "ticket": sale.ticket,
        "number": sale.number,
        "reversal": "r1",
        "member": sale.member,
        "period": sale.period,
        "reason": "x",
        "lines": sale.lines,
        "total": sale.total,
        "payments": sale.payments,
    }
    return TicketReversed(**(fields | changes))


@pytest.mark.parametrize("asset", ["principal", "bonus", "points", "mint_right", "refund"])
def test_nothing_is_taken_out_of_the_revenue_without_a_bill(
    platform, merchant, desk, first, sold, asset
):
    member, _ticket = sold
    before = total(merchant, member)
    forge(
        first,
        Adjusted(member=member, lot="l", asset=asset, amount=5_000_000, reason="x"),
        postings=out_of_revenue(first, member, "l", 5_000_000, asset),
    )
    sync(desk, first)
    assert total(merchant, member) == before
    assert "set_aside" in told(desk)
    assert differences(platform, merchant) == []


def test_a_reversal_gives_back_what_its_bill_took_and_no_more(
    platform, merchant, desk, first, sold
):
    member, ticket = sold
    _event, sale = sale_of(first, ticket)
    lot = sale.payments[0].legs[0][1]
    forge(first, opposite(sale), postings=out_of_revenue(first, member, lot, 9_900_000))
    sync(desk, first)
    assert total(merchant, member) == 2_100
    assert told(desk) == ["set_aside"]
    assert differences(platform, merchant) == []


def test_a_reversal_that_cannot_be_read_gives_nothing_back_either(
    platform, merchant, desk, first, sold
):
    """Its value would come back again and again: the bill would never count as reversed."""
    member, ticket = sold
    event, sale = sale_of(first, ticket)
    back = [
        Posting(p.account, p.asset, p.lot, -p.amount)
        for p in event.postings
        if p.asset != "points"
    ]
    for number in range(3):
        bad = opposite(sale, reversal=f"r{number}", renewed=(("gold", "l", 1),))
        forge(first, bad, back)
    sync(desk, first)
    assert total(merchant, member) == 2_100
    assert told(desk) == ["set_aside"] * 3
    assert differences(platform, merchant) == []


def test_a_bill_is_settled_once_by_the_store_that_sold_it(
    platform, merchant, desk, first, second, sold
):
    """Who settled a bill may reverse it: that is not to be had by saying so."""
    member, ticket = sold
    _event, sale = sale_of(first, ticket)
    taken = TicketSettled(
        **{name: getattr(sale, name) for name in sale.__struct_fields__} | {"payments": ()}
    )
    forge(second, taken)
    forge(second, TicketOpened(ticket=ticket, number="x", member=member))
    sync(desk, first, second)
    assert told(desk) == ["set_aside"] * 2
    first.reverse(ticket)
    sync(desk, first, second)
    assert total(merchant, member) == 12_000
    assert differences(platform, merchant) == []


def test_a_bill_that_says_it_was_paid_by_other_value_than_it_took_does_not_count(
    platform, merchant, desk, first, sold
):
    _member, ticket = sold
    _event, sale = sale_of(first, ticket)
    legs = (("principal", sale.payments[0].legs[0][1], 9_900_000),)
    fields = {name: getattr(sale, name) for name in sale.__struct_fields__}
    rich = {"ticket": "t2", "payments": (Payment(tender="balance", amount=1, legs=legs),)}
    forge(first, TicketSettled(**(fields | rich)))
    sync(desk, first)
    assert told(desk) == ["set_aside"]
    assert differences(platform, merchant) == []


def test_one_advance_is_laid_out_once(platform, merchant, desk, first):
    """A second one of the same name opened no claim and was counted in no round."""
    allow(merchant, floor=FLOOR)
    member = first.register()
    sync(desk, first)
    for number in range(5):
        lot = f"l{number}"
        body = Advanced(
            advance="a1", member=member, lot=lot, amount=3_000, round=0, ticket="t1"
        )
        forge(first, body, postings=advance(member, first.place, lot, 3_000))
    sync(desk, first)
    assert at_risk(merchant) == total(merchant, member) == 3_000
    assert told(desk) == ["set_aside"] * 4
    assert differences(platform, merchant) == []


def test_a_reversal_gives_back_to_who_paid(platform, merchant, desk, first, sold):
    _member, ticket = sold
    thief = first.register("贼")
    _event, sale = sale_of(first, ticket)
    lot, amount = next(
        (lot, n) for asset, lot, n in sale.payments[0].legs if asset == "principal"
    )
    forge(first, opposite(sale), out_of_revenue(first, thief, lot, amount))
    sync(desk, first)
    assert total(merchant, thief) == 0
    assert told(desk) == ["set_aside"]
    assert differences(platform, merchant) == []


@pytest.mark.parametrize("kind", ["moved", "released"])
def test_nobody_s_value_is_put_into_a_stranger_s_name(
    platform, merchant, desk, first, sold, kind
):
    """A box may ask for anybody's money: it is not to be gathered in one wallet there."""
    member, _ticket = sold
    thief = first.register("贼")
    with first.door.read() as db:
        row = db.one(
            "SELECT asset, lot, amount FROM holding WHERE member = :m AND amount > 0"
            " AND asset IN ('principal', 'bonus')",
            m=member,
        )
    moved = Moved(member=member, to=thief, place=first.place, merge="m")
    released = Released(transfer="x" * 32, member=thief, legs=())
    target = (
        f"member/{thief}/{first.place}" if kind == "moved" else f"transit/{thief}/{'x' * 32}"
    )
    forge(
        first,
        moved if kind == "moved" else released,
        (
            Posting(f"member/{member}/{first.place}", row["asset"], row["lot"], -row["amount"]),
            Posting(target, row["asset"], row["lot"], row["amount"]),
        ),
    )
    sync(desk, first)
    assert total(merchant, member) == 2_100
    assert total(merchant, thief) == 0
    assert told(desk) == ["set_aside"]
    assert differences(platform, merchant) == []


# -- and after it was closed -------------------------------------------------------------------


@pytest.fixture
def closed(platform, merchant, desk, first, sold):
    close_epoch(platform, first.id, reason="broken")
    desk.dirty[merchant.id] = None
    desk.work()
    return sold


def bring(platform, merchant, desk, shop):
    with platform.door.read() as db:
        (epoch,) = epochs_of(db, shop.id)
    for raw in shop.segments():
        segment = unpack(raw)
        platform.door.write(
            lambda tx, one=segment, raw=raw: bring_late(
                tx, epoch, one, raw, merchant=merchant.id, at=1
            )
        )
    desk.dirty[merchant.id] = None
    desk.work()


def test_a_closed_box_lays_out_no_more_than_an_open_one(
    platform, merchant, desk, first, closed
):
    member, _ticket = closed
    body = Advanced(advance="a1", member=member, lot="l1", amount=900_000, round=0, ticket="t1")
    forge(first, body, postings=advance(member, first.place, "l1", 900_000))
    bring(platform, merchant, desk, first)
    assert total(merchant, member) == 2_100
    assert at_risk(merchant) == 0
    assert differences(platform, merchant) == []


def test_a_closed_box_takes_nothing_out_of_the_revenue(platform, merchant, desk, first, closed):
    member, _ticket = closed
    forge(
        first,
        Adjusted(member=member, lot="l", asset="principal", amount=1, reason="x"),
        postings=out_of_revenue(first, member, "l", 5_000_000),
    )
    bring(platform, merchant, desk, first)
    assert total(merchant, member) == 2_100
    assert differences(platform, merchant) == []


def test_a_closed_box_gives_nobody_what_another_has(platform, merchant, desk, first, closed):
    """It would be taken from the one's pool, or at the merchant's risk, for the other."""
    member, _ticket = closed
    thief = first.register("贼")
    ((lot, held),) = lots(merchant, member, "principal")
    for number, amount in enumerate((held, 5_000_000)):
        moved = Moved(member=member, to=thief, place=first.place, merge=f"m{number}")
        taken = Posting(f"member/{member}/{first.place}", "principal", lot, -amount)
        given = Posting(f"member/{thief}/{first.place}", "principal", lot, amount)
        forge(first, moved, (taken, given))
    bring(platform, merchant, desk, first)
    assert total(merchant, member) == 2_100
    assert total(merchant, thief) == 0
    assert at_risk(merchant) == 0
    assert differences(platform, merchant) == []


def test_a_closed_box_that_takes_a_sale_back_gives_nobody_what_the_merchant_paid(
    platform, merchant, desk, first, closed
):
    """Else it sells to somebody who has nothing, and that is theirs when it is taken back."""
    thief = first.register("贼")
    _event, sale = sale_of(first, closed[1])
    fields = {name: getattr(sale, name) for name in sale.__struct_fields__}
    legs = (("principal", "l", 500_000),)
    free = {
        "ticket": "t2",
        "member": thief,
        "payments": (Payment(tender="balance", amount=500_000, legs=legs),),
    }
    account = f"member/{thief}/{first.place}"
    there = (
        Posting(account, "principal", "l", -500_000),
        Posting(REVENUE, "principal", "l", 500_000),
    )
    back = tuple(Posting(p.account, p.asset, p.lot, -p.amount) for p in there)
    for number in range(2):
        forge(first, TicketSettled(**(fields | free)), there)
        forge(first, opposite(sale, ticket="t2", member=thief, reversal=f"r{number}"), back)
    bring(platform, merchant, desk, first)
    assert total(merchant, thief) == 0
    assert differences(platform, merchant) == []


def test_what_a_closed_box_filled_within_its_right_counts(
    platform, merchant, desk, first, closed
):
    """The right of the box is nobody's money: it is used up, and no member gives it away."""
    member, _ticket = closed
    first.fill(member, 10_000)
    first.sell(member)
    bring(platform, merchant, desk, first)
    assert total(merchant, member) == 12_100
    assert told(desk) == []
    assert differences(platform, merchant) == []

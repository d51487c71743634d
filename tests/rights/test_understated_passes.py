"""A stolen box cannot make visits cheap: they take of its right what such a pass is sold for."""

from __future__ import annotations

import msgspec
import pytest

from cloud.ingest import differences
from core.feed import publish
from core.till import Offered
from core.wallet import (
    MINT,
    Asset,
    Leg,
    Lot,
    PassGiven,
    Released,
    ToppedUp,
    issue,
    mint_left,
    right_of,
    withdraw,
)
from hub import wallet
from tests.rights.shops import TILL, allow, sync
from tests.rights.test_passes import TEN, buy, offer_passes, seen


@pytest.fixture
def box(merchant, desk, first):
    offer_passes(merchant)
    allow(merchant, mint={"limit_cents": 100_000})
    first.fetch(merchant)
    sync(desk, first)
    return first


def write(box, member, lot, *, offer="ten", given=False, taking=None):
    """Write what a stolen box would: a pass of its own making, and as much right as it likes."""
    taking = lot.paid if taking is None else taking
    legs = [Leg(Asset(lot.asset), lot.lot, lot.units)]
    postings = [*issue(member, box.place, legs), *withdraw(MINT, box.place, right_of(taking))]
    body = (
        PassGiven(member=member, given=lot, reason="x")
        if given
        else ToppedUp(
            topup=f"t-{lot.lot}",
            number="1",
            member=member,
            lot="none",
            offer=offer,
            offer_name="x",
            price=lot.paid,
            principal=0,
            bonus=0,
            points=0,
            period="p",
            payments=(),
            passes=(lot,),
        )
    )
    box.append(body, postings=postings)


def visits(merchant):
    with merchant.door.read() as db:
        return db.value("SELECT SUM(amount) FROM holding WHERE asset = 'punches'") or 0


def lot(**changes):
    known = {"units": 10, "paid": 80_000, "items": ("i1",), "asset": "punches", "name": "x"}
    return Lot(lot="forged", opened_at=1, **(known | changes))


def test_as_it_is_offered_it_counts(platform, merchant, desk, box):
    write(box, box.register(), lot())
    sync(desk, box)
    assert visits(merchant) == 10
    assert desk.alarms() == []
    assert differences(platform, merchant) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"paid": 1},
        {"offer": "of nobody"},
        {"offer": None},
        {"paid": 79_999},
        {"units": 11},
        {"units": 1_000_000, "paid": 100},
        {"items": ()},
        {"items": ("i1", "i2")},
        {"categories": ("c1",)},
        {"asset": "minutes", "units": 500},
        {"paid": 1, "worth": 1},
    ],
)
def test_what_is_offered_nowhere_counts_nowhere(platform, merchant, desk, box, changes):
    offer = changes.get("offer", "ten")
    write(
        box,
        box.register(),
        lot(**{k: v for k, v in changes.items() if k != "offer"}),
        offer=offer,
    )
    sync(desk, box)
    assert visits(merchant) == 0
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"]
    assert differences(platform, merchant) == []


@pytest.mark.parametrize("changes", [{"paid": 1}, {"paid": 0, "worth": 1}])
def test_a_gift_does_not_become_cheaper_by_what_it_says(merchant, desk, box, changes):
    write(box, box.register(), lot(**changes), given=True, taking=100)
    sync(desk, box)
    assert visits(merchant) == 0
    assert [kind for kind, _ in desk.alarms()] == ["set_aside"]


def test_an_honest_gift_counts(merchant, desk, box):
    member = box.register()
    gift = wallet.Gift(member=member, asset=Asset.PUNCHES, name="送", reason="补", units=2)
    box.do(lambda tx, act: wallet.give_pass(tx, act, gift))
    coupon = wallet.Gift(member=member, asset=Asset.COUPONS, name="券", reason="补", worth=5)
    box.do(lambda tx, act: wallet.give_pass(tx, act, coupon))
    sync(desk, box)
    assert visits(merchant) == 2
    assert desk.alarms() == []


def test_a_store_sells_what_it_has_just_offered_with_the_line_cut(
    platform, merchant, desk, box
):
    cheap = TEN | {"price": 60_000, "passes": [TEN["passes"][0] | {"paid": 60_000}]}
    box.do(lambda tx, act: publish(tx, act, topic="offer", key="ten", content=cheap))
    member = box.register()
    sold = msgspec.structs.asdict(_sell(box, member, 60_000))
    assert sold["passes"][0].paid == 60_000
    sync(desk, box)
    assert seen(box, member) == [("足疗 10 次卡", 10, 10)]
    assert visits(merchant) == 10
    assert desk.alarms() == []
    assert differences(platform, merchant) == []


def test_a_store_that_was_away_sells_at_the_price_that_it_knew(platform, merchant, desk, box):
    dear = TEN | {"price": 99_000, "passes": [TEN["passes"][0] | {"paid": 99_000}]}
    merchant.door.write(
        lambda tx: publish(tx, merchant.act(tx), topic="offer", key="ten", content=dear)
    )
    buy(box, box.register())
    sync(desk, box)
    assert visits(merchant) == 10
    assert desk.alarms() == []
    with box.door.read() as db:
        assert mint_left(db, box.place) is not None
    assert differences(platform, merchant) == []


def _sell(box, member, price):
    wanted = wallet.TopUp(
        member=member, offer="ten", payments=(Offered(tender="cash", amount=price),)
    )
    return box.do(lambda tx, act: wallet.top_up(tx, act, wanted, topup=act.new_id(), till=TILL))


def test_what_a_pass_is_good_for_is_not_told_otherwise_beforehand(merchant, desk, box):
    member = box.register()
    dear = lot(asset="coupons", units=1, paid=0, worth=5_000_000, items=())
    released = Released(transfer="none", member=member, legs=(), lots=(dear,))
    box.append(released, postings=())
    cheap = lot(asset="coupons", units=1, paid=0, worth=1, items=())
    write(box, member, cheap, given=True, taking=1)
    sync(desk, box)
    with merchant.door.read() as db:
        held = db.value("SELECT SUM(amount) FROM holding WHERE asset = 'coupons'")
        worth = db.value("SELECT worth FROM lot WHERE lot = 'forged'")
    assert not held or worth == 1

"""A top-up that a bank took back: the pool first, then the stores, and the rest is owed."""

from __future__ import annotations

import pytest

from cloud.ingest import differences
from cloud.rights import Correction, agree, correct
from core.errors import Refused
from core.journal import drain_all
from core.wallet import all_claims, risk_sums
from tests.rights.shops import allow, sync


def at_office(merchant, verb, *, actor="a1"):
    drain_all(merchant.door, merchant.parts)
    return merchant.door.write(lambda tx: verb(tx, merchant.act(tx, actor=actor)))


def total(merchant, member):
    with merchant.door.read() as db:
        return db.value(
            "SELECT COALESCE(SUM(amount), 0) FROM holding WHERE member = :m"
            " AND asset IN ('principal', 'bonus')",
            m=member,
        )


def owed(merchant):
    with merchant.door.read() as db:
        return sum(row["owed"] for row in all_claims(db, limit=9) if row["asset"] != "points")


@pytest.fixture
def filled(merchant, desk, first, second):
    """A member with ¥100 and a gift of ¥20 in the first store."""
    allow(merchant, alone_cents=50_000)
    member = first.register()
    topup = first.fill(member, offer="week").topup
    sync(desk, first, second)
    return member, topup


def take_back(desk, merchant, member, topup):
    wanted = Correction(member=member, reason="银行退单", topup=topup)
    done = at_office(merchant, lambda tx, act: correct(tx, act, wanted))
    desk.carry(merchant.id)
    return done


def test_what_lies_in_a_store_is_called_in_and_the_risk_is_nothing(
    platform, merchant, desk, first, second, filled
):
    member, topup = filled
    assert take_back(desk, merchant, member, topup) == "done"
    assert owed(merchant) == 12_000
    sync(desk, first, second)
    assert (total(merchant, member), owed(merchant)) == (0, 0)
    assert first.balance(member).total == 0
    with merchant.door.read() as db:
        assert {k: v for k, v in risk_sums(db).items() if k != "points"} == {}
    assert desk.alarms() == []
    assert differences(platform, merchant) == []


def test_what_was_spent_meanwhile_is_owed_and_nobody_is_below_zero(
    merchant, desk, first, second, filled
):
    member, topup = filled
    first.spend(member)
    take_back(desk, merchant, member, topup)
    sync(desk, first, second)
    assert (total(merchant, member), owed(merchant)) == (0, 9_900)
    with merchant.door.read() as db:
        assert sum(v for k, v in risk_sums(db).items() if k != "points") == 9_900
        assert db.value("SELECT MIN(amount) FROM holding") >= 0


def test_a_top_up_is_taken_back_once_and_by_two_people_where_it_is_much(
    merchant, desk, first, second, filled
):
    member, topup = filled
    allow(merchant, alone_cents=1_000)
    assert take_back(desk, merchant, member, topup) == "asked"
    assert total(merchant, member) == 12_000
    with merchant.door.read() as db:
        asked = db.value("SELECT id FROM correction")
    with pytest.raises(Refused, match="second_person"):
        at_office(merchant, lambda tx, act: agree(tx, act, correction=asked), actor="a1")
    at_office(merchant, lambda tx, act: agree(tx, act, correction=asked), actor="a2")
    desk.carry(merchant.id)
    sync(desk, first, second)
    assert total(merchant, member) == 0
    with pytest.raises(Refused, match="already_charged"):
        take_back(desk, merchant, member, topup)


def test_points_that_came_with_it_go_back_too(merchant, desk, first, second, filled):
    member, topup = filled
    before = first.balance(member).all_points
    assert before == 100
    take_back(desk, merchant, member, topup)
    sync(desk, first, second)
    assert first.balance(member).all_points == 0

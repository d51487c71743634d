"""Head office's pages of limits: what stores may do, what it may cost, what was set right."""

from __future__ import annotations

import re

import pytest

from cloud.access import add_account
from cloud.recovery import Why, begin_recovery
from core.clock import DAY_MS, HOUR_MS
from core.journal import drain_all
from core.members import Application, Profile, register
from core.wallet import (
    CLOUD,
    Asset,
    Charged,
    Leg,
    Payment,
    ToppedUp,
    all_claims,
    holdings,
    issue,
    rights,
    risk_sums,
    spend,
)
from core.wallet.events import Adjusted
from hub.tests.shop import fault, faults_above, words

LIMITS = {
    "mint": "1",
    "limit": "2000",
    "day": "8000",
    "floor": "1",
    "member": "50",
    "outage": "500",
    "hours": "12",
    "alone": "300",
}


def write(desk, verb):
    return desk.merchant.door.write(lambda tx: verb(tx, desk.merchant.act(tx)))


@pytest.fixture
def member(desk):
    """Somebody with ¥1000 and a gift of ¥100, all of it with head office."""

    def open_(tx, act):
        known = register(tx, act, Application(profile=Profile(name="李慧敏")))
        body = ToppedUp(
            topup="t1",
            number="A-C1",
            member=known,
            lot="lot-1",
            offer=None,
            offer_name="",
            price=100_000,
            principal=100_000,
            bonus=10_000,
            points=0,
            period="p",
            payments=(Payment(tender="cash", amount=100_000),),
        )
        legs = [
            Leg(Asset.PRINCIPAL, "lot-1", 100_000),
            Leg(Asset.BONUS, "lot-1", 10_000),
        ]
        act.append(tx, body, postings=issue(known, CLOUD, legs))
        return known

    known = write(desk, open_)
    drain_all(desk.merchant.door, desk.merchant.parts)
    return known


def held(desk, member):
    return desk.ask(lambda db: {h.asset.value: h.amount for h in holdings(db, member, CLOUD)})


def owed(desk):
    return desk.ask(lambda db: [(r["why"], r["owed"]) for r in all_claims(db, limit=9)])


def second_manager(desk):
    made = add_account(
        desk.platform,
        merchant=desk.merchant.id,
        email="second@example.com",
        name="吴经理",
        role="manager",
    )
    return desk.browser(account=made.account)


def correction_of(page):
    return re.search(r"/rights/corrections/([^/]+)/agree", page.text)[1]


def test_an_owner_sets_the_limits_and_reads_what_they_may_cost(desk):
    owner = desk.browser("owner")
    page = words(owner.get("/rights"))
    assert "每台主机 ¥1,000,000.00，联网时自动补足" in page
    assert "不垫付" in page
    answer = owner.post("/rights", data=LIMITS)
    assert answer.status_code == 303, words(answer)
    known = desk.ask(rights)
    assert (known.mint.limit_cents, known.mint.day_cents) == (200_000, 800_000)
    assert known.floor.per_outage_cents == 50_000
    assert known.floor.snapshot_age_ms == 12 * HOUR_MS
    assert known.alone_cents == 30_000
    assert desk.pos("rights", "-")
    assert "每位会员 ¥50.00，每台主机每次断网 ¥500.00" in words(owner.get("/rights"))
    answer = owner.post("/rights", data={"alone": "300"})
    assert answer.status_code == 303
    assert not desk.ask(rights).mint.on
    assert not desk.ask(rights).floor.on


def test_a_manager_reads_the_limits_and_cannot_set_them(desk):
    manager = desk.browser("manager")
    assert manager.get("/rights").status_code == 200
    assert manager.get("/rights/edit").status_code == 403
    assert manager.post("/rights", data=LIMITS).status_code == 403
    assert desk.browser("auditor").get("/rights").status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "abc"}, "limit"),
        ({"day": "100"}, "day"),
        ({"member": ""}, "member"),
        ({"hours": "0"}, "hours"),
        ({"hours": "9999"}, "hours"),
        ({"outage": "-5"}, "outage"),
    ],
)
def test_limits_that_mean_nothing_are_told_at_their_field(desk, change, field):
    answer = desk.browser("owner").post("/rights", data=LIMITS | change)
    assert answer.status_code == 422
    assert fault(answer, field)
    assert desk.ask(lambda db: db.value("SELECT count(*) FROM floor_known")) == 0


def test_a_small_correction_is_done_at_once_and_stays_in_the_journal(desk, member):
    manager = desk.browser()
    typed = {"way": "down", "asset": "principal", "amount": "120.50", "reason": "多打了零"}
    page = manager.get(f"/members/{member}/correct")
    assert "超过 ¥500.00 要另一个人确认" in words(page)
    answer = manager.post(f"/members/{member}/correct", data=typed)
    assert answer.status_code == 303
    assert held(desk, member) == {"principal": 87_950, "bonus": 10_000}
    assert owed(desk) == []
    assert desk.ask(risk_sums) == {}
    answer = manager.post(
        f"/members/{member}/correct",
        data={"way": "up", "asset": "points", "amount": "30", "reason": "补"},
    )
    assert answer.status_code == 303
    assert held(desk, member)["points"] == 30


def test_a_large_one_waits_for_another_person(desk, member):
    manager = desk.browser()
    typed = {"way": "down", "asset": "principal", "amount": "800", "reason": "银行退单"}
    assert manager.post(f"/members/{member}/correct", data=typed).status_code == 303
    assert held(desk, member)["principal"] == 100_000
    page = manager.get("/rights")
    assert "银行退单" in words(page)
    asked = correction_of(page)
    answer = manager.post(f"/rights/corrections/{asked}/agree", data={})
    assert answer.status_code == 409
    assert "要由另一个人确认" in answer.text
    assert held(desk, member)["principal"] == 100_000
    other = second_manager(desk)
    assert other.post(f"/rights/corrections/{asked}/agree", data={}).status_code == 303
    assert held(desk, member)["principal"] == 20_000
    assert other.post(f"/rights/corrections/{asked}/agree", data={}).status_code == 409


def correct_up(browser, member, amount, *, asset="principal"):
    typed = {"way": "up", "asset": asset, "amount": amount, "reason": "补"}
    return browser.post(f"/members/{member}/correct", data=typed)


def test_small_corrections_of_one_person_add_up_for_a_day(desk, member):
    application = Application(profile=Profile(name="王芳"))
    other = write(desk, lambda tx, act: register(tx, act, application))
    manager, second = desk.browser(), second_manager(desk)
    for amount in ("300", "150"):
        assert correct_up(manager, member, amount).headers["Location"].endswith("done=done")
    # Another member, the same person: 450 and 60 are more than 500.
    assert correct_up(manager, other, "60").headers["Location"].endswith("done=asked")
    assert held(desk, other) == {}
    # Another person, the same member.
    assert correct_up(second, member, "60").headers["Location"].endswith("done=asked")
    assert correct_up(second, other, "60").headers["Location"].endswith("done=done")
    # Points have a sum of their own.
    answer = correct_up(manager, other, "400", asset="points")
    assert answer.headers["Location"].endswith("done=done")
    desk.clock.advance(DAY_MS)
    manager = desk.browser()
    assert correct_up(manager, other, "60").headers["Location"].endswith("done=done")


def test_what_two_people_agreed_on_is_not_in_one_persons_sum(desk, member):
    manager = desk.browser()
    correct_up(manager, member, "800")
    asked = correction_of(manager.get("/rights"))
    second_manager(desk).post(f"/rights/corrections/{asked}/agree", data={})
    lots = desk.ask(lambda db: holdings(db, member, CLOUD))
    assert sum(h.amount for h in lots if h.asset is Asset.PRINCIPAL) == 180_000
    assert correct_up(manager, member, "500").headers["Location"].endswith("done=done")


@pytest.mark.parametrize("way", ["alone", "agreed"])
def test_while_head_office_recovers_a_correction_leaves_the_pool_alone(desk, member, way):
    """The pool shows what was sent to a store long ago: nobody knows what of it is there."""
    amount = "120" if way == "alone" else "800"
    typed = {"way": "down", "asset": "principal", "amount": amount, "reason": "多打了零"}
    desk.platform.door.write(
        lambda tx: begin_recovery(tx, desk.merchant.id, why=Why.ROLLED_BACK, at=1)
    )
    manager = desk.browser()
    assert manager.post(f"/members/{member}/correct", data=typed).status_code == 303
    if way == "agreed":
        asked = correction_of(manager.get("/rights"))
        second_manager(desk).post(f"/rights/corrections/{asked}/agree", data={})
    assert held(desk, member)["principal"] == 100_000
    assert owed(desk) == [("correction", int(amount) * 100)]


def test_what_somebody_gave_up_is_not_done(desk, member):
    manager = desk.browser()
    typed = {"way": "up", "asset": "principal", "amount": "800", "reason": "送"}
    manager.post(f"/members/{member}/correct", data=typed)
    asked = correction_of(manager.get("/rights"))
    assert manager.post(f"/rights/corrections/{asked}/give-up", data={}).status_code == 303
    assert (
        second_manager(desk).post(f"/rights/corrections/{asked}/agree", data={}).status_code
        == 409
    )
    assert held(desk, member)["principal"] == 100_000


def test_a_top_up_that_was_taken_back_comes_from_the_pool_and_the_rest_is_owed(desk, member):
    def pay(tx, act):
        legs = [Leg(Asset.PRINCIPAL, "lot-1", 70_000)]
        body = Adjusted(member=member, lot="", asset="principal", amount=-1, reason="x")
        act.append(tx, body, postings=spend(member, CLOUD, legs))

    write(desk, pay)
    manager = desk.browser()
    page = manager.get(f"/members/{member}/correct")
    assert "A-C1 · ¥1,000.00" in page.text
    typed = {"topup": "t1", "way": "down", "asset": "principal", "reason": "银行退单"}
    assert manager.post(f"/members/{member}/correct", data=typed).status_code == 303
    asked = correction_of(manager.get("/rights"))
    other = second_manager(desk)
    assert other.post(f"/rights/corrections/{asked}/agree", data={}).status_code == 303
    assert held(desk, member) == {}
    assert sorted(owed(desk)) == [("chargeback", 10_000), ("chargeback", 60_000)]
    sums = desk.ask(risk_sums)
    assert sum(sums.values()) == 70_000
    assert "A-C1" not in manager.get(f"/members/{member}/correct").text
    again = manager.post(f"/members/{member}/correct", data=typed)
    assert again.status_code == 422
    assert any("已经撤回过" in said for said in faults_above(again))
    assert "充值被撤回" in words(manager.get("/rights"))


def test_a_correction_needs_a_reason_and_an_amount(desk, member):
    manager = desk.browser()
    answer = manager.post(
        f"/members/{member}/correct", data={"way": "down", "asset": "principal"}
    )
    assert answer.status_code == 422
    assert fault(answer, "reason")
    assert fault(answer, "amount")
    answer = manager.post(
        f"/members/{member}/correct",
        data={"way": "down", "asset": "mint_right", "amount": "5", "reason": "x"},
    )
    assert answer.status_code == 422
    for asset in ("principal", "points"):
        answer = manager.post(
            f"/members/{member}/correct",
            data={"way": "down", "asset": asset, "amount": "-5", "reason": "x"},
        )
        assert answer.status_code == 422
        assert "不能小于 0" in fault(answer, "amount")


def test_a_debt_of_somebody_nobody_told_of_does_not_take_the_page_away(desk):
    """A store may name whom it likes in what it laid out."""
    body = Charged(
        claim="c1",
        member="nobody",
        asset="principal",
        lot="l1",
        amount=100,
        why="correction",
        reason="x",
    )
    write(desk, lambda tx, act: act.append(tx, body))
    assert desk.browser("owner").get("/rights").status_code == 200

"""Head office's page for a receipt whose top-up died with its box."""

from __future__ import annotations

import pytest

from cloud.epochs import close_epoch
from cloud.platform import new_code, parse_broker, set_places
from cloud.platform.tests.office import BROKER, GATE, Hub, join
from core.journal import Event, encode
from core.journal.event import encode_body
from core.members import Application, Profile, register
from core.wallet import CLOUD, Asset, Leg, Payment, ToppedUp, holdings, issue
from core.wire import receipt_code
from hub.tests.shop import fault, words

HUB = "00112233445566aa"


@pytest.fixture
def box(desk):
    """The first store's box, which is lost."""
    where = {"broker": parse_broker(BROKER), "gate": GATE}
    desk.platform.door.write(lambda tx: set_places(tx, **where))
    hub = Hub(HUB, 7, 1)
    join(desk.platform, hub, new_code(desk.platform, merchant=desk.merchant.id, store="s1"))
    return hub


@pytest.fixture
def member(desk):
    return desk.merchant.door.write(
        lambda tx: register(
            tx, desk.merchant.act(tx), Application(profile=Profile(name="李慧敏"))
        )
    )


def printed(box, member):
    """Return what stands on the receipt of a top-up of ¥1,000 and a gift of ¥100."""
    body = ToppedUp(
        topup="t1",
        number="A-C260921-0001",
        member=member,
        lot="lot-1",
        offer="p1",
        offer_name="充1000送100",
        price=100_000,
        principal=100_000,
        bonus=10_000,
        points=0,
        period="p",
        payments=(Payment(tender="cash", amount=100_000),),
    )
    legs = [Leg(Asset.PRINCIPAL, "lot-1", 100_000), Leg(Asset.BONUS, "lot-1", 10_000)]
    event = Event(
        id="e1",
        origin=HUB,
        epoch=1,
        seq=9,
        at=1,
        boot=1,
        store="s1",
        date="2026-09-21",
        body=encode_body(body),
        postings=tuple(issue(member, HUB, legs)),
    )
    return receipt_code(encode(event), box.log_key.sign)


def held(desk, member):
    return desk.ask(lambda db: {h.asset.value: h.amount for h in holdings(db, member, CLOUD)})


@pytest.mark.feature("SYS-05")
def test_what_died_with_a_box_is_counted_from_the_members_receipt(desk, box, member):
    manager, code = desk.browser("manager"), printed(box, member)
    lives = manager.post("/rights/receipt", data={"code": code, "seen": "e1"})
    assert "主机还在用" in fault(lives, "code")
    assert "小票上的码" in fault(manager.post("/rights/receipt", data={"code": "x"}), "code")
    close_epoch(desk.platform, HUB, reason="lost")
    looked = manager.post("/rights/receipt", data={"code": code})
    assert looked.status_code == 200
    assert "李慧敏" in words(looked)
    assert "1,000.00" in words(looked)
    assert held(desk, member) == {}
    done = manager.post("/rights/receipt", data={"code": code, "seen": "e1"})
    assert done.status_code == 303
    assert held(desk, member) == {"principal": 100_000, "bonus": 10_000}
    again = manager.post("/rights/receipt", data={"code": code, "seen": "e1"})
    assert "A-C260921-0001 已经在账上" in fault(again, "code")
    assert held(desk, member) == {"principal": 100_000, "bonus": 10_000}
    assert "凭小票补记" in words(manager.get("/rights"))


def test_a_receipt_of_somebody_nobody_here_knows_says_what_to_do(desk, box):
    close_epoch(desk.platform, HUB, reason="lost")
    code = printed(box, "01a2033a-0001-7000-8000-000000000001")
    looked = desk.browser("manager").post("/rights/receipt", data={"code": code})
    assert looked.status_code == 422
    assert "再用更正补上 ¥1,000.00" in fault(looked, "code")


def test_who_may_not_correct_may_not_count_receipts_either(desk, box, member):
    close_epoch(desk.platform, HUB, reason="lost")
    form = {"code": printed(box, member), "seen": "e1"}
    assert desk.browser("auditor").post("/rights/receipt", data=form).status_code == 403
    assert held(desk, member) == {}

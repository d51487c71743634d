"""A pass is sold, pays for what it is good for, says what is left, and never pays twice."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.serving import make_server

from core.clock import DAY_MS, ManualClock
from core.feed import FeedDocument, load
from core.pages import units_label
from hub.api.tests.counter import cash
from hub.app import make_hub_app, open_hub
from hub.box import Box
from tests.started import MASSAGE, TEA, Caller, Reply, assert_sound, furnish

NOON = 1_772_424_000_000
"""Monday 2 March 2026, twelve o'clock in Shanghai, in milliseconds UTC."""
PRICE = 9_900
"""What a member pays for the massage."""
TEN, HOURS, MONTH, COMBINED = "offer-ten", "offer-hours", "offer-month", "offer-combined"
OFFERS: dict[str, dict[str, Any]] = {
    TEN: {
        "name": "足疗 10 次卡",
        "kind": "pass",
        "price": 88_000,
        "principal": 0,
        "term_days": 365,
        "passes": [{"asset": "punches", "units": 10, "paid": 88_000, "items": [MASSAGE]}],
    },
    HOURS: {
        "name": "10 小时卡",
        "kind": "pass",
        "price": 60_000,
        "principal": 0,
        "passes": [{"asset": "minutes", "units": 600, "paid": 60_000, "categories": ["c1"]}],
    },
    MONTH: {
        "name": "月卡",
        "kind": "pass",
        "price": 39_900,
        "principal": 0,
        "term_days": 30,
        "passes": [{"asset": "punches", "units": 100_000, "paid": 39_900}],
    },
    COMBINED: {
        "name": "组合卡",
        "kind": "pass",
        "price": 100_000,
        "principal": 50_000,
        "bonus": 5_000,
        "points": 10,
        "passes": [
            {"asset": "punches", "units": 3, "paid": 30_000, "name": "足疗 3 次"},
            {"asset": "minutes", "units": 120, "paid": 20_000, "name": "2 小时"},
        ],
    },
}
_phones = itertools.count(13_700_000_000)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A till of a hub that serves real HTTP, with a clock that the test sets."""

    box: Box
    clock: ManualClock
    owner: Caller
    cashier: Caller

    def member(self) -> str:
        told = {"name": "李慧敏", "phone": str(next(_phones))}
        return str(self.owner.done("POST", "/members", told)["id"])

    def buys(self, member: str, offer: str) -> dict[str, Any]:
        paid = [cash(OFFERS[offer]["price"])]
        asked = {"member": member, "offer": offer, "payments": paid}
        told: dict[str, Any] = self.cashier.done("POST", "/topups", asked)
        return told

    def bill(self, member: str | None, *items: str, quantity: int = 1) -> dict[str, Any]:
        lines = [{"item": item, "quantity": quantity} for item in items or (MASSAGE,)]
        told: dict[str, Any] = self.cashier.done(
            "POST", "/tickets", {"member": member, "lines": lines}
        )
        return told

    def settle(self, bill: dict[str, Any], *payments: dict[str, Any], **more: Any) -> Reply:
        passes = more.pop("passes", bill["from_passes"])
        asked = {"version": bill["version"], "payments": list(payments), "passes": passes}
        return self.cashier.post(f"/tickets/{bill['id']}/settle", asked, **more)

    def passes(self, member: str) -> list[tuple[str, int]]:
        told = self.owner.done("GET", f"/members/{member}/passes")["passes"]
        return [(one["name"], one["total"]) for one in told]

    def receipt(self, bill: dict[str, Any]) -> str:
        told = self.cashier.done("GET", f"/tickets/{bill['id']}/receipt")
        return " ".join(told["text"].split())

    def give(self, member: str, **more: Any) -> Reply:
        gift = {"name": "立减 20 元", "reason": "等候太久", "worth_cents": 2_000, **more}
        return self.owner.post(f"/members/{member}/passes", gift)


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    clock = ManualClock(NOON)
    box = open_hub(tmp_path, clock=clock)
    tokens = furnish(box)
    documents = [
        FeedDocument(topic="offer", key=key, pos=1_000 + n, content=content)
        for n, (key, content) in enumerate(OFFERS.items())
    ]
    massage = {
        "code": "101",
        "name": "足疗 60 分钟",
        "price": 12_800,
        "member_price": PRICE,
        "category": "c1",
        "minutes": 60,
    }
    documents.append(FeedDocument(topic="item", key=MASSAGE, pos=2_000, content=massage))
    box.door.write(lambda tx: load(tx, box.parts, documents))
    server = make_server("127.0.0.1", 0, make_hub_app(box), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    owner, cashier = (
        Caller(host="127.0.0.1", port=server.server_port, token=tokens[role, "till-0"])
        for role in ("owner", "cashier")
    )
    owner.done("POST", "/shifts", {"float_cents": 50_000})
    yield Desk(box=box, clock=clock, owner=owner, cashier=cashier)
    server.shutdown()
    server.server_close()
    thread.join(10)
    # Whatever happened, the books are in order and the tables follow from the journal.
    box.close()
    assert_sound(tmp_path)


@pytest.mark.feature("CRD-02")
def test_a_ten_visit_card_drops_by_one_per_service_and_the_receipt_says_what_is_left(desk):
    member = desk.member()
    sold = desk.buys(member, TEN)
    assert sold["left"]["passes"][0]["here"] == 10
    for left in (9, 8):
        bill = desk.bill(member)
        assert bill["from_passes"] == [
            {"asset": "punches", "line": bill["lines"][0]["id"], "quantity": 1, "lot": ""}
        ]
        done = desk.settle(bill).body
        assert [
            (one["tender"], one["amount_cents"], one["units"]) for one in done["payments"]
        ] == [("punches", PRICE, 1)]
        assert [one["here"] for one in done["left"]["passes"]] == [left]
        assert desk.passes(member) == [("足疗 10 次卡", left)]
        assert f"足疗 10 次卡 剩 {left} 次" in desk.receipt(bill)
        assert "次卡 足疗 10 次卡 1 次 99.00" in desk.receipt(bill)


@pytest.mark.feature("CRD-03")
def test_a_ten_hour_card_deducts_the_minutes_of_what_was_done(desk):
    member = desk.member()
    desk.buys(member, HOURS)
    bill = desk.bill(member, quantity=2)
    done = desk.settle(bill).body
    assert [(one["tender"], one["units"]) for one in done["payments"]] == [("minutes", 120)]
    assert desk.passes(member) == [("10 小时卡", 480)]
    assert "10 小时卡 剩 480 分钟" in desk.receipt(bill)


@pytest.mark.feature("CRD-03")
def test_a_thirty_day_card_admits_until_its_end_date_and_not_a_day_longer(desk):
    member = desk.member()
    sold = desk.buys(member, MONTH)
    assert sold["expires"] == "2026-04-01"
    desk.clock.at = NOON + 30 * DAY_MS
    bill = desk.bill(member)
    assert desk.settle(bill).status == 200
    assert "月卡 不限次" in desk.receipt(bill)

    desk.clock.at = NOON + 31 * DAY_MS
    late = desk.bill(member)
    assert late["from_passes"] == []
    wish = {"asset": "punches", "line": late["lines"][0]["id"]}
    assert desk.settle(late, passes=[wish]).code == "pass_short"


@pytest.mark.feature("CRD-04")
def test_one_sale_fills_several_balances_and_each_is_drawn_down_on_its_own(desk):
    member = desk.member()
    sold = desk.buys(member, COMBINED)
    assert (sold["principal_cents"], sold["bonus_cents"]) == (50_000, 5_000)
    assert sorted(desk.passes(member)) == [("2 小时", 120), ("足疗 3 次", 3)]
    assert desk.settle(desk.bill(member)).status == 200
    assert sorted(desk.passes(member)) == [("2 小时", 120), ("足疗 3 次", 2)]
    paid = {"tender": "stored_value", "amount_cents": PRICE}
    assert desk.settle(desk.bill(member), paid, passes=[]).status == 200
    held = desk.owner.done("GET", f"/members/{member}")["wallet"]
    assert held["here_cents"] == 55_000 - PRICE
    assert sorted(desk.passes(member)) == [("2 小时", 120), ("足疗 3 次", 2)]


def test_a_pass_pays_nothing_that_it_is_not_good_for_and_the_rest_is_paid_as_usual(desk):
    member = desk.member()
    desk.buys(member, TEN)
    bill = desk.bill(member, MASSAGE, TEA)
    tea = next(line["id"] for line in bill["lines"] if line["item"] == TEA)
    assert desk.settle(bill, passes=[{"asset": "punches", "line": tea}]).code == "pass_short"
    assert desk.settle(bill).code == "payments_differ"
    done = desk.settle(bill, cash(3_800)).body
    assert [(one["tender"], one["amount_cents"]) for one in done["payments"]] == [
        ("punches", PRICE),
        ("cash", 3_800),
    ]


def test_a_reversal_gives_the_visits_back_also_after_the_card_has_ended(desk):
    member = desk.member()
    desk.buys(member, TEN)
    first, second = desk.bill(member), desk.bill(member)
    desk.settle(first)
    desk.settle(second)
    back = desk.owner.done("POST", f"/tickets/{first['id']}/reverse", {"reason": "没做"})
    assert [one["here"] for one in back["left"]["passes"]] == [9]
    assert desk.passes(member) == [("足疗 10 次卡", 9)]

    desk.clock.at = NOON + 366 * DAY_MS
    desk.owner.done("POST", f"/tickets/{second['id']}/reverse", {"reason": "没做"})
    bill = desk.bill(member)
    assert len(bill["from_passes"]) == 1, "what came back has no end and is good for the same"
    assert desk.settle(bill).status == 200
    assert desk.settle(desk.bill(member), passes=[]).code == "payments_differ"


def test_eight_tills_at_once_take_no_visit_twice(desk):
    member = desk.member()
    desk.buys(member, COMBINED)
    bills = [desk.bill(member) for _ in range(8)]
    visit = [[{"asset": "punches", "line": one["lines"][0]["id"]}] for one in bills]
    with ThreadPoolExecutor(8) as pool:
        codes = list(
            pool.map(
                lambda pair: desk.settle(pair[0], passes=pair[1]).code,
                zip(bills, visit, strict=True),
            )
        )
    assert sorted(codes) == ["", "", "", *["pass_short"] * 5]
    assert sorted(desk.passes(member)) == [("2 小时", 120)]


def test_a_coupon_is_given_with_a_reason_and_pays_once(desk):
    member = desk.member()
    assert desk.give(member, reason=" ").code == "reason_missing"
    lot = desk.give(member, least_cents=9_000).body["lot"]
    coupon = {"asset": "coupons", "lot": lot}
    bill = desk.bill(member)
    assert bill["from_passes"] == [], "whether to use a coupon is the guest's to say"
    assert desk.settle(bill, cash(7_900), passes=[coupon, coupon]).code == "pass_short"
    done = desk.settle(bill, cash(7_900), passes=[coupon]).body
    assert done["points"] == 79, "what a coupon took off earns nothing"
    assert "剩 0 张券" in desk.receipt(bill)
    assert desk.passes(member) == []
    assert desk.settle(desk.bill(member), cash(7_900), passes=[coupon]).code == "pass_short"


def test_a_coupon_wants_its_least_sum(desk):
    member = desk.member()
    lot = desk.give(member, least_cents=20_000).body["lot"]
    used = [{"asset": "coupons", "lot": lot}]
    assert desk.settle(desk.bill(member), cash(7_900), passes=used).code == "coupon_least"


def test_units_are_counted_in_the_readers_language_and_in_chinese_where_there_is_no_reader(
    desk,
):
    assert units_label("punches", 1) == "1 次"
    assert units_label("coupons", 3) == "3 张券"
    with make_hub_app(desk.box).test_request_context("/?lang=en"):
        assert [units_label("punches", so_many) for so_many in (1, 2)] == [
            "1 visit",
            "2 visits",
        ]
        assert units_label("coupons", 1) == "1 coupon"
        assert units_label("minutes", 60) == "60 minutes"


def test_who_may_not_correct_balances_gives_no_coupon(desk):
    gift = {"name": "立减", "reason": "熟人", "worth_cents": 100}
    refused = desk.cashier.post(f"/members/{desk.member()}/passes", gift)
    assert refused.code == "not_allowed"

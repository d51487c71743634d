"""A till's shift by the API: blind for who must not see, bounded by each role's limits."""

from __future__ import annotations

from hub.api.tests.counter import FLOAT, cash
from tests.started import TEA, new_key

JSON = {"Content-Type": "application/json"}


def sell_tea(counter):
    bill = counter.bill(None, TEA)
    asked = {"version": bill["version"], "payments": [cash(3_800)]}
    counter.cashier.done("POST", f"/tickets/{bill['id']}/settle", asked)


def test_a_count_is_blind_for_who_may_not_see_what_should_lie_in_the_drawer(counter):
    sell_tea(counter)
    seen = counter.owner.done("GET", "/shifts/current")
    assert seen["expected_cents"] == FLOAT + 3_800
    blind = counter.cashier.done("GET", "/shifts/current")
    assert blind["expected_cents"] is None
    assert "cash" not in {row["tender"] for row in blind["totals"]}
    assert counter.cashier.done("GET", f"/shifts/{seen['period']}") == blind


def test_a_shift_is_closed_on_a_count_with_its_difference_and_a_numbered_slip(counter):
    sell_tea(counter)
    counter.owner.done("POST", "/shifts/current/drawer", {"reason": "换零"})
    closed = counter.cashier.done(
        "POST", "/shifts/current/close", {"counted_cents": FLOAT + 3_700, "note": "少一元"}
    )
    assert (closed["expected_cents"], closed["difference_cents"]) == (FLOAT + 3_800, -100)
    assert {"code": "drawer_opened", "count": 1} in closed["exceptions"]
    assert counter.cashier.get("/shifts/current").code == "no_period"
    read_again = counter.cashier.done("GET", f"/shifts/{closed['period']}")
    assert closed == read_again | {"print_job": closed["print_job"]}
    jobs = counter.owner.done("GET", "/print-jobs")["print_jobs"]
    assert closed["print_job"] in {job["id"] for job in jobs if job["kind"] == "report"}
    copy = counter.cashier.done("POST", f"/shifts/{closed['period']}/prints")
    jobs = counter.owner.done("GET", "/print-jobs")["print_jobs"]
    assert [job["copy"] for job in jobs if job["id"] == copy["print_job"]] == [True]
    numbers = [row["z_number"] for row in counter.owner.done("GET", "/shifts")["shifts"]]
    assert closed["z_number"] in numbers
    assert numbers == sorted(set(numbers), reverse=True)


def test_a_count_closes_only_the_shift_and_the_state_that_it_names(counter):
    path = "/shifts/current/close"
    seen = counter.cashier.done("GET", "/shifts/current")
    count = {"counted_cents": FLOAT, "period": seen["period"], "seen": seen["seen"]}
    sell_tea(counter)
    reply = counter.cashier.post(path, count)
    assert (reply.status, reply.code) == (409, "period_changed")
    assert counter.cashier.post(path, count | {"period": "x"}).code == "period_closed"
    now = counter.cashier.done("GET", "/shifts/current")
    assert (now["period"], now["seen"]) == (seen["period"], seen["seen"] + 1)
    count |= {"counted_cents": FLOAT + 3_800, "seen": now["seen"]}
    key = new_key()
    closed = counter.cashier.post(path, count, key=key)
    assert (closed.status, closed.body["difference_cents"]) == (200, 0)
    assert counter.cashier.post(path, count, key=key).replayed
    assert counter.cashier.post(path, count | {"seen": 9}, key=key).code == "key_reused"
    counter.owner.done("POST", "/shifts", {"float_cents": FLOAT})
    assert counter.cashier.post(path, count).code == "period_closed"


def test_no_more_cash_leaves_the_drawer_than_lies_in_it(counter):
    path = "/shifts/current/cash"
    reply = counter.owner.post(path, {"amount_cents": -FLOAT - 1, "reason": "存银行"})
    assert (reply.status, reply.code) == (409, "drawer_short")
    assert reply.body["error"].get("facts", {}) == {}
    counter.owner.done("POST", path, {"amount_cents": -FLOAT, "reason": "存银行"})


def test_a_till_is_opened_once(counter):
    reply = counter.cashier.post("/shifts", {"float_cents": 1})
    assert (reply.status, reply.code) == (409, "period_open")


def test_cash_is_moved_up_to_the_limit_of_who_moves_it(counter):
    path = "/shifts/current/cash"
    counter.cashier.done("POST", path, {"amount_cents": -50_000, "reason": "采购"})
    reply = counter.cashier.post(path, {"amount_cents": -50_001, "reason": "采购"})
    assert (reply.status, reply.code) == (403, "over_limit")
    assert reply.body["error"]["facts"]["limit_cents"] == 50_000
    counter.owner.done("POST", path, {"amount_cents": 60_000, "reason": "备用"})
    assert counter.cashier.post(path, {"amount_cents": 0, "reason": "x"}).code == "amount_wrong"
    assert (
        counter.cashier.post(path, {"amount_cents": 1, "reason": ""}).code == "reason_missing"
    )
    assert counter.owner.done("GET", "/shifts/current")["expected_cents"] == FLOAT + 10_000


def test_a_top_up_over_the_cashiers_limit_or_the_cards_is_refused(counter):
    member = counter.member()
    over = {"member": member, "amount_cents": 500_001, "payments": [cash(500_001)]}
    reply = counter.cashier.post("/topups", over)
    assert (reply.status, reply.code) == (403, "over_limit")
    reply = counter.owner.post("/topups", over)
    assert (reply.status, reply.code) == (409, "over_card_limit")
    assert counter.wallet(member)["total_cents"] == 0


def test_the_drawer_opens_without_a_sale_only_for_who_may_and_leaves_a_trace(counter):
    path = "/shifts/current/drawer"
    assert counter.cashier.post(path, {"reason": "换零"}).code == "not_allowed"
    assert counter.owner.post(path, {"reason": " "}).code == "reason_missing"
    job = counter.owner.done("POST", path, {"reason": "换零"})["print_job"]
    jobs = counter.owner.done("GET", "/print-jobs")["print_jobs"]
    assert [row["kind"] for row in jobs if row["id"] == job] == ["kick"]
    unusual = counter.owner.done("GET", "/shifts/current")["exceptions"]
    assert {"code": "drawer_opened", "count": 1} in unusual


def test_the_drawer_opens_once_for_one_key(counter):
    key, path, asked = new_key(), "/shifts/current/drawer", {"reason": "换零"}
    first, again = (counter.owner.post(path, asked, key=key) for _ in range(2))
    assert (first.status, again.replayed, first.body) == (201, True, again.body)
    unusual = counter.owner.done("GET", "/shifts/current")["exceptions"]
    assert {"code": "drawer_opened", "count": 1} in unusual
    assert (
        counter.owner.raw("POST", path, b'{"reason":"x"}', headers=JSON).code == "key_missing"
    )


def test_a_print_job_that_nobody_wants_is_dropped_once(counter):
    job = counter.owner.done("POST", "/shifts/current/drawer", {"reason": "试"})["print_job"]
    path = f"/print-jobs/{job}"
    assert counter.cashier.done("DELETE", path) == {"id": job}
    reply = counter.cashier.call("DELETE", path)
    assert (reply.status, reply.code) == (404, "no_job")

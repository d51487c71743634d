"""How the API answers whoever does not speak it well, or may not speak at all."""

from __future__ import annotations

import pytest

from hub.api.tests.counter import cash
from tests.started import TEA, new_key

JSON = {"Content-Type": "application/json"}


def test_health_is_told_to_anybody(hub):
    reply = hub.caller(None).get("/health")
    assert (reply.status, reply.body) == (200, {"ok": True})


@pytest.mark.parametrize(("token", "code"), [(None, "not_paired"), ("f" * 64, "token_unknown")])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_known_token_nothing_is_told_or_done(hub, token, code, method):
    path = "/members?q=a" if method == "GET" else "/topups"
    reply = hub.caller(token).call(method, path, {} if method == "POST" else None)
    assert (reply.status, reply.code) == (401, code)


@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        ("technician", "GET", "/shifts"),
        ("technician", "POST", "/tickets"),
        ("technician", "POST", "/topups"),
        ("technician", "GET", "/items"),
        ("cashier", "POST", "/members/m/adjustments"),
        ("cashier", "POST", "/tickets/t/reverse"),
        ("cashier", "POST", "/scans"),
        ("manager", "POST", "/scans"),
        ("device", "GET", "/members?q=a"),
        ("device", "POST", "/tickets"),
    ],
)
def test_a_role_does_no_more_than_it_may(shop, hub, role, method, path):
    reply = hub.caller(shop.token(role)).call(method, path, {} if method == "POST" else None)
    assert (reply.status, reply.code) == (403, "not_allowed")
    assert reply.body["error"]["facts"]["action"]


def test_a_reader_puts_what_it_read_before_its_own_till_or_another(shop, hub):
    device = hub.caller(shop.token("device", "till-3"))
    reply = device.post("/scans", {"value": " 88000001 "})
    assert (reply.status, reply.body["till"]) == (201, "till-3")
    assert device.done("POST", "/scans", {"till": "till-4", "value": "1"})["till"] == "till-4"
    for value in ("", " ", "a\nb", "x" * 129):
        assert device.post("/scans", {"value": value}).code == "scan_malformed"


def test_an_unknown_address_or_method_is_told_in_json(counter):
    unknown = counter.owner.get("/nothing")
    assert (unknown.status, unknown.code) == (404, "http_404")
    wrong = counter.owner.call("DELETE", "/topups")
    assert (wrong.status, wrong.code) == (405, "http_405")
    assert wrong.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": ""}]
)
def test_what_is_not_json_is_not_read(counter, headers):
    reply = counter.owner.raw("POST", "/tickets", b"{}", headers=headers, key=new_key())
    assert (reply.status, reply.code) == (415, "http_415")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"1",
        b'{"lines": 1}',
        b"\xff\xfe",
        b'"\\ud800"',
        b"[" * 90_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_cannot_be_read_is_malformed(counter, body):
    reply = counter.owner.raw("POST", "/tickets", body, headers=JSON, key=new_key())
    assert (reply.status, reply.code) == (400, "malformed")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"version": "1"}, "$.version"),
        ({"version": 1.0}, "$.version"),
        ({"version": True}, "$.version"),
        (
            {"payments": [{"tender": "cash", "amount_cents": "100"}]},
            "$.payments[0].amount_cents",
        ),
        ({"payments": [{"tender": "cash", "amount_cents": -1}]}, "$.payments[0].amount_cents"),
        (
            {"payments": [{"tender": "cash", "amount_cents": 10**30}]},
            "$.payments[0].amount_cents",
        ),
        ({"payments": [{"tender": "cash", "amount": 100}]}, "$.payments[0]"),
        ({"payments": [cash(1)] * 21}, "$.payments"),
        ({"discount": 1}, "$"),
    ],
    ids=str,
)
def test_the_field_that_is_wrong_is_named(counter, wrong, field):
    bill = counter.bill(None, TEA)
    asked = {"version": bill["version"], "payments": [cash(3_800)], **wrong}
    reply = counter.cashier.post(f"/tickets/{bill['id']}/settle", asked)
    assert (reply.status, reply.code) == (400, "malformed")
    facts = reply.body["error"]["facts"]
    assert facts["field"].removeprefix("$") == field.removeprefix("$")
    assert facts["problem"]
    assert counter.owner.done("GET", f"/tickets/{bill['id']}")["state"] == "open"


def test_a_body_that_is_too_large_is_not_read(counter):
    # Only announced: it is turned away before a byte of it was sent.
    headers = {**JSON, "Content-Length": str(5 * 1024 * 1024)}
    reply = counter.owner.raw("POST", "/tickets/t/reverse", None, headers=headers)
    assert (reply.status, reply.code) == (413, "http_413")


def test_a_refusal_says_yuan_to_people_and_fen_to_programs(counter):
    bill = counter.bill(None, TEA)
    asked = {"version": bill["version"], "payments": [cash(3_700)]}
    error = counter.owner.post(f"/tickets/{bill['id']}/settle", asked).body["error"]
    assert error["message"] == "各项付款合计 ¥37.00，应收 ¥38.00，不一致"
    assert error["facts"] == {"paid_cents": 3_700, "due_cents": 3_800}


def test_a_caller_who_means_another_host_is_turned_away(counter):
    headers = {"Host": "till.example"}
    reply = counter.owner.raw("GET", "/health", None, headers=headers)
    assert (reply.status, reply.code) == (421, "http_421")

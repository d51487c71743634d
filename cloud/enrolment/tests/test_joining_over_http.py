"""A hub before it has a certificate, at the web process that was started for real."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager

import msgspec
import pytest

from cloud.enrolment import GUESSES_MAX, WINDOW_MS, Guesses
from cloud.gate.tests.started import (
    another_hub,
    call,
    command,
    looked_into,
    papers_of,
    started,
)
from cloud.platform import create_merchant, new_code, set_places
from cloud.platform.places import parse_broker
from cloud.platform.tests.office import STORE, Hub, merchant_in
from core.enrolment import EnrolAnswer, RenewAnswer, RenewLateRequest, proven_bytes
from core.errors import Refused


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("office")


@pytest.fixture(scope="module")
def gate(folder):
    with started(folder, "gate") as running:
        yield running


@pytest.fixture(scope="module")
def web(folder, gate):
    with started(folder, "web") as running:
        yield running


@pytest.fixture
def fresh_web(folder):
    """A web process of a test's own: it counts guesses by where they come from."""
    with started(folder, "web") as running:
        yield running


@pytest.fixture(scope="module")
def platform(folder):
    with looked_into(folder) as opened:
        opened.door.write(lambda tx: set_places(tx, broker=parse_broker("127.0.0.1:8883")))
        yield opened


@pytest.fixture
def merchant(platform):
    return merchant_in(platform)


@pytest.fixture
def code(platform, merchant):
    return new_code(platform, merchant=merchant.id, store=STORE)


def post(web, request, path="/enrol", **how):
    body = request if isinstance(request, bytes) else msgspec.json.encode(request)
    return call(f"http://{web.address}{path}", method="POST", body=body, **how)


_next = iter(range(1, 1000))


def hub():
    return another_hub(next(_next))


@pytest.mark.feature("PLT-01")
def test_a_hub_is_joined_by_its_code_and_is_then_let_in_at_the_gate(
    web, gate, code, merchant, tmp_path
):
    mine = hub()
    reply = post(web, mine.request(code))
    assert reply.status == 200, reply.body
    answer = msgspec.json.decode(reply.body, type=EnrolAnswer)
    assert (answer.merchant, answer.hub_id, answer.store) == (merchant.id, mine.name, STORE)
    assert answer.gate == f"https://{gate.address}"
    papers = papers_of(tmp_path / "papers", mine, answer.certificate, answer.ca)
    assert call(f"{answer.gate}/health", context=papers).status == 200


def test_what_travels_is_json_and_base64_as_any_client_can_make_it(web, code):
    mine = hub()
    body = {
        "code": code.lower(),
        "csr": mine.csr(),
        "birth": base64.b64encode(mine.birth).decode(),
        "version": "0.2.0",
        "model": "",
    }
    reply = post(web, json.dumps(body).encode())
    told = json.loads(reply.body)
    assert reply.status == 200
    assert set(told) == {
        *("merchant", "hub_id", "store", "shard", "certificate", "ca", "broker", "gate"),
        *("countersignature", "merchant_key", "downlink_birth", "downlink_signature"),
        *("pin_pepper", "card_key"),
    }
    assert json.loads(base64.b64decode(told["downlink_birth"]))["hub"] == f"{mine.name}.dn"


def test_an_answer_that_was_lost_is_given_again_and_a_used_code_is_not(web, code):
    mine = hub()
    first = post(web, mine.request(code))
    again = post(web, mine.request(code))
    assert (first.status, again.body) == (200, first.body)
    stranger = post(web, hub().request(code))
    assert (stranger.status, stranger.code) == (403, "join_code_used")


def wrong(code):
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def test_five_wrong_tries_lock_the_code(fresh_web, code):
    mine = hub()
    for _ in range(5):
        assert post(fresh_web, mine.request(wrong(code))).code == "join_code_wrong"
    reply = post(fresh_web, mine.request(code))
    assert (reply.status, reply.code) == (403, "join_code_locked")
    assert "重新生成" in json.loads(reply.body)["message"]


def test_tries_at_once_are_all_counted(fresh_web, code):
    told = []

    def guess():
        told.append(post(fresh_web, hub().request(wrong(code))).code)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["join_code_locked"] * 7 + ["join_code_wrong"] * 5


def test_a_code_that_is_over_is_refused(web, platform, code):
    platform.door.write(
        lambda tx: tx.run("UPDATE enrolment_code SET expires_at = 1 WHERE used_at IS NULL")
    )
    reply = post(web, hub().request(code))
    assert (reply.status, reply.code) == (403, "join_code_expired")


def test_who_guesses_on_and_on_is_not_listened_to(fresh_web, code):
    mine = hub()
    for _ in range(GUESSES_MAX):
        assert post(fresh_web, mine.request("00000-00000")).code == "join_code_wrong"
    reply = post(fresh_web, mine.request(code))
    assert (reply.status, reply.code) == (429, "too_many_guesses")


def test_a_reason_is_told_in_the_askers_language(web, code):
    reply = post(web, hub().request(wrong(code)), headers={"Accept-Language": "zh-CN"})
    assert json.loads(reply.body)["message"] == "接入码不对"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b'{"code":1}', b"[" * 5000, b'{"code":"\\ud800"}']
)
def test_what_cannot_be_read_is_refused(web, body):
    reply = post(web, body)
    assert (reply.status, reply.code) == (422, "bad_enrolment")


def test_a_form_of_another_site_joins_nobody(web, code):
    """A page elsewhere can send a form without asking, but no JSON."""
    body = msgspec.json.encode(hub().request(code))
    reply = post(web, body, headers={"Content-Type": "text/plain"})
    assert reply.status == 422


def test_a_request_without_end_is_cut_off(web):
    reply = post(web, b"{}", headers={"Content-Length": str(5 * 1024 * 1024)})
    assert reply.status == 413


def test_a_shop_brings_its_feed_over_http(web, platform):
    empty = create_merchant(platform, "老店")
    code = new_code(platform, merchant=empty.id, store="")
    secret = base64.b64encode(b"s" * 32).decode()
    content = {"name": "老店", "code": "09"}
    brought = {
        "pin_pepper": secret,
        "card_key": secret,
        "feed": [{"topic": "store", "key": "s9", "pos": 1, "content": content}],
    }
    asked = msgspec.to_builtins(hub().request(code)) | {"bring": brought}
    reply = post(web, json.dumps(asked).encode())
    told = json.loads(reply.body)
    assert (reply.status, told["store"], told["card_key"]) == (200, "s9", secret)


def test_a_certificate_that_ended_is_renewed_by_the_log_key(web, code):
    mine = hub()
    answer = msgspec.json.decode(post(web, mine.request(code)).body, type=EnrolAnswer)
    csr = mine.csr()

    def asked(proof):
        return RenewLateRequest(csr=csr, certificate=answer.certificate, proof=proof)

    reply = post(web, asked(bytes(64)), "/enrol/renew")
    assert (reply.status, reply.code) == (403, "proof_wrong")
    reply = post(web, asked(mine.log_key.sign(proven_bytes(csr))), "/enrol/renew")
    assert reply.status == 200
    made = msgspec.json.decode(reply.body, type=RenewAnswer)
    assert made.certificate != answer.certificate


def test_commands_alone_take_a_merchant_from_nothing_to_a_joined_hub(web, gate, tmp_path):
    folder = tmp_path / "office"
    with started_office(folder) as (own_web, own_gate):
        merchant = said(folder, "admin", "merchant", "add", "清和养生")
        store = said(
            folder,
            *("admin", "store", "add", "人民路店", "--merchant", merchant, "--code", "01"),
        )
        code = said(folder, "admin", "code", "--merchant", merchant, "--store", store)
        mine = Hub()
        reply = post(own_web, mine.request(code))
        assert reply.status == 200, reply.body
        answer = msgspec.json.decode(reply.body, type=EnrolAnswer)
        papers = papers_of(tmp_path / "papers", mine, answer.certificate, answer.ca)
        assert call(f"https://{own_gate.address}/health", context=papers).status == 200
        assert f"{merchant}.{mine.name}" in said(folder, "admin", "hub", "list")
        # Another head office's hub is a stranger here.
        assert foreign(f"https://{gate.address}/health", papers)


def foreign(url, papers):
    papers.check_hostname = False
    papers.verify_mode = 0
    try:
        call(url, context=papers)
    except OSError:
        return True
    return False


def said(folder, *words):
    code, out, err = command(folder, *words)
    assert code == 0, err
    return out


@contextmanager
def started_office(folder):
    folder.mkdir()
    said(folder, "admin", "addresses", "--broker", "127.0.0.1:8883")
    with started(folder, "gate") as own_gate, started(folder, "web") as own_web:
        yield own_web, own_gate


# -- counting ----------------------------------------------------------------------------------


def test_guesses_are_counted_by_neighbourhood_and_forgotten_in_time():
    guesses = Guesses()
    for number in range(GUESSES_MAX):
        guesses.check("2001:db8::1", at=0)
        guesses.note_wrong(f"2001:db8::{number:x}", at=0)
    for address in ("2001:db8::1", "2001:db8::ffff:1"):
        with pytest.raises(Refused, match="too_many_guesses"):
            guesses.check(address, at=WINDOW_MS - 1)
    guesses.check("2001:db8:0:1::1", at=0)
    guesses.check("192.0.2.1", at=0)
    guesses.check("2001:db8::1", at=WINDOW_MS)
    guesses.note_wrong("2001:db8::1", at=WINDOW_MS)
    guesses.check("2001:db8::1", at=WINDOW_MS)


def test_many_addresses_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("cloud.enrolment.guesses.ADDRESSES_MAX", 10)
    guesses = Guesses()
    for number in range(30):
        guesses.note_wrong(f"192.0.2.{number}", at=0)
    assert len(guesses._counts) == 10

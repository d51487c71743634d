from __future__ import annotations

import json
import socket
import ssl
import stat

import pytest
from click.testing import CliRunner
from cryptography import x509

from core.crypto import base64url, signing_key
from core.feed import held_pos, publish
from core.journal import decode, kind_of
from hub.admin import admin
from hub.app import open_hub
from hub.sync import joined, load_link, tls_context
from hub.sync.head_office import parse_url
from hub.sync.tests.office import CARD_KEY, GOOD_CODE, MERCHANT, PEPPER, STORE, changed
from hub.sync_program import REASONS, join_command


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "fresh"


@pytest.fixture
def run(authority):
    """Run `dianshu hub admin join` and return what it said."""

    def run(folder, url, *words, code=0):
        ca = str(authority.file)
        words = (url, *words, "--ca", ca, "--data", str(folder))
        result = CliRunner().invoke(join_command, words)
        assert result.exit_code == code, result.output
        return result.output

    return run


@pytest.fixture
def founded(tmp_path):
    """A shop that runs and was never joined."""
    folder = tmp_path / "shop"
    words = ("init", "--company", "清和", "--store", "人民路店", "--code", "A")
    result = CliRunner().invoke(admin, [*words, "--data", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def look(folder, query):
    box = open_hub(folder)
    try:
        with box.door.read() as db:
            return query(db, box)
    finally:
        box.close()


def test_a_fresh_hub_joins_by_a_code_and_takes_the_merchants_keys(run, folder, office):
    said = run(folder, office.url, GOOD_CODE)
    assert f"已加入总部 joined: {MERCHANT} · {STORE}" in said
    assert "systemctl restart" in said
    assert joined(folder)
    link = load_link(folder)
    (asked,) = office.enrolled
    assert (link.merchant, link.store, link.gate) == (MERCHANT, STORE, office.url)
    assert link.merchant_key == office.key.public
    assert asked.bring is None

    def state(db, box):
        assert box.journal.identity.origin == link.hub
        assert box.journal.identity.birth == asked.birth == link.birth
        return (
            box.secrets.pin_pepper,
            box.secrets.card_key,
            box.store_id(db),
            held_pos(db),
            db.value("SELECT own FROM origin WHERE origin = :dn", dn=f"{link.hub}.dn"),
        )

    assert look(folder, state) == (PEPPER, CARD_KEY, STORE, 0, 0)


def test_the_key_never_leaves_the_hub_and_the_links_file_holds_none(run, folder, office):
    run(folder, office.url, GOOD_CODE)
    (asked,) = office.enrolled
    csr = x509.load_pem_x509_csr(asked.csr.encode())
    assert csr.is_signature_valid
    assert csr.public_key().curve.name == "secp256r1"
    seed = (folder / "secrets" / "link.key").read_bytes()
    for secret in (seed, PEPPER, CARD_KEY):
        for file in (folder / "link.json", folder / "hub.db"):
            assert secret not in file.read_bytes()
            assert base64url.encode(secret).encode() not in file.read_bytes()
    assert stat.S_IMODE((folder / "secrets" / "link.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "link.json").stat().st_mode) == 0o640
    assert "PRIVATE" not in (folder / "link.json").read_text()


def test_the_certificate_opens_the_gate(run, folder, office):
    run(folder, office.url, GOOD_CODE)
    link = load_link(folder)
    context = tls_context(folder, link)
    port = parse_url(office.url).port
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.version() in {"TLSv1.2", "TLSv1.3"}
        assert secure.getpeercert(binary_form=True)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("WR0NGC0DE7", "join_code_wrong"),
        ("VSEDC0DE77", "join_code_used"),
        ("0LDC0DE777", "join_code_expired"),
        ("", "join_code_wrong"),
        ("万能码", "join_code_wrong"),
    ],
)
def test_a_code_that_does_not_count_is_told_in_both_languages(
    run, folder, office, code, reason
):
    said = run(folder, office.url, code, code=1)
    assert all(words in said for words in REASONS[reason])
    assert not joined(folder)
    assert look(folder, lambda db, box: (held_pos(db), box.store_id(db))) == (None, "")


def test_a_head_office_that_is_away_is_told_and_nothing_has_changed(run, folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"https://localhost:{free.getsockname()[1]}"
    said = run(folder, url, GOOD_CODE, code=1)
    assert "连不上总部" in said
    assert "cannot be reached" in said
    assert not joined(folder)


def test_a_refusal_that_is_not_known_here_is_told_in_head_offices_own_words(
    run, folder, office
):
    office.enrol = lambda _asked: (
        409,
        json.dumps({"code": "x9", "message": "换个店"}).encode(),
    )
    assert "换个店" in run(folder, office.url, GOOD_CODE, code=1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"merchant": 1}', b"\xff\xfe"])
def test_an_answer_that_is_none_changes_nothing(run, folder, office, body):
    office.enrol = lambda _asked: (200, body)
    assert "连不上总部" in run(folder, office.url, GOOD_CODE, code=1)
    office.enrol = lambda _asked: (500, body)
    assert "连不上总部" in run(folder, office.url, GOOD_CODE, code=1)
    assert not joined(folder)


def test_a_stranger_under_head_offices_address_is_not_believed(run, folder, office, tmp_path):
    said = CliRunner().invoke(join_command, [office.url, GOOD_CODE, "--data", str(folder)])
    assert said.exit_code == 1
    assert "连不上总部" in said.output
    assert office.enrolled == []


@pytest.mark.parametrize(
    "url", ["http://head.example.com", "ftp://localhost", "https://", "http://10.0.0.1:80"]
)
def test_an_address_by_which_the_keys_would_travel_in_clear_is_refused(run, folder, url):
    run(folder, url, GOOD_CODE, code=2)
    assert not joined(folder)


STRANGER = signing_key(b"s" * 32)
WRONG = {
    "another hub": lambda a: changed(a, hub_id="f" * 16),
    "a name that means other topics": lambda a: changed(a, merchant="a/b#+cde"),
    "another shard": lambda a: changed(a, shard="zzz"),
    "a stranger's signature": lambda a: changed(a, countersignature=STRANGER.sign(b"x")),
    "a stranger's key": lambda a: changed(a, merchant_key=STRANGER.public),
    "no key at all": lambda a: changed(a, merchant_key="?"),
    "no certificate": lambda a: changed(a, certificate="nothing"),
    "somebody else's certificate": lambda a: changed(a, certificate=a.ca),
    "no authority": lambda a: changed(a, ca=""),
    "a downlink unsigned": lambda a: changed(a, downlink_signature=b"0" * 64),
    "a downlink of another": lambda a: changed(a, downlink_birth=b"{}"),
    "no store": lambda a: changed(a, store=""),
}


@pytest.mark.parametrize("tamper", WRONG.values(), ids=WRONG)
def test_an_answer_that_does_not_fit_together_is_not_believed(run, folder, office, tamper):
    office.tamper = tamper
    said = run(folder, office.url, GOOD_CODE, code=1)
    assert "总部的答复不对" in said
    assert not joined(folder)
    assert look(folder, lambda _db, box: box.secrets.pin_pepper) != PEPPER


def test_a_hub_joins_once(run, folder, office):
    run(folder, office.url, GOOD_CODE)
    said = run(folder, office.url, GOOD_CODE, code=1)
    assert all(words in said for words in REASONS["already_joined"])
    assert len(office.enrolled) == 1


def test_a_lost_answer_is_no_harm_the_same_hub_asks_again(run, folder, office):
    answer = office.enrol
    office.enrol = lambda asked: (answer(asked), (502, b""))[1]
    run(folder, office.url, GOOD_CODE, code=1)
    office.enrol = answer
    run(folder, office.url, GOOD_CODE)
    first, second = office.enrolled
    assert first.birth == second.birth
    keys = {
        x509.load_pem_x509_csr(asked.csr.encode()).public_key().public_numbers()
        for asked in office.enrolled
    }
    assert len(keys) == 1


def test_a_shop_that_runs_brings_its_own(run, founded, office):
    before = look(founded, lambda _db, box: (box.secrets.pin_pepper, box.secrets.card_key))
    said = run(founded, office.url, GOOD_CODE, "--bring")
    assert "systemctl restart" not in said
    (asked,) = office.enrolled
    assert (asked.bring.pin_pepper, asked.bring.card_key) == before
    assert {document.topic for document in asked.bring.feed} == {"company", "store", "staff"}
    assert look(founded, lambda _db, b: (b.secrets.pin_pepper, b.secrets.card_key)) == before
    assert look(founded, lambda db, _b: held_pos(db)) == 0


def test_a_shop_that_runs_does_not_lose_its_own_by_a_slip(run, founded, office):
    said = run(founded, office.url, GOOD_CODE, code=1)
    assert all(words in said for words in REASONS["has_own_feed"])
    assert (office.enrolled, joined(founded)) == ([], False)


def test_who_has_nothing_brings_nothing(run, folder, office):
    said = run(folder, office.url, GOOD_CODE, "--bring", code=1)
    assert all(words in said for words in REASONS["nothing_to_bring"])
    assert office.enrolled == []


def test_edits_after_joining_are_proposals(joined_shop):
    joined_shop.do(
        lambda tx, act: publish(tx, act, topic="category", key="c9", content={"name": "套餐"})
    )
    me = joined_shop.box.journal.identity.origin
    with joined_shop.box.door.read() as db:
        raw = db.value(
            "SELECT raw FROM journal WHERE origin = :me ORDER BY seq DESC LIMIT 1", me=me
        )
    event = decode(raw)
    assert kind_of(event) == "feed.published"
    assert json.loads(bytes(event.body))["proposed"] is True


def test_a_certificates_dates_do_not_keep_a_hub_without_a_clock_out(
    run, folder, office, tmp_path
):
    run(folder, office.url, GOOD_CODE)
    link = load_link(folder)
    assert tls_context(folder, link).verify_flags & 0x20_0000
    assert tls_context(folder, link).verify_mode is ssl.CERT_REQUIRED
    assert tls_context(folder, link).check_hostname

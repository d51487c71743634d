"""The commands of head office, as somebody types them at the server."""

from __future__ import annotations

import ssl

import pyotp
import pytest
from click.testing import CliRunner
from cryptography import x509

from cloud.__main__ import cloud
from cloud.access import account_by_email
from cloud.app import open_cloud
from cloud.feed import bring
from cloud.platform import enrol, find_hub, places
from cloud.platform.tests.office import Hub
from core.errors import Refused
from core.organisation import company, stores

PASSWORD = "三更灯火五更鸡 read at dawn"


@pytest.fixture
def office(tmp_path):
    return Office(tmp_path / "office")


class Office:
    def __init__(self, folder):
        self.folder = folder

    def run(self, *words, typed=None):
        known = [*words, "--data", str(self.folder)]
        return CliRunner().invoke(cloud, known, input=typed, catch_exceptions=False)

    def said(self, *words, typed=None):
        """Return what a command printed for scripts to take."""
        done = self.run(*words, typed=typed)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    def refused(self, *words, typed=None):
        """Return what a command that refused said, on standard error."""
        done = self.run(*words, typed=typed)
        assert done.exit_code != 0
        assert done.stdout == ""
        return done.stderr

    def merchant(self, name="清和养生"):
        return self.said("admin", "merchant", "add", name)

    def store(self, merchant, name="人民路店", code="01"):
        words = ("--merchant", merchant, "--code", code)
        return self.said("admin", "store", "add", name, *words)

    def opened(self):
        return open_cloud(self.folder)


def test_a_merchant_is_added_with_a_store_and_a_company_to_print(office):
    merchant = office.merchant()
    store = office.store(merchant)
    second = office.store(merchant, "西湖店", "02")
    platform = office.opened()
    with platform.merchant(merchant).door.read() as db:
        assert {k: s.name for k, s in stores(db).items()} == {
            store: "人民路店",
            second: "西湖店",
        }
        assert company(db).name == "清和养生"
    assert platform.merchant(merchant).findings() == []
    platform.close()
    listed = office.said("admin", "store", "list", "--merchant", merchant)
    assert listed.splitlines() == sorted([f"{store}  01  人民路店", f"{second}  02  西湖店"])
    assert office.said("admin", "merchant", "list") == (
        f"{merchant}  清和养生  stores 2  hubs 0"
    )


def test_a_refusal_is_told_in_chinese_with_its_code(office):
    merchant = office.merchant()
    office.store(merchant)
    told = office.refused(
        "admin", "store", "add", "另一家", "--merchant", merchant, "--code", "01"
    )
    assert "人民路店" in told
    assert "store_code_taken" in told
    told = office.refused("admin", "merchant", "add", " ")
    assert "名称" in told
    assert "no_name" in told
    told = office.refused("admin", "store", "list", "--merchant", "nowhere1")
    assert "没有这个商户" in told
    told = office.refused("admin", "hub", "revoke", "0" * 16)
    assert "没有这台门店主机" in told


def test_a_store_that_cannot_be_is_refused_in_both_languages(office):
    merchant = office.merchant()
    told = office.refused(
        "admin", "store", "add", "店", "--merchant", merchant, "--code", "TOOLONG"
    )
    assert "这样的门店不行 not a store" in told


def test_a_code_joins_a_hub_that_is_then_listed_and_revoked(office):
    merchant = office.merchant()
    store = office.store(merchant)
    office.said(
        "admin", "addresses", "--broker", "hq.example:8883", "--gate", "https://hq.example"
    )
    code = office.said("admin", "code", "--merchant", merchant, "--store", store)
    hub, platform = Hub(), office.opened()
    answer = enrol(platform, hub.request(code), bring=bring)
    assert (answer.gate, answer.broker.host) == ("https://hq.example", "hq.example")
    listed = office.said("admin", "hub", "list", "--merchant", merchant)
    assert listed.startswith(f"{merchant}.{hub.name}  store {store}  enrolled  offline")
    assert office.said("admin", "hub", "list", "--merchant", "nowhere1") == ""
    office.said("admin", "hub", "revoke", hub.name)
    assert "  revoked  " in office.said("admin", "hub", "list")
    with platform.door.read() as db:
        assert find_hub(db, hub.name).revoked
    told = x509.load_pem_x509_crl((office.folder / "pki/revoked.pem").read_bytes())
    leaf = x509.load_pem_x509_certificate(answer.certificate.encode())
    assert [row.serial_number for row in told] == [leaf.serial_number]
    platform.close()


def test_a_code_for_a_store_that_there_is_not_is_refused(office):
    merchant = office.merchant()
    office.store(merchant)
    for store in ("elsewhere", ""):
        told = office.refused("admin", "code", "--merchant", merchant, "--store", store)
        assert "门店" in told


def test_addresses_that_are_none_are_refused_and_change_nothing(office):
    for option, typed in (("--broker", "hq"), ("--gate", "http://hq")):
        told = office.refused("admin", "addresses", option, typed)
        assert "地址读不懂 no such address" in told
    platform = office.opened()
    with platform.door.read() as db, pytest.raises(Refused, match="no_places"):
        places(db)
    platform.close()


def test_certificates_are_written_where_they_are_wanted(office, tmp_path):
    out = tmp_path / "for the broker"
    names = ("--name", "hq.example", "--name", "192.0.2.9")
    listed = office.said("admin", "certificates", "--out", str(out), *names).splitlines()
    assert [path.rpartition("/")[2] for path in listed] == [
        *("broker.pem", "gate.pem", "cloud-ingest.pem", "revoked.pem")
    ]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
        out / "broker.pem", out / "broker-key.pem"
    )
    assert not (out / "ca-key.pem").exists()
    assert "bad_name" in office.refused("admin", "certificates", "--name", "a b")


# -- people ------------------------------------------------------------------------------------


def account_words(merchant, email="owner@example.com"):
    return (
        "admin",
        "account",
        "add",
        "--merchant",
        merchant,
        "--email",
        email,
        "--name",
        "王店主",
    )


def test_somebody_is_invited_by_a_link_that_is_shown_once(office):
    link = office.said(*account_words(office.merchant()))
    assert link.startswith("/welcome/")
    platform = office.opened()
    with platform.door.read() as db:
        assert account_by_email(db, "owner@example.com").password_hash == ""
    platform.close()


def test_somebody_is_let_in_at_once_with_a_password_from_standard_input(office):
    secret = pyotp.random_base32()
    words = (*account_words(office.merchant()), "--password-file", "-", "--totp-secret", secret)
    made = office.said(*words, typed=f"{PASSWORD}\n")
    platform = office.opened()
    with platform.door.read() as db:
        known = account_by_email(db, "owner@example.com")
    assert (known.id, known.totp_secret) == (made, secret)
    assert known.password_hash.startswith("$argon2id$")
    platform.close()


def test_a_password_without_an_authenticator_is_refused(office):
    merchant = office.merchant()
    told = office.refused(*account_words(merchant), "--password-file", "-", typed="x")
    assert "要一起给 belong together" in told
    platform = office.opened()
    with platform.door.read() as db:
        assert account_by_email(db, "owner@example.com") is None
    platform.close()


# -- what programs refuse to begin with --------------------------------------------------------


def test_pages_are_served_in_clear_on_loopback_only(office, tmp_path):
    told = office.refused("web", "--bind", "0.0.0.0:0")
    assert "明文 HTTP 只能在本机上用" in told
    assert "plain HTTP is for loopback only" in told
    (tmp_path / "c.pem").write_text("")
    told = office.refused("web", "--certificate", str(tmp_path / "c.pem"))
    assert "要一起给 belong together" in told


def test_a_gate_whose_address_is_none_is_refused(office):
    assert "no such address" in office.refused("gate", "--url", "hq.example")


def test_a_folder_that_another_version_made_is_told(office):
    office.merchant()
    platform = office.opened()
    platform.door.write(lambda tx: tx.run("INSERT INTO migration VALUES ('from/tomorrow')"))
    platform.close()
    told = office.refused("admin", "merchant", "list")
    assert "打不开总部 cannot open head office" in told
    assert "newer version" in told


def test_a_wrong_key_is_told(office):
    office.merchant()
    key = office.folder / "secrets/platform.key"
    key.write_bytes(bytes(32))
    assert "does not open with this key" in office.refused("admin", "merchant", "list")

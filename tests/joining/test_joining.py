"""Boxes and head office as they meet: real programs of both, joined by the real commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from cloud.gate.tests.started import call, command, looked_into, started
from cloud.platform import find_hub
from core.organisation import stores
from hub.sync import load_link, tls_context
from tests.architecture.sources import ROOT

pytestmark = pytest.mark.wide

COMMAND_S = 60


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    said(folder, "admin", "addresses", "--broker", "127.0.0.1:8883")
    with started(folder, "gate"), started(folder, "web") as web:
        yield Office(folder, f"http://{web.address}")


class Office:
    def __init__(self, folder, url):
        self.folder, self.url = folder, url

    def said(self, *words):
        return said(self.folder, *words)


def said(folder, *words):
    code, out, err = command(folder, *words)
    assert code == 0, err
    return out


def box(folder, *words):
    """Run `hub admin …`; return (exit code, all that it said)."""
    done = subprocess.run(
        [sys.executable, "-m", "hub", "admin", *words, "--data", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def joined(office, folder, code, *words):
    done, told = box(folder, "join", office.url, code, *words)
    assert done == 0, told
    return json.loads((folder / "link.json").read_text())


def running_shop(folder, name, letter):
    done, told = box(
        folder, "init", "--company", name, "--store", f"{name}一店", "--code", letter
    )
    assert done == 0, told


def gate_of(link, folder):
    """Speak to the gate as the box itself would."""
    return call(f"{link['gate']}/health", context=tls_context(folder, load_link(folder)))


@pytest.mark.feature("PLT-01")
def test_a_running_shop_becomes_a_chain_and_a_second_merchant_stays_a_stranger(
    office, tmp_path
):
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    running_shop(first, "清和", "A")
    chain = office.said("admin", "merchant", "add", "清和")
    link = joined(office, first, office.said("admin", "code", "--merchant", chain), "--bring")
    branch = office.said("admin", "store", "add", "西湖店", "--merchant", chain, "--code", "B")
    code = office.said("admin", "code", "--merchant", chain, "--store", branch)
    second_link = joined(office, second, code)
    assert (link["merchant"], second_link["merchant"]) == (chain, chain)
    assert second_link["store"] == branch != link["store"]
    # One pepper and one card key, so that a card and a PIN hold in both stores.
    for name in ("pin.pepper", "card.key"):
        keys = {(folder / "secrets" / name).read_bytes() for folder in (first, second)}
        assert len(keys) == 1

    running_shop(other, "别家", "A")
    stranger = office.said("admin", "merchant", "add", "别家")
    words = office.said("admin", "code", "--merchant", stranger)
    other_link = joined(office, other, words, "--bring")
    with looked_into(office.folder) as platform:
        for merchant, names in ((chain, {"清和一店", "西湖店"}), (stranger, {"别家一店"})):
            served = platform.merchant(merchant)
            with served.door.read() as db:
                assert {known.name for known in stores(db).values()} == names
            assert served.findings() == []
        with platform.door.read() as db:
            assert find_hub(db, other_link["hub"]).merchant == stranger
    for known, folder in ((link, first), (second_link, second), (other_link, other)):
        assert gate_of(known, folder).status == 200


def test_a_box_is_told_why_it_was_not_joined(office, tmp_path):
    running_shop(tmp_path / "shop", "清和", "A")
    done, told = box(tmp_path / "shop", "join", office.url, "00000-00000", "--bring")
    assert done != 0
    assert "the code is wrong" in told
    assert not (tmp_path / "shop/link.json").exists()


def test_a_box_that_was_shut_out_is_refused_with_its_next_question(office, tmp_path):
    running_shop(tmp_path / "shop", "停业", "A")
    merchant = office.said("admin", "merchant", "add", "停业")
    code = office.said("admin", "code", "--merchant", merchant)
    link = joined(office, tmp_path / "shop", code, "--bring")
    assert gate_of(link, tmp_path / "shop").status == 200
    assert re.search(rf"{link['hub']} .* enrolled ", office.said("admin", "hub", "list"))
    office.said("admin", "hub", "revoke", link["hub"])
    assert gate_of(link, tmp_path / "shop").code == "hub_revoked"

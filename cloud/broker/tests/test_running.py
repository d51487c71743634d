from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from cloud.broker import (
    BadSetting,
    Listener,
    NoBroker,
    Papers,
    broker_words,
    find_mosquitto,
    stands_in,
    write_configuration,
)
from tests.broker.conftest import Caller, started
from tests.broker.papers import Authority

HERE = Listener(host="127.0.0.1", port=8883)


def papers(folder):
    return Papers(
        authority=folder / "ca.pem", certificate=folder / "broker.pem", key=folder / "key.pem"
    )


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without mosquitto."""
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr("cloud.broker.running.SYSTEM_PLACES", str(empty))


def test_mosquitto_is_found_where_no_users_path_looks(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("cloud.broker.running.SYSTEM_PLACES", str(tmp_path / "sbin"))
    assert find_mosquitto() is None
    (tmp_path / "sbin").mkdir()
    shutil.copy("/bin/true", tmp_path / "sbin/mosquitto")
    assert find_mosquitto() == str(tmp_path / "sbin/mosquitto")
    words = broker_words(tmp_path / "run", HERE, papers(tmp_path))
    assert words == [
        str(tmp_path / "sbin/mosquitto"),
        "--config-file",
        str(tmp_path / "run/mosquitto.conf"),
    ]


def test_a_broker_that_is_named_is_taken_and_an_empty_name_means_none(monkeypatch, tmp_path):
    shutil.copy("/bin/true", tmp_path / "my-mosquitto")
    monkeypatch.setenv("DIANSHU_MOSQUITTO", str(tmp_path / "my-mosquitto"))
    assert find_mosquitto() == str(tmp_path / "my-mosquitto")
    for name in ("", str(tmp_path / "nowhere")):
        monkeypatch.setenv("DIANSHU_MOSQUITTO", name)
        assert find_mosquitto() is None


def test_the_id_is_taken_from_the_certificate_below_the_listeners_line_only(tmp_path):
    written = write_configuration(tmp_path, HERE, papers(tmp_path)).read_text().splitlines()
    listener = written.index("listener 8883 127.0.0.1")
    for line in ("use_identity_as_username true", "use_username_as_clientid true"):
        assert written.index(line) > listener
    assert written.index("set_tcp_nodelay true") < listener
    assert "persistence false" in written


def test_a_path_that_would_say_something_else_is_refused(tmp_path):
    sly = papers(Path("/pki\nallow_anonymous true\n#"))
    with pytest.raises(BadSetting):
        write_configuration(tmp_path, HERE, sly)


@pytest.mark.parametrize(
    "bind", ["8883", "127.0.0.1:", "127.0.0.1:0", "here:99", "[::1]:70000"]
)
def test_an_address_that_is_none_is_refused(bind):
    with pytest.raises(ValueError, match=r"."):
        Listener.read(bind)


def test_addresses_are_read_as_they_are_written():
    assert Listener.read("localhost:1") == Listener(host="127.0.0.1", port=1)
    assert Listener.read("[::1]:8883").loopback
    assert not Listener.read("0.0.0.0:8883").loopback


def test_without_mosquitto_the_stand_in_serves_loopback_only(bare, tmp_path):
    assert stands_in()
    words = broker_words(tmp_path / "run", HERE, papers(tmp_path))
    assert words[:3] == [sys.executable, "-m", "iotcore"]
    with pytest.raises(NoBroker, match="loopback only"):
        broker_words(tmp_path / "run", Listener.read("0.0.0.0:8883"), papers(tmp_path))


def test_the_stand_in_carries_a_large_segment_from_a_hub_to_head_office(bare, tmp_path):
    authority = Authority(tmp_path / "authority")
    with started(tmp_path, authority) as broker:
        hub = Caller(broker, authority.issue("merchant.1111"), client_id="merchant.1111")
        office = Caller(broker, authority.issue("cloud-ingest"), client_id="cloud-ingest")
        try:
            assert hub.connect()
            assert office.connect()
            office.listen("h1/+/+/up/#")
            segment = bytes(range(256)) * 2_000
            hub.say("h1/0a1/merchant.1111/up/log", segment)
            assert office.hear() == ("h1/0a1/merchant.1111/up/log", segment)
        finally:
            hub.leave()
            office.leave()

"""Against a real datagram socket, as systemd has one."""

import secrets
import socket
import sys

import pytest

from core import sdnotify


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.settimeout(5)
        ear.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield ear


def heard(ear):
    return ear.recv(4096).decode()


def test_ready_alive_and_stopping_arrive_as_systemd_reads_them(systemd):
    assert sdnotify.ready()
    assert heard(systemd) == "READY=1"
    assert sdnotify.alive()
    assert heard(systemd) == "WATCHDOG=1"
    assert sdnotify.stopping()
    assert heard(systemd) == "STOPPING=1"


def test_ready_can_say_what_is_ready(systemd):
    assert sdnotify.ready("两台打印机")
    assert heard(systemd) == "READY=1\nSTATUS=两台打印机"


def test_a_status_cannot_smuggle_in_another_message(systemd):
    assert sdnotify.status("printer 王\nMAINPID=1\rREADY=1")
    assert heard(systemd) == "STATUS=printer 王 MAINPID=1 READY=1"


@pytest.mark.skipif(sys.platform != "linux", reason="abstract addresses are Linux's own")
def test_an_abstract_address_is_found(monkeypatch):
    name = f"dianshu-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.settimeout(5)
        ear.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        assert sdnotify.ready()
        assert heard(ear) == "READY=1"


@pytest.mark.parametrize("address", [None, "", "vsock:2:1", "relative/path"])
def test_without_systemd_nothing_is_sent(monkeypatch, address):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not sdnotify.ready()


def test_a_supervisor_that_went_away_stops_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not sdnotify.alive()


def test_a_supervisor_that_does_not_listen_stops_nobody(systemd, monkeypatch):
    monkeypatch.setattr(sdnotify, "NOTIFY_TIMEOUT_S", 0.01)
    heard_before = next(count for count in range(10_000) if not sdnotify.alive())
    assert heard_before > 0

"""`dianshu hub sync` as a process of its own, killed at any moment."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time

import pytest

from core.wallet import Asset, holdings
from hub.doorbell import ring
from hub.sync import link_state
from hub.sync.tests.test_sending import all_arrived, until
from tests.started import ROOT

KILLS = 4
READY_S = 30
STOP_S = 10
"""Alone on a machine it takes a tenth of a second."""


@pytest.fixture
def start(followed, tmp_path):
    """Start the program over the shop's folder; what still runs at the end is killed."""
    running = []
    log = (tmp_path / "log").open("wb")

    def start():
        words = (sys.executable, "-m", "hub", "sync", "--retry-max", "0.2")
        process = subprocess.Popen(
            [*words, "--data", str(followed.box.folder)], cwd=ROOT, stdout=log, stderr=log
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
    log.close()


def test_a_program_killed_while_it_sends_loses_and_doubles_nothing(online, followed, start):
    chance = random.Random(7)
    hub = followed.box.journal.identity.origin
    member = followed.member()
    process = start()
    until(lambda: online.hubs[hub].events)
    granted = 0
    for turn in range(KILLS):
        for number in range(20):
            followed.member(phone=f"139{turn:04}{number:04}")
            ring(followed.box.bells, "sync")
        online.grant(hub, member, 1_000)
        granted += 1_000
        online.send_down(hub, first=online.down_head(hub))
        arrived = len(online.hubs[hub].events)
        until(lambda arrived=arrived: len(online.hubs[hub].events) > arrived)
        time.sleep(chance.random() * 0.1)
        process.kill()
        process.wait()
        process = start()
    until(
        lambda: (
            online.kinds(hub).count("wallet.accepted") * 1_000 == granted
            and all_arrived(online, followed)
        )
    )
    held = followed.ask(lambda db: holdings(db, member, hub))
    assert sum(h.amount for h in held if h.asset == Asset.PRINCIPAL) == granted
    assert followed.box.findings() == []
    assert followed.ask(lambda db: db.all("SELECT * FROM quarantine")) == []


def test_a_signal_ends_the_program_and_it_says_goodbye(online, followed, start):
    process = start()
    until(lambda: followed.ask(lambda db: link_state(db, followed.box)).cloud)
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_S) == 0
    assert not followed.ask(lambda db: link_state(db, followed.box)).cloud


def test_a_killed_program_is_not_shown_as_if_it_were_on_the_line(
    online, followed, start, monkeypatch
):
    process = start()
    until(lambda: followed.ask(lambda db: link_state(db, followed.box)).cloud)
    process.kill()
    process.wait()
    monkeypatch.setattr("hub.sync.state.STALE_S", 1.0)
    until(lambda: not followed.ask(lambda db: link_state(db, followed.box)).cloud)


def test_a_shop_on_its_own_waits_until_it_is_joined(shop, tmp_path):
    words = (sys.executable, "-m", "hub", "sync", "--data", str(shop.box.folder))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(READY_S)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        process = subprocess.Popen(words, cwd=ROOT, env=os.environ | told)
        try:
            assert b"no head office" in systemd.recv(4096)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_S) == 0
        finally:
            process.kill()
            process.wait()

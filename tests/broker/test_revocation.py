"""A hub that is shut out is cut off while it is connected, and everybody else comes back."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from cloud.broker import (
    INGEST,
    Listener,
    Papers,
    broker_words,
    find_mosquitto,
    keeper_words,
)
from core.doorbell import ring
from tests.broker.conftest import (
    FIRST,
    LOOPBACK,
    SECOND,
    START_S,
    Broker,
    Caller,
    up,
    wait_until_it_listens,
)

CUT_S_MAX = 60.0
"""What is promised of a box that was stolen."""


@pytest.fixture
def kept(tmp_path, authority):
    """Start the keeper as `dianshu cloud broker` becomes it."""
    if find_mosquitto() is None:
        pytest.skip("no mosquitto here")
    server = authority.issue("kept-broker", server=True)
    revoked = authority.revoke()
    papers = Papers(
        authority=authority.file,
        certificate=server.certificate,
        key=server.key,
        revoked=revoked,
    )
    with socket.create_server((LOOPBACK, 0)) as asked:
        port = asked.getsockname()[1]
    words = keeper_words(
        broker_words(tmp_path / "run", Listener(host=LOOPBACK, port=port), papers),
        revoked=revoked,
        certificate=server.certificate,
        bells=tmp_path / "bells",
    )
    log = tmp_path / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(words, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
    try:
        wait_until_it_listens(port, process, log)
        yield Broker(port=port, authority=authority, process=process, log=log)
    finally:
        process.terminate()
        process.wait(START_S)


@pytest.fixture
def caller(kept, pairs):
    made = []

    def caller(name):
        made.append(Caller(kept, pairs[name]))
        return made[-1]

    yield caller
    for one in made:
        one.leave()


def children_of(process):
    """Return what the keeper has started, by number."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(word) for word in listed.read_text(encoding="ascii").split()]


def eventually(look, within_s):
    ends_at = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_a_live_session_is_cut_within_a_minute_and_the_others_come_back(
    kept, pairs, caller, tmp_path
):
    stolen, other, office = caller(FIRST), caller(SECOND), caller(INGEST)
    for one in (stolen, other, office):
        assert one.connect()
    office.listen("h1/+/+/up/#")
    stolen.say(up(FIRST), b"before")
    assert office.hear() == (up(FIRST), b"before")
    kept.authority.revoke(pairs[FIRST])
    began = time.monotonic()
    ring(tmp_path / "bells", "broker")
    assert stolen.gone.wait(CUT_S_MAX)
    took = time.monotonic() - began
    print(f"cut after {took:.1f} s")
    assert took < CUT_S_MAX
    eventually(other.client.is_connected, START_S)
    eventually(office.client.is_connected, START_S)
    stolen.let_in.clear()
    # It tries again by itself, as paho does, and is not let in any more.
    assert not stolen.let_in.wait(5)
    assert not stolen.client.is_connected()
    office.listen("h1/+/+/up/#")
    other.say(up(SECOND), b"after")
    assert office.hear() == (up(SECOND), b"after")


def test_a_ring_that_is_lost_costs_only_a_look(kept, pairs, caller):
    stolen = caller(SECOND)
    assert stolen.connect()
    kept.authority.revoke(pairs[SECOND])
    assert stolen.gone.wait(CUT_S_MAX)


def test_a_list_that_says_the_same_cuts_nobody(kept, caller, tmp_path):
    hub = caller(FIRST)
    assert hub.connect()
    before = children_of(kept.process)
    kept.authority.revoke()
    ring(tmp_path / "bells", "broker")
    assert not hub.gone.wait(3)
    assert children_of(kept.process) == before


def test_told_to_stop_it_ends_with_its_broker(kept):
    (broker,) = children_of(kept.process)
    kept.process.send_signal(signal.SIGTERM)
    assert kept.process.wait(START_S) == 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(broker, 0)
        raise AssertionError("the broker runs on")


def test_it_ends_when_its_broker_does_and_tells_how(kept):
    (broker,) = children_of(kept.process)
    os.kill(broker, signal.SIGKILL)
    assert kept.process.wait(START_S) != 0


def test_a_broker_does_not_outlive_a_keeper_that_was_killed(kept):
    (broker,) = children_of(kept.process)
    kept.process.kill()
    kept.process.wait(START_S)
    eventually(lambda: not Path(f"/proc/{broker}").exists(), START_S)

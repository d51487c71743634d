"""`cloud broker` with the certificates that head office itself has issued."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv5

from cloud.broker import stands_in
from cloud.epochs import close_epoch
from cloud.gate.tests.started import looked_into, papers_of
from cloud.platform import (
    INGEST,
    new_code,
    places,
    program_pair,
    set_places,
)
from cloud.platform.tests.office import STORE, Hub, join, merchant_in
from tests.architecture.sources import ROOT

START_S = 20.0
ANSWER_S = 10.0
CUT_S_MAX = 60.0

pytestmark = pytest.mark.skipif(stands_in(), reason="mosquitto is not here")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(folder, port):
    words = ["broker", "--data", str(folder), "--bind", f"127.0.0.1:{port}"]
    said = folder / "broker.said"
    with said.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "cloud", *words], cwd=ROOT, stdout=out, stderr=out
        )
    try:
        ends_at = time.monotonic() + START_S
        while True:
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < ends_at, said.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(ANSWER_S)


def comes_in(port, context):
    """Say whether the broker lets this certificate in."""
    answered = threading.Event()
    reasons = []
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_connect = lambda _c, _u, _f, reason, _p: (
        reasons.append(reason),
        answered.set(),
    )
    client.on_disconnect = lambda *_: answered.set()
    client.tls_set_context(context)
    try:
        client.connect("127.0.0.1", port, keepalive=30)
    except (OSError, ssl.SSLError):
        return False
    client.loop_start()
    try:
        assert answered.wait(ANSWER_S)
        return bool(reasons) and not reasons[0].is_failure
    finally:
        client.disconnect()
        client.loop_stop()


def test_joined_hubs_and_ingest_come_in_and_a_revoked_hub_is_kept_out_from_then_on(tmp_path):
    folder, port = tmp_path / "office", free_port()
    with looked_into(folder) as platform:
        platform.door.write(lambda tx: set_places(tx, gate="https://127.0.0.1:1"))
        with running(folder, port):
            with platform.door.read() as db:
                assert places(db).broker.port == port
            merchant = merchant_in(platform)
            hubs = [Hub(), Hub("fedcba9876543210", seed=8)]
            papers = []
            for hub in hubs:
                code = new_code(platform, merchant=merchant.id, store=STORE)
                answer = join(platform, hub, code)
                papers.append(
                    papers_of(tmp_path / hub.name, hub, answer.certificate, answer.ca)
                )
            own = program_pair(platform, INGEST)
            ingest = ssl.create_default_context(cafile=own.ca)
            ingest.load_cert_chain(own.certificate, own.key)
            for context in (*papers, ingest):
                assert comes_in(port, context)
            nobody = ssl.create_default_context(cafile=own.ca)
            assert not comes_in(port, nobody)
            close_epoch(platform, hubs[0].name, reason="retired")
            # The program that runs finds out by itself.
            ends_at = time.monotonic() + CUT_S_MAX
            while comes_in(port, papers[0]):
                assert time.monotonic() < ends_at
                time.sleep(0.5)
        with running(folder, port):
            assert not comes_in(port, papers[0])
            assert comes_in(port, papers[1])
            assert comes_in(port, ingest)

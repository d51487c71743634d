"""A started broker, and hubs that say and hear what they may and may not."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv5
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloud.broker import INGEST, Listener, Papers, broker_words, find_mosquitto
from tests.broker.papers import Authority, Pair

START_S = 10.0
ANSWER_S = 10.0
LOOPBACK = "127.0.0.1"
SHARD = "0a1"
LASTING: dict[str, object] = {
    "clean_start": False,
    "properties": Properties(PacketTypes.CONNECT),
}
LASTING["properties"].SessionExpiryInterval = 60
FIRST, SECOND = "merchant.1111", "merchant.2222"


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A broker that runs, and who issued what it believes."""

    port: int
    authority: Authority
    process: subprocess.Popen[bytes]
    log: Path


class Caller:
    """Somebody at the broker; keeps what was delivered and how its publishes were answered."""

    def __init__(self, broker: Broker, pair: Pair | None, *, client_id: str = "") -> None:
        self.delivered: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.reasons: dict[int, int] = {}
        self.let_in = threading.Event()
        self.gone = threading.Event()
        self._answered = threading.Condition()
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5)
        client.on_connect = self._connected
        client.on_disconnect = lambda *_: self.gone.set()
        client.on_message = lambda _c, _u, m: self.delivered.put((m.topic, m.payload))
        client.on_publish = self._published
        client.on_subscribe = lambda *_: self._subscribed.set()
        self._subscribed = threading.Event()
        context = ssl.create_default_context(cafile=str(broker.authority.file))
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        client.tls_set_context(context)
        self.client = client
        self._port = broker.port

    def connect(self, **options: object) -> bool:
        """Try to come in; say whether the broker let us."""
        try:
            self.client.connect(LOOPBACK, self._port, keepalive=30, **options)
        except (OSError, ssl.SSLError):
            return False
        self.client.loop_start()
        ends_at = time.monotonic() + ANSWER_S
        while time.monotonic() < ends_at and not self.gone.is_set():
            if self.let_in.wait(0.02):
                return True
        return False

    def listen(self, *topics: str) -> None:
        """Subscribe; what the broker answers tells nothing."""
        for topic in topics:
            self._subscribed.clear()
            self.client.subscribe(topic, qos=1)
            assert self._subscribed.wait(ANSWER_S)

    def say(self, topic: str, payload: bytes = b"", **options: object) -> int:
        """Publish with QoS 1; return the reason in the broker's answer."""
        sent = self.client.publish(topic, payload, qos=1, **options)
        with self._answered:
            assert self._answered.wait_for(lambda: sent.mid in self.reasons, ANSWER_S)
        return self.reasons[sent.mid]

    def hear(self) -> tuple[str, bytes]:
        """Return what is delivered next."""
        return self.delivered.get(timeout=ANSWER_S)

    def leave(self) -> None:
        with contextlib.suppress(Exception):
            self.client.disconnect()
        self.client.loop_stop()

    def _connected(self, _client, _userdata, _flags, reason, properties):
        if not reason.is_failure:
            self.assigned = getattr(properties, "AssignedClientIdentifier", None)
            self.let_in.set()

    def _published(self, _client, _userdata, mid, reason, _properties):
        with self._answered:
            self.reasons[mid] = reason.value
            self._answered.notify_all()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "authority")


@pytest.fixture(scope="session")
def pairs(authority):
    """Give head office and two hubs their certificates."""
    return {name: authority.issue(name) for name in (INGEST, FIRST, SECOND)}


@pytest.fixture(scope="session")
def broker(authority, tmp_path_factory):
    """Start mosquitto as `dianshu cloud broker` does."""
    if find_mosquitto() is None:
        pytest.skip("no mosquitto here")
    folder = tmp_path_factory.mktemp("broker")
    with started(folder, authority) as running:
        yield running


@contextlib.contextmanager
def started(folder: Path, authority: Authority):
    server = authority.issue("broker", server=True)
    papers = Papers(authority=authority.file, certificate=server.certificate, key=server.key)
    with socket.create_server((LOOPBACK, 0)) as asked:
        port = asked.getsockname()[1]
    words = broker_words(folder / "run", Listener(host=LOOPBACK, port=port), papers)
    log = folder / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(words, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
    try:
        wait_until_it_listens(port, process, log)
        yield Broker(port=port, authority=authority, process=process, log=log)
        assert process.poll() is None, log.read_text()
    finally:
        process.kill()
        process.wait(START_S)


def wait_until_it_listens(port, process, log):
    ends_at = time.monotonic() + START_S
    while time.monotonic() < ends_at and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection((LOOPBACK, port), timeout=1).close()
            return
        time.sleep(0.02)
    raise AssertionError(log.read_text())


@pytest.fixture
def come(broker, pairs):
    """Let somebody come in under the certificate of a name; all leave at the end."""
    callers = []

    def come(name, *, client_id="", lasting=False):
        caller = Caller(broker, pairs[name], client_id=client_id)
        callers.append(caller)
        assert caller.connect(**(LASTING if lasting else {}))
        return caller

    yield come
    for caller in callers:
        caller.leave()


@pytest.fixture
def ingest(come):
    """Head office, hearing everything that hubs say."""
    caller = come(INGEST)
    caller.listen("h1/+/+/up/#")
    return caller


def up(hub, channel="log"):
    return f"h1/{SHARD}/{hub}/up/{channel}"


def down(hub, channel="log"):
    return f"h1/{SHARD}/{hub}/dn/{channel}"

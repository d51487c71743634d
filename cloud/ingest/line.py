"""The line to the broker: MQTT 5 over mutual TLS, as head office's one receiver.

Each connection has a client of its own and begins with nothing in hand: what is due to a hub
follows from what the two sides say to each other anew, so nothing old is ever sent again.
"""

from __future__ import annotations

import logging
import random
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud.platform import Pair
from core.enrolment import Broker
from core.wire import INGEST_NAME, up_filters

KEEPALIVE_S = 30
RECEIVE_MAXIMUM = 64
CONNECT_TIMEOUT_S = 10.0
RETRY_MIN_S, RETRY_MAX_S = 0.5, 30.0
USER_TIMEOUT_MS = 20_000
"""Sent bytes that nobody acknowledges for so long mean that the other end is gone."""
QOS = 1
log = logging.getLogger(__name__)


class Line:
    """A connection that comes back by itself, until `close`.

    The callbacks run in threads of its own and must only put the news somewhere.
    """

    def __init__(
        self,
        broker: Broker,
        papers: Callable[[], Pair],
        *,
        up: Callable[[], None],
        down: Callable[[], None],
        message: Callable[[str, bytes], None],
    ) -> None:
        self._broker = broker
        self._papers = papers
        self._up, self._down, self._message = up, down, message
        self._client: Client | None = None
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="line", daemon=True)

    def open(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send, if there is a line."""
        client = self._client
        if client is not None:
            client.publish(topic, payload, qos=QOS)

    def close(self) -> None:
        self._stopping.set()
        self._ended.set()
        self._thread.join()

    def _keep(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                failures = 1 if self._one_connection() else failures + 1
            except (OSError, ValueError) as error:
                failures += 1
                log.warning("no line to the broker: %s: %s", type(error).__name__, error)
            ceiling = min(RETRY_MAX_S, RETRY_MIN_S * 2.0 ** min(failures, 16))
            # Several programs that lost one broker do not all come back on one beat.
            self._stopping.wait(ceiling * random.uniform(0.5, 1))  # noqa: S311 - no secret

    def _one_connection(self) -> bool:
        """Connect and stay until it ends; say whether we were let in."""
        self._ended.clear()
        reached = threading.Event()
        client = self._new_client(reached)
        client.connect(
            self._broker.host,
            self._broker.port,
            keepalive=KEEPALIVE_S,
            clean_start=True,
            properties=_connect_properties(),
        )
        client.loop_start()
        try:
            if not self._stopping.is_set():
                self._ended.wait()
        finally:
            self._client = None
            client.disconnect()
            client.loop_stop()
            self._down()
        return reached.is_set()

    def _new_client(self, reached: threading.Event) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=INGEST_NAME,
            protocol=MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(RECEIVE_MAXIMUM)
        client.tls_set_context(_context(self._papers()))
        client.on_socket_open = _tune
        client.on_connect = self._connected
        client.on_subscribe = lambda *_: self._subscribed(client, reached)
        client.on_disconnect = self._disconnected
        client.on_message = self._came
        return client

    # -- paho's callbacks ------------------------------------------------------------------

    def _connected(
        self,
        client: Client,
        _userdata: Any,
        _flags: Any,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.error("the broker does not let head office in: %s", reason)
            self._ended.set()
            return
        client.subscribe([(name, QOS) for name in up_filters()])

    def _subscribed(self, client: Client, reached: threading.Event) -> None:
        log.info("on the line")
        self._client = client
        reached.set()
        self._up()

    def _disconnected(
        self,
        _client: Client,
        _userdata: Any,
        _flags: Any,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not self._stopping.is_set():
            log.warning("the line is down: %s", reason)
        self._ended.set()

    def _came(self, _client: Client, _userdata: Any, one: MQTTMessage) -> None:
        self._message(one.topic, bytes(one.payload))


def _context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(pair.ca)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def _tune(_client: Client, _userdata: Any, opened: Any) -> None:
    # paho leaves Nagle's algorithm on, which makes an answer of 3 ms one of 45.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    return properties

"""The line to the broker: paho, one connection at a time, each with a client of its own.

A client that reconnects by itself sends again what it had in hand. Here that is never wanted:
what is due follows from head office's answer to the next hello. So every connection begins
with nothing, and nothing that is said without one is kept.
"""

from __future__ import annotations

import contextlib
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTMessageInfo, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core.enrolment import Broker
from core.wire import OFFLINE, Channel, down_filters, encode, parse_topic, topic
from hub.sync.link import Link, not_ended

KEEPALIVE_S = 30
RECEIVE_MAXIMUM = 64
WILL_DELAY_S = 20
CONNECT_TIMEOUT_S = 10.0
RETRY_MIN_S = 1.0
RETRY_MAX_S = 120.0
DELIVERY_TIMEOUT_S = 10.0
"""The broker's receipt for a message takes milliseconds; without one the line is half open."""
USER_TIMEOUT_MS = 20_000
GOODBYE_S = 0.5
GREETING_TIMEOUT_S = 15.0
GREETING_LOOK_S = 0.05
OFF_LOOK_S = 0.05

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Up:
    """We are let in, and the subscriptions stand."""


_MET = (ssl.SSLError, ConnectionResetError)
"""Faults of connecting that take somebody at the other end."""


@dataclass(frozen=True, slots=True)
class Down:
    """There is no connection, or none any more; why, for the log.

    `turned_away` says that somebody answered at the broker's address and did not let us in.
    """

    reason: str
    turned_away: bool = False


@dataclass(frozen=True, slots=True)
class Came:
    """A message was delivered."""

    channel: Channel
    payload: bytes


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The broker's receipt for a message says no."""

    reason: str


LineNews: TypeAlias = Up | Down | Came | NotTaken


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How long to wait before the next try: any time up to a limit that doubles."""

    longest_s: float = RETRY_MAX_S
    chance: Callable[[], float] = random.random

    def delay_s(self, failures: int) -> float:
        """Return the wait after so many failures in a row (from 1)."""
        ceiling = min(self.longest_s, RETRY_MIN_S * 2.0 ** min(failures, 16))
        floor = min(RETRY_MIN_S, self.longest_s) / 2
        return floor + self.chance() * max(0.0, ceiling - floor)


class Untrusted(OSError):
    """Whoever answers there is not head office's broker."""


@dataclass(frozen=True, slots=True)
class _Handed:
    """A message that was handed to a client, and when (monotonic seconds)."""

    client: Client
    info: MQTTMessageInfo
    at_s: float


class _Handshake(ssl.SSLSocket):
    """A connection that is let go of at once where it cannot even be greeted over.

    paho knows of a socket only once it was greeted over, and leaves others to chance.
    """

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's own
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            self.close()
            raise


class BrokerLine:
    """Keeps a connection to the broker, by a thread of its own, and tells what happens to it.

    `tell` is called from that thread and paho's; it must only put the news somewhere.
    """

    def __init__(
        self,
        link: Link,
        context: ssl.SSLContext,
        tell: Callable[[LineNews], None],
        *,
        broker: Broker | None = None,
        retry: Retry | None = None,
    ) -> None:
        self._link = link
        self._context = context
        context.sslsocket_class = _Handshake
        self._tell = tell
        self._broker = broker or link.broker
        self._retry = retry or Retry()
        self._stopping = threading.Event()
        self._gone = threading.Event()
        self._held_back = threading.Event()
        self._off = threading.Event()
        self._waiting: dict[int, _Handed] = {}
        """Messages without a receipt, by number."""
        self._receipt_s = 0.0
        """When the newest receipt came (monotonic seconds)."""
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._reason = ""
        self._thread = threading.Thread(target=self._keep, name="line", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def say(self, channel: Channel, payload: bytes) -> bool:
        """Hand a message to the connection; False where there is none."""
        with self._lock:
            client = self._client
        if client is None:
            return False
        name = topic(self._link.merchant, self._link.hub, channel)
        # Without our lock: paho holds one of its own while it calls `_received`.
        sent = client.publish(name, payload, qos=1, retain=channel is Channel.UP_PRESENCE)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        with self._lock:
            self._waiting[sent.mid] = _Handed(client, sent, time.monotonic())
        return True

    def look(self) -> None:
        """Drop a connection that gives no receipts: the other end is gone without a word."""
        with self._lock:
            # A receipt may have been faster than our note of the message.
            self._waiting = {
                number: handed
                for number, handed in self._waiting.items()
                if handed.client is self._client and not handed.info.is_published()
            }
            oldest = min((handed.at_s for handed in self._waiting.values()), default=None)
            # On a slow line the last of many waits long; what counts is that they go on coming.
            since = None if oldest is None else max(oldest, self._receipt_s)
        if since is not None and time.monotonic() - since > DELIVERY_TIMEOUT_S:
            self.drop("no receipts")

    def drop(self, reason: str, *, hold_back: bool = False) -> None:
        """End the connection; with `hold_back` the next try is as late as tries can be."""
        self._reason = reason
        if hold_back:
            self._held_back.set()
        with self._lock:
            client = self._client
        if client is not None:
            _hang_up(client)

    def hold(self, *, on: bool) -> None:
        """Keep off the broker, or come to it again: another box may bear our name there."""
        if on:
            self._off.set()
            self.drop("held off")
        else:
            self._off.clear()

    def stop(self) -> None:
        """Say goodbye, where there is somebody to hear it, and end."""
        self._stopping.set()
        self.say(Channel.UP_PRESENCE, encode(OFFLINE))
        with self._lock:
            client = self._client
        if client is not None:
            client.disconnect()
            self._gone.wait(GOODBYE_S)
            _hang_up(client)
        self._gone.set()
        self._thread.join()

    # -- the thread ------------------------------------------------------------------------

    def _keep(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            if self._off.is_set():
                self._stopping.wait(OFF_LOOK_S)
                continue
            was_up = self._one_connection()
            if self._stopping.is_set():
                return
            failures = 1 if was_up else failures + 1
            if self._held_back.is_set():
                self._held_back.clear()
                failures = 16
            self._stopping.wait(self._retry.delay_s(failures))

    def _one_connection(self) -> bool:
        """Connect and stay until it ends; say whether we were let in."""
        self._gone.clear()
        self._reason = ""
        client = self._new_client()
        reached = threading.Event()
        client.on_subscribe = lambda *_: self._subscribed(client, reached)
        try:
            client.connect(
                self._broker.host,
                self._broker.port,
                keepalive=KEEPALIVE_S,
                clean_start=True,
                properties=_connect_properties(),
            )
        except (OSError, ValueError) as error:
            _close(client)
            said = f"{type(error).__name__}: {error}"
            self._tell(Down(said, turned_away=isinstance(error, _MET)))
            return False
        client.loop_start()
        if not self._first_of(reached, self._gone, self._stopping):
            self.drop("no greeting")
            _hang_up(client)
        self._gone.wait()
        with self._lock:
            self._client = None
            self._waiting.clear()
        client.loop_stop()
        _close(client)
        self._tell(Down(self._reason, turned_away=not reached.is_set()))
        return reached.is_set()

    def _first_of(self, *events: threading.Event) -> bool:
        """Wait until one of these has happened; False where none did in good time."""
        ends_at = time.monotonic() + GREETING_TIMEOUT_S
        while time.monotonic() < ends_at:
            if any(event.is_set() for event in events):
                return True
            self._stopping.wait(GREETING_LOOK_S)
        return False

    def _new_client(self) -> Client:
        link = self._link
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=link.name,
            protocol=MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(RECEIVE_MAXIMUM)
        client.tls_set_context(self._context)
        will = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
        will.WillDelayInterval = WILL_DELAY_S
        client.will_set(
            topic(link.merchant, link.hub, Channel.UP_PRESENCE),
            encode(OFFLINE),
            qos=1,
            retain=True,
            properties=will,
        )
        client.on_socket_open = self._opened
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._came
        client.on_publish = self._received
        return client

    # -- paho's callbacks ------------------------------------------------------------------

    def _opened(self, _client: Client, _userdata: Any, sock: Any) -> None:
        # Without it a small message waits 40 ms for the receipt of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        certificate = sock.getpeercert(binary_form=True)
        if not certificate or not not_ended(certificate, self._link):
            raise Untrusted("the broker's certificate ended before ours was made")

    def _connected(
        self,
        client: Client,
        _userdata: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._reason = f"not let in: {reason}"
            self._gone.set()
            return
        wanted = down_filters(self._link.merchant, self._link.hub)
        client.subscribe([(name, 1) for name in wanted])

    def _subscribed(self, client: Client, reached: threading.Event) -> None:
        with self._lock:
            self._client = client
        reached.set()
        self._tell(Up())

    def _disconnected(
        self,
        _client: Client,
        _userdata: Any,
        _flags: Any,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._reason = self._reason or str(reason)
        self._gone.set()

    def _came(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        named = parse_topic(message.topic)
        if named is not None:  # The broker's list lets no other through; it is not our proof.
            self._tell(Came(named.channel, bytes(message.payload)))

    def _received(
        self,
        _client: Client,
        _userdata: Any,
        number: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._lock:
            self._waiting.pop(number, None)
            self._receipt_s = time.monotonic()
        if reason.is_failure:
            self._tell(NotTaken(str(reason)))


def _connect_properties() -> Properties:
    asked = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    asked.SessionExpiryInterval = 0
    asked.ReceiveMaximum = RECEIVE_MAXIMUM
    return asked


def _hang_up(client: Client) -> None:
    """Cut the connection under paho, whose thread then ends by itself."""
    sock = client.socket()
    if sock is not None:
        with contextlib.suppress(OSError):
            # Of the socket below TLS: the thread may be reading from the one above.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # type: ignore[arg-type]


def _close(client: Client) -> None:
    sock = client.socket()
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.close()

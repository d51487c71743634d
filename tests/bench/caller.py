"""A second hub's hand on the line, which asks for members' value and does nothing else.

    python -m tests.bench.caller FOLDER PORT

is the echo that answers it beside: head office's certificate, on a broker of the same settings.
"""

from __future__ import annotations

import queue
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from cloud.app import open_cloud
from cloud.platform import INGEST, program_pair
from core import sdnotify
from core.journal import birth_head
from core.wire import (
    GRANTED,
    Answer,
    Ask,
    Channel,
    DownAck,
    Hello,
    Welcome,
    down_filters,
    encode,
    parse_topic,
    read,
    topic,
    unpack,
)
from hub.app import open_hub
from hub.sync import load_link, tls_context

HOST = "127.0.0.1"
WAIT_S = 20.0
HELLO_EVERY_S = 1.0
EPOCH = 1


class Caller:
    """One joined hub, as a client of a broker."""

    def __init__(self, folder: Path, port: int) -> None:
        link = load_link(folder)
        assert link is not None
        box = open_hub(folder)
        self._birth, self._boot = box.journal.identity.birth, box.journal.identity.boot
        box.close()
        self._link = link
        self._heard: queue.SimpleQueue[tuple[float, object]] = queue.SimpleQueue()
        name = f"{link.merchant}.{link.hub}"
        filters = down_filters(link.merchant, link.hub)
        self._client = connected(
            name, tls_context(folder, link), port, filters=filters, came=self._came
        )

    def greet(self) -> None:
        """Say hello until head office answers."""
        hello = Hello(
            epoch=EPOCH,
            boot=self._boot,
            n=0,
            head=birth_head(self._birth),
            down_n=0,
            down_head=birth_head(self._link.downlink_birth),
            feed_pos=0,
        )
        ends_at = time.perf_counter() + WAIT_S
        while time.perf_counter() < ends_at:
            self._say(Channel.UP_CONTROL, encode(hello))
            if self._wait_for(lambda said: isinstance(said, Welcome), HELLO_EVERY_S):
                return
        raise TimeoutError("no welcome")

    def ask(self, request: str, member: str) -> float:
        """Ask for a member's value; return the seconds until it is granted."""
        began = time.perf_counter()
        self._say(Channel.UP_ASK, encode(Ask(id=request, member=member)))
        heard = self._wait_for(lambda said: isinstance(said, Answer) and said.id == request)
        if heard is None:
            raise TimeoutError("no answer")
        at, said = heard
        assert isinstance(said, Answer)
        assert said.state == GRANTED, said
        return at - began

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _say(self, channel: Channel, payload: bytes) -> None:
        name = topic(self._link.merchant, self._link.hub, channel)
        self._client.publish(name, payload, qos=1)

    def _wait_for(
        self, fits: Callable[[object], bool], within_s: float = WAIT_S
    ) -> tuple[float, object] | None:
        ends_at = time.perf_counter() + within_s
        while (left := ends_at - time.perf_counter()) > 0:
            try:
                at, said = self._heard.get(timeout=left)
            except queue.Empty:
                return None
            if fits(said):
                return at, said
        return None

    def _came(self, _client: Client, _userdata: Any, one: MQTTMessage) -> None:
        at, heading = time.perf_counter(), parse_topic(one.topic)
        assert heading is not None
        if heading.channel is Channel.DOWN_LOG:
            # As a hub would, or head office sends it again and again.
            acked = DownAck(epoch=EPOCH, acked=unpack(bytes(one.payload)).last)
            self._say(Channel.UP_CONTROL, encode(acked))
        else:
            self._heard.put((at, read(heading.channel, bytes(one.payload))))


def connected(
    name: str,
    context: ssl.SSLContext,
    port: int,
    *,
    filters: Sequence[str],
    came: Callable[[Client, Any, MQTTMessage], None],
) -> Client:
    """Connect as hubs and head office do; return once the subscriptions stand."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5)
    client.tls_set_context(context)
    client.on_socket_open = lambda _client, _userdata, opened: opened.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )
    up = threading.Event()
    client.on_connect = lambda one, *_: one.subscribe([(wanted, 1) for wanted in filters])
    client.on_subscribe = lambda *_: up.set()
    client.on_message = came
    client.connect(HOST, port, keepalive=30)
    client.loop_start()
    if not up.wait(WAIT_S):
        raise TimeoutError("not let in")
    return client


def echo(folder: Path, port: int) -> None:
    """Answer every ask at once, until ended."""
    platform = open_cloud(folder)
    papers = program_pair(platform, INGEST)
    platform.close()
    context = ssl.create_default_context(cafile=papers.ca)
    context.load_cert_chain(papers.certificate, papers.key)

    def came(client: Client, _userdata: Any, one: MQTTMessage) -> None:
        heading = parse_topic(one.topic)
        ask = read(Channel.UP_ASK, bytes(one.payload))
        assert heading is not None
        assert isinstance(ask, Ask)
        name = topic(heading.merchant, heading.hub, Channel.DOWN_ANSWER)
        client.publish(name, encode(Answer(id=ask.id, state=GRANTED)), qos=1)

    filters = ["h1/+/+/up/rq"]
    client = connected("cloud-ingest", context, port, filters=filters, came=came)
    sdnotify.ready()
    try:
        threading.Event().wait()
    finally:
        client.disconnect()


if __name__ == "__main__":
    echo(Path(sys.argv[1]), int(sys.argv[2]))

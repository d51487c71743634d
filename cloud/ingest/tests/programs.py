"""Broker and ingest as programs over one folder, and a store's box on the line."""

from __future__ import annotations

import os
import queue
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from cloud.platform.authority import key_pem
from core.wire import Ack, Channel, Welcome, down_filters, encode, parse_topic, read
from tests.architecture.sources import ROOT

WAIT_S = 20.0
HOST = "127.0.0.1"


def free_port():
    with socket.create_server((HOST, 0)) as asked:
        return asked.getsockname()[1]


class Program:
    """`python -m cloud …`, with what it said."""

    def __init__(self, folder, *words):
        self.said = folder / f"{words[0]}.said"
        with self.said.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cloud", words[0], "--data", str(folder), *words[1:]],
                cwd=ROOT,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env={k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"},
            )

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ask it to stop; return how long it took in seconds."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(WAIT_S)
        return time.monotonic() - began


@contextmanager
def running(folder, *words):
    program = Program(folder, *words)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.kill()


def broker_on(folder, port):
    """Start the broker and wait until it listens."""
    program = Program(folder, "broker", "--bind", f"{HOST}:{port}")
    ends_at = time.monotonic() + WAIT_S
    while time.monotonic() < ends_at and program.process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return program
    raise AssertionError(program.said.read_text())


class Box:
    """A store's box on the line: it says what the test says, and hears."""

    def __init__(self, folder, store, port):
        self.store = store
        self.heard: queue.Queue[tuple[Channel, object]] = queue.Queue()
        self.up = threading.Event()
        (folder / f"{store.id}.pem").write_text(store.answer.certificate)
        (folder / f"{store.id}.key").write_bytes(key_pem(store.papers.key))
        context = ssl.create_default_context(cadata=store.answer.ca)
        context.load_cert_chain(folder / f"{store.id}.pem", folder / f"{store.id}.key")
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{store.merchant}.{store.id}",
            protocol=MQTTv5,
        )
        client.tls_set_context(context)
        client.reconnect_delay_set(1, 1)
        client.on_socket_open = lambda _c, _u, s: s.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        client.on_connect = lambda c, *_: c.subscribe(
            [(name, 1) for name in down_filters(store.merchant, store.id)]
        )
        client.on_subscribe = lambda *_: self.up.set()
        client.on_disconnect = lambda *_: self.up.clear()
        client.on_message = self._came
        client.connect(HOST, port, keepalive=30)
        client.loop_start()
        self.client = client
        assert self.up.wait(WAIT_S)

    def _came(self, _client, _data, one):
        channel = parse_topic(one.topic).channel
        payload = bytes(one.payload)
        said = payload if channel is Channel.DOWN_LOG else read(channel, payload)
        self.heard.put((channel, said))

    def say(self, channel, payload):
        self.client.publish(self.store.topic(channel), payload, qos=1)

    def hello(self):
        self.say(Channel.UP_CONTROL, encode(self.store.hello()))

    def wait_for(self, fits):
        """Return the next thing heard that fits; what comes before it is passed over."""
        ends_at = time.monotonic() + WAIT_S
        while True:
            channel, said = self.heard.get(timeout=max(0.01, ends_at - time.monotonic()))
            if fits(channel, said):
                return said

    def welcome(self):
        """Say hello until head office answers."""
        ends_at = time.monotonic() + WAIT_S
        while time.monotonic() < ends_at:
            self.hello()
            try:
                while True:
                    _channel, said = self.heard.get(timeout=1)
                    if isinstance(said, Welcome):
                        return said
            except queue.Empty:
                continue
        raise AssertionError("no welcome")

    def acked(self, seq):
        return self.wait_for(lambda _c, s: isinstance(s, Ack) and s.acked >= seq)

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


def eventually(look, *, within_s=WAIT_S):
    """Return what `look` returns once that is true."""
    ends_at = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    return found

"""An answer that is lost on the way is asked for again, and the money stands as it was."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hub.api.tests.counter import FLOAT, cash
from tests.started import TEA, Hub, new_key

WAIT_S = 10.0
CHUNK_BYTES = 65_536


class Line:
    """A wire to the hub that carries requests whole and, while it is cut, no answers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = (hub.host, hub.port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.cut = True
        self.swallowed: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._listening.getsockname()[1]
        return port

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), near:
                self._carry(near)

    def _carry(self, near: socket.socket) -> None:
        near.settimeout(WAIT_S)
        with socket.create_connection(self._hub, WAIT_S) as far:
            far.sendall(_whole(near))
            # The hub answers only after its commit, so what is dropped here was booked.
            answer = _whole(far)
            if self.cut:
                self.swallowed.append(answer)
            else:
                near.sendall(answer)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(WAIT_S)


def _whole(source: socket.socket) -> bytes:
    """Read one HTTP message with a Content-Length."""
    source.settimeout(WAIT_S)
    message = b""
    while b"\r\n\r\n" not in message:
        message += source.recv(CHUNK_BYTES)
    head, _, body = message.partition(b"\r\n\r\n")
    lengths = [
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    while len(body) < sum(lengths):
        body += source.recv(CHUNK_BYTES)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def line(hub: Hub) -> Iterator[Line]:
    line = Line(hub)
    yield line
    line.close()


def test_a_sale_whose_answer_was_lost_is_answered_again_and_booked_once(counter, line):
    far_away = replace(counter.cashier, port=line.port)
    bill = counter.bill(None, TEA)
    asked = {"version": bill["version"], "payments": [cash(3_800)]}
    key = new_key()
    for tries in (1, 2):
        with pytest.raises((OSError, http.client.HTTPException)):
            far_away.post(f"/tickets/{bill['id']}/settle", asked, key=key)
        assert len(line.swallowed) == tries
        assert line.swallowed[-1].startswith(b"HTTP/1.1 200")
    line.cut = False
    reply = far_away.post(f"/tickets/{bill['id']}/settle", asked, key=key)
    assert (reply.status, reply.replayed) == (200, True)
    assert reply.body["number"] == bill["number"]
    expected = counter.owner.done("GET", "/shifts/current")["expected_cents"]
    assert expected == FLOAT + 3_800


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/shifts/current/cash", {"amount_cents": -2_000, "reason": "买菜"}),
        ("/tickets", {"lines": [{"item": TEA}]}),
        ("/members", {"name": "王小明"}),
    ],
)
def test_whatever_books_or_creates_happens_once_though_its_answer_was_lost(
    counter, line, path, asked
):
    far_away = replace(counter.owner, port=line.port)
    key = new_key()
    with pytest.raises((OSError, http.client.HTTPException)):
        far_away.post(path, asked, key=key)
    assert line.swallowed[-1].startswith(b"HTTP/1.1 201")
    line.cut = False
    first = far_away.post(path, asked, key=key)
    again = far_away.post(path, asked, key=key)
    assert (first.status, first.replayed, again.replayed) == (201, True, True)
    assert first.body == again.body


def test_a_shift_is_opened_and_closed_once_though_both_answers_were_lost(hub, shop, till, line):
    owner = hub.caller(shop.token("owner", till))
    far_away = replace(owner, port=line.port)
    for path, asked in (
        ("/shifts", {"float_cents": FLOAT}),
        ("/shifts/current/close", {"counted_cents": FLOAT}),
    ):
        key = new_key()
        line.cut = True
        with pytest.raises((OSError, http.client.HTTPException)):
            far_away.post(path, asked, key=key)
        line.cut = False
        assert far_away.post(path, asked, key=key).replayed
    closed = [row for row in owner.done("GET", "/shifts")["shifts"] if row["till"] == till]
    assert [row["difference_cents"] for row in closed] == [0]
    assert owner.get("/shifts/current").code == "no_period"

"""Tills that sell over HTTP, each a process of its own with one connection that stays open."""

from __future__ import annotations

import http.client
import itertools
import json
import multiprocessing
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from tests.bench.plain_flask import ROWS
from tests.bench.shop import ITEMS

CALL_S = 30
ORDER_S = 120
FROM_BALANCE = 9_900
NOTE = 10_000


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a till sells: the hub, and the endpoint that it is compared with."""

    host: str
    hub_port: int
    plain_port: int
    token: str
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A connection that is opened again when the server has closed it between two orders."""

    host: str
    port: int
    headers: dict[str, str]
    held: list[http.client.HTTPConnection] = field(default_factory=list)

    def close(self) -> None:
        for connection in self.held:
            connection.close()

    def renew(self) -> None:
        self.close()
        self.held[:] = [http.client.HTTPConnection(self.host, self.port, timeout=CALL_S)]
        self.held[0].connect()

    def post(self, path: str, body: Any) -> Any:
        headers = {**self.headers, "Idempotency-Key": str(uuid.uuid4())}
        self.held[0].request("POST", path, json.dumps(body), headers)
        answer = self.held[0].getresponse()
        told = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {told.decode()}")
        return json.loads(told)


class Till:
    """Carries out what the bench orders. Every order returns seconds, one figure a sale."""

    def __init__(self, place: Place) -> None:
        said = {"Content-Type": "application/json"}
        token = {"Authorization": f"Bearer {place.token}"}
        self.hub = Line(host=place.host, port=place.hub_port, headers=said | token)
        self.plain = Line(host=place.host, port=place.plain_port, headers=said)
        self._members = itertools.cycle(place.members)
        self._bills: deque[dict[str, Any]] = deque()

    def write_bills(self, count: int) -> list[float]:
        """Open bills and put three lines on each, as a person does who taps tiles."""
        return [self._timed(self._write_bill) for _ in range(count)]

    def write_bills_at_once(self, count: int) -> list[float]:
        """Open bills that have their three lines from the start, as a program does."""
        return [self._timed(self._write_bill_at_once) for _ in range(count)]

    def settle(self, count: int) -> list[float]:
        """Settle what was written: a part from the balance, the rest in cash with change."""
        assert len(self._bills) == count
        return [self._timed(self._settle) for _ in range(count)]

    def send_rows(self, count: int) -> list[float]:
        """Post twelve rows to the plain endpoint."""
        return [self._timed(self._send_rows) for _ in range(count)]

    def _timed(self, act: Any) -> float:
        began = time.perf_counter()
        act()
        return time.perf_counter() - began

    def _write_bill(self) -> None:
        bill = self.hub.post("/api/v1/tickets", {"member": next(self._members)})
        for item in ITEMS:
            bill = self.hub.post(f"/api/v1/tickets/{bill['id']}/lines", {"item": item})
        self._bills.append(bill)

    def _write_bill_at_once(self) -> None:
        lines = [{"item": item} for item in ITEMS]
        body = {"member": next(self._members), "lines": lines}
        self._bills.append(self.hub.post("/api/v1/tickets", body))

    def _settle(self) -> None:
        bill = self._bills.popleft()
        cash = bill["total_cents"] - FROM_BALANCE
        payments = [
            {"tender": "stored_value", "amount_cents": FROM_BALANCE},
            {"tender": "cash", "amount_cents": cash, "tendered_cents": cash + NOTE},
        ]
        body = {"version": bill["version"], "payments": payments}
        self.hub.post(f"/api/v1/tickets/{bill['id']}/settle", body)

    def _send_rows(self) -> None:
        row = {"item": str(uuid.uuid4()), "name": "足疗 60 分钟", "quantity": 1, "amount": 9900}
        self.plain.post("/sale", {"sale": str(uuid.uuid4()), "rows": [row] * ROWS})


def _work(place: Place, orders: Connection) -> None:
    till = Till(place)
    while (order := orders.recv()) is not None:
        name, count = order
        (till.plain if name == "send_rows" else till.hub).renew()
        orders.send("ready")
        orders.recv()
        orders.send(getattr(till, name)(count))


@dataclass(frozen=True, kw_only=True)
class Done:
    """What an order took: seconds of each sale, and from the first to the last."""

    each: list[float]
    lasted: float


class Staff:
    """Tills that begin an order together."""

    def __init__(self, orders: list[Connection]) -> None:
        self._orders = orders

    def do(self, name: str, *, tills: int, count: int) -> Done:
        """Have `count` sales done by the first `tills`."""
        chosen = self._orders[:tills]
        for orders in chosen:
            orders.send((name, count // tills))
        for orders in chosen:
            _received(orders)
        began = time.perf_counter()
        for orders in chosen:
            orders.send("go")
        each = [seconds for orders in chosen for seconds in _received(orders)]
        return Done(each=each, lasted=time.perf_counter() - began)


def _received(orders: Connection) -> Any:
    if not orders.poll(ORDER_S):
        raise TimeoutError("a till does not answer")
    return orders.recv()


@contextmanager
def staffed(places: list[Place]) -> Iterator[Staff]:
    """Start one process for each place."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in places]
    processes = [
        context.Process(target=_work, args=(place, theirs), daemon=True)
        for place, (_ours, theirs) in zip(places, pairs, strict=True)
    ]
    for process, (_ours, theirs) in zip(processes, pairs, strict=True):
        process.start()
        theirs.close()
    try:
        yield Staff([ours for ours, _theirs in pairs])
    finally:
        for process, (ours, _theirs) in zip(processes, pairs, strict=True):
            if process.is_alive():
                ours.send(None)
            process.join(CALL_S)

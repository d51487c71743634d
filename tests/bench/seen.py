"""How soon head office sees a bill, and a till a price: all programs, as a shop runs them."""

from __future__ import annotations

import http.client
import re
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pyotp
from rich.table import Table

from cloud.app import open_cloud
from cloud.platform import Merchant
from core.catalog import item_document, known_item, save_item
from hub.app import open_hub
from hub.demo import shop
from hub.demo.office import Office
from hub.till import open_period
from tests.bench import Report, percentile
from tests.bench.chain import Chain, joined_chain, until, written
from tests.bench.http_clients import Line
from tests.bench.programs import Program, web

EVENTS = 2_000
BILLS, PRICES = 50, 25
QUIET_S = 0.1
"""Between two bills, so that none rides on the ring of the one before."""
CALL_S = 30.0
FIRST_PRICE = 10_100


@dataclass(slots=True)
class Listening:
    """A page of head office that is open: when it was told that sales moved."""

    told_at: list[float] = field(default_factory=list)

    def after(self, moment: float) -> float | None:
        return next((at for at in self.told_at if at > moment), None)


@dataclass(slots=True, kw_only=True)
class Seen:
    """Seconds from the till's answer, or from head office's commit."""

    row: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    price: list[float] = field(default_factory=list)


def run(*, full: bool = False, bills: int = BILLS, prices: int = PRICES) -> Report:
    del full
    seen = Seen()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        chain = stack.enter_context(joined_chain(Path(name), events=EVENTS))
        _open_tills(chain)
        chain.start_ingest()
        chain.start_sync()
        till = stack.enter_context(web(chain.store))
        platform = open_cloud(chain.folder)
        stack.callback(platform.close)
        merchant = platform.merchant(chain.account.merchant)
        last = written(chain.store)
        until(lambda: _arrived(merchant) >= last)
        listening = stack.enter_context(_page(chain.programs["web"], chain.account))
        line = _line(till, chain.cast.tokens["cashier"])
        stack.callback(line.close)
        for _ in range(bills):
            _sell(line, chain.cast.tills[0], merchant, listening, seen)
        for number in range(prices):
            _reprice(line, merchant, FIRST_PRICE + number, seen)
    return Report(
        title="seen: a bill at head office, a price at the till",
        reading=[
            "From the till's answer to a payment until head office's tables have the sale, and",
            "until a page that is open there is told; from head office's commit of a price until",
            "the till's API sells at it. Through sync, broker, ingest; nobody else is there.",
        ],
        tables=[_table(seen)],
    )


def _open_tills(chain: Chain) -> None:
    box = open_hub(chain.store)
    with box.door.read() as db:
        cashier = db.value("SELECT id FROM staff WHERE role = 'cashier' ORDER BY id LIMIT 1")
    box.door.write(
        lambda tx: open_period(
            tx, box.act(tx, actor=cashier), till=chain.cast.tills[0], float_cents=50_000
        )
    )
    box.close()


def _line(till: Program, token: str) -> Line:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    line = Line(host=till.host, port=till.port, headers=headers)
    line.renew()
    return line


def _arrived(merchant: Merchant) -> int:
    """Return how many events of stores are in head office's journal."""
    with merchant.door.read() as db:
        return db.value(
            "SELECT MAX(seq) FROM journal WHERE origin <> :own AND origin NOT LIKE '%.dn'",
            own=merchant.id,
        )


def _sell(line: Line, till: str, merchant: Merchant, listening: Listening, seen: Seen) -> None:
    """Write a bill, let it arrive, pay it; note when that is seen."""
    item = next(iter(shop.items()))
    before = _arrived(merchant)
    bill = line.post("/api/v1/tickets", {"lines": [{"item": item}]})
    until(lambda: _arrived(merchant) > before)
    time.sleep(QUIET_S)
    total = bill["total_cents"]
    payment = {"tender": "cash", "amount_cents": total, "tendered_cents": total}
    body = {"version": bill["version"], "payments": [payment]}
    line.post(f"/api/v1/tickets/{bill['id']}/settle", body)
    paid = time.perf_counter()
    seen.row.append(until(partial(_has_sale, merchant, bill["id"])) - paid)
    until(lambda: listening.after(paid) is not None)
    seen.page.append((listening.after(paid) or 0.0) - paid)


def _has_sale(merchant: Merchant, ticket: str) -> bool:
    with merchant.door.read() as db:
        return db.value("SELECT 1 FROM sale WHERE ticket = :ticket", ticket=ticket) is not None


def _reprice(line: Line, merchant: Merchant, price: int, seen: Seen) -> None:
    """Change a price as head office's page does; note when the till has it."""
    item = next(iter(shop.items()))
    with merchant.door.read() as db:
        known = item_document(known_item(db, item))
    content = msgspec.structs.replace(known, price=price, member_price=None)
    merchant.door.write(
        lambda tx: save_item(tx, merchant.act(tx, actor="bench"), item=item, content=content)
    )
    merchant.written()
    edited = time.perf_counter()
    at_till = until(lambda: _get(line, f"/api/v1/items/{item}")["price_cents"] == price)
    seen.price.append(at_till - edited)
    time.sleep(QUIET_S)


def _get(line: Line, path: str) -> dict[str, object]:
    line.held[0].request("GET", path, headers=line.headers)
    answer = line.held[0].getresponse()
    told = answer.read()
    assert answer.status == 200, told
    return msgspec.json.decode(told)


@contextmanager
def _page(office: Program, account: Office) -> Iterator[Listening]:
    """Log in at head office as a person does, and keep a page open."""
    cookies = _log_in(office, account)
    connection = http.client.HTTPConnection(office.host, office.port, timeout=CALL_S)
    connection.request("GET", "/stream", headers={"Cookie": cookies})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    listening, sock = Listening(), connection.sock
    hear = threading.Thread(target=_hear, args=(answer, listening), name="page", daemon=True)
    hear.start()
    try:
        yield listening
    finally:
        with ExitStack() as closing:
            # Its end wakes the listener, who lets go of the socket's last file.
            closing.callback(connection.close)
            if sock is not None:
                closing.callback(sock.shutdown, socket.SHUT_RDWR)
        hear.join(CALL_S)
        answer.close()


def _hear(answer: http.client.HTTPResponse, listening: Listening) -> None:
    name = b""
    try:
        while line := answer.readline():
            if line.startswith(b"event: "):
                name = line[7:].strip()
            elif (name, line.strip()) == (b"refresh", b"data: sales"):
                listening.told_at.append(time.perf_counter())
    except (OSError, ValueError, AttributeError):
        return  # The bench is over.


def _log_in(office: Program, account: Office) -> str:
    connection = http.client.HTTPConnection(office.host, office.port, timeout=CALL_S)
    connection.request("GET", "/login")
    page = connection.getresponse()
    held, visit = page.read().decode(), _cookies(page)
    token = re.search(r'name="csrf_token"\s+value="([^"]+)"', held)
    assert token is not None
    fields = {
        "email": account.email,
        "password": account.password,
        "code": pyotp.TOTP(account.totp_secret).now(),
        "csrf_token": token[1],
    }
    said = {"Cookie": visit, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/login", urlencode(fields), said)
    let_in = connection.getresponse()
    told = let_in.read()
    assert let_in.status == 303, told
    connection.close()
    return f"{visit}; {_cookies(let_in)}"


def _cookies(answer: http.client.HTTPResponse) -> str:
    jar: SimpleCookie = SimpleCookie()
    for held in answer.headers.get_all("Set-Cookie") or ():
        jar.load(held)
    return "; ".join(f"{name}={one.value}" for name, one in jar.items())


def _table(seen: Seen) -> Table:
    table = Table(title="ms", title_justify="left")
    for heading in ("", "times", "p50", "p99", "shortest", "longest"):
        table.add_column(heading, justify="right" if heading else "left")
    rows: dict[str, list[float]] = {
        "bill paid → row at head office": seen.row,
        "bill paid → page of head office told": seen.page,
        "price edited → on the till": seen.price,
    }
    for name, spent in rows.items():
        told = (statistics.median(spent), percentile(spent, 99), min(spent), max(spent))
        table.add_row(name, f"{len(spent)}", *(f"{one * 1e3:.0f}" for one in told))
    return table

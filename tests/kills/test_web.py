"""The web process is killed at random while two tills sell: nothing answered is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import msgspec

from core.journal import decode, kind_of
from core.sqlite import Reader
from core.wallet import holdings
from tests.kills.sellers import Address, Seller
from tests.started import Hub, Shop, assert_sound, launch, reading, seed

ROUNDS = 16
ALL_OF_IT_EVERY = 10
"""In these rounds arbiter and worker die together, as when the plug is pulled."""
KILL_WITHIN_S = 0.15
"""After the first answer of a hub that is up again."""
UP_AGAIN_S = 15.0
ENDS_S = 60.0
SEED = 20260302


def test_what_was_answered_is_in_the_journal_once_though_the_web_process_is_killed(tmp_path):
    shop = seed(tmp_path)
    address = Address()
    sellers, rounds = sell_and_kill(shop, address)

    assert rounds >= ROUNDS // 2, "too slow to prove anything"
    assert [reply for seller in sellers for reply in seller.refused] == []
    # The kills must have hit: answers were lost, and some of those had been booked.
    assert sum(seller.lost for seller in sellers) > 0
    assert sum(seller.replayed for seller in sellers) > 0
    with reading(tmp_path) as db:
        assert_kept(db, sellers)
        assert_conserved(db, sellers[0].members)
    assert_sound(tmp_path)


def sell_and_kill(shop: Shop, address: Address) -> tuple[list[Seller], int]:
    chance = random.Random(SEED)
    hub = launch(shop.folder)
    address.port = hub.port
    try:
        sellers = open_tills(shop, hub, address)
        with selling(sellers):
            ends = time.monotonic() + ENDS_S
            for number in range(1, ROUNDS + 1):
                wait_for_a_sale(sellers)
                time.sleep(chance.uniform(0.0, KILL_WITHIN_S))
                if number % ALL_OF_IT_EVERY == 0:
                    hub.kill()
                    hub = launch(shop.folder)
                    address.port = hub.port
                else:
                    kill_workers(hub)
                if time.monotonic() > ends:
                    return sellers, number
    finally:
        hub.stop()
    return sellers, ROUNDS


def open_tills(shop: Shop, hub: Hub, address: Address) -> list[Seller]:
    owner = hub.caller(shop.token("owner"))
    members = [owner.done("POST", "/members", {"name": name})["id"] for name in "甲乙丙"]
    sellers = []
    for number, till in enumerate(("till-0", "till-1")):
        token = shop.token("owner", till)
        caller = hub.caller(token)
        caller.done("POST", "/shifts", {"float_cents": 0})
        for member in members:
            paid = [{"tender": "cash", "amount_cents": 100_000}]
            asked = {"member": member, "amount_cents": 100_000, "payments": paid}
            caller.done("POST", "/topups", asked)
        sellers.append(
            Seller(
                till=till,
                token=token,
                address=address,
                members=members,
                random=random.Random(SEED + number),
            )
        )
    return sellers


@contextmanager
def selling(sellers: list[Seller]) -> Iterator[None]:
    """Let the tills sell until the block ends; what went wrong in them is raised."""
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=len(sellers)) as pool:
        working = [pool.submit(seller.work, stop) for seller in sellers]
        try:
            yield
        finally:
            stop.set()
        for work in working:
            work.result(timeout=ENDS_S)


def wait_for_a_sale(sellers: list[Seller], within_s: float = UP_AGAIN_S) -> None:
    """Wait until the hub sells again, so that no kill falls on one that never came up."""
    before = sum(len(seller.sold) for seller in sellers)
    ends = time.monotonic() + within_s
    while sum(len(seller.sold) for seller in sellers) == before:
        assert time.monotonic() < ends, f"no sale for {within_s} s"
        time.sleep(0.005)


def kill_workers(hub: Hub) -> None:
    for pid in hub.workers():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def bodies(db: Reader, kind: str) -> list[dict[str, Any]]:
    events = (decode(row["raw"]) for row in db.each("SELECT raw FROM journal ORDER BY seq"))
    return [msgspec.json.decode(event.body) for event in events if kind_of(event) == kind]


def assert_kept(db: Reader, sellers: list[Seller]) -> None:
    settled, topped_up = bodies(db, "ticket.settled"), bodies(db, "wallet.topped_up")
    sales = {body["ticket"]: body for body in settled}
    topups = {body["topup"]: body for body in topped_up}
    assert len(sales) == len(settled)
    assert len(topups) == len(topped_up)
    assert len({body["number"] for body in settled}) == len(settled)
    assert len({body["number"] for body in topped_up}) == len(topped_up)
    heads = {row["head"][:4].hex().upper() for row in db.all("SELECT head FROM journal")}
    for seller in sellers:
        for answer in seller.sold:
            booked = sales[answer["ticket"]]
            assert (booked["number"], booked["total"]) == (
                answer["number"],
                answer["total_cents"],
            )
            assert answer["head"] in heads
        for answer in seller.topped_up:
            assert topups[answer["topup"]]["number"] == answer["number"]
            assert answer["head"] in heads
    printed = Counter(
        row["subject"] for row in db.all("SELECT subject FROM print_job WHERE kind = 'receipt'")
    )
    assert printed == Counter([*sales, *topups])


def assert_conserved(db: Reader, members: list[str]) -> None:
    """What a member holds is what was paid in, less what was spent."""
    place = db.value("SELECT origin FROM origin WHERE own = 1")
    paid_in = Counter[str]()
    for body in bodies(db, "wallet.topped_up"):
        paid_in[body["member"]] += body["principal"] + body["bonus"]
    spent = Counter[str]()
    for body in bodies(db, "ticket.settled"):
        spent[body["member"]] += sum(
            payment["amount"]
            for payment in body["payments"]
            if payment["tender"] == "stored_value"
        )
    for member in members:
        held = sum(h.amount for h in holdings(db, member, place) if h.asset != "points")
        assert held == paid_in[member] - spent[member]
        assert spent[member] > 0

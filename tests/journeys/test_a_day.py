"""A day's trade with imported members while the programs are killed at random.

Journal, tables, receipts and Z reports must agree to the fen.
"""

from __future__ import annotations

import random
import re
import threading
import time

import pytest
from click.testing import CliRunner

from core.imports.tests.messy import write_members
from core.wallet import Asset
from hub.app import open_hub
from hub.devices import set_printer
from hub.imports import import_group
from hub.simulator.paper import PaperPrinter, papers_in
from tests.journeys.chaos import Store, insist, plagued
from tests.started import MASSAGE, TEA, assert_sound, new_key, reading, seed

pytestmark = pytest.mark.wide

MEMBERS = 400
FLOAT = 50_000
KILLS_LEAST = 4
NEXT_GUEST_S = (0.05, 0.25)
PRINTED_S = 240.0


@pytest.fixture
def day(tmp_path):
    """Seed a shop, import its members, and stand a printer beside it."""
    shop = seed(tmp_path / "hub")
    listed = write_members(tmp_path / "members.csv", MEMBERS, 0.01, 11)
    done = CliRunner().invoke(
        import_group,
        ["members", str(tmp_path / "members.csv"), "--data", str(shop.folder), "--yes"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    with PaperPrinter(tmp_path / "roll") as paper:
        box = open_hub(shop.folder)
        box.door.write(
            lambda tx: set_printer(
                tx,
                name="前台",
                address=f"tcp://127.0.0.1:{paper.port}",
                columns=48,
                raster=False,
                drawer_pin=2,
            )
        )
        with box.door.read() as db:
            members = [row["id"] for row in db.all("SELECT id FROM member ORDER BY id")]
            opening = db.value("SELECT SUM(amount) FROM holding WHERE asset <> 'points'")
        box.close()
        assert opening == listed.principal_cents + listed.bonus_cents
        yield shop, members, opening, tmp_path / "roll"


def sell(store, token, members, chance, told):
    """Sell one bill, mixed as it comes; note what the till was told."""
    member = chance.choice(members) if chance.random() < 0.8 else None
    lines = [{"item": MASSAGE}, {"item": TEA, "quantity": chance.randint(1, 3)}]
    body = {"member": member, "lines": lines[: chance.randint(1, 2)]}
    ticket = insist(store, token, "POST", "/tickets", body, new_key()).body
    due = ticket["total_cents"]
    stored = min(ticket["from_balance_cents"], chance.randint(0, due))
    payments = [
        {"tender": tender, "amount_cents": amount}
        for tender, amount in (("stored_value", stored), ("cash", due - stored))
        if amount
    ]
    body = {"version": ticket["version"], "payments": payments}
    path = f"/tickets/{ticket['id']}/settle"
    paid = insist(store, token, "POST", path, body, new_key())
    if paid.status == 200:
        told[ticket["id"]] = (paid.body["number"], stored, due - stored)
    else:
        # The other till may have spent the same member's money meanwhile.
        assert paid.code == "insufficient_balance", paid


@pytest.mark.parametrize("bills", [25, pytest.param(150, marks=pytest.mark.deep)])
def test_a_day_of_kills_agrees_to_the_fen(day, bills):
    shop, members, opening, roll = day
    lucky = random.randrange(1_000_000)
    print(f"seed {lucky}")
    store = Store(shop.folder)
    told: dict[str, tuple[str, int, int]] = {}
    failures: list[BaseException] = []

    def cashier(till):
        chance = random.Random(f"{lucky}/{till}")
        token = shop.token("cashier", till)
        try:
            insist(store, token, "POST", "/shifts", {"float_cents": FLOAT}, new_key())
            sold = 0
            while sold < bills or store.kills < KILLS_LEAST:
                sell(store, token, members, chance, told)
                sold += 1
                time.sleep(chance.uniform(*NEXT_GUEST_S))
        except BaseException as error:
            failures.append(error)
            raise

    try:
        tills = ("till-0", "till-1")
        with plagued(store, lucky):
            threads = [threading.Thread(target=cashier, args=(till,)) for till in tills]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert not failures
        z = [close(store, shop.token("manager", till)) for till in tills]
        wait_for_paper(shop.folder)
    finally:
        store.stop()
    assert_sound(shop.folder)
    check_books(shop.folder, told, opening)
    check_tills(z, told)
    check_paper(shop.folder, roll, told)


def close(store, token):
    body = {"counted_cents": FLOAT}
    return insist(store, token, "POST", "/shifts/current/close", body, new_key()).body


def wait_for_paper(folder):
    """Wait until nothing waits for the printer any more."""
    deadline = time.monotonic() + PRINTED_S
    while time.monotonic() < deadline:
        with reading(folder) as db:
            if not db.value(
                "SELECT count(*) FROM print_job WHERE state IN ('queued', 'claimed')"
            ):
                return
        time.sleep(0.5)
    raise AssertionError("receipts still wait")


def check_books(folder, told, opening):
    with reading(folder) as db:
        sales = {row["id"]: row["number"] for row in db.all("SELECT id, number FROM sale")}
        assert sales == {ticket: number for ticket, (number, _, _) in told.items()}
        assert len(set(sales.values())) == len(sales)
        total = db.value("SELECT COALESCE(SUM(total), 0) FROM sale")
        assert total == sum(stored + cash for _, stored, cash in told.values())
        left = db.value(
            "SELECT SUM(amount) FROM holding WHERE asset <> :points", points=Asset.POINTS.value
        )
        assert left == opening - sum(stored for _, stored, _ in told.values())


def check_tills(reports, told):
    sums: dict[str, int] = {}
    for report in reports:
        assert report["z_number"]
        for row in report["totals"]:
            sums[row["tender"]] = sums.get(row["tender"], 0) + row["amount_cents"]
    assert sums.get("cash", 0) == sum(cash for _, _, cash in told.values())
    assert sums.get("stored_value", 0) == sum(stored for _, stored, _ in told.values())
    expected = sum(report["expected_cents"] for report in reports)
    assert expected == 2 * FLOAT + sums.get("cash", 0)


def check_paper(folder, roll, told):
    """Every bill is on paper once, or its job says that nobody knows; none is there twice."""
    with reading(folder) as db:
        states = {
            row["subject"]: row["state"]
            for row in db.all("SELECT subject, state FROM print_job WHERE kind = 'receipt'")
        }
    assert set(states) == set(told)
    printed: dict[str, int] = {}
    for paper in papers_in(roll):
        for number in re.findall(r"单号\s+(A-\d{6}-\d{4})", paper.text):
            printed[number] = printed.get(number, 0) + 1
    assert all(count == 1 for count in printed.values())
    for ticket, (number, _, _) in told.items():
        assert states[ticket] in {"done", "unknown"}
        if states[ticket] == "done":
            assert printed.get(number) == 1, number

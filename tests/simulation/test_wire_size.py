"""What travels is a fraction of what happened: lone sales by the dictionary, days by the batch.

The shop is not the one that the dictionary was made from: other items, members and numbers.
"""

from __future__ import annotations

import random

import pytest

from core.journal import decode, kind_of
from core.till import STORED_VALUE, Offered
from core.wire import Segment, pack, unpack
from core.wire.dictionaries import NONE
from hub import checkout, tickets
from hub.app import open_hub
from tests.bench.shop import ITEMS, OWNER, furnish

SALES = 60
SIGNATURE = random.Random(1).randbytes(64)


@pytest.fixture(scope="module")
def events(tmp_path_factory) -> list[bytes]:
    """Sixty bills as they were written: opened, lines, settled."""
    shop = furnish(tmp_path_factory.mktemp("sold") / "shop")
    box = open_hub(shop.folder)
    chance = random.Random(3)
    try:
        with box.door.read() as db:
            before = db.value("SELECT MAX(seq) FROM journal")
        for number in range(SALES):
            member = chance.choice(shop.members) if number % 4 else None
            box.door.write(lambda tx, member=member: sell(tx, box, member, chance))
        with box.door.read() as db:
            rows = db.all("SELECT raw FROM journal WHERE seq > :n ORDER BY seq", n=before)
        return [bytes(row["raw"]) for row in rows]
    finally:
        box.close()


def sell(tx, box, member, chance) -> None:
    act = box.act(tx, actor=OWNER)
    ticket = act.new_id()
    tickets.open_ticket(tx, act, ticket=ticket, member=member)
    for _ in range(chance.randint(1, 3)):
        line, item = act.new_id(), chance.choice(ITEMS)
        tickets.add_line(tx, act, ticket=ticket, line=line, item=item)
    found = tickets.read_ticket(tx, ticket)
    tender = STORED_VALUE if member else "cash"
    paid = (Offered(tender=tender, amount=found.bill.total),)
    checkout.settle(tx, act, ticket=ticket, version=found.version, till="till-0", payments=paid)


def ratio(batches: list[list[bytes]], **how) -> float:
    """Return bytes on the wire, header and signature included, by bytes of the events."""
    packed = [
        pack(Segment(epoch=1, boot=1, first=1, events=tuple(batch), signature=SIGNATURE), **how)
        for batch in batches
    ]
    assert [list(unpack(raw).events) for raw in packed] == batches
    return sum(map(len, packed)) / sum(len(raw) for batch in batches for raw in batch)


def settled(events) -> list[list[bytes]]:
    return [[raw] for raw in events if kind_of(decode(raw)) == "ticket.settled"]


def test_a_lone_sale_is_half_of_itself_on_the_wire(events):
    assert len(settled(events)) == SALES
    assert ratio(settled(events)) <= 0.50


def test_a_bill_with_all_its_taps_is_a_third_of_itself(events):
    bills: list[list[bytes]] = []
    for raw in events:
        if kind_of(decode(raw)) == "ticket.opened":
            bills.append([])
        bills[-1].append(raw)
    assert len(bills) == SALES
    assert ratio(bills) <= 0.33


def test_fifty_events_together_are_a_fifth_of_themselves(events):
    batches = [events[at : at + 50] for at in range(0, len(events) - 50, 50)]
    assert len(batches) > 3
    assert ratio(batches) <= 0.22


def test_without_the_dictionary_a_lone_sale_would_miss_the_goal(events):
    assert ratio(settled(events), dictionary=NONE) > 0.50

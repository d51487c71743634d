"""A shop that closes at four in the morning has one business day."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from werkzeug.serving import make_server

from core.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from hub.api.tests.counter import cash
from hub.app import make_hub_app, open_hub
from tests.started import TEA, Caller, furnish

NOON = 1_772_424_000_000
"""Monday 2 March 2026, twelve o'clock in Shanghai, in milliseconds UTC."""


@dataclass(frozen=True, kw_only=True)
class Night:
    clock: ManualClock
    owner: Caller

    def sell(self) -> dict:
        bill = self.owner.done("POST", "/tickets", {"lines": [{"item": TEA}]})
        asked = {"version": bill["version"], "payments": [cash(3_800)]}
        return bill | self.owner.done("POST", f"/tickets/{bill['id']}/settle", asked)


@pytest.fixture
def night(tmp_path) -> Iterator[Night]:
    """A hub that serves real HTTP, with a clock that the test sets."""
    clock = ManualClock(NOON)
    box = open_hub(tmp_path, clock=clock)
    tokens = furnish(box)
    server = make_server("127.0.0.1", 0, make_hub_app(box), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    token = tokens["owner", "till-0"]
    owner = Caller(host="127.0.0.1", port=server.server_port, token=token)
    yield Night(clock=clock, owner=owner)
    server.shutdown()
    server.server_close()
    thread.join(10)
    box.close()


@pytest.mark.feature("EXP-11")
def test_midnight_splits_nothing_and_the_cut_off_begins_the_next_day(night):
    night.owner.done("POST", "/shifts", {"float_cents": 50_000})
    before_midnight, before_cutoff, after_cutoff = (
        NOON + 11 * HOUR_MS + 59 * MINUTE_MS,
        NOON + 15 * HOUR_MS + 59 * MINUTE_MS,
        NOON + 16 * HOUR_MS,
    )
    sold = []
    for at in (before_midnight, before_cutoff):
        night.clock.at = at
        sold.append(night.sell())
    assert [sale["date"] for sale in sold] == ["2026-03-02", "2026-03-02"]
    assert [sale["number"] for sale in sold] == ["A-260302-0001", "A-260302-0002"]
    closed = night.owner.done("POST", "/shifts/current/close", {"counted_cents": 57_600})
    assert (closed["date"], closed["difference_cents"]) == ("2026-03-02", 0)

    night.clock.at = after_cutoff
    night.owner.done("POST", "/shifts", {"float_cents": 50_000})
    first = night.sell()
    assert (first["date"], first["number"]) == ("2026-03-03", "A-260303-0001")
    assert night.owner.done("GET", "/shifts/current")["date"] == "2026-03-03"


def test_a_year_long_card_can_be_spent_to_the_end_of_its_last_business_day(night):
    night.owner.done("POST", "/shifts", {"float_cents": 0})
    member = night.owner.done("POST", "/members", {"name": "李慧敏"})["id"]
    asked = {"member": member, "offer": "offer-2", "payments": [cash(50_000)]}
    sold = night.owner.done("POST", "/topups", asked)
    assert sold["expires"] == "2027-03-02"
    last_moment = NOON + 365 * DAY_MS + 15 * HOUR_MS + 59 * MINUTE_MS
    night.clock.at = last_moment
    assert night.owner.done("GET", f"/members/{member}")["wallet"]["here_cents"] == 50_000
    night.clock.at = last_moment + MINUTE_MS
    wallet = night.owner.done("GET", f"/members/{member}")["wallet"]
    assert (wallet["here_cents"], wallet["total_cents"]) == (0, 50_000)
    assert [lot["spendable"] for lot in wallet["lots"]] == [False]

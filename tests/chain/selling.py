"""Two stores and their head office by their programs, with a till that sells in each."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from core.staff import active_staff
from hub.access import make_token
from hub.app import open_hub
from hub.box import Box
from tests.chain.adding_up import (
    assert_every_place_agrees,
    assert_feeds_are_the_same,
    assert_history_of_bills_is_the_same,
    assert_journals_are_the_same,
    assert_tables_follow,
    assert_value_is_conserved,
    wait_until_at_rest,
)
from tests.chain.running import Branch, head_office, until, wired
from tests.kills.sellers import GIVES_UP_S, Address, Seller
from tests.started import MASSAGE, Caller
from tests.started import seed as furnish

TILL = "till-0"
FIRST_TOP_UP = 100_000
REST_S = 60.0
SEED = 20261124
HONEST = {"insufficient_balance", "over_card_limit"}
"""What a till may be told when a member's value was called away to the other store."""


class Chain:
    """Two stores by their programs, a till in each, and members that both know."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.office = running.enter_context(head_office(folder / "office"))
        self.merchant = self.office.admin("merchant", "add", "清和")
        first, second = folder / "first", folder / "second"
        shop = furnish(first)
        self.office.take_in(self.merchant, first, bring=True)
        words = ("store", "add", "西湖店", "--merchant", self.merchant, "--code", "B")
        branch = self.office.admin(*words)
        self.office.take_in(self.merchant, second, store=branch, bring=False)
        self.branches: list[Branch] = []
        self.boxes: list[Box] = []
        for each in (first, second):
            wire = running.enter_context(wired(self.office))
            self.branches.append(Branch(each, wire))
            running.callback(self.branches[-1].stop)
            self.boxes.append(open_hub(each))
            running.callback(self.boxes[-1].close)
        self.tokens = [shop.token("owner", TILL), self._token(self.boxes[1])]
        self.sold: list[list[dict[str, Any]]] = [[], []]
        self.topped_up: list[list[dict[str, Any]]] = [[], []]
        self._open(self.boxes[1])

    def _token(self, box: Box) -> str:
        def known() -> bool:
            with box.door.read() as db:
                return any(person.id == "owner" for person in active_staff(db))

        until(known)
        return box.door.write(
            lambda tx: make_token(tx, box.act(tx), name="owner", staff_id="owner", till=TILL)
        )

    def caller(self, number: int) -> Caller:
        return self.branches[number].web.caller(self.tokens[number])

    def _open(self, second: Box) -> None:
        owner = self.caller(0)
        self.members = [owner.done("POST", "/members", {"name": n})["id"] for n in "甲乙丙丁"]
        until(lambda: count(second, "member") == len(self.members))
        for number in (0, 1):
            self.caller(number).done("POST", "/shifts", {"float_cents": 0})
            for member in self.members:
                paid = [{"tender": "cash", "amount_cents": FIRST_TOP_UP}]
                asked = {"member": member, "amount_cents": FIRST_TOP_UP, "payments": paid}
                answer = self.caller(number).done("POST", "/topups", asked)
                self.topped_up[number].append(answer)

    def sellers(self, seed: int = SEED, *, patience_s: float = GIVES_UP_S) -> list[Seller]:
        return [
            Seller(
                till=f"{number}",
                token=self.tokens[number],
                address=Address(port=self.branches[number].web.port),
                members=self.members,
                random=random.Random(seed + number),
                sold=self.sold[number],
                topped_up=self.topped_up[number],
                patience_s=patience_s,
            )
            for number in (0, 1)
        ]

    def sell(self, number: int) -> float:
        """Sell one thing; return how long the till's two taps took, in seconds."""
        caller = self.caller(number)
        begun = time.monotonic()
        bill = caller.done("POST", "/tickets", {"lines": [{"item": MASSAGE}]})
        paid = [{"tender": "cash", "amount_cents": bill["total_cents"]}]
        asked = {"version": bill["version"], "payments": paid}
        answer = caller.done("POST", f"/tickets/{bill['id']}/settle", asked)
        lasted = time.monotonic() - begun
        self.sold[number].append(answer)
        return lasted

    def assert_all_adds_up(self, scratch: Path, *, rest_s: float = REST_S) -> None:
        with self.office.books(self.merchant) as books:
            wait_until_at_rest(self.boxes, books, rest_s)
            assert_journals_are_the_same(self.boxes, books)
            assert_feeds_are_the_same(self.boxes, books)
            assert_history_of_bills_is_the_same(self.boxes, books)
            assert_value_is_conserved(books)
            assert_every_place_agrees(self.boxes, books, *self._told())
            assert books.findings() == []
            with books.door.read() as db:
                assert db.all("SELECT * FROM quarantine") == []
        for number, box in enumerate(self.boxes):
            assert_tables_follow(box, scratch / f"again-{number}.db")
        self.office.admin("merchant", "check", self.merchant)

    def _told(self) -> tuple[Counter[str], Counter[str]]:
        """Return what each member must have, of stored value and of points, by the answers."""
        stored, points = Counter[str](), Counter[str]()
        for topup in (*self.topped_up[0], *self.topped_up[1]):
            stored[topup["member"]] += topup["principal_cents"] + topup["bonus_cents"]
            points[topup["member"]] += topup["points"]
        for sale in (*self.sold[0], *self.sold[1]):
            if sale["member"] is None:
                continue
            points[sale["member"]] += sale["points"]
            stored[sale["member"]] -= sum(
                payment["amount_cents"]
                for payment in sale["payments"]
                if payment["tender"] == "stored_value"
            )
        return stored, points

    def kill_in_store(self, sellers: list[Seller], victim: str, number: int) -> None:
        """End a store's web or sync program and start it again."""
        branch = self.branches[number]
        if victim == "web":
            branch.kill_web()
            sellers[number].address.port = branch.web.port
        else:
            branch.kill_sync()


def count(box: Box, table: str) -> int:
    with box.door.read() as db:
        counted: int = db.value(f"SELECT count(*) FROM {table}")
        return counted

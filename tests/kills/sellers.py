"""Tills that sell through the API and keep at it while the hub dies under their hands."""

from __future__ import annotations

import http.client
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.started import MASSAGE, TEA, Caller, Reply, new_key

PAUSE_S = 0.01
GIVES_UP_S = 15.0
TOPUP_EVERY = 5
TOPUP = 13_000
"""About what four sales take, so that nobody runs dry or over the limit."""


@dataclass(kw_only=True)
class Address:
    """Where the hub listens now; it moves when the whole of it is started again."""

    port: int = 0


@dataclass(kw_only=True)
class Seller:
    """One till. What it was answered, it was promised."""

    till: str
    token: str
    address: Address
    members: list[str]
    random: random.Random
    sold: list[dict[str, Any]] = field(default_factory=list)
    topped_up: list[dict[str, Any]] = field(default_factory=list)
    refused: list[Reply] = field(default_factory=list)
    lost: int = 0
    """How many tries ended without an answer."""
    replayed: int = 0
    patience_s: float = GIVES_UP_S

    def work(self, stop: threading.Event) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            if turn % TOPUP_EVERY == 0:
                self._top_up()
            else:
                self._sell()

    def _sell(self) -> None:
        member = self.random.choice(self.members)
        lines = [{"item": self.random.choice((MASSAGE, TEA))}]
        bill = self._surely("/tickets", {"member": member, "lines": lines})
        if bill is None:
            return
        due = bill["total_cents"]
        from_balance = self.random.choice((0, due // 2, due))
        payments = [
            {"tender": tender, "amount_cents": amount}
            for tender, amount in (("stored_value", from_balance), ("cash", due - from_balance))
            if amount
        ]
        asked = {"version": bill["version"], "payments": payments}
        answer = self._surely(f"/tickets/{bill['id']}/settle", asked)
        if answer is not None:
            self.sold.append(answer)

    def _top_up(self) -> None:
        asked = {
            "member": self.random.choice(self.members),
            "amount_cents": TOPUP,
            "payments": [{"tender": "cash", "amount_cents": TOPUP}],
        }
        answer = self._surely("/topups", asked)
        if answer is not None:
            self.topped_up.append(answer)

    def _surely(self, path: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Send under one key until there is an answer; None when it was a refusal."""
        key = new_key()
        ends = time.monotonic() + self.patience_s
        while True:
            caller = Caller(
                host="127.0.0.1", port=self.address.port, token=self.token, timeout_s=5.0
            )
            try:
                reply = caller.post(path, asked, key=key)
            except (OSError, http.client.HTTPException):
                self.lost += 1
                assert time.monotonic() < ends, f"no answer for {self.patience_s} s"
                time.sleep(PAUSE_S)
                continue
            self.replayed += reply.replayed
            if reply.status < 300:
                answer: dict[str, Any] = reply.body
                return answer
            self.refused.append(reply)
            return None

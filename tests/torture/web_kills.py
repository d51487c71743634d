"""The real web program, each of whose workers is ended at its N-th operation on the disk.

gunicorn starts the next one, which counts anew: so one start of the program is killed again and
again, each time a bit further along in somebody's day, while a till keeps asking for its answer.
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.started import Caller
from tests.torture.disk_shim import build
from tests.torture.inspection import Promises, inspect
from tests.torture.life import OTHER, REFUND, SALE, TOPUP, Recorder, serving_web
from tests.torture.scenarios import prepare

GIVES_UP_S = 30.0
PAUSE_S = 0.02
WORKER_DIED = "was sent SIGKILL"
FIRST_LIFE, LIFE_STEP = 180, 23
"""A worker must come further than opening the box and one command take it."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    kills: int = 0
    answers: int = 0
    replayed: int = 0
    problems: list[str] = field(default_factory=list)


class Patient:
    """A till that asks under one key until it is answered."""

    def __init__(self, port: int, token: str, promised: Promises, outcome: Outcome) -> None:
        self._caller = Caller(host="127.0.0.1", port=port, token=token, timeout_s=5.0)
        self._promised, self._outcome = promised, outcome

    def ask(self, verb: str, key: str, path: str, body: dict) -> dict:
        self._promised.hear({"wish": key, "verb": verb})
        ends = time.monotonic() + GIVES_UP_S
        while True:
            try:
                reply = self._caller.post(path, body, key=key)
            except (OSError, http.client.HTTPException):
                if time.monotonic() > ends:
                    raise
                time.sleep(PAUSE_S)
                continue
            if reply.status >= 300:
                self._outcome.problems.append(f"lost: {verb} {key}: {reply.body}")
                return {}
            self._outcome.answers += 1
            self._outcome.replayed += reply.replayed
            self._promised.hear({"done": key, "verb": verb, "body": reply.body})
            return reply.body

    def day(self, member: str, name: str) -> None:
        paid = [{"tender": "cash", "amount_cents": 30_000}]
        asked = {"member": member, "amount_cents": 30_000, "payments": paid}
        self.ask(TOPUP, f"{name} top-up", "/topups", asked)
        asked = {"member": member, "lines": [{"item": "item-1"}]}
        bill = self.ask(OTHER, f"{name} bill", "/tickets", asked)
        paid = [{"tender": "stored_value", "amount_cents": bill["total_cents"]}]
        asked = {"version": bill["version"], "payments": paid}
        self.ask(SALE, f"{name} sale", f"/tickets/{bill['id']}/settle", asked)
        asked = {"reason": "点错"}
        self.ask(REFUND, f"{name} refund", f"/tickets/{bill['id']}/reverse", asked)


def kill_web(beside: Path, *, lives: int, days: int = 6) -> Outcome:
    """Start the program so many times, each with workers of another length of life."""
    library, prepared = build(beside), prepare(beside)
    promised, outcome = Promises(), Outcome()
    for told in prepared.said:
        promised.hear(told)
    for life in range(lives):
        recorder = Recorder(
            library=library,
            folder=prepared.folder,
            log=beside / "log",
            kill_at=FIRST_LIFE + LIFE_STEP * life,
        )
        with serving_web(recorder) as port:
            till = Patient(port, prepared.token, promised, outcome)
            for day in range(days):
                till.day(prepared.member, f"{life}/{day}")
    outcome.kills = (beside / "web.said").read_text().count(WORKER_DIED)
    outcome.problems += inspect(prepared.folder, promised, thoroughly=True)
    return outcome

"""What a hub is in the middle of when it dies: each done by the product's own code, once.

A scenario runs in a process of its own over a copy of one prepared shop. Its keys are fixed, so
that a second run is a retry; what it says is what somebody was promised.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from core.journal import drain_all
from hub.app import make_hub_app, open_hub
from hub.jobs import seal_journal
from hub.sync import load_link
from tests.started import MASSAGE, TEA
from tests.torture import programs
from tests.torture.life import CLOSE, OTHER, REFUND, SALE, TOPUP, Parcels, an_office

Say = Callable[..., None]
TILL = 0
FLOAT = 10_000


class Counter:
    """A till at a hub that was opened in this process; it talks to the app itself."""

    def __init__(
        self,
        folder: Path,
        token: str,
        say: Say,
        known: Mapping[str, dict] = MappingProxyType({}),
    ) -> None:
        self.box = open_hub(folder)
        self._client = make_hub_app(self.box).test_client()
        self._token, self._say, self._known = token, say, known

    def ask(self, verb: str, key: str, path: str, body: Mapping) -> dict:
        self._say(wish=key, verb=verb)
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": key}
        reply = self._client.post(f"/api/v1{path}", json=body, headers=headers)
        if reply.status_code >= 300:
            raise RuntimeError(f"{verb}: {reply.status} {reply.json}")
        self._say(done=key, verb=verb, body=reply.json)
        # Who was answered goes on from that answer: a bill's own may have moved on since.
        return self._known.get(key, reply.json)

    def sell(self, key: str, member: str) -> str:
        lines = [{"item": MASSAGE}, {"item": TEA}]
        asked = {"member": member, "lines": lines}
        bill = self.ask(OTHER, f"{key}-opened", "/tickets", asked)
        stored = bill["total_cents"] // 2
        payments = [
            {"tender": "stored_value", "amount_cents": stored},
            {"tender": "cash", "amount_cents": bill["total_cents"] - stored},
        ]
        asked = {"version": bill["version"], "payments": payments}
        self.ask(SALE, key, f"/tickets/{bill['id']}/settle", asked)
        return bill["id"]

    def top_up(self, key: str, member: str) -> None:
        paid = [{"tender": "cash", "amount_cents": 50_000}]
        asked = {"member": member, "amount_cents": 50_000, "payments": paid}
        self.ask(TOPUP, key, "/topups", asked)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A shop in the middle of its day, and what lies ready for it."""

    folder: Path
    token: str
    member: str
    ticket: str
    """A paid bill that may be given back."""
    said: list[dict]
    """What was promised while it was prepared."""
    known: Mapping[str, dict] = field(default_factory=dict)
    """By key, what was answered at an earlier try."""

    @property
    def parcels(self) -> Path:
        return self.folder.parent / "parcels"

    @classmethod
    def read(cls, beside: Path) -> Prepared:
        facts = json.loads((beside / "facts.json").read_text())
        return cls(folder=beside / "hub", **facts)


def prepare(beside: Path) -> Prepared:
    """Make the shop that every kill begins with a copy of."""
    folder, said = beside / "hub", []
    folder.mkdir(parents=True)
    token = programs.furnish(folder, 1)[TILL]
    with an_office(beside) as office:
        programs.join_office(folder, office.url, str(office.authority.file))
        counter = Counter(folder, token, lambda **told: said.append(told))
        counter.ask(OTHER, "opened", "/shifts", {"float_cents": FLOAT})
        member = counter.ask(OTHER, "member", "/members", {"name": "李慧敏"})["id"]
        counter.top_up("first", member)
        ticket = counter.sell("sold", member)
        counter.sell("sold too", member)
        counter.box.close()
        parcels = Parcels(office, beside / "parcels", load_link(folder).hub)
        parcels.put(member, grants=2)
    facts = {"token": token, "member": member, "ticket": ticket, "said": said}
    (beside / "facts.json").write_text(json.dumps(facts))
    return Prepared.read(beside)


def _at_the_counter(verb: Callable[[Counter, Prepared], object]):
    def scenario(folder: Path, prepared: Prepared, say: Say) -> None:
        counter = Counter(folder, prepared.token, say, prepared.known)
        verb(counter, prepared)
        counter.box.close()

    return scenario


def _refund(counter: Counter, prepared: Prepared) -> None:
    asked = {"reason": "点错"}
    counter.ask(REFUND, "refund", f"/tickets/{prepared.ticket}/reverse", asked)


def _close(counter: Counter, _prepared: Prepared) -> None:
    asked = {"counted_cents": FLOAT, "note": "数过"}
    counter.ask(CLOSE, "close", "/shifts/current/close", asked)


def _sync(folder: Path, prepared: Prepared, say: Say) -> None:
    programs.sync(folder, prepared.parcels, say)


def _jobs(folder: Path, _prepared: Prepared, _say: Say) -> None:
    box = open_hub(folder)
    drain_all(box.door, box.parts)
    seal_journal(box)
    box.door.checkpoint()
    box.close()


def _migrate(folder: Path, _prepared: Prepared, say: Say) -> None:
    say(migrating=True)
    programs.migrate(folder)
    say(migrated=True)


def _birth(folder: Path, _prepared: Prepared, say: Say) -> None:
    say(tokens=programs.furnish(folder, 1))


SCENARIOS: Mapping[str, Callable[[Path, Prepared, Say], None]] = {
    "sale": _at_the_counter(lambda counter, p: counter.sell("sale", p.member)),
    "top-up": _at_the_counter(lambda counter, p: counter.top_up("topup", p.member)),
    "refund": _at_the_counter(_refund),
    "close": _at_the_counter(_close),
    "sync": _sync,
    "jobs": _jobs,
    "migration": _migrate,
    "birth": _birth,
}
FROM_NOTHING = {"birth"}


def begin(scenario: str, prepared: Prepared, into: Path) -> None:
    """Lay out what a scenario begins with."""
    if scenario in FROM_NOTHING:
        into.mkdir()
    else:
        shutil.copytree(prepared.folder, into)

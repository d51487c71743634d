"""Whether a folder holds what was promised: opened by the product's own door and looked through.

A problem is a sentence that begins with its kind: lost, twice, half, changed or broken.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from core import feed
from core.journal import decode, drain_all, kind_of, rebuild
from hub.app import open_hub
from hub.sync import load_link
from tests.torture.life import CLOSE, REFUND, SALE, TOPUP
from tests.torture.programs import open_newer

EFFECTS = {
    "ticket.settled": (SALE, "ticket"),
    "wallet.topped_up": (TOPUP, "topup"),
    "ticket.reversed": (REFUND, "reversal"),
    "till.closed": (CLOSE, "period"),
}
"""By kind of event: the verb whose effect it is, and its field that no two may share."""


@dataclass(slots=True, kw_only=True)
class Promises:
    """What tills, head office and whoever set the box up were told."""

    wishes: dict[str, str] = field(default_factory=dict)
    """Each key that was ever sent, with its verb."""
    done: dict[str, dict] = field(default_factory=dict)
    """The answer to each key that was answered."""
    sealed: int = 0
    down: int = 0
    feed: int = 0
    furnished: bool = False
    joined: bool = False
    migrating: bool = False
    migrated: bool = False

    def hear(self, told: Mapping[str, object]) -> None:
        """Learn of one thing that was said."""
        match told:
            case {"wish": key, "verb": verb}:
                self.wishes[key] = verb
            case {"done": key, "body": body}:
                self.done[key] = body
            case {"tokens": _}:
                self.furnished = True
            case {"sealed": number} | {"down": number} | {"feed": number}:
                name = next(iter(told))
                setattr(self, name, max(getattr(self, name), number))
            case {"joined": True} | {"migrating": True} | {"migrated": True}:
                setattr(self, next(iter(told)), True)
            case _:
                pass


def inspect(folder: Path, promised: Promises, *, thoroughly: bool) -> list[str]:
    """Open a folder as its programs would; return what is wrong with it.

    `thoroughly` rebuilds the tables from the journal as well and compares them.
    """
    try:
        box = open_newer(folder) if promised.migrating else open_hub(folder)
    except Exception as error:  # noqa: BLE001 - whatever keeps a store from opening is found
        return [f"broken: does not open: {type(error).__name__}: {error}"]
    try:
        problems = [f"broken: {line}" for line in box.door.integrity()]
        problems += [f"broken: {finding}" for finding in box.findings()]
        with box.door.read() as db:
            problems += _answers(db, promised)
            problems += _effects(db, promised)
            problems += _streams(db, box, promised)
            problems += _from_head_office(db, box, promised)
        if thoroughly and not problems:
            problems += _tables(box, folder)
    except Exception as error:  # noqa: BLE001
        return [f"broken: {type(error).__name__}: {error}"]
    finally:
        box.close()
    return problems


def _answers(db, promised) -> list[str]:
    """Find promises that are gone, and answers that would be other ones now."""
    kept = {row["key"]: row["answer"] for row in db.all("SELECT key, answer FROM attempt")}
    problems = []
    for key, body in promised.done.items():
        verb = promised.wishes[key]
        if key not in kept:
            problems.append(f"lost: {verb} {key}")
            continue
        answer = msgspec.json.decode(kept[key])
        differing = {name for name in answer.keys() & body.keys() if answer[name] != body[name]}
        if differing:
            problems.append(f"changed: {verb} {key}: {sorted(differing)}")
    return problems


def _effects(db, promised) -> list[str]:
    """Find what happened twice, and what happened without its answer or the other way round."""
    bodies: dict[str, list[dict]] = {kind: [] for kind in EFFECTS}
    ids: Counter[str] = Counter()
    for row in db.each("SELECT raw FROM journal"):
        event = decode(row["raw"])
        ids[event.id] += 1
        if (kind := kind_of(event)) in bodies:
            bodies[kind].append(json.loads(bytes(event.body)))
    problems = [f"twice: event {name}" for name, count in ids.items() if count > 1]
    kept = {row["key"] for row in db.all("SELECT key FROM attempt")}
    verbs = Counter(verb for key, verb in promised.wishes.items() if key in kept)
    for kind, (verb, name) in EFFECTS.items():
        seen = Counter(body[name] for body in bodies[kind])
        problems += [f"twice: {verb} {one}" for one, count in seen.items() if count > 1]
        numbers = Counter(body.get("number") for body in bodies[kind] if verb in {SALE, TOPUP})
        problems += [f"twice: number {one}" for one, count in numbers.items() if count > 1]
        if len(bodies[kind]) != verbs[verb]:
            problems.append(f"half: {len(bodies[kind])} {kind} for {verbs[verb]} answers")
    return problems


def _streams(db, box, promised) -> list[str]:
    problems = []
    if promised.furnished and not box.store_id(db):
        problems.append("lost: where the box stands")
    sealed = db.value(
        "SELECT MAX(last_seq) FROM segment WHERE origin = :own",
        own=box.journal.identity.origin,
    )
    if (sealed or 0) < promised.sealed:
        problems.append(f"lost: seals behind {sealed}, {promised.sealed} were told")
    if promised.migrated and not db.value("SELECT count(seen) = 0 FROM told_again"):
        problems.append("lost: the migration")
    return problems


def _from_head_office(db, box, promised) -> list[str]:
    """Find what came down and is gone, or was answered more or less often than it came."""
    link = load_link(box.folder)
    if link is None:
        return ["lost: the link to head office"] * promised.joined
    if not promised.joined:
        return []  # It may stand half-way, and joining again is what a person does then.
    problems = []
    own = [decode(row["raw"]) for row in db.all("SELECT raw FROM journal")]
    taken = sum(event.origin == f"{link.hub}.dn" for event in own)
    accepted = sum(kind_of(event) == "wallet.accepted" for event in own)
    if taken < promised.down:
        problems.append(f"lost: the downlink stands at {taken}, not {promised.down}")
    if accepted != taken:
        problems.append(f"half: {accepted} grants accepted of {taken}")
    if (feed.held_pos(db) or 0) < promised.feed:
        problems.append("lost: the feed's position")
    return problems


def _tables(box, folder: Path) -> list[str]:
    drain_all(box.door, box.parts)
    scratch = folder / "again.db"
    again = rebuild(box.door, scratch, box.parts, key=box.database_key, then=feed.replay)
    return [f"half: table {line}" for line in again]

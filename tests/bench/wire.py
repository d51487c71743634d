"""What the wire carries: bytes of a message beside the JSON in it, and what packing costs."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from core.journal import decode, kind_of
from core.wire import Laid, Segment, pack, unpack
from hub.app import open_hub
from hub.jobs import seal_journal
from hub.sync import sealed_segments
from tests.bench import Ratio, Report, take_turns
from tests.bench.chain import a_past
from tests.bench.shop import furnish
from tests.simulation.test_wire_size import sell

EVENTS, EVENTS_FULL = 6_000, 20_000
BILLS = 300
LONE, FEW, FULL = 1, 50, 200
SEGMENTS_MAX = 1_000
SETTLED = "ticket.settled"
OPENED = "ticket.opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message: bytes on the wire, and of the JSON in it."""

    payload: int
    raw: int
    beside: int

    @property
    def of_events(self) -> float:
        return self.payload / self.raw


def run(*, full: bool = False, events: int | None = None, bills: int = BILLS) -> Report:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "hub"
        a_past(folder, events=events or (EVENTS_FULL if full else EVENTS))
        segments = journal_of(folder)
        strange = another_shop(Path(name) / "another", bills=bills)
    alone = _alone(segments)
    batches = {size: list(cut(segments, size)) for size in (FEW, FULL)}
    lone = [segment for segment in alone if _is_sale(segment)]
    strange_lone = [segment for segment in _alone(strange) if _is_sale(segment)]
    return Report(
        title="wire: MQTT payload ÷ JSON of the events",
        reading=[
            "The dictionary was made from the demo's shop; another sells things it never saw.",
            "A payload is header, signature and zstd with the dictionary; a round is a message.",
            "Documents are what lies beside events and can be erased: names, telephones, notes.",
        ],
        ratios=[
            _ratio("G6", "another shop, 200 events", list(cut(strange, FULL)), at_most=0.22),
            _ratio("G6", "another shop, 50 events", list(cut(strange, FEW)), at_most=0.22),
            _ratio("G6", "another shop, a lone sale", strange_lone, at_most=0.50),
            _ratio("", "another shop, a bill with its taps", list(_bills(_alone(strange)))),
            _ratio("G6", "demo, 200 events", batches[FULL], at_most=0.22),
            _ratio("G6", "demo, 50 events", batches[FEW], at_most=0.22),
            _ratio("G6", "demo, a lone sale", lone, at_most=0.50),
            _ratio("", "demo, a bill with its taps", list(_bills(alone))),
            _with_documents("demo, as sealed, with documents", segments),
        ],
        tables=[_costs({LONE: lone[:FULL], **batches})],
    )


def journal_of(folder: Path) -> list[Segment]:
    """Return a hub's journal as it is sealed, with what lies beside its events."""
    box = open_hub(folder)
    try:
        with box.door.read() as db:
            me = box.journal.identity
            return list(sealed_segments(db, me, first=1, limit=SEGMENTS_MAX))
    finally:
        box.close()


def another_shop(folder: Path, *, bills: int) -> list[Segment]:
    """Return what a shop wrote while it sold, which the dictionary was not made from."""
    furnished, chance = furnish(folder), random.Random(3)
    box = open_hub(furnished.folder)
    try:
        with box.door.read() as db:
            before = box.journal.head(db).seq
        for number in range(bills):
            member = chance.choice(furnished.members) if number % 4 else None
            box.door.write(partial(sell, box=box, member=member, chance=chance))
        seal_journal(box)
    finally:
        box.close()
    return [segment for segment in journal_of(folder) if segment.first > before]


def _alone(segments: Sequence[Segment]) -> list[Segment]:
    return list(cut(segments, LONE))


def cut(segments: Sequence[Segment], size: int) -> Iterator[Segment]:
    """Yield whole messages of so many events, in order, each with its documents."""
    beside: dict[str, list[Laid]] = {}
    for laid in (laid for segment in segments for laid in segment.documents):
        beside.setdefault(laid.event, []).append(laid)
    events = [raw for segment in segments for raw in segment.events]
    for first in range(0, len(events) - size + 1, size):
        chosen = tuple(events[first : first + size])
        laid = tuple(one for raw in chosen for one in beside.get(decode(raw).id, ()))
        yield replace(segments[0], first=first + 1, events=chosen, documents=laid)


def _is_sale(segment: Segment) -> bool:
    return kind_of(decode(segment.events[0])) == SETTLED


def _bills(alone: Sequence[Segment]) -> Iterator[Segment]:
    """Yield each bill from its opening to its payment, as a till sends it that is not hurried."""
    events: list[bytes] = []
    for segment in alone:
        (raw,) = segment.events
        kind = kind_of(decode(raw))
        if kind == OPENED:
            events = []
        if kind.startswith("ticket."):
            events.append(raw)
        if kind == SETTLED and kind_of(decode(events[0])) == OPENED:
            yield replace(segment, events=tuple(events))


def _sent(segment: Segment) -> Sent:
    return Sent(
        payload=len(pack(segment)),
        raw=sum(map(len, segment.events)),
        beside=sum(len(laid.content) for laid in segment.documents),
    )


def _ratio(
    name: str, what: str, segments: Sequence[Segment], at_most: float | None = None
) -> Ratio:
    # Without documents: they are mostly salts, which nothing can squeeze.
    sent = [_sent(replace(segment, documents=())) for segment in segments]
    payload = sum(one.payload for one in sent) / len(sent)
    raw = sum(one.raw for one in sent) / len(sent)
    return Ratio(
        name=name,
        what=what,
        rounds=[one.of_events for one in sent],
        at_most=at_most,
        absolute=f"{payload:,.0f} B ÷ {raw:,.0f} B",
    )


def _with_documents(what: str, segments: Sequence[Segment]) -> Ratio:
    sent = [_sent(segment) for segment in segments if segment.documents]
    payload, raw = (sum(s.payload for s in sent), sum(s.raw + s.beside for s in sent))
    return Ratio(
        name="",
        what=what,
        rounds=[one.payload / (one.raw + one.beside) for one in sent],
        absolute=f"{payload / len(sent):,.0f} B ÷ {raw / len(sent):,.0f} B",
    )


def _costs(batches: dict[int, list[Segment]]) -> Table:
    """Say what packing and unpacking take, in CPU of this process."""
    packed = {size: [pack(segment) for segment in batches[size]] for size in batches}
    contenders: dict[str, Callable[[], float]] = {}
    for size, segments in batches.items():
        contenders[f"pack {size}"] = _timed(pack, segments, size)
        contenders[f"unpack {size}"] = _timed(unpack, packed[size], size)
    turns = take_turns(contenders)
    table = Table(title="CPU an event, median of rounds", title_justify="left")
    for heading in ("events in a message", "packing", "unpacking"):
        table.add_column(heading, justify="right")
    for size in batches:
        table.add_row(
            f"{size}", _median(turns[f"pack {size}"]), _median(turns[f"unpack {size}"])
        )
    return table


def _timed(
    act: Callable[[Any], object], given: Sequence[Any], size: int
) -> Callable[[], float]:
    def work() -> float:
        began = time.process_time()
        for one in given:
            act(one)
        return (time.process_time() - began) / (len(given) * size)

    return work


def _median(seconds: Sequence[float]) -> str:
    low, middle, high = min(seconds), sorted(seconds)[len(seconds) // 2], max(seconds)
    return f"{middle * 1e6:.1f} µs ({low * 1e6:.1f}–{high * 1e6:.1f})"

"""Any order in which the stores' journals arrive gives the same bytes (promise 5)."""

from __future__ import annotations

import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import sqlcipher3.dbapi2 as driver
from hypothesis import given, settings
from hypothesis import strategies as st

from core.journal import Body, Parts, apply, decode, documents_of
from core.journal.changes import row_digest
from core.journal.tests.tea_house import (
    TEA_HOUSE,
    GuestNoted,
    TeaBrought,
    TeaCarried,
    TeaServed,
    guest_document,
    paid,
)
from core.sqlite import Door, Writer
from core.tests.world import KEY, open_world

PARTS = Parts([TEA_HOUSE])

teas = st.sampled_from(["龙井", "普洱"])
guests = st.sampled_from(["g-1", "g-2"])
COMES_FROM = {"龙井": "杭州", "普洱": "云南"}
bodies = st.one_of(
    st.builds(lambda tea: TeaCarried(tea=tea, origin=COMES_FROM[tea]), tea=teas),
    st.builds(TeaBrought, tea=teas, cups=st.integers(1, 9)),
    st.builds(TeaServed, tea=teas, cups=st.integers(1, 3), fen=st.integers(0, 9_900)),
    st.builds(
        GuestNoted,
        guest=guests,
        likes=st.none() | teas,
        seat=st.none() | st.integers(1, 9),
    ),
)


@dataclass(frozen=True)
class Step:
    body: Body
    wait_ms: int
    """Often nothing, so that stores act in the same millisecond."""
    phone: str | None


steps = st.builds(
    Step, bodies, st.sampled_from([0, 0, 1, 3_600_000]), st.none() | st.sampled_from(["1", "2"])
)
stores = st.lists(st.lists(steps, max_size=8), min_size=2, max_size=4)


@dataclass(frozen=True)
class Arrived:
    raw: bytes
    documents: dict[str, dict[str, object]]


def journal_of(folder: Path, origin: str, work: list[Step]) -> list[Arrived]:
    """Let a store work for a while and return its journal."""
    with open_world(
        folder, PARTS, origin=origin, store=f"S-{origin}", synchronous="OFF"
    ) as world:
        for step in work:
            world.clock.advance(step.wait_ms)
            named = isinstance(step.body, GuestNoted) and step.phone
            documents = [guest_document(f"客人{step.phone}", step.phone or "")] if named else []
            served = isinstance(step.body, TeaServed)
            postings = paid(step.body.fen) if served else ()
            try:
                world.append(step.body, postings=postings, documents=documents)
            except driver.IntegrityError:
                continue  # The shelf was empty: nothing was served, nothing was written.
        with world.door.read() as db:
            return [
                Arrived(row["raw"], documents_of(db, decode(row["raw"])))
                for row in db.all("SELECT raw FROM journal ORDER BY seq")
            ]


def tables_after(path: Path, arrived: list[Arrived]) -> dict[str, list[bytes]]:
    """Project events in the order of their arrival into a fresh database."""
    door = Door(path, key=KEY, migrations=PARTS.migrations, synchronous="OFF")

    def verb(tx: Writer) -> None:
        for one in arrived:
            event = decode(one.raw)
            entry = PARTS.entry(event, one.documents)
            assert entry is not None
            for change in PARTS.project_now(event, entry):
                apply(tx, change)
            for change in PARTS.project_later(event, entry):
                apply(tx, change)

    try:
        door.write(verb)
        with door.read() as db:
            return {
                table: [
                    row_digest(row)
                    for row in db.all(f"SELECT * FROM {table} ORDER BY {', '.join(key)}")
                ]
                for table, key in PARTS.tables.items()
            }
    finally:
        door.close()


def interleave(journals: list[list[Arrived]], turns: list[int]) -> list[Arrived]:
    """Merge journals in the order of turns; each journal keeps its own order."""
    waiting = [deque(journal) for journal in journals]
    return [waiting[turn].popleft() for turn in turns]


@given(st.data())
@settings(max_examples=40)
def test_any_interleaving_of_the_stores_gives_the_same_bytes(data):
    works = data.draw(stores)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        journals = [
            journal_of(folder, f"hub-{number}", work) for number, work in enumerate(works)
        ]
        one_by_one = [number for number, journal in enumerate(journals) for _ in journal]
        expected = tables_after(folder / "0.db", interleave(journals, one_by_one))
        for attempt in (1, 2):
            turns = data.draw(st.permutations(one_by_one))
            again = tables_after(folder / f"{attempt}.db", interleave(journals, turns))
            assert again == expected


def test_two_stores_that_note_one_guest_in_the_same_millisecond_agree(tmp_path):
    journals = [
        journal_of(tmp_path, origin, [Step(GuestNoted(guest="g-1", likes=tea), 0, None)])
        for origin, tea in (("hub-1", "龙井"), ("hub-2", "普洱"))
    ]
    there = tables_after(tmp_path / "there.db", interleave(journals, [0, 1]))
    back = tables_after(tmp_path / "back.db", interleave(journals, [1, 0]))
    assert there == back
    assert "普洱".encode() in there["guest"][0]

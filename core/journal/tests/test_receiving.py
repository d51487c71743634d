"""What another box wrote is taken in whatever it is: value first, and nobody is held up."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.journal import (
    WHOLE,
    Event,
    Part,
    chain,
    encode,
    make_up,
    make_up_all,
    receive_now,
    set_aside,
)
from core.journal.append import documents_of
from core.journal.event import encode_body
from core.journal.tests.tea_house import TEA_HOUSE, TeaBrought, TeaServed, paid
from core.tests.world import World, open_world

ELSEWHERE = "hub-2"


@dataclass
class House:
    """A tea house that another one's journal comes to."""

    world: World
    seq: int = 0
    head: bytes = b""

    def event(self, body, postings=()) -> Event:
        self.seq += 1
        return Event(
            id=self.world.ids.new(self.world.clock.at),
            origin=ELSEWHERE,
            epoch=1,
            seq=self.seq,
            at=self.world.clock.at,
            boot=1,
            store="S2",
            date="2026-03-02",
            body=encode_body(body),
            postings=tuple(postings),
        )

    def take(self, event: Event) -> None:
        def lay(tx):
            tx.run(
                "INSERT INTO origin (origin, epoch, birth, own) VALUES ('hub-2', 1, x'00', 0)"
                " ON CONFLICT DO NOTHING"
            )
            raw = encode(event)
            self.head = chain(self.head, raw)
            tx.run(
                "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
                " VALUES ('hub-2', 1, :seq, :at, :head, :raw)",
                seq=event.seq,
                at=event.at,
                head=self.head,
                raw=raw,
            )
            receive_now(tx, self.world.parts, event, documents_of(tx, event))

        self.world.write(lay)


@pytest.fixture
def house(tmp_path):
    with open_world(tmp_path, [TEA_HOUSE]) as world:
        yield House(world)


def test_what_another_box_wrote_counts_here(house):
    house.take(house.event(TeaBrought(tea="龙井", cups=9)))
    house.take(house.event(TeaServed(tea="龙井", cups=2, fen=5600), paid(5600)))
    house.world.drain()
    assert [row["cups"] for row in house.world.rows("shelf")] == [7]
    assert house.world.rows("takings") == [{"date": "2026-03-02", "cups": 2, "fen": 5600}]
    assert house.world.rows("quarantine") == []
    assert house.world.differences() == []


def test_a_body_that_cannot_be_applied_still_moves_the_value_of_its_envelope(house):
    house.take(house.event(TeaServed(tea="龙井", cups=2, fen=5600), paid(5600)))
    house.take(house.event(TeaBrought(tea="龙井", cups=9)))
    (aside,) = house.world.rows("quarantine")
    assert (aside["seq"], aside["whole"]) == (1, 0)
    assert aside["reason"].startswith("IntegrityError: CHECK constraint failed")
    assert [row["fen"] for row in house.world.rows("purse")] == [-5600, 5600]
    assert [row["cups"] for row in house.world.rows("shelf")] == [9]
    assert house.world.differences() == []


def test_what_could_not_be_applied_is_made_up_once_it_can_and_only_once(house):
    place = (ELSEWHERE, 1, 1)
    house.take(house.event(TeaServed(tea="龙井", cups=2, fen=5600), paid(5600)))
    house.world.drain()
    assert "CHECK" in house.world.write(lambda tx: make_up(tx, house.world.parts, place))
    house.take(house.event(TeaBrought(tea="龙井", cups=9)))
    for _again in range(2):
        assert house.world.write(lambda tx: make_up(tx, house.world.parts, place)) == ""
        assert [row["cups"] for row in house.world.rows("shelf")] == [7]
        assert sorted(row["fen"] for row in house.world.rows("purse")) == [-5600, 5600]
        assert house.world.rows("takings")[0]["cups"] == 2
        assert house.world.rows("quarantine") == []
        assert house.world.differences() == []


def test_history_that_failed_is_made_up_after_an_update(house, monkeypatch):
    house.take(house.event(TeaBrought(tea="龙井", cups=9)))
    house.take(house.event(TeaServed(tea="龙井", cups=2, fen=5600), paid(5600)))
    whole = house.world.parts.project_later
    monkeypatch.setattr(house.world.parts, "project_later", lambda *_: 1 // 0)
    house.world.drain()
    assert house.world.rows("takings") == []
    monkeypatch.setattr(house.world.parts, "project_later", whole)
    assert make_up_all(house.world.door, house.world.parts) == 2
    assert [row["cups"] for row in house.world.rows("takings")] == [2]
    assert house.world.rows("quarantine") == []
    assert house.world.differences() == []


def test_what_is_aside_as_a_whole_is_passed_over_by_history_and_rebuild(house):
    house.take(house.event(TeaBrought(tea="龙井", cups=9)))
    event = house.event(TeaServed(tea="龙井", cups=2, fen=5600), paid(5600))
    raw = encode(event)
    place = (ELSEWHERE, 1, event.seq)

    def lay(tx):
        tx.run(
            "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
            " VALUES ('hub-2', 1, :seq, :at, :head, :raw)",
            seq=event.seq,
            at=event.at,
            head=chain(house.head, raw),
            raw=raw,
        )
        set_aside(tx, place, reason="it moves what is not its own", share=WHOLE)

    house.world.write(lay)
    house.world.drain()
    assert house.world.rows("sale") == house.world.rows("purse") == []
    assert [row["cups"] for row in house.world.rows("shelf")] == [9]
    assert house.world.differences() == []


BEFORE_SERVING = Part(
    name="before_serving",
    migrations=TEA_HOUSE.migrations,
    tables=TEA_HOUSE.tables,
    postings_now=TEA_HOUSE.postings_now,
    postings_later=TEA_HOUSE.postings_later,
    now={TeaBrought: TEA_HOUSE.now[TeaBrought]},
)
"""The tea house of a version that did not know yet that tea is served."""


def test_an_update_fills_in_what_the_version_before_could_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("core.journal.passing.TAKEN_UP_AT_ONCE", 2)
    with open_world(tmp_path, [BEFORE_SERVING]) as older:
        house = House(older)
        house.take(house.event(TeaBrought(tea="龙井", cups=9)))
        for _ in range(5):
            house.take(house.event(TeaServed(tea="龙井", cups=1, fen=2800), paid(2800)))
        older.drain()
        house.take(house.event(TeaServed(tea="龙井", cups=1, fen=2800), paid(2800)))
        assert [row["cups"] for row in older.rows("shelf")] == [9]
        assert max(row["fen"] for row in older.rows("purse")) == 6 * 2800, "value moved"
        assert {row["kind"] for row in older.rows("passed_over")} == {"tea.served"}
    with open_world(tmp_path, [TEA_HOUSE]) as newer:
        assert make_up_all(newer.door, newer.parts) == 6
        newer.drain()
        assert [row["cups"] for row in newer.rows("shelf")] == [3]
        assert newer.rows("takings")[0]["cups"] == 6
        assert max(row["fen"] for row in newer.rows("purse")) == 6 * 2800, "and not again"
        assert newer.differences() == []
        assert make_up_all(newer.door, newer.parts) == 0


def test_what_cannot_be_filled_in_yet_is_tried_again_and_holds_up_nobody(tmp_path):
    with open_world(tmp_path, [BEFORE_SERVING]) as older:
        house = House(older)
        house.take(house.event(TeaServed(tea="龙井", cups=2, fen=5600), paid(5600)))
        house.take(house.event(TeaServed(tea="毛峰", cups=0, fen=10), paid(10)))
        older.drain()
    with open_world(tmp_path, [TEA_HOUSE]) as newer:
        make_up_all(newer.door, newer.parts)
        assert [row["seq"] for row in newer.rows("passed_over")] == [1]
        house = House(newer, seq=2)
        house.take(house.event(TeaBrought(tea="龙井", cups=9)))
        make_up_all(newer.door, newer.parts)
        assert newer.rows("passed_over") == []
        assert newer.rows("takings")[0]["cups"] == 2
        assert newer.differences() == []

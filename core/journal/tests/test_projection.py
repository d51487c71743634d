"""Two speeds: what the next decision needs comes with the event, history a moment later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as driver

from core.journal import (
    Append,
    Body,
    Entry,
    Part,
    Parts,
    drain,
    drain_all,
    is_behind,
    make_up_all,
    seal,
)
from core.journal.project import DRAIN_EVENTS_MAX
from core.journal.tests.tea_house import TEA_HOUSE, TeaBrought, TeaServed, paid
from core.sqlite import Migration, Writer
from core.tests.world import World, open_world


class PosterHung(Body, frozen=True, tag="poster.hung"):
    title: str


def _hung(entry: Entry) -> list[Append]:
    return [Append("poster", {"title": entry.body.title})]


POSTERS = Part(
    name="posters",
    migrations=(
        Migration("posters/1", ("CREATE TABLE poster (title TEXT PRIMARY KEY) STRICT",)),
    ),
    tables={"poster": ("title",)},
    later={PosterHung: _hung},
)


def _choke(entry: Entry) -> list[Append]:
    if entry.body.tea == "荨麻":
        raise LookupError("no such herb")
    return []


CHOKING = Part(name="choking", later={TeaServed: _choke})


@pytest.fixture
def choking_house(tmp_path: Path):
    with open_world(tmp_path, [TEA_HOUSE, CHOKING]) as world:
        yield world


def serve(world: World, tea: str = "龙井", cups: int = 1) -> None:
    world.append(TeaServed(tea=tea, cups=cups, fen=cups * 2800), postings=paid(cups * 2800))


def test_the_shelf_changes_with_the_event_and_the_takings_a_moment_later(house):
    house.append(TeaBrought(tea="龙井", cups=9))
    serve(house, cups=2)
    assert house.rows("shelf")[0]["cups"] == 7
    assert house.rows("sale") == []
    assert house.rows("takings") == []
    house.drain()
    assert house.rows("shelf")[0]["cups"] == 7
    assert [row["fen"] for row in house.rows("sale")] == [5600]
    assert house.rows("takings") == [{"date": "2026-03-02", "cups": 2, "fen": 5600}]


def test_draining_twice_is_draining_once(house):
    house.append(TeaBrought(tea="龙井", cups=9))
    serve(house)
    house.drain()
    taken = house.rows("takings")
    house.drain()
    house.restart()
    house.drain()
    assert house.rows("takings") == taken
    assert house.write(lambda tx: drain(tx, house.parts)) == 0


def test_a_drain_that_is_undone_is_done_again(house):
    house.append(TeaBrought(tea="龙井", cups=9))
    serve(house)

    def interrupted(tx: Writer) -> None:
        assert drain(tx, house.parts) == 2
        raise InterruptedError

    with pytest.raises(InterruptedError):
        house.write(interrupted)
    assert house.rows("takings") == []
    house.drain()
    assert house.rows("takings")[0]["cups"] == 1


def test_history_is_drained_in_batches(house):
    act = house.act()
    count = DRAIN_EVENTS_MAX * 2 + 3

    def verb(tx: Writer) -> None:
        act.append(tx, TeaBrought(tea="龙井", cups=count))
        for _ in range(count):
            act.append(tx, TeaServed(tea="龙井", cups=1, fen=1), postings=paid(1))

    house.write(verb)
    assert house.write(lambda tx: drain(tx, house.parts)) == DRAIN_EVENTS_MAX
    assert house.write(lambda tx: drain(tx, house.parts, limit=7)) == 7
    assert house.rows("takings")[0]["cups"] == DRAIN_EVENTS_MAX + 7 - 1
    drain_all(house.door, house.parts)
    assert house.rows("takings")[0]["cups"] == count


def test_a_projector_that_breaks_holds_up_nobody(choking_house, caplog):
    house = choking_house
    for tea in ("龙井", "荨麻", "普洱"):
        house.append(TeaBrought(tea=tea, cups=9))
        serve(house, tea)
    house.drain()
    assert sorted(row["tea"] for row in house.rows("sale")) == ["普洱", "龙井"]
    assert house.rows("takings")[0]["cups"] == 2
    assert house.rows("quarantine") == [
        {
            "origin": "hub-1",
            "epoch": 1,
            "seq": 4,
            "reason": "LookupError: no such herb",
            "whole": 0,
            "missing_now": 0,
            "missing_later": 1,
        }
    ]
    assert [record.message for record in caplog.records] == ["quarantined hub-1/1/4"]
    # What it was for the next decision has happened all the same.
    assert [row["cups"] for row in house.rows("shelf")] == [8, 8, 8]


def test_an_event_in_quarantine_leaves_nothing_half(tmp_path):
    forgetful = Part(
        name="forgetful",
        later={TeaServed: lambda entry: [Append("table_to_come", {"tea": entry.body.tea})]},
    )
    with open_world(tmp_path, [TEA_HOUSE, forgetful]) as house:
        house.append(TeaBrought(tea="龙井", cups=9))
        serve(house)
        house.drain()
        # The tea house's own rows of that event were written first and are taken back.
        assert house.rows("sale") == house.rows("takings") == house.rows("leg") == []
        (quarantined,) = house.rows("quarantine")
        assert quarantined["reason"] == "OperationalError: no such table: table_to_come"


def test_a_kind_from_a_later_version_is_kept_and_passed_over(tmp_path):
    with open_world(tmp_path, [TEA_HOUSE, POSTERS]) as newer:
        newer.append(TeaBrought(tea="龙井", cups=9))
        newer.append(PosterHung(title="春茶"), postings=paid(9900))
        serve(newer)
        newer.seal()
        # The version that knows no posters, on the same journal.
        older = Parts([TEA_HOUSE])
        drain_all(newer.door, older)
        assert not older.known("poster.hung")
        assert newer.rows("quarantine") == []
        assert newer.rows("takings")[0]["cups"] == 1
        assert newer.rows("poster") == []
        # Whatever the kind means, the value that it moved has moved.
        assert [row["fen"] for row in newer.rows("purse")] == [-9900 - 2800, 9900 + 2800]
        assert len(newer.rows("leg")) == 4
        assert newer.findings() == []
        # It was never dropped: the version that knows it finds it missing.
        assert newer.differences() == [
            "poster: row 1 is absent, rebuilt it is {'title': '春茶'}"
        ]
        # And fills it in by itself when it starts, once.
        assert make_up_all(newer.door, older) == 0
        assert make_up_all(newer.door, newer.parts) == 1
        assert make_up_all(newer.door, newer.parts) == 0
        assert newer.differences() == []
        assert newer.rows("passed_over") == []


def test_several_parts_may_project_one_kind(tmp_path):
    echo = Part(
        name="echo",
        migrations=(Migration("echo/1", ("CREATE TABLE echo (tea TEXT, n INT) STRICT",)),),
        now={TeaServed: lambda entry: [Append("echo", {"tea": entry.body.tea, "n": 1})]},
        later={TeaServed: lambda entry: [Append("echo", {"tea": entry.body.tea, "n": 2})]},
    )
    with open_world(tmp_path, [TEA_HOUSE, echo]) as house:
        house.append(TeaBrought(tea="龙井", cups=9))
        serve(house)
        assert [row["n"] for row in house.rows("echo")] == [1]
        house.drain()
        assert [row["n"] for row in house.rows("echo")] == [1, 2]
        assert house.rows("takings")[0]["cups"] == 1


def test_each_origin_has_a_cursor_of_its_own(tmp_path):
    with (
        open_world(tmp_path, [TEA_HOUSE], origin="hub-1") as one,
        open_world(tmp_path, [TEA_HOUSE], origin="hub-2", store="S2") as two,
    ):
        for world in (one, two):
            world.append(TeaBrought(tea="龙井", cups=9))
            serve(world)
        one.drain()
        receive(one, two, upto=2)
        one.drain()
        serve(two)
        serve(one)
        receive(one, two, upto=3, after=2)
        one.drain()
        assert one.rows("takings") == [{"date": "2026-03-02", "cups": 4, "fen": 11200}]
        assert sorted(row["store"] for row in one.rows("sale")) == ["S1", "S1", "S2", "S2"]
        cursors = [(row["origin"], row["seq"]) for row in one.rows("projected")]
        assert cursors == [("hub-1", 3), ("hub-2", 3)]


def receive(here: World, there: World, *, upto: int, after: int = 0) -> None:
    """Take another origin's events into the journal, as they are."""

    def verb(tx: Writer) -> None:
        for row in there.rows("origin"):
            tx.run(
                "INSERT INTO origin VALUES (:origin, :epoch, :birth, 0) ON CONFLICT DO NOTHING",
                origin=row["origin"],
                epoch=row["epoch"],
                birth=row["birth"],
            )
        for row in there.rows("journal"):
            if after < row["seq"] <= upto:
                tx.run(
                    "INSERT INTO journal VALUES (:origin, :epoch, :seq, :at, :head, :raw)",
                    **row,
                )

    here.write(verb)


def test_history_is_behind_from_an_event_until_it_is_drained(house):
    with house.door.read() as db:
        assert not is_behind(db)
    house.append(TeaBrought(tea="龙井", cups=9))
    with house.door.read() as db:
        assert is_behind(db)
    house.drain()
    with house.door.read() as db:
        assert not is_behind(db)


def test_history_at_the_head_does_not_wait_for_who_writes(house):
    house.append(TeaBrought(tea="龙井", cups=9))
    house.drain()
    with house.door.connection() as other:
        other.execute("BEGIN IMMEDIATE")
        drain_all(house.door, house.parts)
        other.execute("ROLLBACK")


def steps_of(world: World, verb: Callable[[Writer], object]) -> int:
    """Return how many of SQLite's own instructions a verb takes."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection: driver.Connection = world.door._writing
    connection.set_progress_handler(count, 1)
    try:
        world.write(verb)
    finally:
        connection.set_progress_handler(None, 0)
    return steps


@pytest.mark.parametrize("task", ["look", "drain", "seal", "append"])
def test_a_year_of_history_makes_no_task_slower(house, task):
    def one_event() -> int:
        if task == "append":
            act = house.act()
            return steps_of(house, lambda tx: act.append(tx, TeaBrought(tea="龙井", cups=1)))
        if task == "look":
            return steps_of(house, is_behind)
        house.append(TeaBrought(tea="龙井", cups=1))
        if task == "drain":
            return steps_of(house, lambda tx: drain(tx, house.parts))
        return steps_of(house, lambda tx: seal_with(house, tx))

    def settle() -> None:
        house.drain()
        house.seal()

    settle()
    one_event()
    early = one_event()
    for _ in range(300):
        house.append(TeaBrought(tea="龙井", cups=1))
        house.seal()
    settle()
    assert one_event() < early * 1.5


def seal_with(world: World, tx: Writer) -> int:
    return seal(tx, world.journal.identity, world.signing.sign)

"""The three verbs, one at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.journal import Add, Append, Change, Event, Put, apply, stamp_of
from core.journal.changes import row_digest
from core.journal.tests.tea_house import TEA_HOUSE, TeaBrought
from core.sqlite import Writer
from core.tests.world import World, open_world

FIELDS = ("name", "phone", "likes")


class _UndoError(Exception):
    pass


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("changes"), [TEA_HOUSE]) as world:
        yield world


def table_after(house, table: str, changes: list[Change]) -> list[dict[str, object]]:
    """Apply changes, read the table and undo it all."""
    rows: list[dict[str, object]] = []

    def verb(tx: Writer) -> None:
        for change in changes:
            apply(tx, change)
        rows.extend(dict(row) for row in tx.all(f"SELECT * FROM {table} ORDER BY 1, 2"))
        raise _UndoError

    with pytest.raises(_UndoError):
        house.write(verb)
    return rows


def put(guest: str, stamp: str, **fields: object) -> Put:
    return Put("guest", {"id": guest}, fields, stamp)


def add(cups: int, tea: str = "龙井") -> Add:
    return Add("shelf", {"store": "S1", "tea": tea}, {"cups": cups})


def test_append_writes_a_row_once(house):
    row = {"id": "s-1", "store": "S1", "tea": "龙井", "fen": 2800}
    assert table_after(house, "sale", [Append("sale", row)]) == [row]
    with pytest.raises(Exception, match="UNIQUE"):
        house.write(lambda tx: [apply(tx, Append("sale", row)) for _ in range(2)])


def test_a_row_that_several_tell_is_written_once(house):
    row = {"tea": "普洱", "origin": "云南"}
    told = Append("provenance", row, again=True)
    assert table_after(house, "provenance", [told, told]) == [row]


def test_add_begins_at_zero_and_goes_on_from_there(house):
    rows = table_after(house, "shelf", [add(5), add(2, "普洱"), add(-3)])
    assert [(row["tea"], row["cups"]) for row in rows] == [("普洱", 2), ("龙井", 2)]


def test_add_may_take_all_that_is_there_and_not_one_more(house):
    assert table_after(house, "shelf", [add(5), add(-5)])[0]["cups"] == 0
    with pytest.raises(Exception, match="CHECK"):
        house.write(lambda tx: [apply(tx, change) for change in (add(5), add(-6))])
    with pytest.raises(Exception, match="CHECK"):
        house.write(lambda tx: apply(tx, add(-1)))
    assert house.rows("shelf") == []


@given(st.lists(st.integers(-20, 20), max_size=12))
def test_a_counter_is_the_sum_of_what_was_added(house, amounts):
    changes = [Add("takings", {"date": "2026-03-02"}, {"cups": a, "fen": -a}) for a in amounts]
    rows = table_after(house, "takings", changes)
    assert [(row["cups"], row["fen"]) for row in rows] == (
        [(sum(amounts), -sum(amounts))] if amounts else []
    )


def test_the_newest_stamp_wins_whatever_came_first(house):
    for order in itertools.permutations(
        [put("g-1", "1", name="旧"), put("g-1", "3", name="新"), put("g-1", "2", name="中")]
    ):
        assert table_after(house, "guest", list(order))[0]["name"] == "新"


def test_the_newest_stamp_wins_field_by_field(house):
    (row,) = table_after(
        house,
        "guest",
        [
            put("g-1", "2", name="静雯", phone="138"),
            put("g-1", "3", phone="139"),
            put("g-1", "1", name="旧", likes="龙井"),
        ],
    )
    assert (row["name"], row["phone"], row["likes"]) == ("静雯", "139", "龙井")
    assert row["stamps"] == '{"likes":"1","name":"2","phone":"3"}'


def test_a_field_may_be_put_to_nothing(house):
    changes = [put("g-1", "1", seat=7), put("g-1", "2", seat=None)]
    assert table_after(house, "guest", changes)[0]["seat"] is None


puts = st.lists(
    st.builds(
        lambda guest, fields, number: (guest, fields, number),
        st.sampled_from(["g-1", "g-2"]),
        st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=3), min_size=1),
        st.integers(0, 99),
    ),
    max_size=8,
    unique_by=lambda drawn: drawn[2],
)


@given(puts, st.randoms(use_true_random=False))
@settings(max_examples=80)
def test_puts_give_the_same_bytes_in_any_order(house, drawn, chance):
    changes = [put(guest, f"{number:02}", **fields) for guest, fields, number in drawn]
    shuffled = chance.sample(changes, len(changes))
    first = table_after(house, "guest", list(changes))
    again = table_after(house, "guest", shuffled)
    assert [row_digest(row) for row in first] == [row_digest(row) for row in again]
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for guest, fields, number in drawn:
        for name, value in fields.items():
            held = newest.get((guest, name), (-1, ""))
            newest[guest, name] = max(held, (number, value))
    for row in first:
        for name in FIELDS:
            assert row[name] == newest.get((row["id"], name), (0, ""))[1]


places = st.tuples(
    st.integers(0, 2**43),
    st.sampled_from(["hub-1", "hub-2", "cloud"]),
    st.integers(1, 300),
    st.integers(1, 2**31),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Event:
    with open_world(tmp_path_factory.mktemp("stamps")) as world:
        return world.append(TeaBrought(tea="龙井", cups=1))


def stamp_at(template: Event, place: tuple[int, str, int, int]) -> str:
    at, origin, epoch, seq = place
    fields = {name: getattr(template, name) for name in template.__struct_fields__}
    return stamp_of(Event(**fields | {"at": at, "origin": origin, "epoch": epoch, "seq": seq}))


@given(places, places)
@settings(max_examples=200)
def test_stamps_order_events_by_time_and_never_tie(template, left, right):
    one, two = stamp_at(template, left), stamp_at(template, right)
    assert (one == two) == (left == right)
    if left[0] != right[0]:
        assert (one < two) == (left[0] < right[0])


@given(st.integers(0, 2**43), st.integers(1, 300), st.integers(1, 300), st.integers(1, 9))
def test_within_an_origin_the_later_event_wins_also_at_a_standing_clock(
    template, at, epoch, later_epoch, seq
):
    # A box that starts a new epoch without the time of day stands at its floor and counts
    # from one again.
    first = stamp_at(template, (at, "hub-1", epoch, seq + 5))
    assert first < stamp_at(template, (at, "hub-1", epoch, seq + 6))
    if later_epoch > epoch:
        assert first < stamp_at(template, (at, "hub-1", later_epoch, seq))

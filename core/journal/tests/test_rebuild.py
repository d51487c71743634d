"""The tables again from the journal alone: promise 5, on any box at any time."""

from __future__ import annotations

import pytest

from core.journal import rebuild
from core.journal.tests.tea_house import (
    TEA_HOUSE,
    GuestNoted,
    TeaBrought,
    TeaCarried,
    TeaServed,
    guest_document,
    paid,
)
from core.journal.tests.test_projection import CHOKING
from core.tests.world import KEY, open_world


@pytest.fixture
def house(house):
    """Two days of business, with everything that the tea house does."""
    for day in range(2):
        house.append(TeaBrought(tea="龙井", cups=20))
        house.append(TeaBrought(tea="普洱", cups=20))
        house.append(TeaCarried(tea="普洱", origin="云南"))
        for guest in range(3):
            house.clock.advance(60_000)
            document = guest_document(f"客人{guest}", f"1380000{day}{guest}")
            house.append(GuestNoted(guest=f"g-{guest}", seat=day), documents=[document])
            served = TeaServed(tea="龙井", cups=1 + guest, fen=2800, guest=f"g-{guest}")
            house.append(served, postings=paid(2800))
        house.clock.advance(24 * 3_600_000)
    house.drain()
    return house


def test_a_rebuild_gives_the_same_tables_again(house):
    assert house.differences() == []
    assert [len(house.rows(table)) for table in TEA_HOUSE.tables] == [2, 3, 2, 12, 6, 2, 1]


def test_a_rebuild_of_an_empty_journal_finds_nothing(tmp_path):
    with open_world(tmp_path, [TEA_HOUSE]) as world:
        assert world.differences() == []


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        (
            "UPDATE shelf SET cups = cups + 1 WHERE tea = '龙井'",
            (
                "shelf: row 2 is {'store': 'S1', 'tea': '龙井', 'cups': 29}, "
                "rebuilt it is {'store': 'S1', 'tea': '龙井', 'cups': 28}"
            ),
        ),
        ("UPDATE guest SET phone = '110' WHERE id = 'g-2'", "guest: row 3 is "),
        ("UPDATE guest SET stamps = '{}' WHERE id = 'g-1'", "guest: row 2 is "),
        ("UPDATE guest SET seat = NULL WHERE id = 'g-0'", "guest: row 1 is "),
        ("DELETE FROM sale WHERE fen > 0", "sale: row 1 is absent, rebuilt it is {"),
        ("INSERT INTO sale VALUES ('z', 'S1', '龙井', 1)", "sale: row 7 is {'id': 'z'"),
        ("DELETE FROM takings WHERE date = '2026-03-03'", "takings: row 2 is absent, "),
    ],
)
def test_a_planted_difference_is_reported_in_its_table(house, planted, told):
    assert house.write(lambda tx: tx.run(planted)) >= 1
    (difference,) = house.differences()
    assert difference.startswith(told)


def test_differences_in_several_tables_are_all_reported(house):
    house.write(lambda tx: tx.run("DELETE FROM sale"))
    house.write(lambda tx: tx.run("UPDATE shelf SET cups = 0"))
    assert [line.split(":")[0] for line in house.differences()] == ["sale", "shelf"]


def test_a_rebuild_leaves_the_living_tables_alone(house):
    house.write(lambda tx: tx.run("UPDATE shelf SET cups = 0"))
    house.differences()
    assert [row["cups"] for row in house.rows("shelf")] == [0, 0]


def test_an_event_in_quarantine_is_left_out_again(tmp_path):
    with open_world(tmp_path, [TEA_HOUSE, CHOKING]) as world:
        for tea in ("龙井", "荨麻"):
            world.append(TeaBrought(tea=tea, cups=5))
            world.append(TeaServed(tea=tea, cups=1, fen=2800), postings=paid(2800))
        assert world.differences() == []
        assert len(world.rows("quarantine")) == 1
        assert len(world.rows("sale")) == 1


def test_a_sale_that_is_booked_meanwhile_is_no_difference(house, tmp_path):
    lines = rebuild(house.door, tmp_path / "again.db", house.parts, key=KEY)
    house.append(TeaBrought(tea="龙井", cups=1))
    house.drain()
    assert list(lines) == []
    assert house.differences() == []


def test_a_rebuilt_database_is_encrypted_too(house, tmp_path):
    list(rebuild(house.door, tmp_path / "again.db", house.parts, key=KEY))
    assert "客人".encode() not in (tmp_path / "again.db").read_bytes()

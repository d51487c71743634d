"""What one seal covers: so many events, so many bytes, and never nothing."""

from __future__ import annotations

import pytest

from core.journal import Document
from core.journal.segments import SEGMENT_BYTES_MAX, SEGMENT_EVENTS_MAX
from core.journal.tests.tea_house import TEA_HOUSE, GuestNoted, TeaBrought
from core.tests.world import World, open_world


@pytest.fixture
def house(tmp_path):
    with open_world(tmp_path, [TEA_HOUSE]) as world:
        yield world


def stretches(world: World) -> list[tuple[int, int]]:
    return sorted((row["first_seq"], row["last_seq"]) for row in world.rows("segment"))


def note(world: World, guest: str, size: int) -> None:
    world.append(
        GuestNoted(guest=guest),
        documents=[Document(name="guest", content={"name": "静" * (size // 3)})],
    )


def test_a_seal_covers_no_more_events_than_fit_one_segment(house):
    for _ in range(SEGMENT_EVENTS_MAX + 3):
        house.append(TeaBrought(tea="龙井", cups=1))
    assert house.seal() == 2
    assert stretches(house) == [(1, SEGMENT_EVENTS_MAX), (201, 203)]


def test_a_seal_covers_no_more_bytes_than_a_slow_line_carries_at_once(house):
    for _ in range(12):
        house.append(TeaBrought(tea="茶" * 4_000, cups=1))
    assert house.seal() == 3
    assert stretches(house) == [(1, 5), (6, 10), (11, 12)]
    assert house.findings() == []


def test_documents_count_because_they_travel_beside_their_events(house):
    for number in range(6):
        note(house, f"g-{number}", SEGMENT_BYTES_MAX // 3)
    assert house.seal() == 3
    assert stretches(house) == [(1, 2), (3, 4), (5, 6)]


def test_an_event_that_is_too_large_for_any_segment_has_one_to_itself(house):
    house.append(TeaBrought(tea="龙井", cups=1))
    note(house, "g-1", 3 * SEGMENT_BYTES_MAX)
    house.append(TeaBrought(tea="龙井", cups=1))
    assert house.seal() == 3
    assert stretches(house) == [(1, 1), (2, 2), (3, 3)]


def test_an_event_that_somebody_spoilt_is_sealed_for_verify_to_find(house):
    house.append(TeaBrought(tea="龙井", cups=1))
    house.append(TeaBrought(tea="龙井", cups=1))
    house.write(lambda tx: tx.run("UPDATE journal SET raw = x'FF00' WHERE seq = 1"))
    assert house.seal() == 1
    assert stretches(house) == [(1, 2)]
    assert [finding.seq for finding in house.findings()] == [1]

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from core.ids import Ids, seeded

instants = st.integers(0, 2**48 - 1)


@given(instants)
def test_an_id_is_a_uuid_of_version_7_that_carries_its_time(at):
    made = uuid.UUID(Ids().new(at))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == at


@given(instants, instants)
def test_ids_sort_as_text_by_the_time_of_their_making(left, right):
    ids = Ids()
    if left < right:
        assert ids.new(left) < ids.new(right)
    if left > right:
        assert ids.new(left) > ids.new(right)


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_74_bits_are_random(left, right):
    # Version and variant take six of the eighty.
    fixed = ~(0xF << 76 | 0x3 << 62)
    one, two = (Ids(lambda _, random=random: random).new(0) for random in (left, right))
    differ = (int.from_bytes(left) ^ int.from_bytes(right)) & fixed
    assert (one == two) == (differ == 0)


def test_ids_of_one_instant_do_not_collide():
    ids = Ids()
    assert len({ids.new(1_772_416_800_000) for _ in range(10_000)}) == 10_000


def test_a_seed_gives_the_same_ids_again():
    first, again, other = seeded(7), seeded(7), seeded(8)
    made = [first.new(at) for at in range(20)]
    assert made == [again.new(at) for at in range(20)]
    assert made != [other.new(at) for at in range(20)]
    assert first.randomness(4) == again.randomness(4)

"""The way of a fenced box's journal to head office, against one that keeps two histories."""

from __future__ import annotations

import pytest

from core.enrolment import LateAnswer, LateState, StandingAnswer
from hub.sync.tail import GAPS_MAX, answered, begin

SEGMENT = 5


class Keeper:
    """Head office: it has `known` of this box's events, and `trunk` of whatever history."""

    def __init__(self, known, trunk):
        self.known, self.trunk = known, trunk
        self.asked = []

    def late(self, first, last):
        self.asked.append(first)
        forked = self.trunk > self.known
        if last <= self.known:
            return LateAnswer(state=LateState.KNOWN, acked=last)
        if first > self.known + 1:
            return LateAnswer(state=LateState.GAP, acked=max(self.trunk, self.known))
        self.known = last
        return LateAnswer(
            state=LateState.BRANCH if forked else LateState.KEPT, acked=self.known
        )


def stood(have, head=b"h"):
    return StandingAnswer(
        hub_id="h",
        epoch=1,
        newest=2,
        closed="lost",
        closed_at=1,
        closed_seq=have,
        have=have,
        head=head,
    )


def brought(keeper, total, held):
    tail = begin(stood(keeper.trunk), total=total, held=held)
    for _ in range(10 * GAPS_MAX):
        if tail.is_done(total):
            return tail
        first = (tail.following - 1) // SEGMENT * SEGMENT + 1
        last = min(first + SEGMENT - 1, total)
        tail = answered(tail, first=first, last=last, answer=keeper.late(first, last))
    raise AssertionError("it goes on for ever")


def test_what_head_office_lacks_of_its_own_history_is_all_that_is_sent():
    keeper = Keeper(known=20, trunk=20)
    assert not brought(keeper, 33, held=b"h").stuck
    assert (keeper.known, keeper.asked) == (33, [21, 26, 31])
    assert brought(Keeper(known=20, trunk=20), 20, held=b"h").following == 21


@pytest.mark.parametrize(("known", "trunk"), [(0, 1_500), (700, 900), (10, 12), (1_495, 4_000)])
def test_where_two_histories_part_is_found_without_asking_for_all_of_them(known, trunk):
    keeper = Keeper(known=known, trunk=trunk)
    assert not brought(keeper, 1_500, held=b"x" if trunk <= 1_500 else None).stuck
    assert keeper.known == 1_500
    behind = (1_500 - known) // SEGMENT
    assert len(keeper.asked) <= behind + 120


def test_a_box_with_nothing_and_one_that_is_a_plain_prefix_have_nothing_to_bring():
    assert begin(stood(0), total=0, held=b"h").is_done(0)
    keeper = Keeper(known=40, trunk=40)
    assert not brought(keeper, 22, held=None).stuck
    assert keeper.asked == [21]


def test_answers_that_lead_in_a_circle_come_to_an_end():
    tail = begin(stood(3), total=9, held=None)
    gap = LateAnswer(state=LateState.GAP, acked=0)
    for _ in range(GAPS_MAX + 1):
        tail = answered(tail, first=6, last=9, answer=gap)
    assert tail.stuck
    first = begin(stood(3), total=9, held=None)
    assert answered(first, first=1, last=5, answer=gap).stuck

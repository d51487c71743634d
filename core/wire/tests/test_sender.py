"""The sender follows the other side's acks, whatever became of what it sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.wire import RTO_MAX_MS, RTO_MIN_MS, Sender, SendSegments, Sent


def sending(total: int = 40, *, window: int = 8, acked: int = 0) -> Sender:
    return Sender(total=total).begin(acked, window)


def send(sender: Sender, *, now: int = 0, each: int = 1, chance: float = 0.0) -> Sender:
    """Carry out what is ordered, in segments of `each` events."""
    sender, order = sender.order()
    if order is None:
        return sender
    lasts = [
        min(order.first + each * number + each - 1, sender.total)
        for number in range(order.limit)
    ]
    wanted = tuple(sorted(set(lasts)))
    return sender.note(Sent(first=order.first, lasts=wanted), now, chance)


def test_no_more_is_under_way_than_the_window_allows():
    sender, order = sending().order()
    assert order == SendSegments(first=1, limit=8)
    assert sender.order() == (sender, None)
    sender = sender.note(Sent(first=1, lasts=(1, 2, 3)), 0, 0.0)
    assert sender.order()[1] == SendSegments(first=4, limit=5)
    sender = send(sender)
    assert len(sender.flying) == 8
    assert sender.order()[1] is None


def test_a_window_of_nothing_pauses_until_the_next_ack():
    sender = send(sending()).acknowledge(8, 0, 5, 0.0)
    assert sender.order()[1] is None
    assert sender.acknowledge(8, 2, 6, 0.0).order()[1] == SendSegments(first=9, limit=2)


def test_nothing_is_ordered_of_what_is_not_sealed():
    assert sending(0).order()[1] is None
    sender = send(sending(3))
    assert sender.sent == 3
    assert sender.order()[1] is None
    assert sender.extend(5).order()[1] == SendSegments(first=4, limit=5)


def test_an_ack_makes_room_and_only_for_what_it_covers():
    sender = send(sending(), each=5)
    assert sender.flying == (5, 10, 15, 20, 25, 30, 35, 40)
    assert sender.acknowledge(12, 8, 1, 0.0).flying == (15, 20, 25, 30, 35, 40)
    done = sender.acknowledge(40, 8, 1, 0.0)
    assert (done.flying, done.due_at, done.acked) == ((), None, 40)


def test_an_ack_that_is_lower_than_before_is_obeyed():
    sender = send(sending()).acknowledge(8, 8, 1, 0.0)
    back = send(sender).acknowledge(3, 8, 2, 0.0)
    assert back.acked == 3
    assert back.order()[1] == SendSegments(first=4, limit=8)


def test_an_equal_ack_says_that_something_is_missing_once_for_all_that_was_under_way():
    sender = send(sending())
    back = sender.acknowledge(0, 8, 10, 0.0)
    assert back.order()[1] == SendSegments(first=1, limit=8)
    again = send(back, now=11)
    for _ in range(7):  # Seven came behind the one that was lost, and each is answered.
        assert again.acknowledge(0, 8, 900, 0.0) == again
    assert again.due_at == 11 + RTO_MIN_MS
    beyond = send(again.acknowledge(8, 8, 950, 0.0)).acknowledge(9, 8, 960, 0.0)
    assert beyond.acknowledge(9, 8, 970, 0.0).sent == 9


def test_what_a_slow_line_made_be_sent_twice_is_not_sent_a_third_time():
    sender = send(sending())
    sender = send(sender.tick(RTO_MIN_MS), now=RTO_MIN_MS)
    now = RTO_MIN_MS
    for acked in (*range(1, 9), *[8] * 8):  # The first eight arrive late, and then once more.
        now += 300
        sender = send(sender.acknowledge(acked, 8, now, 0.0), now=now)
    assert (sender.acked, sender.sent) == (8, 16)
    assert sender.flying == tuple(range(9, 17))


def test_without_an_ack_it_goes_back_and_waits_twice_as_long_each_time():
    sender, now, waits = send(sending()), 0, []
    for _ in range(8):
        assert sender.tick(sender.due_at - 1) == sender
        waits.append(sender.due_at - now)
        now = sender.due_at
        sender = send(sender.tick(now), now=now)
        assert sender.flying == (1, 2, 3, 4, 5, 6, 7, 8)
    assert waits == [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]
    assert sender.acknowledge(1, 8, now, 0.0).due_at == now + RTO_MIN_MS


@given(st.floats(0, 1, exclude_max=True))
def test_a_wait_is_up_to_a_quarter_longer_by_chance(chance):
    assert 2_000 <= send(sending(), chance=chance).due_at < 2_500


def test_a_report_of_an_order_from_before_it_went_back_is_passed_over():
    sender, order = send(sending(), now=0).acknowledge(4, 8, 1, 0.0).order()
    late = Sent(first=order.first, lasts=(9, 10))
    back = sender.acknowledge(2, 8, 2, 0.0)
    assert back.note(late, 3, 0.0) == back
    assert back.order()[1] == SendSegments(first=3, limit=8)


def test_an_ack_that_overtakes_an_order_leaves_the_stream_able_to_go_on():
    sender = send(sending()).acknowledge(2, 8, 0, 0.0).acknowledge(0, 8, 1, 0.0)
    sender, order = sender.order()
    jumped = sender.acknowledge(6, 8, 2, 0.0)
    assert jumped.note(Sent(first=order.first, lasts=(1, 2)), 3, 0.0) == jumped
    assert jumped.order()[1] == SendSegments(first=7, limit=8)


def test_a_report_of_nothing_sent_orders_again_but_only_when_asked():
    sender, order = sending().order()
    empty = sender.note(Sent(first=order.first, lasts=()), 0, 0.0)
    assert (empty.flying, empty.due_at) == ((), None)
    assert empty.order()[1] == order


def test_a_pause_forgets_what_was_under_way_and_sends_nothing():
    paused = send(sending(), each=2).acknowledge(4, 8, 0, 0.0).pause()
    assert paused.order()[1] is None
    assert paused.due_at is None
    assert paused.begin(4, 8).order()[1] == SendSegments(first=5, limit=8)


happenings = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 5)),
        st.tuples(st.just("ack"), st.integers(0, 40)),
        st.tuples(st.just("late report"), st.integers(0, 45)),
        st.tuples(st.just("tick"), st.integers(0, 70_000)),
        st.tuples(st.just("seal"), st.integers(0, 5)),
        st.tuples(st.just("pause"), st.just(0)),
    ),
    max_size=60,
)


def happen(sender: Sender, what: str, number: int, now: int) -> Sender:
    match what:
        case "send":
            return send(sender, now=now, each=number)
        case "ack":
            return sender.acknowledge(min(number, sender.total), 8, now, 0.5)
        case "late report":
            return sender.note(Sent(first=number, lasts=(number + 1,)), now, 0.5)
        case "tick":
            return sender.tick(now + number)
        case "seal":
            return sender.extend(sender.total + number)
        case _:
            return sender.pause().begin(sender.acked, 8)


@given(happenings)
def test_whatever_happened_before_acks_alone_bring_it_to_the_end(before):
    sender, now = sending(20), 0
    for what, number in before:
        now += 100_000
        sender = happen(sender, what, number, now)
        assert len(sender.flying) <= 8
        assert sender.acked <= sender.sent
        assert (sender.due_at is None) == (not sender.flying)
    held = min(sender.acked, 7)
    for _ in range(200):
        now += RTO_MAX_MS * 2
        sender, order = sender.acknowledge(held, 8, now, 0.5).tick(now).order()
        if order is None:
            continue
        if order.first == held + 1:
            held = min(held + 2, sender.total)
        sender = sender.note(Sent(first=order.first, lasts=(held,)), now, 0.5)
    assert held == sender.total

"""A hub whose journal is not the one at head office: forgotten, parted, shut out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.wire import Ack, Fence, Hello, Welcome
from hub.sync.step import (
    About,
    Bar,
    FetchOwn,
    Line,
    LineDown,
    LineUp,
    Moved,
    Trouble,
    Unbar,
    wake_at,
)
from hub.sync.tests.test_step import (
    HEAD,
    STANDING,
    WELCOME,
    Hub,
    arrived,
    fields,
    live,
    of,
    said,
    sealed,
)


@pytest.mark.parametrize("kind", [Welcome, Ack])
def test_a_hub_whose_epoch_is_not_the_one_at_head_office_writes_no_further(kind):
    hub = live()
    outputs = hub.hear(message(kind, epoch=4))
    assert hub.state.line is Line.FENCED
    assert [trouble.kind for trouble in of(outputs, Trouble)] == ["fenced"]
    assert hub.stand(n=9) == []
    assert hub.hear(WELCOME) == []


def message(kind, **changed):
    facts = fields(WELCOME) | changed
    return kind(**{name: facts[name] for name in kind.__struct_fields__ if name in facts})


@pytest.mark.parametrize("kind", [Welcome, Ack])
def test_a_hub_that_parted_from_head_office_shows_where_and_is_told_what_comes_of_it(kind):
    hub = live()
    own = b"o" * 32
    outputs = hub.hear(message(kind, head=b"x" * 32), own)
    assert [(hello.n, hello.head) for hello in said(outputs, Hello)] == [(2, own)]
    assert hub.state.line is Line.GREETING
    assert hub.stand(n=9) == []
    fenced = hub.hear(Fence(epoch=3, reason="forked"))
    assert of(fenced, Bar) == [Bar(state="fenced", reason="forked")]
    assert hub.state.line is Line.FENCED


def test_head_office_that_will_not_see_where_the_journals_part_is_left_alone_for_a_while():
    hub = live()
    hub.hear(message(Welcome, head=b"x" * 32), HEAD)
    outputs = hub.hear(message(Welcome, head=b"x" * 32), HEAD)
    assert said(outputs, Hello) == []
    assert hub.state.line is Line.FENCED
    assert of(outputs, Bar) == []


def forgetful():
    hub = Hub()
    hub.take(LineUp(about=About()))
    return hub, hub.hear(message(Welcome, acked=9))


def test_a_hub_that_forgot_events_of_its_own_takes_them_up_before_it_writes_on():
    hub, outputs = forgetful()
    assert outputs == [
        Moved(line=Line.TAKING_UP),
        Bar(state="taking_up", reason="5 / 9", after=5),
        FetchOwn(after=5),
    ]
    assert hub.take(arrived(sealed(1, 2))) == []
    assert hub.stand(taking_up=True) == []
    part = hub.stand(n=7, taking_up=True)
    assert [hello.n for hello in said(part, Hello)] == [7]
    assert of(hub.hear(message(Welcome, acked=9)), FetchOwn) == [FetchOwn(after=7)]
    whole = hub.stand(n=9, taking_up=True)
    assert [hello.n for hello in said(whole, Hello)] == [9]
    outputs = hub.hear(message(Welcome, acked=9), HEAD)
    assert outputs[:2] == [Unbar(), Moved(line=Line.LIVE)]
    assert hub.state.sender.acked == 9
    hub.stand(taking_up=False)
    assert of(hub.hear(message(Welcome, acked=9), HEAD), Unbar) == []


def test_a_hub_that_starts_in_the_middle_of_taking_up_goes_on_and_one_that_need_not_is_free():
    hub = Hub(replace(STANDING, taking_up=True))
    hub.take(LineUp(about=About()))
    assert of(hub.hear(message(Welcome, acked=9)), FetchOwn) == [FetchOwn(after=5)]
    # Head office was restored, and has less than this disk.
    other = Hub(replace(STANDING, taking_up=True))
    other.take(LineUp(about=About()))
    assert Unbar() in other.hear(message(Welcome, acked=4), HEAD)


def test_what_was_forgotten_and_cannot_be_had_is_asked_for_again_ever_later():
    hub, _outputs = forgetful()
    waits = []
    for _ in range(3):
        hub.stand(lost=True, taking_up=True)
        due = wake_at(hub.state)
        waits.append(due - hub.now)
        assert [hello.n for hello in said(hub.at(due), Hello)] == [5]
        assert of(hub.hear(message(Welcome, acked=9)), FetchOwn) == [FetchOwn(after=5)]
    assert waits == [2_000, 4_000, 8_000]
    hub.take(LineDown())
    assert hub.state.own_at is None


def test_an_ack_for_more_than_this_disk_has_is_answered_by_where_it_stands():
    hub = live()
    assert [hello.n for hello in said(hub.hear(message(Ack, acked=6)), Hello)] == [5]


def test_a_fence_ends_the_conversation_until_it_is_tried_again():
    hub = live()
    outputs = hub.hear(Fence(epoch=3, reason="revoked"))
    assert Moved(line=Line.FENCED) in outputs
    assert of(outputs, Bar) == [Bar(state="fenced", reason="revoked")]
    due = wake_at(hub.state)
    assert due == hub.now + 300_000
    assert len(said(hub.at(due), Hello)) == 1
    hub.hear(WELCOME)
    assert hub.state.line is Line.LIVE


def test_a_fence_against_another_epoch_than_ours_is_a_misunderstanding():
    hub = live()
    assert len(said(hub.hear(Fence(epoch=3, reason="other_epoch")), Hello)) == 1
    assert hub.state.line is Line.LIVE
    outputs = hub.hear(Fence(epoch=4, reason="other_epoch"))
    assert of(outputs, Bar) == [Bar(state="fenced", reason="replaced")]
    assert hub.state.line is Line.FENCED


def test_head_office_that_has_forgotten_this_epoch_keeps_nobody_from_selling():
    hub = live()
    outputs = hub.hear(Fence(epoch=2, reason="closed"))
    assert hub.state.line is Line.FENCED
    assert of(outputs, Bar) == []

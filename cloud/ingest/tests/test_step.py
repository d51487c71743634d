"""Head office's side of the wire, one input at a time: no line, no disk, no clock."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from cloud.ingest.step import (
    Alarm,
    Close,
    Fresh,
    Garbled,
    Gone,
    Handle,
    Heard,
    Keep,
    Kick,
    Reply,
    Reported,
    Say,
    Seen,
    Shut,
    Standing,
    Tick,
    start,
    step,
    wake_at,
)
from core.crypto import signing_key
from core.journal import Identity, birth_head, chain, signed_bytes
from core.wire import (
    OFFLINE,
    ONLINE,
    Ack,
    Answer,
    Arrived,
    Ask,
    Cursor,
    DownAck,
    FeedBatch,
    Fence,
    Greet,
    Hello,
    Recover,
    Segment,
    SendSegments,
    Sent,
    Stream,
    Welcome,
)

BIRTH = b"born"
KEY = signing_key(b"k" * 32)
OTHER_KEY = signing_key(b"o" * 32)
STREAM = Stream(
    origin="0011223344556677",
    epoch=3,
    birth=BIRTH,
    check=lambda message, signature: signature == KEY.sign(message),
)
EVENTS = tuple(b'{"n":%d}' % number for number in range(1, 10))


def heads(events=EVENTS):
    made = [birth_head(BIRTH)]
    for event in events:
        made.append(chain(made[-1], event))
    return made


HEADS = heads()
STANDING = Standing(have=4, head=HEADS[4], down_len=6, feed_pos=20, boot=7, safe=2)
HELLO = Hello(epoch=3, boot=7, n=4, head=HEADS[4], down_n=6, down_head=b"d" * 32, feed_pos=18)


class Desk:
    def __init__(self, standing=STANDING):
        self.now = 1_000
        self.state = start(STREAM, standing)

    def take(self, happened):
        self.state, outputs = step(self.state, happened, self.now)
        return outputs

    def hear(self, message, *, up_head=None, down_head=None):
        return self.take(
            Heard(message=message, wall_at=99, up_head=up_head, down_head=down_head)
        )

    def greet(self, **changed):
        hello = replace_message(HELLO, **changed)
        return self.hear(hello, up_head=None, down_head=None)

    def stand(self, **changed):
        return self.take(replace(self.state.standing, **changed))

    def at(self, now):
        self.now = now
        return self.take(Tick())


def replace_message(message, **changed):
    fields = {name: getattr(message, name) for name in message.__struct_fields__}
    return type(message)(**fields | changed)


def of(outputs, kind):
    return [output for output in outputs if isinstance(output, kind)]


def said(outputs, kind):
    return [o.message for o in outputs if isinstance(o, Say) and isinstance(o.message, kind)]


def kinds(outputs):
    return [output.kind for output in of(outputs, Alarm)]


@pytest.fixture
def desk():
    greeted = Desk()
    greeted.greet()
    return greeted


def sealed(first, last, *, key=KEY, epoch=3, events=EVENTS):
    identity = Identity(origin=STREAM.origin, epoch=epoch, birth=BIRTH, boot=7)
    head = heads(events)[last]
    covered = signed_bytes(identity, first=first, last=last, boot=7, head=head)
    return Segment(
        epoch=epoch,
        boot=7,
        first=first,
        events=events[first - 1 : last],
        signature=key.sign(covered),
    )


def arrived(segment, have=4):
    if segment.first > have:
        return Arrived(segment=segment, raw=b"raw")
    return Arrived(
        segment=segment,
        raw=b"raw",
        before=HEADS[segment.first - 1],
        held=HEADS[min(segment.last, have)],
    )


# Hello.


def test_a_hello_is_answered_by_where_head_office_stands():
    outputs = Desk().hear(HELLO, up_head=HEADS[4], down_head=b"d" * 32)
    welcome = Welcome(
        epoch=3,
        acked=4,
        head=HEADS[4],
        down_len=6,
        feed_pos=20,
        credits=8,
        time=99,
        safe=2,
    )
    assert outputs == [
        Seen(hello=HELLO),
        Reported(down_n=6, feed_pos=18),
        Say(message=welcome),
    ]


def test_a_hub_that_lacks_some_of_its_downlink_is_sent_it():
    outputs = Desk().greet(down_n=2)
    assert of(outputs, SendSegments) == [SendSegments(first=3, limit=8)]


def test_a_hello_of_another_epoch_is_fenced():
    outputs = Desk().greet(epoch=2)
    assert kinds(outputs) == ["other_epoch"]
    assert said(outputs, Fence) == [Fence(epoch=3, reason="other_epoch")]
    assert of(outputs, Seen) == []


def test_a_hello_with_another_past_is_a_fork_and_the_hub_is_closed():
    for heard in ({"up_head": b"x" * 32}, {"down_head": b"x" * 32}):
        desk = Desk()
        outputs = desk.hear(HELLO, **heard)
        kind = "forked" if "up_head" in heard else "downlink_forked"
        assert kinds(outputs) == [kind]
        assert of(outputs, Close) == [Close(reason=kind)]
        assert of(outputs, Kick) == [Kick(reason=kind)]
        assert said(outputs, Fence) == [Fence(epoch=3, reason=kind)]
        # From here on nothing of it is taken.
        assert desk.take(arrived(sealed(5, 6))) == [Say(message=Fence(epoch=3, reason=kind))]
        assert desk.greet() == [Say(message=Fence(epoch=3, reason=kind))]


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"boot": 6}, "boot_back"),
        ({"boot": 8, "n": 3, "head": HEADS[3]}, "lost_tail"),
        ({"down_n": 7}, "downlink_ahead"),
    ],
)
def test_a_hello_that_makes_one_wonder_is_welcomed_and_told_of(changed, kind):
    outputs = Desk().greet(**changed)
    assert kinds(outputs) == [kind]
    assert len(said(outputs, Welcome)) == 1


def test_nothing_is_sent_to_a_hub_that_knows_more_of_its_downlink_than_head_office():
    desk = Desk()
    desk.greet(down_n=7)
    assert of(desk.stand(down_len=9), SendSegments) == []


def test_an_older_hello_that_comes_late_raises_no_alarm():
    desk = Desk()
    desk.greet()
    assert kinds(desk.greet(n=2, head=HEADS[2])) == []


# The journal.


def test_a_segment_is_acked_when_it_is_committed_and_not_before(desk):
    segment = sealed(5, 7)
    outputs = desk.take(arrived(segment))
    assert outputs == [Keep(segment=segment, raw=b"raw", after=4, head=HEADS[7])]
    following = sealed(8, 9)
    assert desk.take(arrived(following)) == [
        Keep(segment=following, raw=b"raw", after=7, head=HEADS[9])
    ]
    ack = Ack(epoch=3, acked=7, head=HEADS[7], credits=8, safe=2, feed_pos=20)
    assert desk.stand(have=7, head=HEADS[7]) == [Say(message=ack)]
    assert desk.state.cursor == Cursor(have=9, head=HEADS[9])


def test_a_segment_that_could_not_be_kept_is_asked_for_again_every_time(desk):
    for _ in range(3):
        assert len(of(desk.take(arrived(sealed(5, 7))), Keep)) == 1
        told = desk.take(replace(STANDING, lost=True))
        assert [ack.acked for ack in said(told, Ack)] == [4]


@pytest.mark.parametrize("segment", [sealed(6, 7), sealed(3, 4), sealed(1, 1)])
def test_a_gap_and_a_repetition_are_answered_by_what_is_held(desk, segment):
    outputs = desk.take(arrived(segment))
    assert [ack.acked for ack in said(outputs, Ack)] == [4]
    assert len(outputs) == 1


def test_a_segment_that_overlaps_is_kept_from_where_the_journal_ends(desk):
    assert [keep.after for keep in of(desk.take(arrived(sealed(3, 7))), Keep)] == [4]


@pytest.mark.parametrize("last", [5, 7])
def test_a_segment_of_another_key_is_dropped_with_an_alarm(desk, last):
    outputs = desk.take(arrived(sealed(5, last, key=OTHER_KEY)))
    assert kinds(outputs) == ["forged"]
    assert len(outputs) == 1


def test_a_segment_of_another_epoch_is_fenced_and_the_hub_stays_open(desk):
    outputs = desk.take(arrived(sealed(5, 6, epoch=2)))
    assert kinds(outputs) == ["other_epoch"]
    assert said(outputs, Fence) == [Fence(epoch=3, reason="other_epoch")]
    assert len(of(desk.take(arrived(sealed(5, 6))), Keep)) == 1


def test_a_second_history_under_the_hubs_own_key_closes_it(desk):
    other = (*EVENTS[:2], b'{"n":"sold twice"}', *EVENTS[3:])
    outputs = desk.take(arrived(sealed(3, 6, events=other)))
    assert kinds(outputs) == ["forked"]
    assert of(outputs, Close) == [Close(reason="forked")]
    assert of(outputs, Gone) == [Gone()]


def test_where_the_journal_stands_is_repeated_while_the_hub_is_on_the_line(desk):
    assert desk.at(desk.now + 29_999) == []
    assert [ack.acked for ack in said(desk.at(desk.now + 1), Ack)] == [4]
    desk.hear(OFFLINE)
    assert wake_at(desk.state) is None


def test_bytes_that_nobody_can_read_are_told_of(desk):
    assert desk.take(Garbled(what="up/log")) == [Alarm(kind="garbled", detail="up/log")]


# The downlink.


def test_what_is_written_for_a_hub_is_sent_at_once_and_only_on_the_line(desk):
    assert of(desk.stand(down_len=8), SendSegments) == [SendSegments(first=7, limit=8)]
    assert desk.take(Sent(first=7, lasts=(8,))) == []
    assert of(desk.stand(down_len=9), SendSegments) == [SendSegments(first=9, limit=7)]
    offline = Desk()
    assert offline.stand(down_len=8) == []


def test_a_downlink_that_is_not_acked_is_sent_again(desk):
    desk.stand(down_len=8)
    desk.take(Sent(first=7, lasts=(8,)))
    assert of(desk.at(desk.now + 2_000), SendSegments) == [SendSegments(first=7, limit=8)]
    desk.take(Sent(first=7, lasts=(8,)))
    assert desk.hear(DownAck(epoch=3, acked=8, feed_pos=19)) == [
        Reported(down_n=8, feed_pos=19)
    ]
    assert desk.state.sender.due_at is None


@pytest.mark.parametrize("ack", [DownAck(epoch=3, acked=7), DownAck(epoch=2, acked=6)])
def test_an_ack_of_what_was_never_sent_is_told_of(desk, ack):
    assert kinds(desk.hear(ack)) == ["downlink_ahead"]
    assert desk.state.sender.acked == 6


# Who is there.


@pytest.mark.parametrize(
    "happened",
    [
        Heard(message=DownAck(epoch=3, acked=6)),
        Heard(message=Ask(id="a", member="m")),
        arrived(sealed(5, 6)),
    ],
)
def test_a_hub_that_did_not_say_hello_to_this_program_is_asked_to_but_not_at_each_word(
    happened,
):
    desk = Desk()
    assert len(said(desk.take(happened), Greet)) == 1
    assert said(desk.take(happened), Greet) == []
    desk.now += 2_000
    assert len(said(desk.take(happened), Greet)) == 1
    desk.greet()
    assert said(desk.take(happened), Greet) == []


def test_a_hub_that_comes_back_is_not_asked_for_the_hello_that_follows_anyhow():
    desk = Desk()
    assert said(desk.take(Heard(message=ONLINE)), Greet) == []
    assert len(said(desk.take(Heard(message=Ask(id="a", member="m"))), Greet)) == 1


def test_a_segment_counts_although_its_hub_has_not_said_hello_yet():
    desk = Desk()
    assert len(of(desk.take(arrived(sealed(5, 6))), Keep)) == 1
    assert len(said(desk.stand(have=6, head=HEADS[6]), Ack)) == 1


@pytest.mark.parametrize("how", ["will", "silence"])
def test_a_hub_that_is_gone_is_sent_nothing_until_it_says_hello(desk, how):
    if how == "will":
        assert desk.hear(OFFLINE) == [Gone()]
    else:
        for _ in range(3):
            desk.at(desk.now + 30_000)
        assert desk.at(desk.now + 10_000) == [Gone()]
    assert desk.stand(down_len=9) == []
    assert desk.take(Fresh(batch=FeedBatch(after=20, pos=21, documents=()))) == []
    assert of(desk.greet(), SendSegments) == [SendSegments(first=7, limit=8)]


def test_a_hub_that_goes_on_talking_is_not_taken_for_gone(desk):
    for _ in range(20):
        outputs = desk.at(desk.now + 30_000)
        assert of(outputs, Gone) == []
        desk.hear(DownAck(epoch=3, acked=6))


# The feed, asks, the end.


def test_a_live_batch_goes_to_those_on_the_line(desk):
    batch = FeedBatch(after=20, pos=21, documents=())
    assert desk.take(Fresh(batch=batch)) == [Say(message=batch)]
    assert [
        ack.feed_pos for ack in said(desk.stand(have=5, head=HEADS[5], feed_pos=21), Ack)
    ] == [21]


def test_an_ask_is_handed_on_and_its_answer_said(desk):
    ask = Ask(id="a", member="m")
    assert desk.hear(ask) == [Handle(ask=ask)]
    answer = Answer(id="a", state="granted")
    assert desk.take(Reply(answer=answer)) == [Say(message=answer)]


@pytest.mark.parametrize("told", [Shut(reason="revoked"), replace(STANDING, closed="revoked")])
def test_a_hub_whose_rights_were_taken_hears_it_and_nothing_else(desk, told):
    fence = Fence(epoch=3, reason="revoked")
    assert desk.take(told) == [Say(message=fence), Kick(reason="revoked"), Gone()]
    for happened in (
        Heard(message=HELLO),
        Heard(message=Ask(id="a", member="m")),
        arrived(sealed(5, 6)),
    ):
        assert desk.take(happened) == [Say(message=fence)]
    assert desk.stand(down_len=9) == []


def test_a_box_that_followed_one_which_was_shut_out_is_asked_for_its_papers(desk):
    desk.take(Shut(reason="forked"))
    alarm, asked = desk.take(Heard(message=replace_hello(epoch=4)))
    assert alarm == Alarm(kind="epoch_ahead", detail="hello of epoch 4")
    assert isinstance(asked.message, Recover)


def replace_hello(**fields):
    return msgspec.structs.replace(HELLO, **fields)


def test_a_hub_that_did_not_hear_that_it_is_to_give_back_is_asked_again(desk):
    desk.stand(recover=2)
    assert said(desk.greet(), Recover)
    for turn in (1, 2):
        assert said(desk.at(desk.now + turn * 31_000), Recover)

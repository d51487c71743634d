"""The hub's side of the wire, one input at a time: no line, no disk, no clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.crypto import signing_key
from core.journal import Identity, birth_head, chain, signed_bytes
from core.wire import (
    GRANTED,
    NOTHING,
    ONLINE,
    RECALLING,
    Ack,
    Answer,
    Arrived,
    Ask,
    DownAck,
    Greet,
    Hello,
    Presence,
    Segment,
    SendSegments,
    Sent,
    Stream,
    Welcome,
    origin_cursor,
    sign_batch,
)
from hub.sync.conversation import as_of_now
from hub.sync.step import (
    About,
    AskMoved,
    Fetched,
    FetchFeed,
    Heard,
    Line,
    LineDown,
    LineUp,
    Moved,
    Say,
    Standing,
    TakeDownlink,
    TakeFeed,
    Tick,
    Trouble,
    Want,
    start,
    step,
    wake_at,
)

MERCHANT, BIRTH = "shop0001", b"born"
KEY = signing_key(b"k" * 32)
OTHER_KEY = signing_key(b"o" * 32)


def vouched(message: bytes, signature: bytes) -> bool:
    return signature == KEY.sign(message)


STREAM = Stream(origin="0011223344556677.dn", epoch=3, birth=BIRTH, check=vouched)
HEAD = b"h" * 32
EVENTS = tuple(b'{"n":%d}' % number for number in range(1, 7))
DOWN_HEADS = [birth_head(BIRTH)]
for _event in EVENTS:
    DOWN_HEADS.append(chain(DOWN_HEADS[-1], _event))
STANDING = Standing(n=5, head=HEAD, down_n=0, down_head=origin_cursor(BIRTH).head, feed_pos=10)
WELCOME = Welcome(epoch=3, acked=2, head=HEAD, down_len=0, feed_pos=10, credits=8, time=1)


class Hub:
    """A state and the outputs that came of the last input."""

    def __init__(self, standing: Standing = STANDING) -> None:
        self.now = 1_000
        self.state = start(
            merchant=MERCHANT,
            epoch=3,
            boot=7,
            downlink=STREAM,
            feed_check=vouched,
            standing=standing,
        )

    def take(self, happened):
        self.state, outputs = step(self.state, happened, self.now)
        return outputs

    def hear(self, message, held=None):
        return self.take(Heard(message=message, held=held))

    def at(self, now):
        self.now = now
        return self.take(Tick())

    def stand(self, **changed):
        return self.take(replace(self.state.standing, **changed))


def live(standing: Standing = STANDING, welcome: Welcome = WELCOME) -> Hub:
    hub = Hub(standing)
    hub.take(LineUp(about=About()))
    hub.hear(welcome)
    assert hub.state.line is Line.LIVE
    return hub


def said(outputs, kind):
    return [o.message for o in outputs if isinstance(o, Say) and isinstance(o.message, kind)]


def of(outputs, kind):
    return [output for output in outputs if isinstance(output, kind)]


def sealed(first, last, *, key=KEY, epoch=3, events=EVENTS) -> Segment:
    identity = Identity(origin=STREAM.origin, epoch=epoch, birth=BIRTH, boot=1)
    head = birth_head(BIRTH)
    for event in events[:last]:
        head = chain(head, event)
    covered = signed_bytes(identity, first=first, last=last, boot=1, head=head)
    return Segment(
        epoch=epoch,
        boot=1,
        first=first,
        events=events[first - 1 : last],
        signature=key.sign(covered),
    )


def arrived(segment, have=0):
    if segment.first > have:
        return Arrived(segment=segment, raw=b"raw")
    held = DOWN_HEADS[min(segment.last, have)]
    return Arrived(segment=segment, raw=b"raw", before=DOWN_HEADS[segment.first - 1], held=held)


def batch(after, pos, *, more=False, key=KEY):
    return sign_batch(
        MERCHANT, [b'{"topic":"item"}'], key.sign, after=after, pos=pos, more=more
    )


# The line.


def test_a_hub_that_is_let_in_says_where_it_stands_and_sends_nothing_yet():
    hub = Hub()
    about = About(kinds=("a",), version="2", clock_at=9, clock_unsure=True, free_bytes=8)
    outputs = hub.take(LineUp(about=about))
    assert outputs == [
        Moved(line=Line.GREETING),
        Say(message=ONLINE),
        Say(
            message=Hello(
                epoch=3,
                boot=7,
                n=5,
                head=HEAD,
                down_n=0,
                down_head=DOWN_HEADS[0],
                feed_pos=10,
                kinds=("a",),
                version="2",
                clock_at=9,
                clock_unsure=True,
                free_bytes=8,
            )
        ),
    ]


def test_a_hello_is_repeated_ever_more_slowly_until_somebody_answers():
    hub = Hub()
    hub.take(LineUp(about=About()))
    waits = []
    for _ in range(7):
        due = wake_at(hub.state)
        waits.append(due - hub.now)
        assert hub.at(due - 1) == []
        assert len(said(hub.at(due), Hello)) == 1
    assert waits == [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]


def test_a_welcome_starts_the_stream_behind_what_head_office_has():
    hub = Hub()
    hub.take(LineUp(about=About()))
    outputs = hub.hear(WELCOME)
    assert Moved(line=Line.LIVE) in outputs
    assert said(outputs, DownAck) == [DownAck(epoch=3, acked=0, feed_pos=10)]
    assert of(outputs, SendSegments) == [SendSegments(first=3, limit=8)]
    assert hub.take(Sent(first=3, lasts=(4, 5))) == []
    assert hub.hear(Ack(epoch=3, acked=5, head=HEAD, credits=8)) == []
    assert hub.state.sender.acked == 5


def test_what_is_sealed_on_the_line_is_sent_at_once_and_off_it_waits():
    hub = live(welcome=WELCOME.__class__(**fields(WELCOME) | {"acked": 5}))
    assert of(hub.stand(n=6), SendSegments) == [SendSegments(first=6, limit=8)]
    offline = Hub()
    assert offline.stand(n=6) == []


def fields(struct):
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def test_a_report_that_nothing_could_be_sent_does_not_spin():
    hub = live()
    assert hub.take(Sent(first=3, lasts=())) == []
    assert of(hub.stand(n=6), SendSegments) == [SendSegments(first=3, limit=8)]


def test_a_line_that_ends_stops_everything_and_a_new_one_begins_with_a_hello():
    hub = live()
    assert hub.take(LineDown()) == [Moved(line=Line.DOWN)]
    assert wake_at(hub.state) is None
    assert hub.hear(WELCOME) == []
    assert len(said(hub.take(LineUp(about=About())), Hello)) == 1


def test_head_office_that_falls_silent_is_greeted_anew():
    hub = live()
    hub.take(Sent(first=3, lasts=(5,)))
    hub.hear(Ack(epoch=3, acked=5, head=HEAD, credits=8))
    for _ in range(3):
        hub.at(hub.now + 30_000)
    outputs = hub.at(hub.now + 10_000)
    assert hub.state.line is Line.GREETING
    assert len(said(outputs, Hello)) == 1


def test_head_office_that_has_restarted_is_told_again():
    assert len(said(live().hear(Greet()), Hello)) == 1


# What does not agree.


def test_a_message_that_is_not_for_a_hub_is_passed_over():
    hub = live()
    assert hub.hear(Presence(state="on")) == []


# The downlink.


def test_a_downlink_segment_is_taken_once_and_acked_when_it_is_on_disk():
    hub = live()
    first = sealed(1, 2)
    outputs = hub.take(arrived(first))
    assert outputs == [TakeDownlink(segment=first, raw=b"raw", after=0, head=DOWN_HEADS[2])]
    second = hub.take(arrived(sealed(3, 4)))
    assert [take.after for take in of(second, TakeDownlink)] == [2]
    again = hub.take(Arrived(segment=first, raw=b"raw"))
    assert said(again, DownAck) == [DownAck(epoch=3, acked=0, feed_pos=10)]
    assert of(again, TakeDownlink) == []
    done = hub.stand(down_n=4, down_head=DOWN_HEADS[4])
    assert said(done, DownAck) == [DownAck(epoch=3, acked=4, feed_pos=10)]


def test_a_downlink_segment_that_could_not_be_applied_is_asked_for_again_every_time():
    hub = live()
    for _ in range(3):
        assert len(of(hub.take(arrived(sealed(1, 2))), TakeDownlink)) == 1
        told = hub.take(replace(STANDING, lost=True))
        assert said(told, DownAck) == [DownAck(epoch=3, acked=0, feed_pos=10)]


def test_a_gap_in_the_downlink_is_answered_by_where_it_stands():
    outputs = live().take(arrived(sealed(3, 4)))
    assert outputs == [Say(message=DownAck(epoch=3, acked=0, feed_pos=10))]


@pytest.mark.parametrize(
    ("segment", "kind"),
    [(sealed(1, 2, key=OTHER_KEY), "forged"), (sealed(1, 2, epoch=4), "other_epoch")],
)
def test_what_head_office_did_not_write_is_not_taken(segment, kind):
    outputs = live().take(arrived(segment))
    assert [(type(output), output.kind) for output in outputs] == [(Trouble, kind)]


def test_a_downlink_with_another_past_ends_the_conversation():
    standing = replace(STANDING, down_n=4, down_head=DOWN_HEADS[4])
    hub = live(standing)
    other = (*EVENTS[:2], b'{"n":"other"}', *EVENTS[3:])
    hub.take(arrived(sealed(2, 3, events=other), have=4))
    assert hub.state.line is Line.FENCED


def test_where_the_downlink_stands_is_repeated():
    hub = live()
    hub.take(Sent(first=3, lasts=(5,)))
    hub.hear(Ack(epoch=3, acked=5, head=HEAD, credits=8))
    assert hub.at(hub.now + 29_999) == []
    assert len(said(hub.at(hub.now + 1), DownAck)) == 1


# The feed.


def test_a_live_batch_that_follows_is_taken_and_its_place_is_reported():
    hub = live()
    fresh = batch(10, 12)
    assert hub.hear(fresh) == [TakeFeed(batch=fresh)]
    assert said(hub.stand(feed_pos=12), DownAck) == [DownAck(epoch=3, acked=0, feed_pos=12)]
    assert hub.hear(fresh) == []


def test_a_live_batch_behind_a_gap_makes_it_fetch_and_only_once():
    hub = live()
    assert hub.hear(batch(11, 12)) == [FetchFeed(after=10)]
    assert hub.hear(batch(12, 13)) == []
    missing = batch(10, 12, more=True)
    assert hub.take(Fetched(batch=missing)) == [TakeFeed(batch=missing)]
    assert of(hub.stand(feed_pos=12), FetchFeed) == [FetchFeed(after=12)]
    last = batch(12, 13)
    assert hub.take(Fetched(batch=last)) == [TakeFeed(batch=last)]
    assert of(hub.stand(feed_pos=13), FetchFeed) == []


@pytest.mark.parametrize("kind", [Welcome, Ack])
def test_a_hub_that_hears_of_a_newer_feed_fetches_it(kind):
    hub = live()
    facts = fields(WELCOME) | {"feed_pos": 14}
    message = kind(**{name: facts[name] for name in kind.__struct_fields__ if name in facts})
    assert of(hub.hear(message), FetchFeed) == [FetchFeed(after=10)]


def test_a_batch_that_the_merchant_did_not_sign_is_not_taken():
    hub = live()
    assert [output.kind for output in hub.hear(batch(10, 12, key=OTHER_KEY))] == ["forged"]
    hub.hear(Ack(epoch=3, acked=2, head=HEAD, credits=8, feed_pos=12))
    assert of(hub.take(Fetched(batch=batch(10, 12, key=OTHER_KEY))), TakeFeed) == []


def test_a_fetch_that_fails_or_never_ends_is_tried_again_ever_more_slowly():
    hub = live()
    hub.take(Sent(first=3, lasts=(5,)))
    hub.hear(Ack(epoch=3, acked=5, head=HEAD, credits=8, feed_pos=12))
    for wait in (2_000, 4_000, 8_000):
        assert hub.take(Fetched(batch=None)) == []
        assert of(hub.at(hub.now + wait - 1), FetchFeed) == []
        assert of(hub.at(hub.now + 1), FetchFeed) == [FetchFeed(after=10)]
    hub.hear(Ack(epoch=3, acked=5, head=HEAD, credits=8))
    assert of(hub.at(hub.now + 29_999), FetchFeed) == []
    assert of(hub.at(hub.now + 1), FetchFeed) == [FetchFeed(after=10)]


def test_a_feed_that_ends_before_what_was_promised_is_not_fetched_for_ever():
    hub = live()
    hub.hear(Ack(epoch=3, acked=2, head=HEAD, credits=8, feed_pos=12))
    nothing = sign_batch(MERCHANT, [], KEY.sign, after=10, pos=10)
    assert hub.take(Fetched(batch=nothing)) == []
    assert hub.stand(n=5) == []


# Asks.


ASK = Ask(id="a1", member="m1", why="till", want=500)


def test_an_ask_is_sent_once_and_its_answer_is_the_end_of_it():
    for state in (GRANTED, NOTHING):
        hub = live()
        assert hub.take(Want(ask=ASK)) == [Say(message=ASK)]
        assert hub.take(Want(ask=ASK)) == []
        assert hub.hear(Answer(id="a1", state=state)) == [AskMoved(id="a1", state=state)]
        assert hub.hear(Answer(id="a1", state=state)) == []
        assert hub.state.asks == ()


def test_an_ask_without_an_answer_is_slow_then_over():
    hub = live()
    hub.take(Want(ask=ASK))
    asked_at = hub.now
    assert wake_at(hub.state) == asked_at + 800
    assert AskMoved(id="a1", state="slow") in hub.at(asked_at + 800)
    assert of(hub.at(asked_at + 2_999), AskMoved) == []
    assert AskMoved(id="a1", state="expired") in hub.at(asked_at + 3_000)
    assert hub.state.asks == ()


def test_an_ask_that_calls_money_back_from_another_store_has_three_seconds():
    hub = live()
    hub.take(Want(ask=ASK))
    asked_at = hub.now
    hub.now += 100
    assert hub.hear(Answer(id="a1", state=RECALLING)) == [AskMoved(id="a1", state=RECALLING)]
    assert of(hub.at(asked_at + 2_999), AskMoved) == []
    assert hub.hear(Answer(id="a1", state=GRANTED)) == [AskMoved(id="a1", state=GRANTED)]
    assert of(hub.at(asked_at + 3_000), AskMoved) == []


def test_an_ask_without_a_line_is_over_at_once_and_one_on_its_way_with_the_line():
    assert Hub().take(Want(ask=ASK)) == [AskMoved(id="a1", state="offline")]
    hub = live()
    hub.take(Want(ask=ASK))
    assert hub.take(LineDown()) == [
        AskMoved(id="a1", state="offline"),
        Moved(line=Line.DOWN),
    ]


def test_no_more_asks_wait_than_a_store_has_guests():
    hub = live()
    for number in range(64):
        hub.take(Want(ask=Ask(id=str(number), member="m")))
    assert hub.take(Want(ask=ASK)) == [AskMoved(id="a1", state="offline")]


def test_an_answer_in_a_word_from_the_future_leaves_the_ask_waiting():
    hub = live()
    hub.take(Want(ask=ASK))
    assert hub.hear(Answer(id="a1", state="leased")) == []
    assert len(hub.state.asks) == 1


def test_a_hello_tells_the_time_at_which_it_is_said():
    said = Hello(
        proto=1, epoch=1, boot=1, n=0, head=b"", down_n=0, down_head=b"", feed_pos=0, clock_at=5
    )
    later = as_of_now(said, lambda: About(clock_at=900_000, clock_unsure=True, free_bytes=7))
    assert (later.clock_at, later.clock_unsure, later.free_bytes) == (900_000, True, 7)
    assert later.epoch == said.epoch
    assert as_of_now(ONLINE, lambda: pytest.fail("asked for nothing")) is ONLINE

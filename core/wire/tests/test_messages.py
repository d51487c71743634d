"""Small messages survive other versions, and nobody's bytes stop the reader."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.wire import (
    MESSAGE_BYTES_MAX,
    OFFLINE,
    ONLINE,
    Ack,
    Answer,
    Ask,
    Channel,
    DownAck,
    FeedBatch,
    Fence,
    Greet,
    Hello,
    Presence,
    Recover,
    Welcome,
    channel_of,
    encode,
    read,
)

HEAD = bytes(range(32))
MESSAGES = [
    Hello(
        epoch=1,
        boot=2,
        n=3,
        head=HEAD,
        down_n=4,
        down_head=HEAD,
        feed_pos=5,
        kinds=("wallet.granted",),
        version="1.2",
        clock_at=6,
        clock_unsure=True,
        free_bytes=7,
    ),
    DownAck(epoch=1, acked=2, feed_pos=3),
    Welcome(epoch=1, acked=2, head=HEAD, down_len=3, feed_pos=4, credits=5, time=6, safe=1),
    Ack(epoch=1, acked=2, head=HEAD, credits=3, safe=1, feed_pos=4),
    Fence(epoch=2, reason="forked"),
    Greet(),
    Recover(incarnation=2, down_after=3, feed_after=4),
    Ask(id="a", member="m", why="till", want=100),
    Answer(id="a", state="granted"),
    Answer(id="a", state="nothing", reason="recovering"),
    FeedBatch(after=1, pos=3, documents=(msgspec.Raw(b'{ "topic": "item" }'),), more=True),
    ONLINE,
    OFFLINE,
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_each_message_is_read_as_it_was_sent_and_on_no_other_channel(message):
    raw = encode(message)
    assert encode(read(channel_of(message), raw)) == raw
    for channel in Channel:
        if channel is not channel_of(message):
            assert read(channel, raw) is None


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_field_from_a_later_version_is_passed_over(message):
    later = msgspec.json.decode(encode(message)) | {"invented_later": [1, {"a": None}]}
    found = read(channel_of(message), msgspec.json.encode(later))
    assert type(found) is type(message)


def test_presence_is_said_as_one_of_two_words():
    assert (ONLINE.online, OFFLINE.online, Presence(state="asleep").online) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"kind":"from_the_future"}',
        b'{"kind":"ack"}',
        b'{"kind":"ack","epoch":"1"}',
        b'{"kind":"ack","epoch":1,"acked":2,"head":"\xff","credits":3}',
        b'{"kind":' + b"[" * 100_000,
        b'{"x":' + b"[" * 3_000 + b"]" * 3_000 + b',"kind":"greet"}',
    ],
)
def test_what_cannot_be_read_is_nothing_and_raises_nothing(raw):
    for channel in Channel:
        assert read(channel, raw) is None


@given(st.binary(max_size=200), st.sampled_from(list(Channel)))
def test_a_strangers_bytes_raise_nothing(raw, channel):
    found = read(channel, raw)
    assert found is None or channel_of(found) is channel


def test_a_message_longer_than_the_line_takes_is_nothing():
    raw = encode(Fence(epoch=1, reason="x" * MESSAGE_BYTES_MAX))
    assert read(Channel.DOWN_CONTROL, raw) is None

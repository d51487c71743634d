"""What arrives is taken only where it continues what is held, under the writer's signature."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.journal import Identity, birth_head, chain, signed_bytes
from core.wire import (
    Arrived,
    Cursor,
    Segment,
    Stream,
    Verdict,
    heads_needed,
    judge,
    origin_cursor,
)

BIRTH = b"born today"
ORIGIN = "00ff00ff00ff00ff"


def sign(message: bytes, key: bytes = b"ours") -> bytes:
    return hmac.digest(key, message, hashlib.sha512)


STREAM = Stream(
    origin=ORIGIN,
    epoch=1,
    birth=BIRTH,
    check=lambda message, signature: hmac.compare_digest(sign(message), signature),
)
EVENTS = tuple(b'{"seq":%d}' % number for number in range(1, 13))


def heads(events=EVENTS) -> list[bytes]:
    made = [birth_head(BIRTH)]
    for event in events:
        made.append(chain(made[-1], event))
    return made


HEADS = heads()


def sealed(
    first: int, last: int, *, events=EVENTS, epoch: int = 1, key: bytes = b"ours"
) -> Segment:
    identity = Identity(origin=ORIGIN, epoch=epoch, birth=BIRTH, boot=3)
    covered = signed_bytes(identity, first=first, last=last, boot=3, head=heads(events)[last])
    return Segment(
        epoch=epoch,
        boot=3,
        first=first,
        events=events[first - 1 : last],
        signature=sign(covered, key),
    )


def arrived(segment: Segment, have: int) -> Arrived:
    """Look up what the disk would say."""
    needed = heads_needed(have, segment)
    if needed is None:
        return Arrived(segment=segment, raw=b"")
    return Arrived(segment=segment, raw=b"", before=HEADS[needed[0]], held=HEADS[needed[1]])


def verdict(have: int, segment: Segment) -> Verdict:
    return judge(STREAM, Cursor(have=have, head=HEADS[have]), arrived(segment, have)).verdict


def test_the_first_segment_continues_the_birth():
    assert judge(STREAM, origin_cursor(BIRTH), arrived(sealed(1, 4), 0)).cursor == Cursor(
        have=4, head=HEADS[4]
    )


@given(st.integers(0, 12), st.integers(1, 12), st.integers(0, 11))
def test_a_true_segment_is_next_known_or_behind_a_gap(have, first, longer):
    last = min(first + longer, 12)
    found = judge(
        STREAM, Cursor(have=have, head=HEADS[have]), arrived(sealed(first, last), have)
    )
    if first > have + 1:
        assert found.verdict is Verdict.GAP
    elif last <= have:
        assert found.verdict is Verdict.KNOWN
    else:
        assert found.verdict is Verdict.NEXT
        assert found.cursor == Cursor(have=last, head=HEADS[last])


@given(st.integers(0, 8), st.integers(1, 12), st.data())
def test_a_changed_byte_in_any_event_is_never_taken(have, first, data):
    last = data.draw(st.integers(first, 12))
    segment = sealed(first, last)
    at = data.draw(st.integers(0, last - first))
    event = bytearray(segment.events[at])
    event[data.draw(st.integers(0, len(event) - 1))] ^= data.draw(st.integers(1, 255))
    events = (*segment.events[:at], bytes(event), *segment.events[at + 1 :])
    assert verdict(have, replace(segment, events=events)) in {Verdict.FORGED, Verdict.GAP}


@pytest.mark.parametrize(
    "changed", [{"boot": 4}, {"first": 5}, {"signature": bytes(64)}, {"events": EVENTS[3:7]}]
)
def test_a_changed_header_is_never_taken(changed):
    assert verdict(3, replace(sealed(4, 8), **changed)) in {Verdict.FORGED, Verdict.GAP}


def test_a_seal_by_another_key_is_forged():
    assert verdict(3, sealed(4, 8, key=b"theirs")) is Verdict.FORGED


def test_another_streams_seal_is_forged():
    stream = replace(STREAM, origin=ORIGIN + ".dn")
    found = judge(stream, Cursor(have=0, head=HEADS[0]), arrived(sealed(1, 3), 0))
    assert found.verdict is Verdict.FORGED


def test_another_epoch_is_told_apart_from_a_forgery():
    assert verdict(3, sealed(4, 8, epoch=2)) is Verdict.OTHER_EPOCH


OTHER = (*EVENTS[:5], b'{"seq":6,"sold":"twice"}', *EVENTS[6:])


@pytest.mark.parametrize(
    ("first", "last", "have"), [(5, 7, 9), (5, 11, 9), (1, 6, 6), (6, 6, 9)]
)
def test_a_second_history_under_our_own_signature_is_a_fork(first, last, have):
    assert verdict(have, sealed(first, last, events=OTHER)) is Verdict.FORKED


def test_a_second_history_that_begins_after_the_fork_does_not_fit():
    # Its head hangs on an event that is not held, so the signature cannot come out right.
    assert verdict(9, sealed(7, 11, events=OTHER)) is Verdict.FORGED


def test_what_the_disk_cannot_show_yet_is_known_or_asked_for_again():
    cursor = Cursor(have=9, head=HEADS[9])
    for last, expected in ((8, Verdict.KNOWN), (11, Verdict.GAP)):
        unseen = Arrived(segment=sealed(5, last), raw=b"")
        assert judge(STREAM, cursor, unseen).verdict is expected
    half = Arrived(segment=sealed(5, 8), raw=b"", before=HEADS[4])
    assert judge(STREAM, cursor, half).verdict is Verdict.KNOWN

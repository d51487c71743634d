"""Cursors move by one segment at a time and only from where they stand."""

from __future__ import annotations

import pytest

from cloud.platform.tests.office import NOW, merchant_in, office_in
from cloud.streams import Kept, cursor_of, head_at, keep, segments_after
from core.journal import birth_head
from core.wire import Segment, pack

BIRTH = b'{"hub":"1111111111111111"}'
HUB = "1" * 16


@pytest.fixture
def platform(tmp_path):
    opened = office_in(tmp_path / "office")
    merchant_in(opened)
    yield opened
    opened.close()


def segment(first, *events, boot=1):
    return Segment(epoch=1, boot=boot, first=first, events=events, signature=bytes(64))


def stream():
    return Kept(origin=HUB, epoch=1, merchant="m", birth=BIRTH, at=NOW)


def put(platform, one, *, after, before):
    head = one.heads(before)[-1]
    kept = platform.door.write(
        lambda tx: keep(tx, stream(), one, pack(one), after=after, head=head)
    )
    return kept, head


def cursor(platform):
    with platform.door.read() as db:
        return cursor_of(db, HUB, 1, BIRTH)


def test_two_who_keep_the_same_segment_keep_it_once(platform):
    one = segment(1, b'{"a":1}', b'{"a":2}')
    assert put(platform, one, after=0, before=birth_head(BIRTH))[0]
    assert not put(platform, one, after=0, before=birth_head(BIRTH))[0]
    assert cursor(platform).have == 2
    with platform.door.read() as db:
        assert len(segments_after(db, HUB, 1, 0, limit=9)) == 1


def test_a_segment_that_does_not_lead_to_its_head_is_not_kept(platform):
    one = segment(1, b'{"a":1}')
    _kept, head = put(platform, one, after=0, before=birth_head(BIRTH))
    two = segment(2, b'{"a":2}')
    assert not put(platform, two, after=1, before=b"another history".ljust(32))[0]
    assert cursor(platform).have == 1
    assert put(platform, two, after=1, before=head)[0]
    assert cursor(platform).have == 2


def test_a_gap_is_never_kept(platform):
    assert not put(platform, segment(2, b"{}"), after=1, before=birth_head(BIRTH))[0]
    assert cursor(platform).have == 0


def test_the_head_after_every_event_is_known_also_within_a_segment(platform):
    before = birth_head(BIRTH)
    one = segment(1, b'{"a":1}', b'{"a":2}', b'{"a":3}')
    two = segment(4, b'{"a":4}', b'{"a":5}')
    _, middle = put(platform, one, after=0, before=before)
    put(platform, two, after=3, before=middle)
    heads = [before, *one.heads(before), *two.heads(middle)]
    with platform.door.read() as db:
        assert [head_at(db, HUB, 1, seq, BIRTH) for seq in range(6)] == heads
        assert head_at(db, HUB, 1, 6, BIRTH) is None
        assert head_at(db, HUB, 2, 1, BIRTH) is None


def test_segments_are_given_from_the_one_that_holds_the_next_event(platform):
    before = birth_head(BIRTH)
    one, two = segment(1, b"{}", b"{}"), segment(3, b"{}")
    _, middle = put(platform, one, after=0, before=before)
    put(platform, two, after=2, before=middle)
    with platform.door.read() as db:

        def firsts(after, limit=9):
            rows = segments_after(db, HUB, 1, after, limit=limit)
            return [row["first_seq"] for row in rows]

        assert [firsts(after) for after in range(5)] == [[1, 3], [1, 3], [3], [], []]
        assert firsts(0, limit=1) == [1]

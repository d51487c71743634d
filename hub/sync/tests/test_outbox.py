from __future__ import annotations

from core.journal import SEGMENT_EVENTS_MAX, seal
from core.wire import (
    WINDOW_SEGMENTS,
    Arrived,
    SendSegments,
    Stream,
    Verdict,
    pack,
    unpack,
)
from core.wire.receiver import judge, origin_cursor
from hub.box import signed_by_birth
from hub.sync import load_link, outbox, sealed_segments
from hub.sync.disk import Disk
from hub.sync.outbox import head_at, is_unsealed, remember, sealed_head


def sealed(shop):
    shop.box.door.write(
        lambda tx: seal(tx, shop.box.journal.identity, shop.box.secrets.log_key.sign)
    )


def stream_of(shop):
    me = shop.box.journal.identity
    return Stream(
        origin=me.origin,
        epoch=me.epoch,
        birth=me.birth,
        check=lambda message, signature: signed_by_birth(me.birth, signature, message),
    )


def segments(shop, *, first=1, limit=1_000):
    me = shop.box.journal.identity
    return shop.ask(lambda db: list(sealed_segments(db, me, first=first, limit=limit)))


def test_what_is_sealed_is_accepted_by_whoever_knows_the_birth_certificate(shop):
    sealed(shop)
    shop.member()
    shop.open_shift()
    sealed(shop)
    me = shop.box.journal.identity
    stream = stream_of(shop)
    cursor, documents = origin_cursor(me.birth), []
    for segment in segments(shop):
        raw = pack(segment)
        judged = judge(stream, cursor, Arrived(segment=unpack(raw), raw=raw))
        assert judged.verdict is Verdict.NEXT
        cursor = judged.cursor
        documents += unpack(raw).documents
    n, head = shop.ask(lambda db: sealed_head(db, me))
    assert (cursor.have, cursor.head) == (n, head)
    assert any("李慧敏".encode() in laid.content for laid in documents)


def test_a_segment_that_is_sent_again_is_the_same_to_the_byte(shop):
    for number in range(5):
        shop.member(phone=f"1381234204{number}")
    sealed(shop)
    once = [pack(segment) for segment in segments(shop)]
    shop.member(phone="13900000000")
    sealed(shop)
    assert [pack(segment) for segment in segments(shop)][: len(once)] == once


def test_sending_goes_on_from_the_segment_that_holds_an_event(shop):
    for number in range(3):
        sealed(shop)
        shop.member(phone=f"1381234204{number}")
    sealed(shop)
    everything = segments(shop)
    assert len(everything) >= 3
    second = everything[1]
    for first in range(second.first, second.last + 1):
        assert segments(shop, first=first) == everything[1:]
    assert segments(shop, first=second.first, limit=1) == [second]
    assert segments(shop, first=everything[-1].last + 1) == []


def test_the_outbox_counts_what_head_office_does_not_hold_and_since_when(shop):
    me = shop.box.journal.identity
    last = shop.ask(lambda db: shop.box.journal.head(db).seq)
    shop.box.door.write(lambda tx: remember(tx, me, acked=last, safe=0))
    assert shop.ask(lambda db: outbox(db, me)).depth == 0
    first = shop.clock.at
    shop.member()
    shop.clock.advance(90_000)
    shop.member(phone="13900000000")
    waiting = shop.ask(lambda db: outbox(db, me))
    assert waiting.depth == 2
    assert waiting.lag_ms(shop.clock.at) == shop.clock.at - first
    assert shop.ask(lambda db: outbox(db, me, acked=last + 1)).depth == 1
    assert shop.ask(lambda db: outbox(db, me, acked=last + 2)).lag_ms(shop.clock.at) == 0


def test_what_was_written_since_the_last_seal_is_seen(shop):
    me = shop.box.journal.identity
    sealed(shop)
    assert not shop.ask(lambda db: is_unsealed(db, me))
    shop.member()
    assert shop.ask(lambda db: is_unsealed(db, me))


def test_a_document_that_was_erased_does_not_travel(shop):
    shop.member()
    sealed(shop)
    shop.box.door.write(lambda tx: tx.run("DELETE FROM document"))
    assert all(segment.documents == () for segment in segments(shop))


def test_the_head_after_an_event_is_known_up_to_the_journals_end(shop):
    me = shop.box.journal.identity
    last = shop.ask(shop.box.journal.head)
    assert shop.ask(lambda db: head_at(db, me, last.seq)) == last.head
    assert shop.ask(lambda db: head_at(db, me, last.seq + 1)) is None


def sent(shop, *, first=1, limit=WINDOW_SEGMENTS):
    disk = Disk.of(shop.box, load_link(shop.box.folder))
    return disk.segments(SendSegments(first=first, limit=limit))


def events_of(sealed_ones):
    return [raw for segment in sealed_ones for raw in segment.events]


def a_month(shop):
    """Let a shop seal each of many sales by itself, as it does without a line."""
    sealed(shop)
    for number in range(WINDOW_SEGMENTS):
        shop.member(phone=f"1381234204{number}")
        sealed(shop)


def test_small_segments_of_a_long_absence_travel_as_few_large_ones(joined_shop):
    a_month(joined_shop)
    small = segments(joined_shop)
    assert len(small) > WINDOW_SEGMENTS
    (large,) = sent(joined_shop)
    assert list(large.events) == events_of(small)
    assert large.documents == tuple(laid for segment in small for laid in segment.documents)
    assert segments(joined_shop) == [large]
    birth = joined_shop.box.journal.identity.birth
    judged = judge(
        stream_of(joined_shop), origin_cursor(birth), Arrived(segment=large, raw=b"")
    )
    assert (judged.verdict, judged.cursor.have) == (Verdict.NEXT, small[-1].last)
    assert joined_shop.box.findings() == []


def test_few_segments_go_as_they_were_sealed(joined_shop):
    a_month(joined_shop)
    small = segments(joined_shop)
    first = small[-WINDOW_SEGMENTS].first
    assert sent(joined_shop, first=first) == small[-WINDOW_SEGMENTS:]
    assert segments(joined_shop) == small


def test_joined_segments_are_no_larger_than_one_may_be(joined_shop):
    for number in range(4):
        for each in range(60):
            joined_shop.member(phone=f"1390000{number}{each:03}")
        sealed(joined_shop)
    a_month(joined_shop)
    everything = events_of(segments(joined_shop))
    joined = sent(joined_shop)
    assert len(joined) > 1
    assert all(len(segment.events) <= SEGMENT_EVENTS_MAX for segment in joined)
    assert events_of(joined) == everything
    assert [one.first for one in joined[1:]] == [one.last + 1 for one in joined[:-1]]


def test_who_holds_the_beginning_of_a_joined_segment_takes_the_rest(joined_shop):
    a_month(joined_shop)
    small, stream = segments(joined_shop), stream_of(joined_shop)
    held = judge(stream, origin_cursor(stream.birth), Arrived(segment=small[0], raw=b"")).cursor
    (large,) = sent(joined_shop)
    assert sent(joined_shop, first=held.have + 1) == [large]
    judged = judge(stream, held, Arrived(segment=large, raw=b"", held=held.head))
    assert (judged.verdict, judged.cursor.have) == (Verdict.NEXT, small[-1].last)

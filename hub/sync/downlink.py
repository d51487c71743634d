"""The way down: head office's stream to this box, kept as it came, and what follows from it.

The stream is a journal of its own here: origin `<hub>.dn`, written by head office, chained and
sealed like every other, so `dianshu verify` walks it too. What this box does about an event is
an event of its own in the same transaction: both are there, or neither.
"""

from __future__ import annotations

import logging

import msgspec

from core.clock import MINUTE_MS
from core.journal import (
    ANSWER,
    WHOLE,
    Act,
    Birth,
    Entry,
    chain,
    decode,
    is_aside,
    receive_now,
    set_aside,
)
from core.members import ALIASES, standing_for
from core.sqlite import Reader, Row, Writer
from core.wallet import Granted, Recalled, Released, send_release, take_in
from core.wire import Cursor, Segment, Stream, origin_cursor
from hub.checkout import release_right
from hub.sync.link import Link

BUSY_MS = 15 * MINUTE_MS
"""Somebody whose bill was touched so lately is here: money follows the person."""

_OPEN_BILLS = f"""{ALIASES} SELECT opened_at, stamps FROM ticket
    WHERE state = 'open' AND (member IN (SELECT id FROM alias)
      OR payer IN (SELECT id FROM alias))"""  # noqa: S608 - own text

log = logging.getLogger(__name__)


class Moved(Exception):
    """The stream does not stand where the segment was judged against; nothing has changed."""


def downlink_stream(link: Link) -> Stream:
    """Return which stream comes down, and how its signatures are checked."""
    birth = msgspec.json.decode(link.downlink_birth, type=Birth)
    return Stream(
        origin=birth.hub, epoch=birth.epoch, birth=link.downlink_birth, check=link.vouched
    )


def begin_downlink(tx: Writer, stream: Stream) -> None:
    """Record the stream before its first event; again does nothing."""
    tx.run(
        "INSERT INTO origin (origin, epoch, birth, own) VALUES (:origin, :epoch, :birth, 0)"
        " ON CONFLICT DO NOTHING",
        origin=stream.origin,
        epoch=stream.epoch,
        birth=stream.birth,
    )


def downlink_cursor(db: Reader, stream: Stream) -> Cursor:
    """Return how far the stream is held here."""
    row = db.one(
        "SELECT seq, head FROM journal WHERE origin = :origin AND epoch = :epoch"
        " ORDER BY seq DESC LIMIT 1",
        origin=stream.origin,
        epoch=stream.epoch,
    )
    if row is None:
        return origin_cursor(stream.birth)
    return Cursor(have=row["seq"], head=row["head"])


def downlink_head(db: Reader, stream: Stream, seq: int) -> bytes | None:
    """Return the chain's value after an event of the stream, if it is held."""
    head: bytes | None = db.value(
        "SELECT head FROM journal WHERE origin = :origin AND epoch = :epoch AND seq = :seq",
        origin=stream.origin,
        epoch=stream.epoch,
        seq=seq,
    )
    return head


def take_downlink(
    tx: Writer, act: Act, *, stream: Stream, segment: Segment, after: int
) -> Cursor:
    """Keep a judged segment and do what its events ask for; return where the stream now stands.

    `after` is where it stood when the segment was judged. Raises Moved when it does not.
    """
    held = downlink_cursor(tx, stream)
    if held.have != after or not segment.first <= after + 1 <= segment.last:
        raise Moved(f"{held.have} and not {after}")
    head = held.head
    for seq in range(after + 1, segment.last + 1):
        raw = segment.events[seq - segment.first]
        head = chain(head, raw)
        keep_event(tx, stream, seq=seq, head=head, raw=raw)
        _follow(tx, act, stream, seq=seq, raw=raw)
    keep_seal(tx, stream, segment, head)
    return Cursor(have=segment.last, head=head)


def keep_event(tx: Writer, stream: Stream, *, seq: int, head: bytes, raw: bytes) -> None:
    try:
        at = decode(raw).at
    except msgspec.MsgspecError:
        at = 0  # It is kept as it came; `verify` says what is wrong with it.
    tx.run(
        "INSERT INTO journal (origin, epoch, seq, at, head, raw)"
        " VALUES (:origin, :epoch, :seq, :at, :head, :raw)",
        origin=stream.origin,
        epoch=stream.epoch,
        seq=seq,
        at=at,
        head=head,
        raw=raw,
    )


def keep_seal(tx: Writer, stream: Stream, segment: Segment, head: bytes) -> None:
    # Head office may cut the same events into other segments after it was restored.
    tx.run(
        "DELETE FROM segment WHERE origin = :origin AND epoch = :epoch AND first_seq >= :first",
        origin=stream.origin,
        epoch=stream.epoch,
        first=segment.first,
    )
    tx.run(
        "INSERT INTO segment (origin, epoch, first_seq, last_seq, boot, head, signature)"
        " VALUES (:origin, :epoch, :first, :last, :boot, :head, :signature)",
        origin=stream.origin,
        epoch=stream.epoch,
        first=segment.first,
        last=segment.last,
        boot=segment.boot,
        head=head,
        signature=segment.signature,
    )


def _follow(tx: Writer, act: Act, stream: Stream, *, seq: int, raw: bytes) -> None:
    """Apply one event and answer it. One that cannot be is put aside; those behind it go on."""
    place = (stream.origin, stream.epoch, seq)
    try:
        event = decode(raw)
    except msgspec.MsgspecError as error:
        set_aside(tx, place, reason=str(error), share=WHOLE)
        return
    receive_now(tx, act.journal.parts, event, {})
    if is_aside(tx, *place):
        return
    tx.run("SAVEPOINT answer")
    try:
        entry = act.journal.parts.entry(event, {})
        if entry is not None:  # A kind from a newer head office waits for the update.
            _answer(tx, act, entry)
    except Exception as error:
        log.exception("no answer to %s/%s/%s", *place)
        tx.run("ROLLBACK TO answer")
        set_aside(tx, place, reason=f"{type(error).__name__}: {error}", share=ANSWER)
    finally:
        tx.run("RELEASE answer")


def _answer(tx: Writer, act: Act, entry: Entry) -> None:
    me = act.journal.identity
    match entry.body:
        case Granted() as granted if (granted.hub, granted.hub_epoch) == (me.origin, me.epoch):
            take_in(tx, act, granted, place=me.place)
        case Recalled() as asked if (asked.hub, asked.hub_epoch) == (me.origin, me.epoch):
            _release(tx, act, asked)
        case _:
            return


def _release(tx: Writer, act: Act, asked: Recalled) -> None:
    transfer = act.new_id()
    if release_right(tx, act, asked, transfer=transfer) is not None:
        return
    # Where nobody waits for the money, somebody who was only looked up keeps it too.
    stays = is_here if asked.legs else is_served
    if stays(tx, asked.member, now=act.at):
        # Nothing, said aloud: head office need not wait, and may ask again later.
        nothing = Released(
            transfer=transfer, member=asked.member, legs=(), request=asked.request
        )
        act.append(tx, nothing)
        return
    send_release(
        tx,
        act,
        transfer=transfer,
        member=asked.member,
        request=asked.request,
        wanted=asked.legs,
    )


def is_here(db: Reader, member: str, *, now: int) -> bool:
    """Say whether a member has an open bill that somebody touched in the last minutes.

    Also one of a relative that is paid out of the member's account, and one that was begun in
    the name of a duplicate.
    """
    bills = db.all(_OPEN_BILLS, member=standing_for(db, member))
    return any(now - _touched(bill) < BUSY_MS for bill in bills)


def is_served(db: Reader, member: str, *, now: int) -> bool:
    """Say whether such a bill has something on it, so that it is about to be paid.

    An empty one is what stays on a till's screen after a card was swiped to look or to top up;
    it must not keep the money of somebody who has walked on to another store.
    """
    bills = db.all(
        f"{_OPEN_BILLS} AND EXISTS"  # noqa: S608 - own text
        " (SELECT 1 FROM ticket_line WHERE ticket = ticket.id AND quantity > 0)",
        member=standing_for(db, member),
    )
    return any(now - _touched(bill) < BUSY_MS for bill in bills)


def _touched(bill: Row) -> int:
    """Return when a bill was last changed; a stamp begins with its event's time in hex."""
    opened_at: int = bill["opened_at"]
    stamps: dict[str, str] = msgspec.json.decode(bill["stamps"])
    return max(opened_at, *(int(stamp.partition(".")[0], 16) for stamp in stamps.values()))

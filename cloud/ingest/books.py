"""A merchant's tables brought up to what is kept, slice by slice; any slice may be the last."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace
from functools import partial

from msgspec.structs import replace

from cloud.aside import requests
from cloud.epochs import ClosedPlace, is_voided, late_seq, note_late, void_some
from cloud.feed import position
from cloud.ingest.again import take_again
from cloud.ingest.deriving import derive, is_derived
from cloud.ingest.ending import MEMBERS_AT_ONCE, day_to_close, end_some
from cloud.ingest.lateness import Lateness
from cloud.ingest.people import settle_people
from cloud.ingest.placing import Placing
from cloud.ingest.reacting import Reaction
from cloud.ingest.recovering import conclude, prepare
from cloud.ingest.sources import Reach, Source, lines_of, reach_of, sources_of
from cloud.ingest.unpacking import Notice, place_in_journal, take_segment
from cloud.placement import due_members
from cloud.platform import Merchant, Platform, alarm, find_hub
from cloud.recovery import awaited_hubs, recovery_of
from cloud.streams import cursor_of, keep_own, seal_own, segments_after
from core.journal import drain, is_behind
from core.members import standing_for
from core.sqlite import Reader, Writer
from core.wire import RECOVERING, Answer, Ask, Segment, unpack

log = logging.getLogger(__name__)
SLICE_EVENTS_MAX = 400
"""What one transaction takes in where nobody hurries."""
PIECE_EVENTS_MAX = 25
"""An ask that comes meanwhile waits for no more than these, and for what they are committed
with."""
SLICE_SEGMENTS_MAX = 16
HISTORY_EVENTS_MAX = 500
Hurry = Callable[[], bool]
"""Says whether somebody waits, so that a slice should end with the piece at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is committed and kept, so that it may be told."""

    merchant: str
    feed_pos: int
    down_lens: dict[str, int]
    """How long each hub's downlink is, sealed and kept, by the hub's id."""
    answers: tuple[tuple[str, Answer], ...] = ()
    events: int = 0
    more: bool = False
    """Something waits that did not fit into the slice."""


@dataclass(slots=True)
class _Slice:
    """What is about to be taken in."""

    waiting: list[tuple[Source, Segment, ClosedPlace | None]] = field(default_factory=list)
    """Where a segment came late, with the place that had ended before it."""
    ended: ClosedPlace | None = None
    """A place of which all is here that counts, and which is still to be emptied."""
    events: int = 0
    more: bool = False


def nobody_hurries() -> bool:
    return False


def carry(platform: Platform, merchant: Merchant, *, hurry: Hurry = nobody_hurries) -> Outcome:
    """Take in what is kept of a merchant's hubs, react, derive, seal; one slice of it.

    Everything of a slice is one transaction, so a crash leaves all of it or nothing; what was
    committed and not kept is kept at the next call.
    """
    recovery = prepare(platform, merchant)
    with platform.door.read() as shared:
        awaited = awaited_hubs(shared, merchant.id)
        # What a hub wrote rests on what it was sent, which head office may have forgotten.
        sources = [one for one in sources_of(shared, merchant.id) if one.hub.id not in awaited]
        reach = reach_of(shared, merchant.id)
        with merchant.door.read() as db:
            waiting = _next_slice(shared, db, sources)
            idle = not (waiting.waiting or waiting.ended) and is_derived(db)
    if idle:
        ended = None if recovery is None else conclude(platform, merchant, recovery)
        report = Reported(notices=ended or [], more=ended is not None)
        return _told(platform, merchant, report)
    take = partial(_take_slice, merchant=merchant, reach=reach, part=waiting, hurry=hurry)
    return _told(platform, merchant, merchant.door.write(take))


def handle(platform: Platform, merchant: Merchant, asks: Sequence[tuple[str, Ask]]) -> Outcome:
    """Do what the policy says about asks, each of a hub by its id."""
    with platform.door.read() as shared:
        reach = reach_of(shared, merchant.id)
        frozen = recovery_of(shared, merchant.id) is not None
    answered = merchant.door.write(partial(_answer, merchant=merchant, reach=reach, asks=asks))
    if frozen:
        answered.answers = [
            (hub, replace(answer, reason=RECOVERING)) for hub, answer in answered.answers
        ]
    return _told(platform, merchant, answered)


def place(platform: Platform, merchant: Merchant) -> Outcome | None:
    """Bring some members' value to rest whose visit is over; None where nobody's is due."""
    with merchant.door.read() as db:
        if not due_members(db, now=platform.clock.read().at, limit=1):
            return None
    with platform.door.read() as shared:
        reach = reach_of(shared, merchant.id)
    if not reach:
        return None  # Nowhere to put it, as while head office recovers: it stays due.
    placed = merchant.door.write(partial(_place, merchant=merchant, reach=reach))
    return _told(platform, merchant, placed)


def close_day(
    platform: Platform, merchant: Merchant, *, closed: str
) -> tuple[str, Outcome] | None:
    """End points in the pool that are over, of some members; None where the day is `closed`.

    Returns the date with what is to be told. Nothing ends while head office waits for what
    stores remember: then it cannot know what the pool holds. History is drained.
    """
    with merchant.door.read() as db:
        date = day_to_close(db, merchant.act(db), closed=closed)
    with platform.door.read() as shared:
        if not date or recovery_of(shared, merchant.id) is not None:
            return None
    report = merchant.door.write(partial(_end_points, merchant=merchant))
    return date, _told(platform, merchant, report)


def try_aside(platform: Platform, merchant: Merchant) -> Outcome | None:
    """Try once more what somebody asked for of the tray; None where nobody did."""
    with merchant.door.read() as db:
        wanted = requests(db)
    if not wanted:
        return None
    with platform.door.read() as shared:
        sources, reach = sources_of(shared, merchant.id), reach_of(shared, merchant.id)

    def take(tx: Writer) -> Reported:
        act = merchant.act(tx)
        reaction = Reaction(tx=tx, merchant=merchant, act=act, reach=reach)
        done = take_again(
            reaction,
            wanted,
            sources,
            lateness_of=lambda source, seq: _lateness_at(reaction, source, seq),
        )
        seal_own(tx, merchant)
        notices = [*done.notices, *reaction.notices]
        return Reported(answers=reaction.answers, notices=notices, more=True)

    return _told(platform, merchant, merchant.door.write(take))


def write_history(merchant: Merchant, *, hurry: Hurry = nobody_hurries) -> bool:
    """Project a bounded stretch of history; say whether anything was there."""
    with merchant.door.read() as db:
        if not is_behind(db):
            return False

    def write(tx: Writer) -> None:
        for _ in range(0, HISTORY_EVENTS_MAX, PIECE_EVENTS_MAX):
            done = drain(tx, merchant.parts, limit=PIECE_EVENTS_MAX)
            if done < PIECE_EVENTS_MAX or hurry():
                return

    merchant.door.write(write)
    return True


@dataclass(slots=True)
class Reported:
    """What a transaction leaves to be told."""

    answers: list[tuple[str, Answer]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    events: int = 0
    more: bool = False


def _next_slice(shared: Reader, db: Reader, sources: Sequence[Source]) -> _Slice:
    part = _Slice()
    for source in sources:
        if not _gather(shared, db, source, part):
            part.more = True
            break
    return part


def _gather(shared: Reader, db: Reader, source: Source, part: _Slice) -> bool:
    """Put what waits of a source into a slice; say whether it still has room."""
    begun = place_in_journal(db, source)
    if begun is None:
        # What a branch leaves is taken in before it.
        part.more = part.more or bool(part.waiting)
        return True
    have, closed = begun[0], source.closed_place
    emptied = closed is None or is_voided(db, closed)
    if closed is not None and not emptied and source.branch is None:
        _end(part, source, closed, have)
    rows = segments_after(
        shared, source.origin, source.epoch.epoch, have, limit=SLICE_SEGMENTS_MAX
    )
    for row in rows:
        late = _late(source, row["first_seq"])
        if late is not None and not emptied:
            break  # What lay there goes home before it.
        if part.events >= SLICE_EVENTS_MAX:
            return False
        begun_at, segment = max(have, row["first_seq"] - 1), unpack(row["raw"])
        end = min(begun_at + SLICE_EVENTS_MAX - part.events, segment.last)
        for at in range(begun_at, end, PIECE_EVENTS_MAX):
            piece = _up_to(min(at + PIECE_EVENTS_MAX, end), segment)
            part.waiting.append((source, piece, late))
        if end < segment.last:
            return False
        part.events += row["last_seq"] - begun_at
    part.more = part.more or len(rows) == SLICE_SEGMENTS_MAX
    return True


def _end(part: _Slice, source: Source, closed: ClosedPlace, have: int) -> None:
    """Let a closed place be emptied once all that counts of it is here."""
    if have < closed.seq:
        part.more = True
    elif not source.epoch.limbo:
        part.ended = part.ended or closed


def _up_to(last: int, segment: Segment) -> Segment:
    """Return a segment, or the piece of it up to an event."""
    if segment.last <= last:
        return segment
    events = segment.events[: last - segment.first + 1]
    return dataclass_replace(segment, events=events, signature=b"")


def _late(source: Source, first: int) -> ClosedPlace | None:
    """Return the place that had ended before a segment came, or a branch was told of."""
    closed = source.closed_place
    if closed is None or (source.branch is None and first <= closed.seq):
        return None
    return closed


def _take_slice(
    tx: Writer, *, merchant: Merchant, reach: Reach, part: _Slice, hurry: Hurry
) -> Reported:
    act = merchant.act(tx)
    reaction = Reaction(tx=tx, merchant=merchant, act=act, reach=reach)
    report = Reported(more=part.more)
    if part.ended is not None:
        report.more = not _empty(tx, reaction, part.ended) or report.more
    for number, (source, segment, late) in enumerate(part.waiting):
        if number and hurry():
            report.more = True
            del part.waiting[number:]
            break
        done = take_segment(
            tx,
            merchant.parts,
            source,
            segment,
            reaction.to(source) if late is None else reaction.to_late(source),
            lateness=None if late is None else _lateness(reaction, source, late),
        )
        if late is not None:
            note_late(tx, act, source.origin, source.epoch.epoch, segment.last)
        report.events += done.events
        report.notices += done.notices
    settle_people(tx, act, [waiting[1] for waiting in part.waiting])
    sources = [source for source, _segment, _late in part.waiting]
    report.more = reaction.set_right(sources) or report.more
    report.more = derive(tx, at=act.at, sign=merchant.signing.sign) or report.more
    seal_own(tx, merchant)
    report.answers = reaction.answers
    report.notices += reaction.notices
    return report


def _empty(tx: Writer, reaction: Reaction, ended: ClosedPlace) -> bool:
    """Bring home what lay at a closed place; say whether nothing more is to be done at once."""
    tx.run("SAVEPOINT ended")
    try:
        members, _whole = void_some(tx, reaction.act, ended)
    except Exception as error:
        # It is tried again with whatever comes next; what others bring is taken in meanwhile.
        log.exception("%s cannot be emptied", ended.place)
        tx.run("ROLLBACK TO ended")
        detail = f"{ended.place}: {type(error).__name__}: {error}"
        reaction.notices.append(Notice(hub=ended.hub, kind="no_reaction", detail=detail))
        return True
    finally:
        tx.run("RELEASE ended")
    for member in members:
        reaction.came_free(member, hub=ended.hub)
    return False  # The next of it, or what came late and waited for this.


def _lateness_at(reaction: Reaction, source: Source, seq: int) -> Lateness | None:
    late = _late(source, seq)
    return None if late is None else _lateness(reaction, source, late)


def _lateness(reaction: Reaction, source: Source, late: ClosedPlace) -> Lateness:
    return Lateness(
        tx=reaction.tx,
        act=reaction.act,
        closed=late,
        source=source,
        freed=lambda member: reaction.came_free(member, hub=late.hub),
        paid=late_seq(reaction.tx, source.origin, source.epoch.epoch),
    )


def _answer(
    tx: Writer, *, merchant: Merchant, reach: Reach, asks: Sequence[tuple[str, Ask]]
) -> Reported:
    act = merchant.act(tx)
    reaction = Reaction(tx=tx, merchant=merchant, act=act, reach=reach)
    report = Reported()
    for hub, ask in asks:
        # A store that has not heard of a merge asks for the old name.
        named = replace(ask, member=standing_for(tx, ask.member))
        state = reaction.handle(hub, named)
        report.answers.append((hub, Answer(id=ask.id, state=state)))
    report.notices = reaction.notices
    # Documents follow with the books, after the answer: nobody waits at a till for those.
    report.more = not is_derived(tx)
    seal_own(tx, merchant)
    return report


def _place(tx: Writer, *, merchant: Merchant, reach: Reach) -> Reported:
    act = merchant.act(tx)
    report = Reported(more=Placing(tx=tx, merchant=merchant, act=act, reach=reach).place())
    derive(tx, at=act.at, sign=merchant.signing.sign)
    seal_own(tx, merchant)
    return report


def _end_points(tx: Writer, *, merchant: Merchant) -> Reported:
    act = merchant.act(tx)
    report = Reported(more=end_some(tx, act) == MEMBERS_AT_ONCE)
    derive(tx, at=act.at, sign=merchant.signing.sign)
    seal_own(tx, merchant)
    return report


def _told(platform: Platform, merchant: Merchant, report: Reported) -> Outcome:
    at = platform.clock.read().at
    keep_own(merchant, at=at)
    if report.notices:
        platform.door.write(lambda tx: _raise_alarms(tx, platform, report.notices))
    with merchant.door.read() as db:
        feed_pos = position(db)
    with platform.door.read() as shared:
        down_lens = {
            hub: cursor_of(
                shared, source.downlink, source.epoch.epoch, source.epoch.downlink_birth
            ).have
            for hub, source in lines_of(shared, merchant.id).items()
        }
    return Outcome(
        merchant=merchant.id,
        feed_pos=feed_pos,
        down_lens=down_lens,
        answers=tuple(report.answers),
        events=report.events,
        more=report.more,
    )


def _raise_alarms(tx: Writer, platform: Platform, notices: Sequence[Notice]) -> None:
    for notice in notices:
        hub = find_hub(tx, notice.hub)
        if hub is not None:
            alarm(tx, platform, hub, kind=notice.kind, detail=notice.detail)

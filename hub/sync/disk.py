"""What the sending program asks of the hub's database, and what it writes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from core.feed import held_pos
from core.journal import Act, Identity, join_seals, seal
from core.sqlite import Reader, Writer
from core.wire import Arrived, Ask, Segment, SendSegments, Stream, heads_needed
from hub.box import Box, count_boots
from hub.fence import TAKING_UP, Fence, fence, put_up, take_down
from hub.members import is_due, note_list
from hub.sync.asks import due_asks, note
from hub.sync.conversation import Bar, Standing, TakeDownlink, TakeFeed
from hub.sync.downlink import downlink_cursor, downlink_head, downlink_stream, take_downlink
from hub.sync.history import own_stream, take_past
from hub.sync.joining import take_feed, take_up
from hub.sync.link import Link
from hub.sync.outbox import (
    are_many,
    feed_run,
    head_at,
    is_unsealed,
    note_feed_run,
    remember,
    remembered,
    sealed_head,
    sealed_segments,
)
from hub.sync.people import settle_people
from hub.sync.waiting import take_waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One joined hub's database, as sending sees it."""

    box: Box
    stream: Stream

    @classmethod
    def of(cls, box: Box, link: Link) -> Self:
        """Bring the tables to where the link says they are, and lend them."""
        box.door.write(lambda tx: take_up(tx, link))
        return cls(box=box, stream=downlink_stream(link))

    @property
    def me(self) -> Identity:
        return self.box.journal.identity

    def standing(self, *, lost: bool = False) -> Standing:
        """Return what is flushed."""
        with self.box.door.read() as db:
            n, head = sealed_head(db, self.me)
            down = downlink_cursor(db, self.stream)
            acked, safe = remembered(db, self.me)
            return Standing(
                n=n,
                head=head,
                down_n=down.have,
                down_head=down.head,
                feed_pos=held_pos(db) or 0,
                lost=lost,
                taking_up=_is_taking_up(db),
                told_acked=acked,
                told_safe=safe,
                feed_run=feed_run(db),
            )

    def seal(self, held: tuple[int, int] | None) -> None:
        """Seal what was written since; in the same flush note (acked, safe), where known."""
        with self.box.door.read() as db:
            waiting = is_unsealed(db, self.me)
        if not waiting:
            return

        def write(tx: Writer) -> None:
            seal(tx, self.me, self.box.secrets.log_key.sign)
            if held is not None:
                remember(tx, self.me, acked=held[0], safe=held[1])

        self.box.door.write(write)

    def held(self) -> tuple[int, int]:
        """Return (acked, safe) as they were last noted."""
        with self.box.door.read() as db:
            return remembered(db, self.me)

    def note_held(self, acked: int, safe: int) -> None:
        """Remember for pages what head office held when it was last heard."""
        if self.held() != (acked, safe):
            self.box.door.write(lambda tx: remember(tx, self.me, acked=acked, safe=safe))

    def forget_told(self) -> None:
        """Hold nothing of what was said against head office: it has been given back all."""

        def write(tx: Writer) -> None:
            note_feed_run(tx, "")
            remember(tx, self.me, acked=0, safe=0)

        self.box.door.write(write)

    def own_head(self, seq: int) -> bytes | None:
        """Return the own chain's value after an event, where the journal reaches it."""
        with self.box.door.read() as db:
            return head_at(db, self.me, seq)

    def segments(self, order: SendSegments) -> list[Segment]:
        """Return the sealed segments that are to be sent, joined where very many wait."""
        with self.box.door.read() as db:
            waits_long = are_many(db, self.me, first=order.first)
        if waits_long:
            self.box.door.write(lambda tx: self._join(tx, order))
        with self.box.door.read() as db:
            return list(sealed_segments(db, self.me, first=order.first, limit=order.limit))

    def _join(self, tx: Writer, order: SendSegments) -> None:
        sign = self.box.secrets.log_key.sign
        join_seals(tx, self.me, sign, first=order.first, limit=order.limit)

    def arrived(self, segment: Segment, raw: bytes) -> Arrived:
        """Return a segment that came down, with the heads that it is judged by."""
        with self.box.door.read() as db:
            needed = heads_needed(downlink_cursor(db, self.stream).have, segment)
            heads = [downlink_head(db, self.stream, seq) for seq in needed or ()]
        before, held = heads or (None, None)
        return Arrived(segment=segment, raw=raw, before=before, held=held)

    # -- what keeps this box from writing ---------------------------------------------------

    def fence(self) -> Fence | None:
        """Return what keeps this box from writing."""
        with self.box.door.read() as db:
            return fence(db)

    def bar(self, bar: Bar) -> bool:
        """Keep the box from writing; False where it has parted from its past already."""

        def write(tx: Writer) -> bool:
            if bar.state == TAKING_UP and self.box.journal.head(tx).seq != bar.after:
                return False
            since = self.box.journal.clock.read().at
            put_up(tx, bar.state, reason=bar.reason, since=since)
            return True

        return self.box.door.write(write)

    def unbar(self, state: str) -> None:
        """Let the box write again, if this is what kept it from it."""
        held = self.fence()
        if held is not None and held.state == state:
            self.box.door.write(lambda tx: self._unbar(tx, state))

    def _unbar(self, tx: Writer, state: str) -> None:
        if state == TAKING_UP:
            take_waiting(tx, self.box)
        take_down(tx, state)

    def take_own(self, segments: list[Segment]) -> bool:
        """Take up events of this box that it has forgotten; False where none came.

        Raises Contradicts where they do not go on from what is here.
        """

        def write(tx: Writer) -> bool:
            if not _is_taking_up(tx):
                return False  # Somebody may have written meanwhile.
            count_boots(tx, max((one.boot for one in segments), default=0))
            return take_past(tx, self.box.parts, own_stream(self.me), segments) > 0

        return self.box.door.write(write)

    # -- what comes down ---------------------------------------------------------------------

    def take(self, came: TakeDownlink | TakeFeed) -> bool:
        """Take what came down, in one transaction; False where it does not fit."""
        return self.box.door.write(lambda tx: self._take(tx, came))

    def due_asks(self, said: dict[str, int], *, now: int) -> list[Ask]:
        with self.box.door.read() as db:
            return due_asks(db, place=self.me.place, now=now, said=said)

    def note_answer(self, ask: str, state: str, reason: str = "") -> None:
        self.box.door.write(lambda tx: note(tx, ask=ask, state=state, reason=reason))

    def note_list(self) -> None:
        """Note for the till that the list of lost cards is whole, now and then."""
        now = self.box.journal.clock.read().at
        with self.box.door.read() as db:
            due = is_due(db, now=now)
        if due:
            self.box.door.write(lambda tx: note_list(tx, now=now))

    def _take(self, tx: Writer, came: TakeDownlink | TakeFeed) -> bool:
        if isinstance(came, TakeFeed):
            if not take_feed(tx, self.box, came.batch):
                return False
        else:
            act = self._act(tx)
            take_downlink(tx, act, stream=self.stream, segment=came.segment, after=came.after)
        settle_people(tx, self._act)
        return True

    def _act(self, db: Reader) -> Act:
        """Return the act of this program; a new hub's store may not have come down yet."""
        known = self.box.store_id(db)
        has_store = known and db.value(
            "SELECT 1 FROM feed_document WHERE topic = 'store' AND key = :key"
            " AND content IS NOT NULL",
            key=known,
        )
        return self.box.act(db) if has_store else self.box.first_act()


def _is_taking_up(db: Reader) -> bool:
    held = fence(db)
    return held is not None and held.state == TAKING_UP

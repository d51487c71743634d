"""What the sending program asks of the hub's database, and what it writes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from core.feed import held_pos
from core.journal import Act, Identity, seal
from core.sqlite import Reader, Writer
from core.wire import Arrived, Ask, Segment, SendSegments, Stream, heads_needed
from hub.box import Box
from hub.sync.asks import due_asks, note
from hub.sync.conversation import Standing, TakeDownlink, TakeFeed
from hub.sync.downlink import downlink_cursor, downlink_head, downlink_stream, take_downlink
from hub.sync.joining import take_feed, take_up
from hub.sync.link import Link
from hub.sync.outbox import (
    head_at,
    is_unsealed,
    remember,
    remembered,
    sealed_head,
    sealed_segments,
)


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
            return Standing(
                n=n,
                head=head,
                down_n=down.have,
                down_head=down.head,
                feed_pos=held_pos(db) or 0,
                lost=lost,
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

    def own_head(self, seq: int) -> bytes | None:
        """Return the own chain's value after an event, where the journal reaches it."""
        with self.box.door.read() as db:
            return head_at(db, self.me, seq)

    def segments(self, order: SendSegments) -> list[Segment]:
        """Return the sealed segments that are to be sent."""
        with self.box.door.read() as db:
            return list(sealed_segments(db, self.me, first=order.first, limit=order.limit))

    def arrived(self, segment: Segment, raw: bytes) -> Arrived:
        """Return a segment that came down, with the heads that it is judged by."""
        with self.box.door.read() as db:
            needed = heads_needed(downlink_cursor(db, self.stream).have, segment)
            heads = [downlink_head(db, self.stream, seq) for seq in needed or ()]
        before, held = heads or (None, None)
        return Arrived(segment=segment, raw=raw, before=before, held=held)

    def take(self, came: TakeDownlink | TakeFeed) -> bool:
        """Take what came down, in one transaction; False where it does not fit."""
        return self.box.door.write(lambda tx: self._take(tx, came))

    def due_asks(self, said: dict[str, int], *, now: int) -> list[Ask]:
        with self.box.door.read() as db:
            return due_asks(db, now=now, said=said)

    def note_answer(self, ask: str, state: str) -> None:
        self.box.door.write(lambda tx: note(tx, ask=ask, state=state))

    def _take(self, tx: Writer, came: TakeDownlink | TakeFeed) -> bool:
        if isinstance(came, TakeFeed):
            return take_feed(tx, self.box, came.batch)
        take_downlink(
            tx, self._act(tx), stream=self.stream, segment=came.segment, after=came.after
        )
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

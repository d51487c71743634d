"""One hub's conversation: its step's state, and the disk as the step has to be told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypedDict

from cloud.ingest.sources import Source
from cloud.ingest.step import CloudState, Garbled, Heard, Input, Standing, start
from cloud.platform import epochs_of
from cloud.recovery import owed_by, recovery_of, safe_of
from cloud.streams import (
    FORGOTTEN,
    Kept,
    cursor_of,
    feed_at_end,
    head_at,
    number_of,
    segments_after,
)
from core.journal import decode, kind_of
from core.sqlite import Reader
from core.wire import (
    Arrived,
    BadSegment,
    Channel,
    Cursor,
    Hello,
    heads_needed,
    read,
    unpack,
)


class Told(TypedDict):
    """The share of a Standing that backups and recoveries have."""

    safe: int
    recover: int
    feed_after: int


@dataclass(slots=True)
class Talk:
    """A hub that is known, whether it is on the line or not."""

    source: Source
    state: CloudState
    known: frozenset[str] = frozenset()
    """The kinds of event that the hub said it knows; empty where it did not say."""
    cleared: int = 0
    """How far of its downlink it knows all kinds."""
    held_back: tuple[str, ...] = ()
    """For which kinds the rest of its downlink waits until it is updated."""

    @property
    def hub(self) -> str:
        return self.source.hub.id

    def stream(self, *, at: int) -> Kept:
        """Return the place of the hub's journal among what is kept."""
        return Kept(
            origin=self.hub,
            epoch=self.source.epoch.epoch,
            merchant=self.source.hub.merchant,
            birth=self.source.epoch.birth,
            at=at,
        )

    def standing(self, db: Reader, *, feed_pos: int, lost: bool = False) -> Standing:
        """Return what is committed of this hub's streams."""
        held = uplink_cursor(db, self.source)
        return Standing(
            have=held.have,
            head=held.head,
            down_len=self.down_len(db),
            feed_pos=feed_pos,
            boot=self.source.boot,
            closed=self.source.closed,
            lost=lost,
            **told_of_recovery(db, self.source),
        )

    def heard_kinds(self, db: Reader, hello: Hello) -> None:
        """Take in which kinds the hub knows: of its downlink it is sent no others.

        What it has already it has, whatever it knows.
        """
        self.known, self.held_back = frozenset(hello.kinds), ()
        self.cleared = min(hello.down_n, downlink_cursor(db, self.source).have)
        standing = replace(self.state.standing, down_len=self.down_len(db))
        sender = self.state.sender.extend(standing.down_len)
        self.state = replace(self.state, standing=standing, sender=sender)

    def down_len(self, db: Reader) -> int:
        """Return how much of its downlink the hub may be sent: all before an unknown kind.

        What comes behind waits with it, because order is what the chain vouches for.
        """
        have = downlink_cursor(db, self.source).have
        while self.known and self.cleared < have:
            row = segments_after(
                db, self.source.downlink, self.source.epoch.epoch, self.cleared, limit=1
            )[0]
            events = (decode(raw) for raw in unpack(row["raw"]).events)
            strange = sorted({kind_of(event) for event in events} - self.known)
            if strange:
                self.held_back = tuple(strange)
                return self.cleared
            self.cleared = row["last_seq"]
        self.held_back = ()
        return have


def remembered(db: Reader, talk: Talk, hello: Hello, feed_pos: Callable[[], int]) -> str:
    """Return what a hub remembers that head office has forgotten; empty where there is nothing.

    A hub that has itself forgotten is no witness; and in a recovery each is asked anyway.
    """
    hub, have = talk.source.hub, talk.state.standing.have
    told = max(hello.told_acked, hello.told_safe)
    if hello.n < have or recovery_of(db, hub.merchant) is not None:
        return ""
    if told > have:
        return f"it was told of {told} events that are kept, and {have} are"
    if hello.feed_pos > talk.state.standing.feed_pos and hello.feed_pos > (now := feed_pos()):
        return f"it is at {hello.feed_pos} of a feed of {now}"
    if not hello.feed_run:
        return ""
    run = number_of(db, hello.feed_run)
    if run is None:
        return f"it was told of the feed by run {hello.feed_run}"
    ended = feed_at_end(db, hub.merchant, run)
    if run != FORGOTTEN and ended is not None and hello.feed_pos > ended:
        return f"it is at {hello.feed_pos} of the feed by run {run}, which ended at {ended}"
    return ""


def told_of_recovery(db: Reader, source: Source) -> Told:
    """Return what a backup has of a hub's journal, and what the hub is to give back."""
    owed = owed_by(db, source.hub.merchant, source.hub.id)
    return Told(
        safe=safe_of(db, source.hub.id, source.epoch.epoch),
        recover=owed.incarnation,
        feed_after=owed.feed_after,
    )


def uplink_cursor(db: Reader, source: Source) -> Cursor:
    return cursor_of(db, source.hub.id, source.epoch.epoch, source.epoch.birth)


def downlink_cursor(db: Reader, source: Source) -> Cursor:
    epoch = source.epoch
    return cursor_of(db, source.downlink, epoch.epoch, epoch.downlink_birth)


def begin_talk(db: Reader, source: Source, *, feed_pos: int) -> Talk:
    """Return a conversation of which nothing is known yet."""
    held = uplink_cursor(db, source)
    # Open as far as the step knows; `Shut` tells it otherwise and lets it say so.
    standing = Standing(
        have=held.have,
        head=held.head,
        down_len=downlink_cursor(db, source).have,
        feed_pos=feed_pos,
        boot=source.boot,
        **told_of_recovery(db, source),
    )
    return Talk(source=source, state=start(source.stream, standing))


def read_input(
    db: Reader,
    talk: Talk,
    channel: Channel,
    payload: bytes,
    *,
    wall_at: int,
    feed_pos: Callable[[], int],
) -> Input:
    """Return what came as the step takes it, with what the disk says to it.

    `feed_pos` reads where the merchant's feed stands.
    """
    source, epoch = talk.source, talk.source.epoch
    if channel is Channel.UP_LOG:
        try:
            segment = unpack(payload)
        except BadSegment as error:
            return Garbled(what=f"{channel.value}: {error}")
        needed = heads_needed(talk.state.cursor.have, segment)
        if needed is None or segment.epoch != epoch.epoch:
            return Arrived(segment=segment, raw=payload)
        before, held = (
            head_at(db, source.hub.id, epoch.epoch, seq, epoch.birth) for seq in needed
        )
        return Arrived(segment=segment, raw=payload, before=before, held=held)
    message = read(channel, payload)
    if message is None:
        return Garbled(what=f"{channel.value}: {len(payload)} bytes")
    if not isinstance(message, Hello):
        return Heard(message=message, wall_at=wall_at)
    same = message.epoch == epoch.epoch
    forgotten = message.epoch < epoch.epoch and message.epoch not in {
        one.epoch for one in epochs_of(db, source.hub.id)
    }
    down = epoch.downlink_birth
    return Heard(
        message=message,
        wall_at=wall_at,
        up_head=(
            head_at(db, source.hub.id, epoch.epoch, message.n, epoch.birth) if same else None
        ),
        down_head=(
            head_at(db, source.downlink, epoch.epoch, message.down_n, down) if same else None
        ),
        forgotten=forgotten,
        remembers=remembered(db, talk, message, feed_pos) if same else "",
    )

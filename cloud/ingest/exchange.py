"""The conversations with all hubs: what comes in goes through the steps, what they say out.

No line and no thread is in here; the runtime gives messages and outcomes, and publishes. What
several hubs sent at once is kept in one transaction, and acknowledged after it.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import msgspec

from cloud.epochs import tell_closed
from cloud.feed import batch, position
from cloud.ingest.alarms import Alarms, clock_fault
from cloud.ingest.books import Outcome
from cloud.ingest.endings import end_forked, keep_branch
from cloud.ingest.sightings import Sightings
from cloud.ingest.sources import source_of
from cloud.ingest.starting import begin
from cloud.ingest.step import (
    Alarm,
    Close,
    Fresh,
    Gone,
    Handle,
    Heard,
    Input,
    Keep,
    Kick,
    Output,
    Reply,
    Reported,
    Say,
    Seen,
    Shut,
    Tick,
    step,
    wake_at,
)
from cloud.ingest.strangers import account_for_run, asked_of_stranger, roll_back
from cloud.ingest.talk import (
    Talk,
    begin_talk,
    read_input,
    told_of_recovery,
)
from cloud.platform import Platform, Reason, all_hubs
from cloud.streams import keep, segments_after
from core.sqlite import Reader, Writer
from core.wire import (
    OFFLINE,
    Arrived,
    Ask,
    Channel,
    FeedBatch,
    Greet,
    Hello,
    SendSegments,
    Sent,
    Topic,
    channel_of,
    encode,
    parse_topic,
    read,
    sign_batch,
    topic,
)

LIVE_DOCUMENTS_MAX = 200
"""A larger change is fetched over HTTPS; a live batch must not hold up a request."""
ROLLED_BACK = frozenset({"downlink_ahead", "rolled_back"})
"""What says that head office goes on from an older state, and nobody told it."""
log = logging.getLogger(__name__)


class Hands(Protocol):
    """What an exchange can set in motion."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message, if there is a line."""
        ...

    def carry(self, merchant: str) -> None:
        """Bring a merchant's tables up to what is kept, soon."""
        ...

    def ask(self, merchant: str, hub: str, ask: Ask) -> None:
        """Handle a hub's ask, at once."""
        ...


@dataclass(slots=True)
class _Work:
    """What one round leaves to be committed together."""

    keeps: list[tuple[Talk, Keep]] = field(default_factory=list)
    ends: list[Callable[[Writer], object]] = field(default_factory=list)
    """Epochs that end with this round, and what shows that they have to."""
    closed: list[str] = field(default_factory=list)
    """The hubs whose epochs those are."""


class Exchange:
    """All conversations of one head office. Used by one thread."""

    def __init__(
        self, platform: Platform, hands: Hands, *, chance: Callable[[], float] = random.random
    ) -> None:
        self._platform = platform
        self._hands = hands
        self._chance = chance
        self._talks: dict[str, Talk] = {}
        self._feeds: dict[str, int] = {}
        """Up to where each merchant's feed was told."""
        self._alarms = Alarms(platform)
        self._run = begin(platform, self._position)
        self._sightings = Sightings(self._run.number)

    # -- what happens ----------------------------------------------------------------------

    def take(self, messages: Sequence[tuple[str, bytes]], now_ms: int) -> None:
        """Take in what came on the line, keep what is to be kept, and answer."""
        work = _Work()
        for name, payload in messages:
            heading = parse_topic(name)
            talk = None if heading is None else self._talk_of(heading)
            if heading is None or talk is None:
                log.warning("nobody of ours: %s", name)
                self._ask_stranger(heading, payload)
                continue
            try:
                self._hear(talk, heading.channel, payload, now_ms, work)
            except Exception:
                # Whatever one hub says, the others' messages of this round count.
                log.exception("passed over: %s", name)
        self._commit(work, now_ms)

    def told(self, outcome: Outcome, now_ms: int) -> None:
        """Tell the hubs of a merchant what was committed for them."""
        work = _Work()
        before = self._feeds.get(outcome.merchant, outcome.feed_pos)
        self._feeds[outcome.merchant] = outcome.feed_pos
        talks = [t for t in self._talks.values() if t.source.hub.merchant == outcome.merchant]
        fresh = None
        if outcome.feed_pos > before and any(talk.state.greeted for talk in talks):
            fresh = self._live_batch(outcome.merchant, before)
        for talk in talks:
            standing = replace(
                talk.state.standing,
                down_len=self._down_len(talk, outcome),
                feed_pos=outcome.feed_pos,
            )
            if standing != talk.state.standing:
                self._step(talk, standing, now_ms, work)
            if fresh is not None:
                self._step(talk, Fresh(batch=fresh), now_ms, work)
        for hub, answer in outcome.answers:
            if hub in self._talks:
                self._step(self._talks[hub], Reply(answer=answer), now_ms, work)
        self._commit(work, now_ms)

    def tick(self, now_ms: int) -> None:
        """Do what is due."""
        work = _Work()
        for talk in self._talks.values():
            due = wake_at(talk.state)
            if due is not None and now_ms >= due:
                self._step(talk, Tick(), now_ms, work)
        self._commit(work, now_ms)

    def look_again(self, now_ms: int) -> None:
        """Read again who is let in: somebody may have been joined, revoked or let in anew."""
        work = _Work()
        for hub, talk in tuple(self._talks.items()):
            with self._platform.door.read() as db:
                source = source_of(db, hub)
            if source is None:
                del self._talks[hub]
            elif source.epoch.epoch != talk.source.epoch.epoch or (
                talk.source.closed and not source.closed
            ):
                del self._talks[hub]  # It says hello anew, and then it is another one.
            elif source.closed and not talk.state.standing.closed:
                talk.source = source
                self._step(talk, Shut(reason=source.closed), now_ms, work)
            else:
                talk.source = source
                self._refresh(talk, now_ms, work)
        self._commit(work, now_ms)

    def line_up(self) -> None:
        """Ask every hub that is let in where it stands; who is off the line hears nothing."""
        with self._platform.door.read() as db:
            hubs = [hub for hub in all_hubs(db) if not hub.revoked]
        for hub in hubs:
            name = topic(hub.merchant, hub.id, Channel.DOWN_CONTROL)
            self._hands.publish(name, encode(Greet()))

    def line_down(self, now_ms: int) -> None:
        """Take everybody for gone: the broker is."""
        work = _Work()
        for talk in self._talks.values():
            self._step(talk, Heard(message=OFFLINE), now_ms, work)
        self._commit(work, now_ms)

    def wake_at(self, now_ms: int) -> int | None:
        """Return when `tick` is due; None where only a message changes anything."""
        times = [wake_at(talk.state) for talk in self._talks.values()]
        due = [at for at in times if at is not None]
        if self._sightings.waiting:
            due.append(now_ms + 1_000)
        return min(due, default=None)

    # -- one hub ---------------------------------------------------------------------------

    def _talk_of(self, heading: Topic) -> Talk | None:
        """Return the conversation that a topic means; None where the names do not agree."""
        talk = self._talks.get(heading.hub)
        if talk is None:
            with self._platform.door.read() as db:
                source = source_of(db, heading.hub)
                if source is None:
                    return None
                merchant = source.hub.merchant
                talk = begin_talk(db, source, feed_pos=self._feed_pos(merchant))
        if talk.source.hub.merchant != heading.merchant:
            detail = f"under the name of merchant {heading.merchant}"
            at = self._platform.clock.read().at
            self._alarms.raise_soon(talk.source.hub, "foreign_topic", detail, at=at)
            return None
        return self._talks.setdefault(heading.hub, talk)

    def _ask_stranger(self, heading: Topic | None, payload: bytes) -> None:
        """Ask a hub that nobody knows for its papers: it may be head office that forgot."""
        asked = None if heading is None else asked_of_stranger(self._platform, heading, payload)
        if heading is not None and asked is not None:
            name = topic(heading.merchant, heading.hub, Channel.DOWN_CONTROL)
            self._hands.publish(name, encode(asked))

    def _refresh(self, talk: Talk, now_ms: int, work: _Work) -> None:
        """Tell a conversation what other programs wrote: a backup, or that the hub returned."""
        with self._platform.door.read() as db:
            told = told_of_recovery(db, talk.source)
            down_len = talk.down_len(db)
        standing = replace(talk.state.standing, **told)
        if standing != talk.state.standing:
            # What was given back is kept; what is sent from now on comes behind it.
            standing = replace(standing, down_len=max(standing.down_len, down_len))
            self._step(talk, standing, now_ms, work)

    def _down_len(self, talk: Talk, outcome: Outcome) -> int:
        before = talk.state.standing.down_len
        if outcome.down_lens.get(talk.hub, before) == before:
            return before
        held_back = talk.held_back
        with self._platform.door.read() as db:
            down_len = talk.down_len(db)
        if talk.held_back != held_back:
            self._sightings.held_back(talk.hub, talk.held_back)
        return down_len

    def _feed_pos(self, merchant: str) -> int:
        if merchant not in self._feeds:
            self._feeds[merchant] = self._position(merchant)
        return self._feeds[merchant]

    def _position(self, merchant: str) -> int:
        with self._platform.merchant(merchant).door.read() as db:
            return position(db)

    def _hear(
        self, talk: Talk, channel: Channel, payload: bytes, now_ms: int, work: _Work
    ) -> None:
        at = self._platform.clock.read().at
        talk = self._of_its_epoch(talk, channel, payload)
        if talk.source.closed and not talk.state.standing.closed:
            self._step(talk, Shut(reason=talk.source.closed), now_ms, work)
        if talk.source.closed:
            detail = f"it sends, and is {talk.source.closed}"
            self._alarms.raise_soon(talk.source.hub, "revoked", detail, at=at)
        else:
            self._sightings.heard(talk.hub, at=at)
        if talk.state.standing.recover:
            self._refresh(talk, now_ms, work)
        with self._platform.door.read() as db:
            happened = read_input(
                db,
                talk,
                channel,
                payload,
                wall_at=at,
                feed_pos=partial(self._position, talk.source.hub.merchant),
            )
            if isinstance(happened, Heard) and isinstance(happened.message, Hello):
                self._heard_kinds(db, talk, happened.message)
        self._step(talk, happened, now_ms, work)

    def _heard_kinds(self, db: Reader, talk: Talk, hello: Hello) -> None:
        if hello.epoch == talk.source.epoch.epoch:
            talk.heard_kinds(db, hello)
            self._sightings.held_back(talk.hub, talk.held_back)

    def _of_its_epoch(self, talk: Talk, channel: Channel, payload: bytes) -> Talk:
        """Begin anew with a box that was put in another's place a moment ago.

        To fence it as the one before would keep it off the line for minutes.
        """
        said = read(channel, payload) if channel is Channel.UP_CONTROL else None
        if not isinstance(said, Hello) or said.epoch <= talk.source.epoch.epoch:
            return talk
        with self._platform.door.read() as db:
            source = source_of(db, talk.hub)
            if source is None or source.epoch.epoch < said.epoch:
                return talk
            pos = self._feed_pos(source.hub.merchant)
            self._talks[talk.hub] = begin_talk(db, source, feed_pos=pos)
        return self._talks[talk.hub]

    def _step(self, talk: Talk, happened: Input, now_ms: int, work: _Work) -> None:
        waiting = deque([happened])
        while waiting:
            cause = waiting.popleft()
            talk.state, outputs = step(talk.state, cause, now_ms, self._chance())
            for output in outputs:
                waiting.extend(self._carry_out(talk, output, cause, work))

    def _carry_out(
        self, talk: Talk, output: Output, cause: Input, work: _Work
    ) -> Iterable[Input]:
        hub = talk.source.hub
        match output:
            case Say(message=message):
                name = topic(hub.merchant, hub.id, channel_of(message))
                self._hands.publish(name, encode(message))
            case Keep():
                work.keeps.append((talk, output))
            case SendSegments():
                return [self._send(talk, output)]
            case Handle(ask=ask):
                self._hands.ask(hub.merchant, hub.id, ask)
            case Seen() | Reported() | Gone():
                self._note(talk, output, work)
            case Alarm() | Close() | Kick():
                self._trouble(talk, output, cause, work)
        return []

    def _note(self, talk: Talk, output: Seen | Reported | Gone, work: _Work) -> None:
        match output:
            case Seen(hello=hello):
                self._said_hello(talk, hello, work)
            case Reported(down_n=down_n, feed_pos=feed_pos):
                epoch = talk.source.epoch.epoch
                self._sightings.reported(
                    talk.hub, epoch=epoch, down_n=down_n, feed_pos=feed_pos
                )
            case Gone():
                self._sightings.gone(talk.hub)

    def _trouble(
        self, talk: Talk, output: Alarm | Close | Kick, cause: Input, work: _Work
    ) -> None:
        at = self._platform.clock.read().at
        match output:
            case Alarm(kind=kind, detail=detail):
                self._alarms.raise_soon(talk.source.hub, kind, detail, at=at)
                if kind in ROLLED_BACK and isinstance(cause, Heard):
                    said = cause.message if isinstance(cause.message, Hello) else None
                    end = partial(roll_back, platform=self._platform, talk=talk, hello=said)
                    work.ends.append(end)
                if kind == "forked" and isinstance(cause, Arrived):
                    work.ends.append(
                        partial(keep_branch, source=talk.source, cause=cause, at=at)
                    )
            case Close():
                talk.source = replace(talk.source, closed=Reason.FORKED.value)
                work.ends.append(
                    partial(end_forked, source=talk.source, closed=work.closed, at=at)
                )
            case Kick(reason=reason):
                # The broker has no word for it; what the hub sends is refused from here on.
                log.warning("%s is refused: %s", talk.source.hub.name, reason)

    def _said_hello(self, talk: Talk, hello: Hello, work: _Work) -> None:
        hub = talk.source.hub
        if talk.state.standing.recover and hello.feed_run:
            known = partial(account_for_run, platform=self._platform, hello=hello)
            work.ends.append(known)
        self._sightings.said_hello(hub.id, hello)
        talk.source = replace(talk.source, boot=max(talk.source.boot, hello.boot))
        at = self._platform.clock.read().at
        if wrong := clock_fault(hello.clock_at, at):
            self._alarms.raise_soon(hub, "clock", wrong, at=at)
        newer = [kind for kind in hello.kinds if not self._platform.parts.known(kind)]
        if newer:
            detail = f"version {hello.version} writes {' '.join(newer)}"
            self._alarms.raise_soon(hub, "newer", detail[:500], at=at)
        self._hands.carry(hub.merchant)

    def _send(self, talk: Talk, order: SendSegments) -> Sent:
        source = talk.source
        with self._platform.door.read() as db:
            rows = segments_after(
                db, source.downlink, source.epoch.epoch, order.first - 1, limit=order.limit
            )
        name = topic(source.hub.merchant, talk.hub, Channel.DOWN_LOG)
        for row in rows:
            self._hands.publish(name, row["raw"])
        return Sent(first=order.first, lasts=tuple(row["last_seq"] for row in rows))

    def _live_batch(self, merchant_id: str, after: int) -> FeedBatch:
        merchant = self._platform.merchant(merchant_id)
        with merchant.door.read() as db:
            stretch = batch(db, after, LIVE_DOCUMENTS_MAX)
        signed = sign_batch(
            merchant_id,
            [msgspec.json.encode(document) for document in stretch.documents],
            merchant.signing.sign,
            after=stretch.after,
            pos=stretch.pos,
            more=stretch.more,
        )
        return msgspec.structs.replace(signed, run=self._run.name)

    # -- what is committed -----------------------------------------------------------------

    def _commit(self, work: _Work, now_ms: int) -> None:
        """Commit a round in one transaction; then acknowledge, which may begin another."""
        fails = False
        # What only pages wait for is not tried again at once where nothing can be written.
        while work.keeps or work.ends or (not fails and self._has_news(now_ms)):
            done = self._write(work, now_ms)
            fails, done = done is None, done or set()
            following = _Work()
            for hub in dict.fromkeys(talk.hub for talk, _ in work.keeps):
                talk = self._talks[hub]
                with self._platform.door.read() as db:
                    standing = talk.standing(
                        db, feed_pos=talk.state.standing.feed_pos, lost=hub not in done
                    )
                self._step(talk, standing, now_ms, following)
            for merchant in dict.fromkeys(t.source.hub.merchant for t, _ in work.keeps):
                self._hands.carry(merchant)
            work = following

    def _has_news(self, now_ms: int) -> bool:
        return self._alarms.waiting or self._sightings.is_due(now_ms)

    def _write(self, work: _Work, now_ms: int) -> set[str] | None:
        """Return the hubs all of whose segments are kept; None where nothing can be written."""
        at = self._platform.clock.read().at

        def write(tx: Writer) -> tuple[set[str], bool]:
            failed = set()
            for talk, kept in work.keeps:
                held = keep(
                    tx,
                    talk.stream(at=at),
                    kept.segment,
                    kept.raw,
                    after=kept.after,
                    head=kept.head,
                )
                if held:
                    self._sightings.kept(talk.hub, seq=kept.segment.last)
                else:
                    failed.add(talk.hub)
            for end in work.ends:
                end(tx)
            self._alarms.write(tx)
            done = {talk.hub for talk, _ in work.keeps} - failed
            return done, self._sightings.write(tx, now_ms)

        try:
            done, news = self._platform.door.write(write)
        except Exception:
            # The disk is full or failing, or another program holds it too long: nothing is
            # acknowledged, every conversation learns that its segments are lost, and the hubs
            # keep theirs.
            log.exception("nothing can be kept")
            self._alarms.written()
            return None
        if self._alarms.waiting or news:
            self._platform.ring("web")
        self._alarms.written()
        if work.ends:
            tell_closed(self._platform, *work.closed)
        return done

"""The sending program: what happens goes in at one queue, what the step says is carried out.

One thread does all the work, so nothing here is locked. The line, the bell and the gate have
threads of their own, which only put their news into the queue. Everything from the network is
untrusted: what cannot be read is counted and passed over, and nothing of it ends the program.
"""

from __future__ import annotations

import logging
import queue
import random
import shutil
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec.structs import replace

from core.clock import Quality
from core.enrolment import Broker
from core.feed import held_pos
from core.journal import Act, Identity, kind_name, seal
from core.sqlite import Reader, Writer
from core.wire import (
    Ack,
    AnyMessage,
    Arrived,
    BadSegment,
    Channel,
    SendSegments,
    Sent,
    Welcome,
    channel_of,
    encode,
    heads_needed,
    pack,
    read,
    unpack,
)
from hub.box import Box
from hub.doorbell import Doorbell, ring
from hub.sync.asks import due_asks, note
from hub.sync.conversation import (
    About,
    AskMoved,
    Fetched,
    FetchFeed,
    Heard,
    Input,
    Line,
    LineDown,
    LineUp,
    Moved,
    Output,
    Say,
    Standing,
    TakeDownlink,
    TakeFeed,
    Tick,
    Trouble,
    Want,
)
from hub.sync.downlink import (
    downlink_cursor,
    downlink_head,
    downlink_stream,
    take_downlink,
)
from hub.sync.gate import Gate, GateNews, Got, Renewed
from hub.sync.joining import take_feed, take_up
from hub.sync.line import BrokerLine, Came, Down, LineNews, NotTaken, Retry, Up
from hub.sync.link import Link, certificate_request, save_link, tls_context
from hub.sync.outbox import (
    head_at,
    is_unsealed,
    remember,
    remembered,
    sealed_head,
    sealed_segments,
)
from hub.sync.renewal import is_due, renewed_link
from hub.sync.state import Told, tell
from hub.sync.step import start, step, wake_at

LOOK_S = 0.5
"""How long the program sleeps at most; a lost ring costs no more."""
GATHER_S = 0.03
"""Taps follow each other: together they are one seal."""
TELL_EVERY_S = 5.0
RENEWAL_LOOK_S = 3600.0
NEWS_AT_ONCE_MAX = 1_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rung:
    """Something was written in this house."""


News: TypeAlias = LineNews | GateNews | Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where to go other than the link says, and how patiently."""

    broker: Broker | None = None
    gate: str = ""
    retry: Retry = field(default_factory=Retry)
    version: str = ""


class Sending:
    """One hub's conversation with its head office."""

    def __init__(self, box: Box, link: Link, options: Options) -> None:
        self._box = box
        self._link = link
        self._options = options
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._inputs: deque[Input] = deque()
        self._stepping = False
        self._stream = downlink_stream(link)
        box.door.write(lambda tx: take_up(tx, link))
        context = tls_context(box.folder, link)
        self._context = context
        self._line = BrokerLine(
            link, context, self._news.put, broker=options.broker, retry=options.retry
        )
        self._gate = Gate(options.gate or link.gate, context, self._news.put)
        self._said: dict[str, int] = {}
        self._told = self._first_words()
        self._told_s = 0.0
        self._renewal_s = 0.0
        self._bad = 0
        self._state = start(
            merchant=link.merchant,
            epoch=self._me.epoch,
            boot=self._me.boot,
            downlink=self._stream,
            feed_check=link.vouched,
            standing=self._standing(),
        )

    def run(self, stopping: threading.Event) -> None:
        """Talk until told to stop."""
        ear = Doorbell(self._box.bells, "sync")
        listening = threading.Thread(
            target=self._listen, args=(ear, stopping), name="bell", daemon=True
        )
        listening.start()
        self._line.start()
        self._news.put(Rung())
        try:
            while not stopping.is_set():
                self._turn()
        finally:
            stopping.set()
            ring(self._box.bells, "sync")  # For our own ear, which need not sleep on.
            self._line.stop()
            self._gate.close()
            listening.join()
            ear.close()
            self._last_words()

    # -- one turn --------------------------------------------------------------------------

    def _turn(self) -> None:
        """Take what has happened, or the time; then do what is due by itself."""
        for news in self._heard_news():
            try:
                self._take(news)
            except Exception:  # One message must not end the others' journey.
                self._bad += 1
                log.exception("passed over: %s", type(news).__name__)
        due = wake_at(self._state)
        if due is not None and _now_ms() >= due:
            self._happened(Tick())
        self._line.look()
        self._ask()
        self._look_at_certificate()
        self._tell()

    def _heard_news(self) -> list[News]:
        """Wait for news, no longer than until the next thing is due; many rings are one."""
        due = wake_at(self._state)
        patience = LOOK_S if due is None else min(LOOK_S, max(0.0, (due - _now_ms()) / 1000))
        try:
            taken: list[News] = [self._news.get(timeout=patience)]
        except queue.Empty:
            return [Rung()]  # A ring may have been lost.
        if isinstance(taken[0], Rung):
            time.sleep(GATHER_S)
        while len(taken) < NEWS_AT_ONCE_MAX and not self._news.empty():
            taken.append(self._news.get())
        others: list[News] = [news for news in taken if not isinstance(news, Rung)]
        return [*others, Rung()] if len(others) < len(taken) else others

    def _take(self, news: News) -> None:
        match news:
            case Rung():
                self._seal()
            case Came(channel, payload):
                self._came(channel, payload)
            case Up():
                self._stand()
                self._happened(LineUp(about=self._about()))
            case Down(reason):
                log.info("no line: %s", reason)
                self._happened(LineDown())
                self._note_acked()
            case NotTaken(reason):
                log.debug("the broker: %s", reason)
            case Got() | Renewed():
                self._errand_done(news)

    def _errand_done(self, news: GateNews) -> None:
        if isinstance(news, Got):
            self._happened(Fetched(batch=news.batch))
        elif news.answer is not None:
            self._renew(renewed_link(self._link, news.answer))

    def _came(self, channel: Channel, payload: bytes) -> None:
        if channel is Channel.DOWN_LOG:
            try:
                segment = unpack(payload)
            except BadSegment as error:
                self._refuse(channel, str(error))
                return
            with self._box.door.read() as db:
                needed = heads_needed(downlink_cursor(db, self._stream).have, segment)
                heads = [downlink_head(db, self._stream, seq) for seq in needed or ()]
            before, held = heads or (None, None)
            arrived = Arrived(segment=segment, raw=payload, before=before, held=held)
            self._happened(arrived)
            return
        message = read(channel, payload)
        if message is None:
            self._refuse(channel, f"{len(payload)} bytes that cannot be read")
            return
        self._happened(Heard(message=message, held=self._held(message)))

    def _held(self, message: AnyMessage) -> bytes | None:
        """Return the own chain's value where head office says that it stands."""
        if not isinstance(message, Welcome | Ack):
            return None
        if isinstance(message, Welcome):
            ahead = self._box.journal.clock.read().at - message.time
            self._told = replace(self._told, skew_ms=ahead)
        with self._box.door.read() as db:
            return head_at(db, self._me, message.acked)

    def _refuse(self, channel: Channel, why: str) -> None:
        self._bad += 1
        log.warning("a bad message on %s: %s", channel, why)

    # -- the step and what it says ---------------------------------------------------------

    def _happened(self, happened: Input) -> None:
        """Give one input to the step; what its outputs lead to comes after it, in order."""
        self._inputs.append(happened)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._inputs:
                chance = random.random()  # noqa: S311 - spreads repeats, guards nothing
                given = self._inputs.popleft()
                self._state, outputs = step(self._state, given, _now_ms(), chance)
                for output in outputs:
                    self._try_out(output)
        except Exception:
            # The conversation begins anew from what is on the disk: that is always right.
            self._inputs.clear()
            self._line.drop("a fault of ours")
            raise
        finally:
            self._stepping = False

    def _try_out(self, output: Output) -> None:
        try:
            self._carry_out(output)
        except Exception:
            self._bad += 1
            log.exception("could not carry out %s", type(output).__name__)
            if isinstance(output, SendSegments):
                self._inputs.append(Sent(first=output.first, lasts=()))

    def _carry_out(self, output: Output) -> None:
        match output:
            case Say(message=message):
                self._line.say(channel_of(message), encode(message))
            case SendSegments():
                self._inputs.append(self._send(output))
            case TakeDownlink() | TakeFeed():
                self._apply(output)
            case FetchFeed(after=after):
                self._gate.fetch(after)
            case AskMoved(id=ask, state=state):
                self._box.door.write(lambda tx: note(tx, ask=ask, state=state))
                ring(self._box.bells, "web")
            case Moved(line=line):
                self._moved(line)
            case Trouble(kind=kind, detail=detail):
                log.warning("%s: %s", kind, detail)
                self._bad += 1
                self._told = replace(self._told, trouble=f"{kind}: {detail}")
                self._told_s = 0.0

    def _send(self, order: SendSegments) -> Sent:
        lasts: list[int] = []
        with self._box.door.read() as db:
            for segment in sealed_segments(db, self._me, first=order.first, limit=order.limit):
                if not self._line.say(Channel.UP_LOG, pack(segment)):
                    break
                lasts.append(segment.last)
        return Sent(first=order.first, lasts=tuple(lasts))

    def _apply(self, take: TakeDownlink | TakeFeed) -> None:
        """Take what came down, whole or not at all, and say where the disk stands then."""
        try:
            fits = self._box.door.write(lambda tx: self._taken(tx, take))
        except Exception:
            log.exception("could not take what came down")
            fits = False
        if fits:
            self._seal()
            self._box.written()
            ring(self._box.bells, "web")
        self._stand(lost=not fits)

    def _taken(self, tx: Writer, take: TakeDownlink | TakeFeed) -> bool:
        if isinstance(take, TakeFeed):
            return take_feed(tx, self._box, take.batch)
        take_downlink(
            tx, self._act(tx), stream=self._stream, segment=take.segment, after=take.after
        )
        return True

    # -- the disk --------------------------------------------------------------------------

    def _seal(self) -> None:
        """Seal what was written since, with what head office is known to hold, in one flush."""
        with self._box.door.read() as db:
            waiting = is_unsealed(db, self._me)
        if waiting:
            acked, safe = self._state.sender.acked, self._state.safe

            def write(tx: Writer) -> None:
                seal(tx, self._me, self._box.secrets.log_key.sign)
                if self._state.line is Line.LIVE:
                    remember(tx, self._me, acked=acked, safe=safe)

            self._box.door.write(write)
        self._stand()

    def _stand(self, *, lost: bool = False) -> None:
        standing = self._standing(lost=lost)
        if standing != self._state.standing:
            self._happened(standing)

    def _standing(self, *, lost: bool = False) -> Standing:
        with self._box.door.read() as db:
            n, head = sealed_head(db, self._me)
            down = downlink_cursor(db, self._stream)
            return Standing(
                n=n,
                head=head,
                down_n=down.have,
                down_head=down.head,
                feed_pos=held_pos(db) or 0,
                lost=lost,
            )

    def _note_acked(self) -> None:
        """Remember for pages what head office held when it was last heard."""
        acked, safe = self._told.acked, self._told.safe
        with self._box.door.read() as db:
            known = remembered(db, self._me)
        if self._told.heard_at is not None and known != (acked, safe):
            self._box.door.write(lambda tx: remember(tx, self._me, acked=acked, safe=safe))

    def _act(self, db: Reader) -> Act:
        known = self._box.store_id(db)
        has_store = known and db.value(
            "SELECT 1 FROM feed_document WHERE topic = 'store' AND key = :key"
            " AND content IS NOT NULL",
            key=known,
        )
        return self._box.act(db) if has_store else self._box.first_act()

    # -- what is due by itself -------------------------------------------------------------

    def _ask(self) -> None:
        if self._state.line is not Line.LIVE:
            return
        now = self._box.journal.clock.read().at
        with self._box.door.read() as db:
            asks = due_asks(db, now=now, said=self._said)
        for ask in asks:
            self._said[ask.id] = now
            self._happened(Want(ask=ask))
        if len(self._said) > NEWS_AT_ONCE_MAX:
            self._said.clear()

    def _look_at_certificate(self) -> None:
        now = time.monotonic()
        if self._state.line is not Line.LIVE or now < self._renewal_s:
            return
        self._renewal_s = now + RENEWAL_LOOK_S
        ahead = self._told.skew_ms or 0
        # By head office's clock: ours may stand anywhere.
        if is_due(self._link, self._box.journal.clock.read().at - ahead):
            self._gate.renew(certificate_request(self._box.folder, hub=self._link.hub))

    def _renew(self, link: Link) -> None:
        """Keep the next certificate; connections from now on show it."""
        save_link(self._box.folder, link)
        self._link = link
        tls_context(self._box.folder, link, context=self._context)
        log.info("the certificate was renewed")

    # -- what pages are told ---------------------------------------------------------------

    def _moved(self, line: Line) -> None:
        now = self._box.journal.clock.read().at
        trouble = "" if line is Line.LIVE else self._told.trouble
        self._told = replace(self._told, line=line.value, since=now, trouble=trouble)
        self._told_s = 0.0
        log.info("the line is %s", line.value)
        if line is Line.FENCED:
            # Head office will not take what we say: whoever can mend that is no machine.
            self._line.drop("fenced", hold_back=True)
        self._tell()
        ring(self._box.bells, "web")

    def _tell(self) -> None:
        acked, safe = self._state.sender.acked, self._state.safe
        live = self._state.line is Line.LIVE
        moved = live and (acked, safe) != (self._told.acked, self._told.safe)
        now = time.monotonic()
        if not moved and now - self._told_s < TELL_EVERY_S:
            return
        if live:
            heard_at = self._box.journal.clock.read().at
            self._told = replace(self._told, acked=acked, safe=safe, heard_at=heard_at)
        self._told = replace(self._told, written_s=now, bad_messages=self._bad)
        self._told_s = now
        tell(self._box.bells, self._told)

    def _first_words(self) -> Told:
        with self._box.door.read() as db:
            acked, safe = remembered(db, self._me)
        now = self._box.journal.clock.read().at
        return Told(
            line=Line.DOWN.value, since=now, acked=acked, safe=safe, written_s=time.monotonic()
        )

    def _last_words(self) -> None:
        self._note_acked()
        now = self._box.journal.clock.read().at
        told = replace(self._told, line=Line.DOWN.value, since=now)
        tell(self._box.bells, replace(told, written_s=time.monotonic()))

    # -- small words -----------------------------------------------------------------------

    @property
    def _me(self) -> Identity:
        return self._box.journal.identity

    def _about(self) -> About:
        reading = self._box.journal.clock.read()
        parts = self._box.parts.all
        kinds = {kind_name(body) for part in parts for body in (*part.now, *part.later)}
        return About(
            kinds=tuple(sorted(kinds)),
            version=self._options.version,
            clock_at=reading.at,
            clock_unsure=reading.quality is Quality.UNSURE,
            free_bytes=shutil.disk_usage(self._box.folder).free,
        )

    def _listen(self, ear: Doorbell, stopping: threading.Event) -> None:
        while not stopping.is_set():
            if ear.wait(LOOK_S):
                self._news.put(Rung())


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000

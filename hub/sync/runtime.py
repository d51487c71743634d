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
from core.journal import kind_name
from core.wire import (
    Ack,
    AnyMessage,
    BadSegment,
    Channel,
    Recover,
    Segment,
    SendSegments,
    Sent,
    Welcome,
    channel_of,
    encode,
    pack,
    read,
    unpack,
)
from hub.box import Box
from hub.doorbell import Doorbell, ring
from hub.sync.conversation import (
    About,
    AskMoved,
    Bar,
    Fetched,
    FetchFeed,
    FetchOwn,
    GaveBack,
    GiveBack,
    Heard,
    Input,
    Line,
    LineDown,
    LineUp,
    Moved,
    Output,
    Say,
    TakeDownlink,
    TakeFeed,
    Tick,
    Trouble,
    Unbar,
    Want,
    as_of_now,
)
from hub.sync.disk import Disk
from hub.sync.fenced import Shut
from hub.sync.gate import Gate, GateNews, GivenBack, Got, Renewed
from hub.sync.history import Contradicts
from hub.sync.line import BrokerLine, Came, Down, LineNews, NotTaken, Retry, Up
from hub.sync.link import Link, tls_context
from hub.sync.papers import Papers
from hub.sync.past import Brought, GotOwn, Past, PastNews, Stood
from hub.sync.returning import memory_of
from hub.sync.state import Told, tell
from hub.sync.step import FENCED, TAKING_UP, start, step, wake_at

LOOK_S = 0.5
"""How long the program sleeps at most; a lost ring costs no more."""
GATHER_S = 0.03
"""Taps follow each other: together they are one seal."""
TELL_EVERY_S = 5.0
AFTER_FAULT_S = 1.0
NEWS_AT_ONCE_MAX = 1_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rung:
    """Something was written in this house."""


News: TypeAlias = LineNews | GateNews | PastNews | Rung


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
        self._options = options
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._inputs: deque[Input] = deque()
        self._stepping = False
        self._disk = Disk.of(box, link)
        context = tls_context(box.folder, link)
        self._line = BrokerLine(
            link, context, self._news.put, broker=options.broker, retry=options.retry
        )
        self._gate = Gate(options.gate or link.gate, context, self._news.put)
        self._past = Past(options.gate or link.gate, context, self._news.put)
        self._shut = Shut(self._disk, self._past, self._line)
        self._papers = Papers(box, link, context, gate=self._gate, past=self._past)
        self._said: dict[str, int] = {}
        self._told = self._first_words()
        self._told_s = 0.0
        self._bad = 0
        self._state = start(
            merchant=link.merchant,
            epoch=box.journal.identity.epoch,
            boot=box.journal.identity.boot,
            downlink=self._disk.stream,
            feed_check=link.vouched,
            standing=self._disk.standing(),
        )

    def run(self, stopping: threading.Event) -> None:
        """Talk until told to stop."""
        ear = Doorbell(self._box.bells, "sync")
        listening = threading.Thread(
            target=self._listen, args=(ear, stopping), name="bell", daemon=True
        )
        listening.start()
        self._past.start()
        self._shut.begin()
        self._line.start()
        self._news.put(Rung())
        try:
            while not stopping.is_set():
                self._try_turn(stopping)
        finally:
            stopping.set()
            ring(self._box.bells, "sync")  # For our own ear, which need not sleep on.
            self._line.stop()
            self._gate.close()
            self._past.close()
            listening.join()
            ear.close()
            self._last_words()

    # -- one turn --------------------------------------------------------------------------

    def _try_turn(self, stopping: threading.Event) -> None:
        """Live on where a turn fails: a full disk is cleared while the program waits for it."""
        try:
            self._turn()
        except Exception:
            log.exception("a turn failed")
            stopping.wait(AFTER_FAULT_S)

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
        self._shut.look(time.monotonic())
        self._ask()
        self._papers.look(live=self._state.line is Line.LIVE, ahead=self._told.skew_ms or 0)
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
            case Down(reason, turned_away):
                log.info("no line: %s", reason)
                self._happened(LineDown())
                self._shut.line_ended(time.monotonic(), turned_away=turned_away)
                self._note_held()
            case NotTaken(reason):
                log.debug("the broker: %s", reason)
            case Got() | Renewed() | GivenBack():
                self._errand_done(news)
            case GotOwn() | Stood() | Brought():
                self._past_told(news)

    def _errand_done(self, news: GateNews) -> None:
        if isinstance(news, Got):
            self._happened(Fetched(batch=news.batch))
        elif isinstance(news, GivenBack):
            if news.done:
                self._disk.forget_told()
                self._stand()
            self._happened(GaveBack(done=news.done))
        elif news.answer is not None:
            self._papers.take(news.answer)

    def _came(self, channel: Channel, payload: bytes) -> None:
        if channel is Channel.DOWN_LOG:
            try:
                segment = unpack(payload)
            except BadSegment as error:
                self._refuse(channel, str(error))
                return
            self._happened(self._disk.arrived(segment, payload))
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
        return self._disk.own_head(message.acked)

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
                self._line.say(channel_of(message), encode(as_of_now(message, self._about)))
            case SendSegments():
                self._inputs.append(self._send(output))
            case TakeDownlink() | TakeFeed():
                self._apply(output)
            case FetchFeed() | GiveBack():
                self._errand(output)
            case AskMoved(id=ask, state=state, reason=reason):
                self._disk.note_answer(ask, state, reason)
                ring(self._box.bells, "web")
            case Bar() | Unbar() | FetchOwn():
                self._keep_still(output)
            case Moved() | Trouble():
                self._note(output)

    def _note(self, output: Moved | Trouble) -> None:
        if isinstance(output, Moved):
            self._moved(output.line)
            return
        log.warning("%s: %s", output.kind, output.detail)
        self._bad += 1
        self._told = replace(self._told, trouble=f"{output.kind}: {output.detail}")
        self._told_s = 0.0

    def _send(self, order: SendSegments) -> Sent:
        lasts: list[int] = []
        for segment in self._disk.segments(order):
            if not self._line.say(Channel.UP_LOG, pack(segment)):
                break
            lasts.append(segment.last)
        return Sent(first=order.first, lasts=tuple(lasts))

    def _apply(self, take: TakeDownlink | TakeFeed) -> None:
        """Take what came down, whole or not at all, and say where the disk stands then."""
        try:
            fits = self._disk.take(take)
        except Exception:
            log.exception("could not take what came down")
            fits = False
        if fits:
            self._seal()
            self._box.written()
            ring(self._box.bells, "web")
        self._stand(lost=not fits)

    def _errand(self, output: FetchFeed | GiveBack) -> None:
        if isinstance(output, FetchFeed):
            self._gate.fetch(output.after)
        else:
            self._give_back(output.asked)

    def _give_back(self, asked: Recover) -> None:
        log.warning("head office was put back; it asks for what it forgot")
        version = self._options.version
        try:
            memory = memory_of(
                self._box, self._papers.link, self._disk.stream, asked, version=version
            )
        except Exception:
            self._inputs.append(GaveBack(done=False))
            raise
        self._gate.give_back(memory)

    # -- what keeps this box from writing --------------------------------------------------

    def _keep_still(self, output: Bar | Unbar | FetchOwn) -> None:
        match output:
            case Bar(state=state, reason=reason) if state == FENCED:
                self._shut.shut(reason)
            case Bar():
                if not self._disk.bar(output):
                    self._seal()
            case Unbar():
                self._disk.unbar(TAKING_UP)
            case FetchOwn(after=after):
                me = self._disk.me
                self._past.fetch_own(me.origin, epoch=me.epoch, after=after)
        self._stand()
        ring(self._box.bells, "web")

    def _past_told(self, news: GotOwn | Stood | Brought) -> None:
        now = time.monotonic()
        match news:
            case GotOwn(segments):
                self._take_own(segments or [])
            case Stood():
                self._papers.note_ended(ended=news.ended)
                self._shut.stood(news, now)
                ring(self._box.bells, "web")
            case Brought():
                self._shut.brought(news, now)

    def _take_own(self, segments: list[Segment]) -> None:
        """Take up what this box has forgotten of its own."""
        came = False
        try:
            came = self._disk.take_own(segments)
        except Contradicts as error:
            self._carry_out(Trouble(kind="own_tail", detail=str(error)))
        if came:
            self._box.written()
        self._stand(lost=not came)

    # -- the disk --------------------------------------------------------------------------

    def _seal(self) -> None:
        sender, live = self._state.sender, self._state.line is Line.LIVE
        self._disk.seal((sender.acked, self._state.safe) if live else None)
        self._stand()

    def _stand(self, *, lost: bool = False) -> None:
        standing = self._disk.standing(lost=lost)
        if standing != self._state.standing:
            self._happened(standing)

    def _note_held(self) -> None:
        if self._told.heard_at is not None:
            self._disk.note_held(self._told.acked, self._told.safe)

    # -- what is due by itself -------------------------------------------------------------

    def _ask(self) -> None:
        if self._state.line is not Line.LIVE:
            return
        now = self._box.journal.clock.read().at
        for ask in self._disk.due_asks(self._said, now=now):
            self._said[ask.id] = now
            self._happened(Want(ask=ask))
        if len(self._said) > NEWS_AT_ONCE_MAX:
            self._said.clear()

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
            if self._state.standing.feed_pos >= self._state.feed_goal:
                self._disk.note_list()
        self._told = replace(self._told, written_s=now, bad_messages=self._bad)
        self._told_s = now
        tell(self._box.bells, self._told)

    def _first_words(self) -> Told:
        acked, safe = self._disk.held()
        now = self._box.journal.clock.read().at
        line = Line.FENCED if self._shut.out else Line.DOWN
        return Told(
            line=line.value, since=now, acked=acked, safe=safe, written_s=time.monotonic()
        )

    def _last_words(self) -> None:
        self._note_held()
        now = self._box.journal.clock.read().at
        told = replace(self._told, line=Line.DOWN.value, since=now)
        tell(self._box.bells, replace(told, written_s=time.monotonic()))

    # -- small words -----------------------------------------------------------------------

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

"""The hub's side of the wire as one pure function: (state, input, now) -> (state, outputs).

The runtime around it owns the line, the disk and the clock. It gives each thing that happens
as an input and carries out the outputs in order. Three duties make it right:

- `Standing` is given before `LineUp`, and again whenever the disk has changed: a seal, a
  downlink segment applied, a feed batch taken. Only what is flushed may stand in it.
- Every `SendSegments` is answered by one `Sent`.
- `TakeDownlink` and `TakeFeed` are carried out in the order they come. One that fails leaves
  the disk as it was; `Standing(lost=True)` then says so, and the rest is asked for again.

`now_ms` is any clock that only goes forward; `chance` a fresh number in [0, 1).
"""

from __future__ import annotations

from dataclasses import replace

from core.wire import (
    ONLINE,
    PROTOCOL,
    RTO_MAX_MS,
    RTO_MIN_MS,
    Ack,
    Answer,
    Arrived,
    Check,
    Cursor,
    DownAck,
    FeedBatch,
    Fence,
    Greet,
    Hello,
    Recover,
    Sender,
    Sent,
    Stream,
    Verdict,
    Welcome,
    judge,
)
from hub.sync.conversation import (
    About,
    AskMoved,
    Bar,
    Fetched,
    FetchFeed,
    FetchOwn,
    GaveBack,
    Heard,
    HubState,
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
    Unbar,
    Want,
)
from hub.sync.feeding import FETCH_WITHIN_MS, batch_came, fetch, fetched
from hub.sync.remembering import asked_back, gave_back
from hub.sync.wishes import answered, end_all, expire, want

__all__ = [
    "About",
    "AskMoved",
    "Bar",
    "FetchFeed",
    "FetchOwn",
    "Fetched",
    "Heard",
    "HubState",
    "Input",
    "Line",
    "LineDown",
    "LineUp",
    "Moved",
    "Output",
    "Say",
    "Standing",
    "TakeDownlink",
    "TakeFeed",
    "Tick",
    "Trouble",
    "Unbar",
    "Want",
    "start",
    "step",
    "wake_at",
]

DOWN_ACK_EVERY_MS = 30_000
QUIET_MS = 100_000
"""Head office repeats its ack every 30 s; after so long a silence it is not there."""
FENCED_PAUSE_MS = 300_000
"""A box that was fenced asks again now and then: somebody may have put it right."""
FENCED, TAKING_UP, REPLACED = "fenced", "taking_up", "replaced"


def start(
    *,
    merchant: str,
    epoch: int,
    boot: int,
    downlink: Stream,
    feed_check: Check,
    standing: Standing,
) -> HubState:
    """Return the state of a program that has just started."""
    return HubState(
        merchant=merchant,
        epoch=epoch,
        boot=boot,
        downlink=downlink,
        feed_check=feed_check,
        standing=standing,
        cursor=Cursor(have=standing.down_n, head=standing.down_head),
        sender=Sender(total=standing.n),
    )


def step(
    state: HubState, happened: Input, now_ms: int, chance: float = 0.0
) -> tuple[HubState, list[Output]]:
    """Take one input; return the new state and what is to be done, in this order."""
    outputs: list[Output]
    match happened:
        case Standing() | Sent() | Fetched() | GaveBack():
            state, outputs = _from_here(state, happened, now_ms, chance)
        case LineUp() | LineDown() | Want() | Tick():
            state, outputs = _from_outside(state, happened, now_ms, chance)
        case Heard() if state.line in {Line.DOWN, Line.FENCED}:
            return state, []
        case Heard():
            state, outputs = _hear(state, happened, now_ms, chance)
        case Arrived():
            state, outputs = _arrive(state, happened, now_ms)
    if isinstance(happened, Sent) and not happened.lasts:
        # What could not be sent would be ordered again at once, and for ever.
        return state, outputs
    state, more = _send(state)
    return state, [*outputs, *more]


def _from_here(
    state: HubState, happened: Standing | Sent | Fetched | GaveBack, now_ms: int, chance: float
) -> tuple[HubState, list[Output]]:
    match happened:
        case GaveBack():
            return gave_back(state, happened, now_ms)
        case Standing():
            return _stand(state, happened, now_ms, chance)
        case Sent():
            return replace(state, sender=state.sender.note(happened, now_ms, chance)), []
        case Fetched():
            return fetched(state, happened.batch, now_ms, chance)


def _from_outside(
    state: HubState, happened: LineUp | LineDown | Want | Tick, now_ms: int, chance: float
) -> tuple[HubState, list[Output]]:
    match happened:
        case LineUp():
            return _line_up(state, happened.about, now_ms, chance)
        case LineDown():
            return _line_down(state)
        case Want():
            return want(state, happened.ask, now_ms)
        case Tick():
            return _tick(state, now_ms, chance)


def wake_at(state: HubState) -> int | None:
    """Return when the next Tick is due; None where only an input changes anything."""
    times = [state.hello_at, state.sender.due_at, state.down_ack_at, state.fetch_at]
    times += [state.quiet_at, state.own_at]
    for waiting in state.asks:
        times += [waiting.slow_at, waiting.ends_at]
    return min((at for at in times if at is not None), default=None)


def _send(state: HubState) -> tuple[HubState, list[Output]]:
    if state.line is not Line.LIVE:
        return state, []
    sender, ordered = state.sender.order()
    if ordered is None:
        return state, []
    return replace(state, sender=sender), [ordered]


# What the disk says.


def _stand(
    state: HubState, standing: Standing, now_ms: int, chance: float
) -> tuple[HubState, list[Output]]:
    grown = standing.n != state.standing.n
    advanced = standing.down_n != state.standing.down_n
    fed = standing.feed_pos != state.standing.feed_pos
    cursor = state.cursor
    if standing.lost or standing.down_n > cursor.have:
        cursor = Cursor(have=standing.down_n, head=standing.down_head)
    state = replace(
        state,
        # A runtime that gives only what differs must be heard when it loses twice.
        standing=replace(standing, lost=False),
        cursor=cursor,
        sender=state.sender.extend(standing.n),
        fetching=state.fetching and not standing.lost,
    )
    if state.line is Line.TAKING_UP and grown:
        return _hello(replace(state, line=Line.GREETING, own_at=None), now_ms, chance)
    if state.line is Line.TAKING_UP and standing.lost:
        longer = min(state.own_rto_ms * 2, RTO_MAX_MS)
        return replace(state, own_at=now_ms + state.own_rto_ms, own_rto_ms=longer), []
    if state.line is not Line.LIVE:
        return state, []
    outputs: list[Output] = []
    if advanced or fed or standing.lost:
        state, outputs = _down_ack(state, now_ms)
    state, more = fetch(state, now_ms)
    return state, [*outputs, *more]


# The line.


def _line_up(
    state: HubState, about: About, now_ms: int, chance: float
) -> tuple[HubState, list[Output]]:
    state, outputs = _line_down(state)
    state = replace(state, about=about, hello_rto_ms=RTO_MIN_MS)
    moved: list[Output] = [Moved(line=Line.GREETING), Say(message=ONLINE)]
    state, hello = _hello(replace(state, line=Line.GREETING), now_ms, chance)
    return state, [*outputs[:-1], *moved, *hello]


def _line_down(state: HubState) -> tuple[HubState, list[Output]]:
    over = end_all(state)
    standing = state.standing
    state = replace(
        state,
        line=Line.DOWN,
        sender=state.sender.pause(),
        cursor=Cursor(have=standing.down_n, head=standing.down_head),
        hello_at=None,
        down_ack_at=None,
        quiet_at=None,
        asks=(),
        fetching=False,
        fetch_at=None,
        own_at=None,
        exposed=False,
    )
    return state, [*over, Moved(line=Line.DOWN)]


def _hello(
    state: HubState, now_ms: int, chance: float, *, shown: tuple[int, bytes] | None = None
) -> tuple[HubState, list[Output]]:
    """Say where this box stands; `shown` is an earlier event (number, head) of its journal."""
    standing, about = state.standing, state.about
    n, head = shown or (standing.n, standing.head)
    hello = Hello(
        proto=PROTOCOL,
        epoch=state.epoch,
        boot=state.boot,
        n=n,
        head=head,
        down_n=standing.down_n,
        down_head=standing.down_head,
        feed_pos=standing.feed_pos,
        kinds=about.kinds,
        version=about.version,
        clock_at=about.clock_at,
        clock_unsure=about.clock_unsure,
        free_bytes=about.free_bytes,
        told_acked=standing.told_acked,
        told_safe=standing.told_safe,
        feed_run=standing.feed_run,
    )
    due = now_ms + state.hello_rto_ms + int(state.hello_rto_ms * chance / 4)
    longer = min(state.hello_rto_ms * 2, RTO_MAX_MS)
    return replace(state, hello_at=due, hello_rto_ms=longer), [Say(message=hello)]


# What head office says.


def _hear(
    state: HubState, heard: Heard, now_ms: int, chance: float
) -> tuple[HubState, list[Output]]:
    if state.line is Line.LIVE:
        state = replace(state, quiet_at=now_ms + QUIET_MS)
    match heard.message:
        case Welcome() | Ack() as stands:
            return _agree(state, stands, heard.held, now_ms, chance)
        # A fence against another epoch than this box's: something spoilt was taken for ours.
        case Greet() | Fence(epoch=state.epoch, reason="other_epoch"):
            return _hello(replace(state, hello_rto_ms=RTO_MIN_MS), now_ms, chance)
        case Recover() as asked:
            return asked_back(state, asked)
        case Fence() as fence:
            return _shut_out(state, fence, now_ms)
        case Answer() as answer:
            return answered(state, answer)
        case FeedBatch() as batch:
            return batch_came(state, batch, now_ms)
        case _:
            return state, []


def _agree(
    state: HubState, said: Welcome | Ack, held: bytes | None, now_ms: int, chance: float
) -> tuple[HubState, list[Output]]:
    """Go on from where head office stands, if its journal of this hub is the one here."""
    if isinstance(said, Ack) and state.line is not Line.LIVE:
        return state, []
    if said.epoch != state.epoch:
        why = f"head office takes epoch {said.epoch}, this is {state.epoch}"
        return _fenced(state, why, now_ms)
    if said.acked > state.standing.n:
        return _forgotten(state, said, now_ms, chance)
    if held is not None and held != said.head:
        return _parted(state, said, held, now_ms, chance)
    outputs: list[Output] = []
    if isinstance(said, Welcome):
        state, outputs = _welcomed(state, said, now_ms)
    else:
        sender = state.sender.acknowledge(said.acked, said.credits, now_ms, chance)
        goal = max(state.feed_goal, said.feed_pos)
        state = replace(state, sender=sender, feed_goal=goal)
    state, more = fetch(replace(state, safe=said.safe), now_ms)
    return state, [*outputs, *more]


def _welcomed(state: HubState, welcome: Welcome, now_ms: int) -> tuple[HubState, list[Output]]:
    moved: list[Output] = [] if state.line is Line.LIVE else [Moved(line=Line.LIVE)]
    again: list[Output] = [Unbar()] if state.standing.taking_up else []
    state = replace(
        state,
        line=Line.LIVE,
        hello_at=None,
        hello_rto_ms=RTO_MIN_MS,
        quiet_at=now_ms + QUIET_MS,
        sender=state.sender.begin(welcome.acked, welcome.credits),
        feed_goal=welcome.feed_pos,
        own_rto_ms=RTO_MIN_MS,
        exposed=False,
    )
    state, said = _down_ack(state, now_ms)
    return state, [*again, *moved, *said]


def _forgotten(
    state: HubState, said: Welcome | Ack, now_ms: int, chance: float
) -> tuple[HubState, list[Output]]:
    """Get the events that this disk has forgotten before a new one takes their numbers.

    Head office has compared the prefix with the hello, so what it holds goes on from here.
    """
    if isinstance(said, Ack):
        return _hello(state, now_ms, chance)
    if state.line is Line.TAKING_UP:
        return state, []
    after = state.standing.n
    state = replace(
        state,
        line=Line.TAKING_UP,
        hello_at=None,
        hello_rto_ms=RTO_MIN_MS,
        quiet_at=None,
        own_at=now_ms + FETCH_WITHIN_MS,
    )
    return state, [
        Moved(line=Line.TAKING_UP),
        Bar(state=TAKING_UP, reason=f"{after} / {said.acked}", after=after),
        FetchOwn(after=after),
    ]


def _parted(
    state: HubState, said: Welcome | Ack, held: bytes, now_ms: int, chance: float
) -> tuple[HubState, list[Output]]:
    """Show head office the event that is another one here: it says what comes of both."""
    if state.exposed:
        why = f"head office holds another event {said.acked} than this disk"
        return _fenced(state, why, now_ms)
    state = replace(state, line=Line.GREETING, exposed=True, sender=state.sender.pause())
    return _hello(state, now_ms, chance, shown=(said.acked, held))


def _shut_out(state: HubState, fence: Fence, now_ms: int) -> tuple[HubState, list[Output]]:
    state, outputs = _fenced(state, f"{fence.reason} (epoch {fence.epoch})", now_ms)
    if fence.epoch < state.epoch:
        # Head office has forgotten our birth: it comes to know it again, and we wait.
        return state, outputs
    reason = REPLACED if fence.epoch > state.epoch else fence.reason
    return state, [Bar(state=FENCED, reason=reason), *outputs]


def _fenced(state: HubState, why: str, now_ms: int) -> tuple[HubState, list[Output]]:
    state, outputs = _line_down(state)
    state = replace(state, line=Line.FENCED, quiet_at=now_ms + FENCED_PAUSE_MS)
    fenced: list[Output] = [Moved(line=Line.FENCED), Trouble(kind="fenced", detail=why)]
    return state, [*outputs[:-1], *fenced]


# The downlink.


def _arrive(state: HubState, arrived: Arrived, now_ms: int) -> tuple[HubState, list[Output]]:
    if state.line is not Line.LIVE:
        return state, []
    judged = judge(state.downlink, state.cursor, arrived)
    segment = arrived.segment
    where = f"downlink {segment.first} to {segment.last} of epoch {segment.epoch}"
    match judged.verdict:
        case Verdict.NEXT:
            take = TakeDownlink(
                segment=segment,
                raw=arrived.raw,
                after=state.cursor.have,
                head=judged.cursor.head,
            )
            return replace(state, cursor=judged.cursor), [take]
        case Verdict.KNOWN | Verdict.GAP:
            return _down_ack(state, now_ms)
        case Verdict.FORKED:
            return _fenced(state, f"{where} contradicts what is held", now_ms)
        case Verdict.FORGED | Verdict.OTHER_EPOCH:
            return state, [Trouble(kind=judged.verdict, detail=where)]


def _down_ack(state: HubState, now_ms: int) -> tuple[HubState, list[Output]]:
    standing = state.standing
    ack = DownAck(epoch=state.downlink.epoch, acked=standing.down_n, feed_pos=standing.feed_pos)
    return replace(state, down_ack_at=now_ms + DOWN_ACK_EVERY_MS), [Say(message=ack)]


# Time.


def _tick(state: HubState, now_ms: int, chance: float) -> tuple[HubState, list[Output]]:
    outputs: list[Output] = []
    if state.quiet_at is not None and now_ms >= state.quiet_at:
        return _line_up(state, state.about, now_ms, chance)
    if state.own_at is not None and now_ms >= state.own_at:
        state = replace(state, line=Line.GREETING, own_at=None)
        state, more = _hello(state, now_ms, chance)
        outputs += more
    if state.line is Line.LIVE:
        state = replace(state, sender=state.sender.tick(now_ms))
    if state.hello_at is not None and now_ms >= state.hello_at:
        state, more = _hello(state, now_ms, chance)
        outputs += more
    if state.down_ack_at is not None and now_ms >= state.down_ack_at:
        state, more = _down_ack(state, now_ms)
        outputs += more
    if state.fetch_at is not None and now_ms >= state.fetch_at:
        state, more = fetch(replace(state, fetching=False, fetch_at=None), now_ms)
        outputs += more
    state, more = expire(state, now_ms)
    return state, [*outputs, *more]

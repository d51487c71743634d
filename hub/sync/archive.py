"""What head office keeps of this hub, over HTTPS: its past, its standing, what came late."""

from __future__ import annotations

import hashlib
import http.client
import ssl

import msgspec

from core.enrolment import (
    JOURNAL_TYPE,
    LateAnswer,
    LookAnswer,
    LookRequest,
    RenewAnswer,
    RenewLateRequest,
    StandingAnswer,
    StreamsAnswer,
    split_segments,
)
from core.wire import BadSegment, Segment, unpack
from hub.sync.head_office import (
    Answered,
    Unreachable,
    ask,
    parse_url,
    read_answer,
    refusal_in,
)


def look(url: str, code: str, *, context: ssl.SSLContext) -> LookAnswer:
    """Ask whose place a code gives.

    Raises Unreachable, Declined, and ValueError for a wrong URL.
    """
    body = msgspec.json.encode(LookRequest(code=code))
    answered = ask(parse_url(url), "POST", "/enrol/look", body=body, context=context)
    return read_answer(_sound(answered), LookAnswer)


def renew_late(url: str, request: RenewLateRequest, *, context: ssl.SSLContext) -> RenewAnswer:
    """Get the next certificate after the last one has ended. Raises Unreachable, Declined."""
    body = msgspec.json.encode(request)
    answered = ask(parse_url(url), "POST", "/enrol/renew", body=body, context=context)
    return read_answer(_sound(answered), RenewAnswer)


def kept_streams(gate: str, *, context: ssl.SSLContext) -> StreamsAnswer:
    """Return what head office keeps of this hub. Raises Unreachable, Declined."""
    answered = ask(parse_url(gate), "GET", "/streams", context=context)
    return read_answer(_sound(answered), StreamsAnswer)


def kept_segments(
    gate: str, *, origin: str, epoch: int, after: int, context: ssl.SSLContext
) -> list[Segment]:
    """Return some of the segments behind an event, not yet checked; none where none is behind.

    Raises Unreachable, also where the answer was damaged on its way, and Declined.
    """
    path = f"/journal?origin={origin}&epoch={epoch}&after={after}"
    answered = _sound(ask(parse_url(gate), "GET", path, context=context))
    if hashlib.sha256(answered.body).hexdigest() != answered.digest:
        raise Unreachable(f"damaged on its way: {path}")
    try:
        return [unpack(raw) for raw in split_segments(answered.body)]
    except (ValueError, BadSegment) as error:
        raise Unreachable(str(error)) from error


def bring_late(gate: str, raw: bytes, *, epoch: int, context: ssl.SSLContext) -> LateAnswer:
    """Bring a segment of a closed epoch. Raises Unreachable, Declined."""
    answered = ask(
        parse_url(gate),
        "POST",
        f"/late?epoch={epoch}",
        body=raw,
        content_type=JOURNAL_TYPE,
        context=context,
    )
    return read_answer(_sound(answered), LateAnswer)


def standing_of(gate: str, *, epoch: int, context: ssl.SSLContext) -> StandingAnswer:
    """Ask how head office sees an epoch of this hub. Raises Unreachable, Declined."""
    answered = ask(parse_url(gate), "GET", f"/standing?epoch={epoch}", context=context)
    return read_answer(_sound(answered), StandingAnswer)


def _sound(answered: Answered) -> Answered:
    if answered.status >= http.client.BAD_REQUEST:
        raise refusal_in(answered)
    return answered

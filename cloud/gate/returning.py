"""What hubs give back to a head office that was put back from a backup."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from flask import Response, request

from cloud.gate.callers import shown_certificate, the_hub, the_platform, typed_number
from cloud.recovery import Caller, take_documents, take_done, take_papers, take_segment
from core.enrolment import (
    RETURN_DOCUMENTS_MAX,
    RETURN_SEGMENT_BYTES_MAX,
    ReturnDone,
    ReturnRequest,
)
from core.errors import Refused
from core.feed import FeedDocument

T = TypeVar("T")
EPOCH_MAX = 2**31
ORIGIN_CHARACTERS_MAX = 64


def papers() -> Response:
    """Know the caller again, whether head office remembers it or not."""
    caller = Caller.showing(shown_certificate())
    return _json(take_papers(the_platform(), caller, _read(ReturnRequest)))


def segment() -> Response:
    """Keep a segment that was forgotten."""
    request.max_content_length = RETURN_SEGMENT_BYTES_MAX
    held = take_segment(
        the_platform(),
        the_hub(),
        origin=request.args.get("origin", "")[:ORIGIN_CHARACTERS_MAX],
        epoch=typed_number("epoch", 1, most=EPOCH_MAX),
        raw=request.get_data(cache=False),
    )
    return _json(held)


def documents() -> Response:
    """Put down what the caller holds of the feed."""
    request.max_content_length = RETURN_SEGMENT_BYTES_MAX
    given = _read(list[FeedDocument])
    if len(given) > RETURN_DOCUMENTS_MAX:
        raise Refused("bad_return", reason=f"{len(given)} documents")
    take_documents(the_platform(), the_hub(), given)
    return _json({})


def done() -> Response:
    """Note that the caller has given back all."""
    take_done(the_platform(), the_hub(), _read(ReturnDone))
    return _json({})


def _read(shape: type[T]) -> T:
    try:
        return msgspec.json.decode(request.get_data(cache=False), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("bad_return", reason=str(error)[:200]) from error


def _json(said: object) -> Response:
    return Response(msgspec.json.encode(said), content_type="application/json")

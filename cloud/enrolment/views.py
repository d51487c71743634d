"""POST /enrol and POST /enrol/renew: programs come here, with JSON and without a cookie."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, current_app, request

from cloud.access import platform
from cloud.enrolment.guesses import Guesses
from cloud.feed import bring
from cloud.platform import enrol, look, renew_late
from core.enrolment import REQUEST_BYTES_MAX, EnrolRequest, LookRequest, RenewLateRequest
from core.errors import N_, Refusal, Refused
from core.web import program

T = TypeVar("T")

pages = Blueprint("enrolment", __name__)

REFUSALS = {
    "bad_enrolment": Refusal(422, N_("接入请求读不懂：%(reason)s")),
    "too_many_guesses": Refusal(429, N_("从这里试错太多次，请 %(minutes)s 分钟后再试")),
}
GUESSED_WRONG = {"join_code_wrong", "join_code_locked", "certificate_unknown", "proof_wrong"}


@pages.post("/enrol")
@program
def join() -> Response:
    """Join the hub that asks, for a code."""
    return _guarded(
        EnrolRequest, lambda asked: msgspec.json.encode(enrol(platform(), asked, bring=bring))
    )


@pages.post("/enrol/look")
@program
def look_at() -> Response:
    """Say whose place another box may take with a code."""
    return _guarded(LookRequest, lambda asked: msgspec.json.encode(look(platform(), asked)))


@pages.post("/enrol/renew")
@program
def renew_ended() -> Response:
    """Renew a certificate that has ended, for the log key's signature."""
    return _guarded(
        RenewLateRequest, lambda asked: msgspec.json.encode(renew_late(platform(), asked))
    )


def _guarded(shape: type[T], verb: Callable[[T], bytes]) -> Response:
    """Read, do, answer; count against the sender what was guessed wrong."""
    sender, at = request.remote_addr or "", platform().clock.read().at
    guesses: Guesses = current_app.extensions.setdefault("enrolment_guesses", Guesses())
    guesses.check(sender, at=at)
    asked = _read(shape)
    try:
        answer = verb(asked)
    except Refused as refused:
        if refused.code in GUESSED_WRONG:
            guesses.note_wrong(sender, at=at)
        raise
    return Response(answer, content_type="application/json")


def _read(shape: type[T]) -> T:
    if not request.is_json:
        raise Refused("bad_enrolment", reason="Content-Type: application/json")
    raw = request.get_data(cache=False)
    if len(raw) > REQUEST_BYTES_MAX:
        raise Refused("bad_enrolment", reason=f"{len(raw)} B")
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("bad_enrolment", reason=str(error)) from error

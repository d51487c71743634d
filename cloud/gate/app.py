"""The gate's addresses, over mutual TLS only.

Who asks is what the peer's certificate says, looked up anew with each request: a hub that was
revoked a moment ago is refused although its connection and its certificate are still good.
"""

from __future__ import annotations

import logging

import msgspec
from flask import Flask, Response, current_app, request

from cloud.feed import batch
from cloud.gate import past, returning
from cloud.gate.callers import let_in, the_hub, the_merchant, the_platform, typed_number
from cloud.platform import Platform, renew
from cloud.recovery import PART as RECOVERY
from cloud.streams import current_run
from core.enrolment import RenewRequest
from core.errors import N_, Refusal, Refused
from core.wire import pack_batch, sign_batch

BATCH_DOCUMENTS_MAX = 500
REQUEST_BYTES_MAX = 65_536
POSITION_MAX = 2**62
ZSTD = "application/zstd"
log = logging.getLogger(__name__)

REFUSALS = {
    "certificate_missing": Refusal(403, N_("没有出示证书")),
    "certificate_foreign": Refusal(403, N_("没有主机用这张证书接入过")),
    "bad_renewal": Refusal(422, N_("续期请求读不懂：%(reason)s")),
    "bad_position": Refusal(422, N_("位置和条数要是不太大的整数")),
}


def make_gate_app(platform: Platform, *, refusals: dict[str, Refusal]) -> Flask:
    """Return the gate over an opened head office; `refusals` are what its verbs may say."""
    app = Flask("cloud.gate", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = REQUEST_BYTES_MAX
    app.extensions["platform"] = platform
    app.extensions["refusals"] = {**refusals, **RECOVERY.refusals, **REFUSALS}
    app.before_request(let_in)
    app.after_request(_never_keep)
    app.register_error_handler(Refused, _refused)
    app.add_url_rule("/health", view_func=health)
    app.add_url_rule("/feed", view_func=feed)
    app.add_url_rule("/renew", view_func=renewal, methods=["POST"])
    app.add_url_rule("/streams", view_func=past.streams)
    app.add_url_rule("/journal", view_func=past.journal)
    app.add_url_rule("/standing", view_func=past.standing)
    app.add_url_rule("/late", view_func=past.late, methods=["POST"])
    for part in (returning.papers, returning.segment, returning.documents, returning.done):
        path = f"/return/{part.__name__}"
        app.add_url_rule(path, endpoint=path, view_func=part, methods=["POST"])
    return app


def health() -> Response:
    """Say that the gate is up and that the caller is let in."""
    return Response(b'{"state":"up"}', content_type="application/json")


def feed() -> Response:
    """Return the next documents of the caller's merchant, signed, in one zstd frame."""
    after = typed_number("after", 0, most=POSITION_MAX)
    limit = min(
        typed_number("limit", BATCH_DOCUMENTS_MAX, most=POSITION_MAX), BATCH_DOCUMENTS_MAX
    )
    merchant = the_merchant()
    with merchant.door.read() as db:
        stretch = batch(db, after, max(limit, 1))
    signed = sign_batch(
        merchant.id,
        [msgspec.json.encode(document) for document in stretch.documents],
        merchant.signing.sign,
        after=stretch.after,
        pos=stretch.pos,
        more=stretch.more,
    )
    # Asked after the documents were read: they were there in this run at the latest.
    with the_platform().door.read() as db:
        told = msgspec.structs.replace(signed, run=current_run(db).name)
    return Response(pack_batch(told), content_type=ZSTD)


def renewal() -> Response:
    """Return the caller's next certificate."""
    try:
        asked = msgspec.json.decode(request.get_data(cache=False), type=RenewRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused("bad_renewal", reason=str(error)) from error
    answer = renew(the_platform(), the_hub(), asked)
    return Response(msgspec.json.encode(answer), content_type="application/json")


# -- answers -----------------------------------------------------------------------------------


def _never_keep(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(refused: Refused) -> tuple[Response, int]:
    """Tell a program by the code, and whoever reads its log by the sentence."""
    known: dict[str, Refusal] = current_app.extensions["refusals"]
    refusal = known.get(refused.code, Refusal(500, ""))
    facts = {name: str(fact) for name, fact in refused.facts.items()}
    body = {"code": refused.code, "message": refusal.sentence % facts}
    log.warning("%s %s refused: %s", request.method, request.path, refused)
    answer = Response(msgspec.json.encode(body), content_type="application/json")
    return answer, refusal.status

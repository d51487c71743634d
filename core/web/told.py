"""How a refusal or a failure is told: JSON to programs, a toast to htmx, a page to people."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import flask
from flask import Flask, Response, current_app, render_template, request
from werkzeug.exceptions import HTTPException

from core.errors import N_, Refusal, Refused
from core.money import yuan
from core.web.language import gettext

log = logging.getLogger(__name__)

UNKNOWN = Refusal(500, N_("系统出错了，没有记账；请再试一次，仍不行请联系维护"))
HTTP_SENTENCES = {
    400: N_("请求读不懂"),
    404: N_("没有这个页面"),
    405: N_("不能这样访问"),
    413: N_("内容太大"),
    415: N_("请用 JSON 格式发送"),
    421: N_("这个地址不是本店主机"),
    429: N_("太频繁了，请稍后再试"),
}


def sentence(refused: Refused) -> str:
    """Return a refusal in the reader's language."""
    return tell(refused, current_app.config["REFUSALS"])


def tell(refused: Refused, refusals: Mapping[str, Refusal]) -> str:
    """Return a refusal as a sentence; for programs that serve no pages, too."""
    return tell_kept(refused.code, refused.facts, refusals)


def tell_kept(code: str, facts: dict[str, Any], refusals: Mapping[str, Refusal]) -> str:
    """Return a refusal that was written down as a sentence, in whose language asks now."""
    refusal = refusals.get(code, UNKNOWN)
    return gettext(refusal.sentence, **_shown(facts))


def _shown(facts: dict[str, Any]) -> dict[str, object]:
    shown: dict[str, object] = {}
    for name, value in facts.items():
        if name.endswith("_cents"):
            shown[name.removesuffix("_cents")] = yuan(value)
        else:
            shown[name] = gettext(value) if isinstance(value, str) and value else value
    return shown


def answer(status: int, code: str, message: str, facts: dict[str, Any]) -> Response:
    """Return an error in the form that the caller can read."""
    if request.path.startswith("/api/"):
        body = flask.jsonify(error={"code": code, "message": message, "facts": facts})
    elif request.is_json:
        body = flask.jsonify(code=code, message=message)
    elif request.headers.get("HX-Request"):
        body = flask.make_response(render_template("web/toast.html", message=message))
        body.headers["HX-Retarget"] = "#toasts"
        body.headers["HX-Reswap"] = "beforeend"
        body.headers["X-Refused"] = code
    else:
        page = render_template("web/error.html", heading=message, status=status)
        body = flask.make_response(page)
    body.status_code = status
    return body


def _refused(refused: Refused) -> Any:
    handlers = current_app.extensions.get("refused_elsewhere", {})
    if not request.path.startswith("/api/") and (handler := handlers.get(refused.code)):
        return handler()
    refusals: dict[str, Refusal] = current_app.config["REFUSALS"]
    refusal = refusals.get(refused.code, UNKNOWN)
    return answer(refusal.status, refused.code, sentence(refused), refused.facts)


def _http(error: HTTPException) -> Any:
    status = error.code or 500
    if status < 400 and error.response is not None:
        return error.response
    message = gettext(HTTP_SENTENCES.get(status, UNKNOWN.sentence))
    return answer(status, f"http_{status}", message, {})


def _failed(error: Exception) -> Any:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(500, "failed", gettext(UNKNOWN.sentence), {})


def install(app: Flask) -> None:
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _failed)

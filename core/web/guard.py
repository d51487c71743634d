"""What stands before every request: known host, same origin, CSRF token, permission."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request

from core.errors import N_, Refusal, Refused
from core.staff import require
from core.web.edge import caller, read
from core.web.markers import Door, permission_of

SAFE = {"GET", "HEAD", "OPTIONS"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "manifest-src 'self'; frame-ancestors 'none'"
)

REFUSALS = {
    "wrong_origin": Refusal(403, N_("这个请求不是从本系统的页面发出的")),
    "page_too_old": Refusal(403, N_("页面开得太久，请刷新后再试")),
    "not_paired": Refusal(401, N_("这台设备还没有配对")),
}


def csrf_token() -> str:
    """Return the token for this caller's forms, bound to its session or device."""
    key: bytes = current_app.config["CSRF_KEY"]
    binding = caller().csrf_binding.encode()
    return hmac.new(key, binding, hashlib.sha256).hexdigest()


def check_host() -> None:
    """Answer only to our own names: a rebound DNS name must not reach the till."""
    host = (urlsplit(f"//{request.host}").hostname or "").lower()
    allowed: tuple[str, ...] = current_app.config["HOSTS"]
    if not any(host == name or (name[0] == "." and host.endswith(name)) for name in allowed):
        abort(421)


def check_origin() -> None:
    """Refuse what another site sends. Refused: wrong_origin, page_too_old."""
    if request.method in SAFE or caller().token:
        return
    if request.endpoint is not None and _declared(request.endpoint) == Door.PROGRAM:
        return
    if request.path.startswith("/api/") and caller().device is None:
        return  # No cookie to ride on, and the permission check turns strangers away.
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise Refused("wrong_origin")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Refused("wrong_origin")
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token") or ""
    if not hmac.compare_digest(sent, csrf_token()):
        raise Refused("page_too_old")


def check_permission() -> None:
    """Let the caller as far in as the route declares.

    Refused: not_paired, not_logged_in, not_allowed, over_limit.
    """
    if request.endpoint is None or request.endpoint == "static":
        return
    needed = _declared(request.endpoint)
    if needed is None:
        raise RuntimeError(f"{request.endpoint} declares no permission")
    if needed in {Door.PUBLIC, Door.PROGRAM}:
        return
    who = caller()
    if who.device is None and not who.token:
        raise Refused("not_paired")
    if needed == Door.PAIRED:
        return
    if who.staff is None:
        raise Refused("not_logged_in")
    if needed != Door.STAFF:
        with read() as db:
            require(db, who.staff, needed)


def _declared(endpoint: str) -> str | None:
    return permission_of(current_app.view_functions[endpoint])


def harden(response: Response) -> Response:
    """Set the headers that keep pages ours."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CSP)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    return response


def install(app: Flask, *, rights: Callable[[], None] = check_permission) -> None:
    """Put the guards before every request, in this order.

    `rights` lets the caller as far in as the route declares; it is another one where people
    are not the shop's staff.
    """
    app.before_request(check_host)
    app.before_request(check_origin)
    app.before_request(rights)
    app.after_request(harden)
    app.jinja_env.globals["csrf_token"] = csrf_token

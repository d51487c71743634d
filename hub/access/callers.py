"""Before every request: which device, which person, or which program's token."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from core.errors import Refused
from core.sqlite import Reader, Row
from core.web import Caller, caller, is_partial, read
from hub.access import login, pairing
from hub.box import here

DEVICE_AGE_S = 400 * 86_400


def cookie_name(kind: str) -> str:
    """Return a cookie's name; over TLS the browser guards its origin by the prefix."""
    return f"__Host-{kind}" if request.is_secure else kind


def set_cookie(response: AnyResponse, kind: str, value: str, *, age_s: int | None) -> None:
    response.set_cookie(
        cookie_name(kind),
        value,
        max_age=age_s,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
        path="/",
    )


def drop_cookie(response: AnyResponse, kind: str) -> None:
    response.delete_cookie(
        cookie_name(kind), secure=request.is_secure, httponly=True, samesite="Strict", path="/"
    )


def device() -> Row:
    """Return the paired device that calls. Refused: not_paired."""
    row: Row | None = g.get("device")
    if row is None:
        raise Refused("not_paired")
    return row


def till() -> str:
    """Return the till of the calling device or token."""
    known: Caller = g.caller
    return known.till or ""


def session_token() -> str:
    return request.cookies.get(cookie_name("session"), "")


def look() -> None:
    """Find out who calls; the guards decide what they may.

    Refused: token_unknown.
    """
    g.caller = Caller()
    if request.endpoint == "static":
        return
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        _look_at_token(header.removeprefix("Bearer "))
        return
    _look_at_cookies()


def _look_at_token(token: str) -> None:
    with read() as db:
        row = login.find_token(db, token)
    if row is None:
        raise Refused("token_unknown")
    g.caller = Caller(
        device=f"token:{row['name']}",
        till=row["till"],
        staff=row["staff"],
        staff_name=row["staff_name"],
        role=row["role"],
        token=True,
    )


def _look_at_cookies() -> None:
    cookie = request.cookies.get(cookie_name("device"), "")
    if not cookie:
        return
    token, at = session_token(), here().journal.clock.read().at
    with read() as db:
        row = pairing.device_by_cookie(db, cookie)
        if row is None:
            return
        found = login.find_session(db, token, row, at=at) if token else None
    g.device = row
    at_work = found is not None and not found.locked and _is_by_hand()
    if found is not None and at_work and at - found.seen_at > login.SEEN_EVERY_MS:
        here().door.write(lambda tx: login.note_seen(tx, token=token, at=at))
    known = Caller(device=row["id"], till=row["till"], csrf_binding=cookie)
    if found is not None and found.locked:
        g.locked_staff = found.staff
    elif found is not None:
        known.staff, known.staff_name = found.staff.id, found.staff.name
        known.role, known.csrf_binding = found.staff.role, token
    g.caller = known


def _is_by_hand() -> bool:
    """Tell what a person does from what an open page asks for by itself."""
    return request.method != "GET" or (
        not is_partial() and "text/html" in request.headers.get("Accept", "")
    )


def watch() -> Callable[[Reader], bool]:
    """Return a check that this caller may still listen, for streams that stay open."""
    if caller().token:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return lambda db: login.find_token(db, token) is not None
    cookie, token, clock = (
        request.cookies.get(cookie_name("device"), ""),
        session_token(),
        here().journal.clock,
    )

    def may_listen(db: Reader) -> bool:
        row = pairing.device_by_cookie(db, cookie)
        found = row and login.find_session(db, token, row, at=clock.read().at)
        return bool(found and not found.locked)

    return may_listen


def to_pairing() -> AnyResponse:
    return _go(url_for("access.pair_page"))


def to_login() -> AnyResponse:
    asked = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return _go(url_for("access.login_page", next=asked))


def _go(url: str) -> AnyResponse:
    if is_partial():
        answer = Response(status=401)
        answer.headers["HX-Redirect"] = url
        return answer
    return redirect(url)

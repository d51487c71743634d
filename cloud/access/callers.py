"""Before every request: whose session is it, and so whose merchant."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Response, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from cloud.access import sessions
from cloud.access.house import platform
from cloud.access.pace import Pace
from core.errors import Refused
from core.staff import PERMISSIONS, ROLES
from core.web import Caller, Door, caller, is_partial, permission_of

SAFE = {"GET", "HEAD", "OPTIONS"}
STRANGERS_BYTES_MAX = 64 * 1024
"""A form that somebody fills in before they are logged in."""
VISIT_BYTES = 32
SESSION = "office"
VISIT = "visit"
"""A random number that forms are bound to before anybody is logged in."""


def cookie_name(kind: str) -> str:
    """Return a cookie's name; over TLS the browser guards its origin by the prefix."""
    return f"__Host-{kind}" if request.is_secure else kind


def set_cookie(response: AnyResponse, kind: str, value: str) -> None:
    response.set_cookie(
        cookie_name(kind),
        value,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
        path="/",
    )


def drop_cookie(response: AnyResponse, kind: str) -> None:
    response.delete_cookie(
        cookie_name(kind), secure=request.is_secure, httponly=True, samesite="Strict", path="/"
    )


def session_token() -> str:
    return request.cookies.get(cookie_name(SESSION), "")


def look() -> None:
    """Find out who calls, before anything is read of what they send; `rights` decides more.

    Refused: not_logged_in, too_many_files.
    """
    _find_caller()
    _bound_what_is_read()


def _find_caller() -> None:
    g.caller = Caller()
    if request.endpoint in {None, "static"}:
        return
    visit = request.cookies.get(cookie_name(VISIT), "")
    if not visit:
        visit = g.fresh_visit = secrets.token_hex(VISIT_BYTES)
    g.caller.csrf_binding = visit
    token, at = session_token(), platform().clock.read().at
    if not token:
        return
    with platform().door.read() as db:
        found = sessions.find_session(db, token, at=at)
    if found is None:
        return
    if _is_by_hand() and at - found.seen_at > sessions.SEEN_EVERY_MS:
        platform().door.write(lambda tx: sessions.note_seen(tx, token=token, at=at))
    g.session = found
    g.merchant = platform().merchant(found.merchant)
    g.caller = Caller(
        staff=found.account, staff_name=found.name, role=found.role, csrf_binding=token
    )


def _bound_what_is_read() -> None:
    """Read little of what strangers send, and files no faster than a person chooses them.

    The form is read for its token ahead of every other guard.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    needed = None if view is None else permission_of(view)
    if needed is None or needed == Door.PROGRAM or request.method in SAFE:
        return  # A program's request has a limit of its own.
    if needed == Door.PUBLIC:
        request.max_content_length = STRANGERS_BYTES_MAX
    elif caller().staff is None:
        raise Refused("not_logged_in")
    elif needed != Door.STAFF and not may(needed):
        request.max_content_length = STRANGERS_BYTES_MAX
    elif (request.max_content_length or 0) > current_app.config["MAX_CONTENT_LENGTH"]:
        pace: Pace = current_app.extensions.setdefault("file_pace", Pace())
        pace.count_file(request.remote_addr or "", at=platform().clock.read().at)


def keep_visit(response: Response) -> Response:
    """Give a new browser its number."""
    if fresh := g.get("fresh_visit"):
        set_cookie(response, VISIT, fresh)
    return response


def session() -> sessions.Session:
    """Return the caller's session. Refused: not_logged_in."""
    found: sessions.Session | None = g.get("session")
    if found is None:
        raise Refused("not_logged_in")
    return found


def may(permission: str) -> bool:
    """Say whether the caller has a right, so that a page offers only what will be done."""
    return permission in ROLES.get(caller().role or "", {})


def rights() -> None:
    """Let the caller as far in as the route declares. Refused: not_logged_in, not_allowed."""
    if request.endpoint is None or request.endpoint == "static":
        return
    needed = permission_of(current_app.view_functions[request.endpoint])
    if needed is None or needed == Door.PAIRED:
        raise RuntimeError(f"{request.endpoint} declares no permission of head office")
    if needed in {Door.PUBLIC, Door.PROGRAM}:
        return
    if caller().staff is None:
        raise Refused("not_logged_in")
    if needed != Door.STAFF and not may(needed):
        raise Refused("not_allowed", action=PERMISSIONS[needed])


def watch() -> Callable[[], bool]:
    """Return a check that this caller may still listen, for streams that stay open."""
    served, token = platform(), session_token()

    def may_listen() -> bool:
        with served.door.read() as db:
            return sessions.find_session(db, token, at=served.clock.read().at) is not None

    return may_listen


def to_login() -> AnyResponse:
    """Send the reader to the log-in page, and back afterwards."""
    asked = request.full_path.rstrip("?") if request.method == "GET" else "/"
    url = url_for("access.log_in_page", next=asked)
    if is_partial():
        # The part is not where its reader is: the whole page's address is in Referer.
        came_from = urlsplit(request.headers.get("HX-Current-URL", ""))
        url = url_for("access.log_in_page", next=came_from.path or "/")
        answer = Response(status=401)
        answer.headers["HX-Redirect"] = url
        return answer
    return redirect(url)


def safe_next(asked: str) -> str:
    """Return where to go after logging in: only ever a page of head office."""
    parts = urlsplit(asked)
    inside = asked.startswith("/") and not asked.startswith(("//", "/\\"))
    return asked if inside and not parts.netloc and not parts.scheme else "/"


def _is_by_hand() -> bool:
    """Tell what a person does from what an open page asks for by itself."""
    return request.method != "GET" or (
        not is_partial() and "text/html" in request.headers.get("Accept", "")
    )

"""Pairing, logging in, the lock, and the list of devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import segno
from flask import (
    Blueprint,
    Flask,
    current_app,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response

from core.errors import Refused
from core.journal import Act
from core.sqlite import Reader, Writer
from core.staff import ROLE_NAMES, Staff, active_staff
from core.web import caller, paired, permission, public, read, sentence, staff_only, write
from core.web import gettext as _
from hub.access import login, pairing, seats
from hub.access.callers import (
    DEVICE_AGE_S,
    cookie_name,
    device,
    drop_cookie,
    session_token,
    set_cookie,
)
from hub.box import here

pages = Blueprint("access", __name__, template_folder="templates")

CarryOver = Callable[[Writer, str, str], None]


def on_moved(app: Flask, carry_over: CarryOver) -> None:
    """Let a capability bring along what lay open: (tx, from device, to device)."""
    app.extensions["carry_over"] = carry_over


@pages.get("/pair")
@public
def pair_page() -> str:
    return render_template(
        "access/pair.html",
        code=request.args.get("code", ""),
        taken_out=g.get("device") is None and cookie_name("device") in request.cookies,
    )


@pages.post("/pair")
@public
def pair() -> Any:
    asked = request.get_json(silent=True) or request.form
    let_in = write(
        lambda tx, act: pairing.pair(
            tx,
            act,
            code=str(asked.get("code") or asked.get("token") or ""),
            public_key=str(asked.get("public_key", "")),
            name=str(asked.get("name", "")),
        )
    )
    answer = jsonify(next=url_for("access.login_page"))
    set_cookie(answer, "device", let_in.cookie, age_s=DEVICE_AGE_S)
    return answer


@pages.get("/login")
@paired
def login_page() -> str:
    return _login_page(problem="")


@pages.post("/login")
@paired
def log_in() -> Any:
    box, asked = here(), request.form
    with read() as db:
        act = box.act(db, device=caller().device)
    try:
        by = "card" if asked.get("card") else "pin"
        if by == "card":
            staff_id = login.check_card(
                box.door, act, device=device(), number=asked["card"], key=box.secrets.card_key
            )
        else:
            staff_id = login.check_pin(
                box.door,
                act,
                device=device(),
                number=asked.get("number", ""),
                pin=asked.get("pin", ""),
                pepper=box.secrets.pin_pepper,
            )
        token = write(
            lambda tx, now: _sit_down(
                tx, now, staff_id=staff_id, signature=asked.get("signature", ""), by=by
            )
        )
    except Refused as refused:
        chosen = str(refused.facts.get("number", ""))
        return _login_page(problem=sentence(refused), chosen=chosen), 403
    answer = redirect(_safe_next(asked.get("next", "")))
    set_cookie(answer, "session", token, age_s=None)
    return answer


def _sit_down(tx: Writer, act: Act, *, staff_id: str, signature: str, by: str) -> str:
    """Begin a session here; what lay open at the device before comes along."""
    opened = login.open_session(
        tx, act, device=device(), staff_id=staff_id, signature=signature, by=by
    )
    if opened.came_from is not None:
        carry_over: CarryOver = current_app.extensions["carry_over"]
        carry_over(tx, opened.came_from, device()["id"])
    return opened.token


@pages.post("/lock")
@staff_only
def lock() -> Response:
    write(lambda tx, _act: login.lock(tx, token=session_token()))
    return redirect(url_for("access.login_page", next=_safe_next(request.form.get("next", ""))))


@pages.post("/logout")
@paired
def log_out() -> Response:
    write(lambda tx, act: login.close_session(tx, act, token=session_token()))
    answer = redirect(url_for("access.login_page"))
    drop_cookie(answer, "session")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@pages.get("/settings/devices")
@permission("device.pair")
def devices_page() -> str:
    return _devices_page(code="")


@pages.post("/settings/devices/invite")
@permission("device.pair")
def invite() -> str:
    till = request.form.get("till", "").strip() or _("前台")
    return _devices_page(code=write(lambda tx, act: pairing.invite(tx, act, till=till)))


@pages.post("/settings/devices/<device_id>/unpair")
@permission("device.pair")
def unpair(device_id: str) -> Response:
    write(lambda tx, act: pairing.unpair(tx, act, device=device_id))
    return redirect(url_for("access.devices_page"))


@pages.post("/settings/devices/<device_id>/replace")
@permission("device.pair")
def replace(device_id: str) -> str:
    """Shut a lost device out, and show the code by which another one has its till."""

    def swap(tx: Writer, act: Act) -> str:
        return pairing.invite(tx, act, till=pairing.unpair(tx, act, device=device_id))

    return _devices_page(code=write(swap), swapped=True)


def _devices_page(*, code: str, swapped: bool = False) -> str:
    address = url_for("access.pair_page", code=code, _external=True) if code else ""
    picture = segno.make(address, micro=False).svg_data_uri(scale=5) if address else ""
    with read() as db:
        known = pairing.devices(db)
    return render_template(
        "access/devices.html",
        devices=known,
        here=caller().device,
        code=code,
        swapped=swapped,
        address=address,
        picture=picture,
    )


def _login_page(*, problem: str, chosen: str = "") -> str:
    nonce = write(lambda tx, act: pairing.fresh_nonce(tx, act, device=device()["id"]))
    locked = g.get("locked_staff")
    with read() as db:
        moved = None if locked else seats.taken_over(db, device()["id"])
        people = [locked] if locked else _people(db)
    chosen = chosen or request.values.get("number", "")
    return render_template(
        "access/login.html",
        people=people,
        roles=ROLE_NAMES,
        nonce=nonce,
        problem=problem,
        moved=moved,
        hub_id=here().journal.identity.origin,
        locked=locked is not None,
        chosen=chosen or (people[0].number if people else ""),
        next=_safe_next(request.values.get("next", "")),
        session_cookie=cookie_name("session"),
    )


def _people(db: Reader) -> list[Staff]:
    """Return who logs in by hand; a device's account has no PIN and no face."""
    return [person for person in active_staff(db) if person.pin_hash]


def _safe_next(asked: str) -> str:
    """Return where to go after logging in: only ever a page of this hub."""
    parts = urlsplit(asked)
    inside = asked.startswith("/") and not asked.startswith(("//", "/\\"))
    return asked if inside and not parts.netloc and not parts.scheme else "/"

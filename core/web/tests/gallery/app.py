"""A shop that exists only to show and test the shell: every component, no real capability.

Its pages stand in for what the hub's slices render, so that the contracts with the scripts
(see frontend/README.md) are tested without any of those slices. To look at it:

    python -m core.web.tests.gallery.app
"""

from __future__ import annotations

import base64
import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from flask import Blueprint, Flask, Response, abort, current_app, redirect, request
from flask import render_template as render
from flask_babel import Babel
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.serving import make_server
from werkzeug.wrappers import Response as Answer

from core.money import yuan
from core.web.guard import CSP
from core.web.tests.gallery import shop as known
from core.web.tests.gallery.shop import Shop, Stream

ROOT = Path(__file__).parents[4]
DIST = ROOT / "core/web/static/dist"
HEARTBEAT_S = 0.5

pages = Blueprint("gallery", __name__)


def the_shop() -> Shop:
    kept: Shop = current_app.config["SHOP"]
    return kept


def make_app(kept: Shop) -> Flask:
    here = Path(__file__).parent / "templates"
    app = Flask(__name__, static_folder=str(DIST), static_url_path="/s")
    loaders = [FileSystemLoader(str(here)), FileSystemLoader(str(ROOT / "core/web/templates"))]
    app.jinja_loader = ChoiceLoader(loaders)
    app.jinja_env.filters["yuan"] = yuan
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config.update(SHOP=kept, BABEL_DEFAULT_LOCALE="zh_Hans_CN", TEMPLATES_AUTO_RELOAD=True)
    Babel(app)
    app.context_processor(context)
    app.after_request(finish)
    app.register_blueprint(pages)
    return app


def context() -> dict[str, Any]:
    manifest = json.loads((DIST / "manifest.json").read_text())
    nav = [
        {"href": href, "label": label, "icon": icon, "current": request.path == href}
        for href, label, icon in known.NAV
    ]
    return {
        "asset": lambda name: f"/s/{manifest[name]}",
        "csrf_token": lambda: "token-of-the-session",
        "lang": request.args.get("lang", "zh-CN"),
        "theme": request.args.get("theme") or request.cookies.get("theme") or "light",
        "nav": nav,
        "store_name": "清和养生·人民路店",
        "staff": "王芳",
        "shift_label": "早班",
        "link_state": {"cloud": True, "pending": 3},
        "shop": the_shop(),
        "ticket": the_shop().ticket(),
        "known": known,
        "stream_url": "/stream" if "stream" in request.args else None,
        "now_ms": int(time.time() * 1000),
        "zone": "Asia/Shanghai",
    }


def finish(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CSP
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response


def wants_part() -> bool:
    return request.headers.get("HX-Request") == "true"


def ticket_part() -> str | Answer:
    return render("_ticket.html") if wants_part() else redirect("/")


@pages.before_request
def check_token() -> None:
    if request.method != "POST":
        return
    token = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token")
    if token != "token-of-the-session":
        abort(403)


@pages.get("/")
def till() -> str:
    return render("pos.html")


@pages.get("/<any(components,forms,tables,member,settings,broken):name>")
def page(name: str) -> str | tuple[str, int]:
    if name == "broken":
        return render(
            "web/error.html",
            heading="这一页打不开",
            message="主机正在更新，大约一分钟后可用。",
            safe="没有重复扣款",
            action_label="重试",
            status=503,
        ), 200
    return render(f"{name}.html")


@pages.post("/ticket/lines")
def add_line() -> str | Answer:
    operation = request.form["operation"]
    if operation not in the_shop().operations:
        the_shop().operations.append(operation)
        the_shop().add(int(request.form["item"]), int(request.form.get("step", "1")))
    return ticket_part()


@pages.post("/ticket/walkin")
def toggle_walkin() -> str | Answer:
    the_shop().who = "member" if the_shop().who == "walkin" else "walkin"
    return ticket_part()


@pages.post("/ticket/member")
def set_member() -> str | Answer:
    the_shop().scans.append(request.form["code"])
    the_shop().who = "member"
    return ticket_part()


@pages.get("/ticket/pay")
def show_pay() -> str:
    return render("_pay.html" if wants_part() else "pay.html")


@pages.get("/ticket/pay-panel")
def show_pay_panel() -> str:
    return render("_pay_panel.html")


@pages.post("/ticket/pay")
def pay() -> str | tuple[str, int]:
    key, received = request.form["attempt"], int(request.form["received"])
    the_shop().payment_posts.append(key)
    if "slow" in request.args:
        time.sleep(0.4)
    if received < the_shop().ticket()["due"]:
        return render("_pay.html", problem="收到的钱不够，请补足或换一种方式。"), 422
    the_shop().payments.setdefault(key, received)
    return render("_paid.html", change=received - the_shop().ticket()["due"])


@pages.post("/note")
def note() -> str:
    return render("_note.html")


@pages.post("/broken-act")
def broken_act() -> tuple[str, int]:
    return "<h1>Internal Server Error</h1>", 500


@pages.get("/board")
def board() -> str:
    return render("_board.html" if wants_part() else "board.html")


@pages.get("/stream")
def stream() -> Response:
    if len(the_shop().streams) >= the_shop().streams_max:
        return Response(status=503, headers={"Retry-After": "60"})
    mine: Stream = queue.Queue()
    the_shop().streams.append(mine)
    return Response(listen(the_shop(), mine), mimetype="text/event-stream")


def listen(kept: Shop, mine: Stream) -> Iterator[str]:
    try:
        yield "retry: 300\n\n"
        while True:
            try:
                told = mine.get(timeout=HEARTBEAT_S)
            except queue.Empty:
                if kept.is_silent:
                    continue
                told = ("hb", json.dumps({"now": int(time.time() * 1000)}))
            if told is None:
                return
            yield f"event: {told[0]}\ndata: {told[1]}\n\n"
    finally:
        kept.streams.remove(mine)


@pages.post("/lock")
def lock() -> Answer:
    the_shop().locks += 1
    return redirect("/login")


@pages.get("/pair")
def show_pairing() -> str:
    return render("pair.html")


@pages.post("/pair")
def enrol() -> tuple[dict[str, str], int]:
    asked = request.get_json()
    if asked.get("code") != known.PAIRING_CODE:
        return {"message": "配对码不对，或已过期。"}, 422
    the_shop().device_key = unpadded(asked["public_key"])
    return {"next": "/login"}, 201


@pages.get("/login")
def show_login() -> str:
    return render("login.html")


@pages.post("/login")
def login() -> str | Answer | tuple[str, int]:
    if not is_signed_by_device(request.form.get("signature", "")):
        return render("login.html", problem="这台设备未配对。"), 403
    if request.form["pin"] != known.PIN:
        return render("login.html", problem="PIN 不对，请再试一次。"), 422
    the_shop().logins.append(request.form["staff"])
    return redirect("/")


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_signed_by_device(signature: str) -> bool:
    raw = unpadded(signature)
    key = the_shop().device_key
    if len(raw) != 64 or not key:
        return False
    public = serialization.load_der_public_key(key)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    message = f"{known.NONCE}.{known.HUB_ID}".encode()
    try:
        der = utils.encode_dss_signature(r, s)
        public.verify(der, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@contextmanager
def served(kept: Shop, port: int = 0) -> Iterator[str]:
    """Serve the gallery on loopback; the address is yielded."""
    server = make_server("127.0.0.1", port, make_app(kept), threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        kept.close_streams()
        server.shutdown()
        thread.join(5)
        server.server_close()


if __name__ == "__main__":
    with served(Shop(), port=8123) as address:
        click.echo(address)
        threading.Event().wait()

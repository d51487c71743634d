"""The virtual devices as a program of its own: a printer that listens, and pages to play on.

Whoever opens these pages holds every PIN of the shop, so they are served to this machine only
and answer only to its own names.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, g, request, url_for
from werkzeug.serving import WSGIRequestHandler, make_server

from core import sqlite
from core.errors import N_
from core.web import Caller, Capability, install_guards, make_app
from core.web import gettext as _
from hub.box import Box
from hub.simulator import virtual
from hub.simulator.paper import PaperPrinter
from hub.simulator.views import pages
from hub.simulator.virtual import Simulation, wire_up

HOSTS = ("localhost", ".localhost", "127.0.0.1", "::1")
RAIL = (
    ("simulator.index", N_("开始"), "home"),
    ("simulator.paper", N_("打印机"), "printer"),
    ("simulator.cards", N_("卡与条码"), "card"),
)


class NotLoopback(Exception):
    """The pages hold PINs and may be served to this machine only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the simulator listens and what it plays with."""

    bind: str
    printer_port: int
    paper: Path
    cast: Path
    hub_url: str


def run_simulator(box: Box, settings: Settings, stopping: threading.Event) -> None:
    """Serve until told to stop. Raises NotLoopback, and OSError for a port that is taken."""
    host, port = loopback(settings.bind)
    with PaperPrinter(settings.paper, port=settings.printer_port) as printer:
        simulated = Simulation(
            printer=printer,
            cast_path=settings.cast,
            hub_url=settings.hub_url.rstrip("/"),
        )
        app = make_simulator_app(box, simulated)
        server = make_server(host, port, app, threaded=True, request_handler=_Quiet)
        serving = threading.Thread(target=server.serve_forever, name="pages", daemon=True)
        serving.start()
        stopping.wait()
        server.shutdown()
        server.server_close()


def make_simulator_app(box: Box, simulated: Simulation) -> Flask:
    """Return the pages over an opened box and started devices."""
    app = make_app(
        box,
        (Capability(name="simulator", blueprints=(pages,)),),
        hosts=HOSTS,
        csrf_key=hashlib.sha256(b"simulator" + box.secrets.pin_pepper).digest(),
        refusals={**sqlite.REFUSALS, **box.parts.refusals, **virtual.REFUSALS},
    )
    app.before_request(_look)
    install_guards(app)
    app.context_processor(_surroundings)
    app.extensions["simulation"] = simulated
    board = app.extensions["bulletin"]
    wire_up(simulated, board.announce)
    return app


def loopback(bind: str) -> tuple[str, int]:
    """Read an address of this machine itself. Raises NotLoopback and ValueError."""
    host, _colon, port = bind.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    if not ipaddress.ip_address(host).is_loopback:
        raise NotLoopback(bind)
    return host, int(port)


class _Quiet(WSGIRequestHandler):
    """Requests of a toy are no news."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size


def _look() -> None:
    """Know a program by what no foreign page can send: JSON without an origin."""
    g.caller = Caller(token=request.is_json and "Origin" not in request.headers)


def _surroundings() -> dict[str, object]:
    if request.endpoint == "static":
        return {}
    return {
        "store_name": _("虚拟设备"),
        "nav": [
            {
                "href": url_for(endpoint),
                "label": _(label),
                "icon": icon,
                "current": request.endpoint == endpoint,
            }
            for endpoint, label, icon in RAIL
        ],
        "home_url": url_for("simulator.index"),
        "staff": None,
        "link_state": None,
    }

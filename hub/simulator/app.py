"""The virtual devices as a program of its own: a printer that listens, and pages to play on.

Whoever opens these pages holds every PIN of the shop, so they are served to this machine only
and answer only to its own names.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import threading
from pathlib import Path
from typing import Any

from flask import Flask, g, request, url_for
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server

from core import sqlite
from core.errors import N_
from core.web import Caller, Capability, install_guards, make_app
from core.web import gettext as _
from hub.box import Box
from hub.simulator import virtual
from hub.simulator.line import Line
from hub.simulator.lines import REFUSALS as LINE_REFUSALS
from hub.simulator.lines import Wire, lines, watch
from hub.simulator.paper import PaperPrinter
from hub.simulator.stage import Stage, branch_prefix
from hub.simulator.views import pages
from hub.simulator.virtual import Simulation, simulation, wire_up

HOSTS = ("localhost", ".localhost", "127.0.0.1", "::1")
HOME = "simulator.index"
RAIL = (
    (HOME, N_("开始"), "home"),
    ("simulator.paper", N_("打印机"), "printer"),
    ("simulator.cards", N_("卡与条码"), "card"),
)


class NotLoopback(Exception):
    """The pages hold PINs and may be served to this machine only."""


def run_simulator(
    stage: Stage, boxes: tuple[Box, ...], bind: str, stopping: threading.Event
) -> None:
    """Serve until told to stop, a box for each branch of the stage.

    Raises NotLoopback, and OSError for a port that is taken.
    """
    host, port = loopback(bind)
    with contextlib.ExitStack() as devices:
        apps, found = [], []
        for branch, box in zip(stage.branches, boxes, strict=True):
            printer = devices.enter_context(
                PaperPrinter(Path(branch.paper), port=branch.printer_port)
            )
            if branch.routes:
                line = devices.enter_context(Line(branch.routes))
                found.append(Wire(branch=branch, box=box, line=line))
            simulated = Simulation(
                printer=printer,
                cast_path=Path(branch.cast),
                hub_url=branch.hub_url.rstrip("/"),
                branch=branch,
                stage=stage,
            )
            apps.append(make_simulator_app(box, simulated))
        connect(apps[0], tuple(found))
        board = apps[0].extensions["bulletin"]
        watching = threading.Thread(
            target=watch, args=(tuple(found), board.announce, stopping), name="lines"
        )
        watching.start()
        _serve(host, port, apps, stage, stopping)
        watching.join()


def make_simulator_app(box: Box, simulated: Simulation) -> Flask:
    """Return the pages over an opened box and started devices."""
    app = make_app(
        box,
        (Capability(name="simulator", blueprints=(pages, lines)),),
        hosts=HOSTS,
        csrf_key=hashlib.sha256(b"simulator" + box.secrets.pin_pepper).digest(),
        refusals={
            **sqlite.REFUSALS,
            **box.parts.refusals,
            **virtual.REFUSALS,
            **LINE_REFUSALS,
        },
    )
    app.before_request(_look)
    install_guards(app)
    app.context_processor(_surroundings)
    app.extensions["simulation"] = simulated
    connect(app, ())
    board = app.extensions["bulletin"]
    wire_up(simulated, board.announce)
    return app


def connect(app: Flask, found: tuple[Wire, ...]) -> None:
    """Let the pages of an app show these lines and switch them."""
    app.extensions["wires"] = found


def _serve(
    host: str, port: int, apps: list[Flask], stage: Stage, stopping: threading.Event
) -> None:
    """Serve the first branch at the root and every other below its code."""
    below: dict[str, Any] = {
        branch_prefix(stage, branch.code): app.wsgi_app
        for branch, app in zip(stage.branches[1:], apps[1:], strict=True)
    }
    served = DispatcherMiddleware(apps[0].wsgi_app, below)
    server = make_server(host, port, served, threaded=True, request_handler=_Quiet)
    serving = threading.Thread(target=server.serve_forever, name="pages", daemon=True)
    serving.start()
    stopping.wait()
    server.shutdown()
    server.server_close()


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
    simulated = simulation()
    named = len(simulated.stage.branches) > 1
    return {
        "store_name": simulated.branch.name if named else _("虚拟设备"),
        "nav": [
            {
                "href": simulated.home if endpoint == HOME else url_for(endpoint),
                "label": _(label),
                "icon": icon,
                "current": request.endpoint == endpoint,
            }
            for endpoint, label, icon in RAIL
        ],
        "home_url": simulated.home,
        "staff": None,
        "link_state": None,
    }

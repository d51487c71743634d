"""The switch of each store's line, and what a store still owes head office."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Blueprint, current_app, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from core.errors import N_, Refusal, Refused
from core.web import bulletin, csrf_token, is_partial, public
from core.web import gettext as _
from hub.box import Box
from hub.simulator.line import Line, LineState
from hub.simulator.stage import Branch
from hub.sync import LinkState, link_state

WATCH_EVERY_S = 0.5
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400

LINE_NAMES: dict[LineState, str] = {
    LineState.UP: N_("接通"),
    LineState.CUT: N_("拔掉"),
    LineState.SILENT: N_("无声"),
}

REFUSALS = {"no_such_line_state": Refusal(422, N_("线路没有这种状态"))}

lines = Blueprint("lines", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A store at its line."""

    branch: Branch
    box: Box
    line: Line

    def switch(self, name: str) -> None:
        """Pull the line or plug it in. Refused: no_such_line_state."""
        if name not in set(LineState):
            raise Refused("no_such_line_state")
        self.line.switch(LineState(name))

    def link(self) -> LinkState | None:
        """Return what the store itself knows of its link; None until it is joined."""
        with self.box.door.read() as db:
            return link_state(db, self.box)

    def told(self) -> dict[str, Any]:
        """Tell a program what the page shows. Times are milliseconds UTC, or None."""
        link = self.link()
        known = {
            "connected": link is not None and link.cloud,
            "outbox": 0 if link is None else link.pending,
            "lag_ms": 0 if link is None else link.lag_ms,
            "heard_at": None if link is None else link.heard_at,
            "feed_pos": 0 if link is None else link.feed_pos,
            "trouble": "" if link is None else link.trouble,
        }
        return {
            "store": self.branch.code,
            "name": self.branch.name,
            "state": self.line.state,
            "states": list(LINE_NAMES),
            **known,
        }


def wires() -> tuple[Wire, ...]:
    """Return the lines that this program holds."""
    known: tuple[Wire, ...] = current_app.extensions["wires"]
    return known


@lines.get("/lines")
@public
def board() -> str:
    return shown_lines()


@lines.get("/line/<store>")
@public
def line(store: str) -> Response:
    """Tell a program how a store's line is, and the token that its own post must carry."""
    return jsonify(csrf_token=csrf_token(), **_wire(store).told())


@lines.post("/line/<store>")
@public
def switch(store: str) -> Any:
    """Pull a store's line or plug it in. Refused: no_such_line_state."""
    wire = _wire(store)
    asked = request.get_json() if request.is_json else request.form
    wire.switch(str(asked.get("state", "")))
    bulletin().announce()
    if request.is_json:
        return line(store)
    return shown_lines() if is_partial() else redirect(url_for("simulator.index"))


def shown_lines() -> str:
    """Return the part of a page that shows every line with its switch."""
    return render_template("simulator/_lines.html", **line_facts())


def line_facts() -> dict[str, Any]:
    """Return what that part is drawn from."""
    rows = [(wire, wire.link()) for wire in wires()]
    return {"rows": rows, "names": LINE_NAMES, "waited": waited}


def waited(lag_ms: int) -> str:
    """Say how long the oldest record waits, in the largest unit that still tells something."""
    seconds = lag_ms // 1_000
    if seconds < 2 * MINUTE_S:
        return _("%(count)s 秒", count=seconds)
    if seconds < 2 * HOUR_S:
        return _("%(count)s 分钟", count=seconds // MINUTE_S)
    if seconds < 2 * DAY_S:
        return _("%(count)s 小时", count=seconds // HOUR_S)
    return _("%(count)s 天", count=seconds // DAY_S)


def watch(
    found: tuple[Wire, ...], announce: Callable[[], None], ended: threading.Event
) -> None:
    """Announce whenever the part with the lines would look different, until ended."""
    before = mark_of(found)
    while not ended.wait(WATCH_EVERY_S):
        now = mark_of(found)
        if now != before:
            before = now
            announce()


def mark_of(found: tuple[Wire, ...]) -> bytes:
    """Return what differs once the part with the lines would."""
    rows = [wire.told() for wire in found]
    return msgspec.json.encode(
        [{**row, "lag_ms": row["lag_ms"] // 1_000, "heard_at": None} for row in rows]
    )


def _wire(store: str) -> Wire:
    for wire in wires():
        if wire.branch.code.casefold() == store.casefold():
            return wire
    raise NotFound

"""The virtual devices as their pages see them, and the wire by which a reading is sent."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app

from core.errors import N_, Refusal, Refused
from hub.simulator.cast import Cast, read_cast
from hub.simulator.paper import Paper, PaperPrinter, State
from hub.simulator.stage import Branch, Stage

SCAN_TIMEOUT_S = 5.0
PAPERS_SHOWN_MAX = 12
KICKED = "[drawer pin"
LOOPBACK = "127.0.0.1"

STATE_NAMES: dict[State, str] = {
    State.ONLINE: N_("正常"),
    State.NEAR_END: N_("纸将尽"),
    State.PAPER_OUT: N_("缺纸"),
    State.COVER_OPEN: N_("开盖"),
    State.OFF: N_("关机"),
    State.SILENT: N_("不应答"),
}

REFUSALS = {
    "hub_silent": Refusal(502, N_("主机没有回答，请看它是否在运行")),
    "hub_said_no": Refusal(502, N_("主机没有收下：%(told)s")),
    "no_such_state": Refusal(422, N_("打印机没有这种状态")),
    "nothing_to_read_with": Refusal(409, N_("没有读卡令牌，演示之外请用 --cast 指定")),
}


@dataclass(frozen=True, slots=True)
class Printout:
    """One paper on the roll; a kick of the drawer is no paper at all."""

    number: int
    text: str

    @property
    def is_kick(self) -> bool:
        return self.text.startswith(KICKED) and self.text.count("\n") == 1


@dataclass(slots=True, kw_only=True)
class Drawer:
    """The drawer that hangs on the printer: the printer opens it, only a hand closes it."""

    is_open: bool = False
    opened: int = 0
    """How often, since this program began."""
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def heard(self, paper: Paper) -> None:
        if KICKED in paper.text:
            with self._turn:
                self.is_open = True
                self.opened += 1

    def close(self) -> None:
        with self._turn:
            self.is_open = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What the pages of one branch show and act on."""

    printer: PaperPrinter
    cast_path: Path
    hub_url: str
    """Where browsers find the hub."""
    branch: Branch
    stage: Stage
    drawer: Drawer = field(default_factory=Drawer)

    @property
    def home(self) -> str:
        """Where the one page is that leads everywhere, on this same server."""
        return "/"

    @property
    def is_first(self) -> bool:
        return self.branch == self.stage.branches[0]

    @property
    def cast(self) -> Cast:
        return read_cast(self.cast_path)

    @property
    def mark(self) -> object:
        """What differs once the roll and the drawer would look different."""
        newest = [paper.number for paper in self.printer.papers()[-1:]]
        return (newest, self.printer.state, self.drawer.is_open, self.drawer.opened)

    def printouts(self) -> list[Printout]:
        """Return the newest papers, the newest first."""
        newest = self.printer.papers()[-PAPERS_SHOWN_MAX:]
        return [Printout(paper.number, paper.text) for paper in reversed(newest)]

    def switch(self, name: str) -> None:
        """Put the printer into a state. Refused: no_such_state."""
        if name not in set(State):
            raise Refused("no_such_state")
        self.printer.switch(State(name))

    def swipe(self, *, value: str, till: str) -> None:
        """Send a reading to the hub as a device does, by its API.

        Refused: nothing_to_read_with, hub_silent, hub_said_no.
        """
        token = self.cast.tokens.get("device")
        if token is None:
            raise Refused("nothing_to_read_with")
        place = urlsplit(self.hub_url)
        link = http.client.HTTPConnection(LOOPBACK, place.port or 80, timeout=SCAN_TIMEOUT_S)
        headers = {
            "Host": place.netloc,
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        body = json.dumps({"value": value, "till": till})
        try:
            link.request("POST", "/api/v1/scans", body=body, headers=headers)
            answer = link.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Refused("hub_silent") from error
        finally:
            link.close()
        if answer.status != http.HTTPStatus.CREATED:
            raise Refused("hub_said_no", told=_reason(told) or str(answer.status))


def simulation() -> Simulation:
    """Return the devices that the current request is about."""
    known: Simulation = current_app.extensions["simulation"]
    return known


def wire_up(simulated: Simulation, announce: Callable[[], None]) -> None:
    """Have the drawer and the open pages told of each paper."""

    def heard(paper: Paper) -> None:
        simulated.drawer.heard(paper)
        announce()

    simulated.printer.tell(heard)


def _reason(told: bytes) -> str:
    try:
        return str(json.loads(told)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""

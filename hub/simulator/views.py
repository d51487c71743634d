"""The pages on which a person plays the printer, the members and the staff."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from core.catalog import items
from core.errors import Refused
from core.sqlite import Reader
from core.staff import ROLE_NAMES
from core.web import News, bulletin, csrf_token, is_partial, public, read, reading_act, write
from hub import members, wallet
from hub.access import invite
from hub.box import here
from hub.simulator.cast import Cast, read_cast
from hub.simulator.lines import line_facts, mark_of, wires
from hub.simulator.stage import Branch, Stage, branch_prefix
from hub.simulator.virtual import STATE_NAMES, simulation

API = "/api/v1"
PICTURE_AGE_S = 3_600
PAPER_TYPES = {
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
    "bin": "application/octet-stream",
}

pages = Blueprint("simulator", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCard:
    """A member's card as it lies on the table."""

    number: str
    name: str
    category: str
    balance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One branch on the first page: its tills, and where the rest of it is."""

    branch: Branch
    prefix: str
    """Below which path this branch's own pages lie; empty for the first."""
    tills: tuple[str, ...]
    tokens: dict[str, str]


@pages.get("/")
@public
def index() -> Any:
    simulated = simulation()
    if not simulated.is_first:
        return redirect(simulated.home)
    return render_template(
        "simulator/index.html",
        counters=counters(simulated.stage),
        cast=simulated.cast,
        roles=ROLE_NAMES,
        api=API,
        head_office=simulated.stage.head_office,
        code=_code(),
        **line_facts(),
        stream_url=url_for(".stream"),
    )


@pages.get("/code")
@public
def code_now() -> str:
    """Show what an authenticator would show for head office at this moment."""
    return render_template("simulator/_code.html", code=_code())


@pages.get("/open-till/<int:number>")
@public
def open_till(number: int) -> Response:
    """Let this browser in at a till: mint a code and go to the hub's pairing page with it.

    Refused: wrong_origin.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise Refused("wrong_origin")
    known = tills(simulation().cast)
    if not 1 <= number <= len(known):
        raise NotFound
    code = write(lambda tx, act: invite(tx, act, till=known[number - 1]))
    return redirect(f"{simulation().hub_url}/pair?code={code}")


@pages.get("/paper")
@public
def paper() -> str:
    return _roll("simulator/paper.html")


@pages.get("/paper/roll")
@public
def roll() -> str:
    return _roll("simulator/_roll.html")


@pages.get("/paper/<int:number>.<any(png, txt, bin):kind>")
@public
def printout(number: int, kind: str) -> Response:
    """Show one paper as a picture, its words, or the bytes that made it."""
    known = {paper.number: paper for paper in simulation().printer.papers()}
    if number not in known:
        raise NotFound
    found = known[number]
    path = {"png": found.png, "txt": found.txt, "bin": found.bin}[kind]
    try:
        answer = Response(path.read_bytes(), mimetype=PAPER_TYPES[kind])
    except FileNotFoundError as error:  # The oldest papers are thrown away.
        raise NotFound from error
    answer.cache_control.max_age = PICTURE_AGE_S
    return answer


@pages.get("/printer.json")
@public
def printer() -> Response:
    """Tell a program what a person sees, and the token that its own posts must carry."""
    simulated = simulation()
    return jsonify(
        csrf_token=csrf_token(),
        state=simulated.printer.state,
        states=list(STATE_NAMES),
        address=f"tcp://127.0.0.1:{simulated.printer.port}",
        drawer={"open": simulated.drawer.is_open, "opened": simulated.drawer.opened},
        papers=[
            {
                "number": one.number,
                "text": one.text,
                "picture": url_for(".printout", number=one.number, kind="png", _external=True),
            }
            for one in simulated.printouts()
        ],
    )


@pages.post("/printer/state")
@public
def switch() -> Any:
    simulation().switch(_asked("state"))
    return _moved()


@pages.post("/drawer/close")
@public
def close_drawer() -> Any:
    simulation().drawer.close()
    return _moved()


@pages.get("/cards")
@public
def cards() -> str:
    cast = simulation().cast
    with read() as db:
        return render_template(
            "simulator/cards.html",
            tills=tills(cast),
            member_cards=_member_cards(db, cast),
            blank_cards=cast.blank_cards,
            logins=cast.logins,
            roles=ROLE_NAMES,
            products=[row for row in items(db, here().store_id(db)) if row["barcode"]],
            told="",
        )


@pages.post("/scan")
@public
def scan() -> Any:
    """Send one reading. Refused: what `Simulation.swipe` refuses."""
    value = _asked("value")
    place = _asked("till") or tills(simulation().cast)[0]
    simulation().swipe(value=value, till=place)
    if request.is_json:
        return jsonify(value=value, till=place), 201
    if is_partial():
        return render_template("simulator/_told.html", value=value, till=place)
    return redirect(url_for(".cards"))


@pages.get("/stream")
@public
def stream() -> Response:
    """Tell open pages that a paper came out, the printer was switched or a line changed."""
    simulated, found = simulation(), wires()
    # What a page has from the start counts as seen; the roll is drawn anew, as ever.
    seen: dict[str, object] = {"lines": mark_of(found), "code": _code()}

    def news() -> list[News]:
        now = {"paper": simulated.mark, "lines": mark_of(found), "code": _code()}
        moved = [topic for topic in now if now[topic] != seen.get(topic)]
        seen.update(now)
        return [News("refresh", topic) for topic in moved]

    return bulletin().stream(news)


def counters(stage: Stage) -> list[Counter]:
    """Return what the first page shows of each branch."""
    shown = []
    for branch in stage.branches:
        cast = read_cast(Path(branch.cast))
        place = branch_prefix(stage, branch.code)
        shown.append(
            Counter(branch=branch, prefix=place, tills=tills(cast), tokens=cast.tokens)
        )
    return shown


def tills(cast: Cast) -> tuple[str, ...]:
    return cast.tills or ("前台",)


def _code() -> str:
    office = simulation().stage.head_office
    if office is None:
        return ""
    return pyotp.TOTP(office.totp_secret).at(here().journal.clock.read().at // 1_000)


def _asked(name: str) -> str:
    asked = request.get_json() if request.is_json else request.form
    return str(asked.get(name, "")).strip()


def _roll(template: str) -> str:
    simulated = simulation()
    return render_template(
        template,
        states=STATE_NAMES,
        state=simulated.printer.state,
        drawer=simulated.drawer,
        printouts=simulated.printouts(),
        stream_url=url_for(".stream"),
    )


def _moved() -> Any:
    bulletin().announce()
    if request.is_json:
        return printer()
    return roll() if is_partial() else redirect(url_for(".paper"))


def _member_cards(db: Reader, cast: Cast) -> list[MemberCard]:
    shown = []
    act = reading_act(db)
    for number in cast.member_cards:
        try:
            member = members.member_of(db, members.card(db, number)["member"])
        except Refused:  # It was returned since, or its member is gone.
            continue
        shown.append(
            MemberCard(
                number=number,
                name=member["name"],
                category=member["category"],
                balance=wallet.balance(db, act, member["id"]).total,
            )
        )
    return shown

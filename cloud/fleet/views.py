"""The stores: how each is doing, and what only head office does with them."""

from __future__ import annotations

import re
from typing import Any

import segno
from flask import Blueprint, render_template, request, url_for

from cloud.access import here, platform, session
from cloud.fleet import service
from cloud.fleet.standing import Branch, books_differ, fleet
from cloud.platform import CODE_LIFE_MS, spelled
from core.errors import Refused
from core.organisation import ZONES, Store, is_code_used
from core.web import Form, go, permission, read, show, typed_form, write
from core.web import gettext as _

pages = Blueprint("fleet", __name__, template_folder="templates")

_CUTOFF = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@pages.get("/stores")
@permission("report.sales")
def listed() -> Any:
    return show(
        "fleet/list.html",
        "fleet/_list.html",
        branches=fleet(platform(), here()),
        differs=books_differ(platform(), here()),
    )


@pages.get("/stores/new")
@permission("settings.edit")
def new() -> Any:
    with read() as db:
        day = service.usual_day(db)
    return _store_form(Form({"zone": day.zone, "cutoff": _clock_time(day.cutoff_minutes)}))


@pages.post("/stores")
@permission("settings.edit")
def add() -> Any:
    form = typed_form()
    content = _typed_store(form)
    if content is not None:
        with form.catching(store_code_taken="code"):
            store_id = write(lambda tx, act: service.add_store(tx, act, content=content))
            return go(url_for("fleet.branch", store_id=store_id, done="added"))
    return _store_form(form, status=422)


@pages.get("/stores/<store_id>")
@permission("report.sales")
def branch(store_id: str) -> Any:
    return _branch_page(store_id)


@pages.get("/stores/<store_id>/edit")
@permission("settings.edit")
def edit(store_id: str) -> Any:
    known = _branch(store_id).store
    names = ("name", "code", "zone", "phone", "address")
    form = Form({name: getattr(known, name) for name in names})
    form.typed["cutoff"] = _clock_time(known.cutoff_minutes)
    return _store_form(form, store_id)


@pages.post("/stores/<store_id>")
@permission("settings.edit")
def change(store_id: str) -> Any:
    form = typed_form()
    content = _typed_store(form)
    if content is not None:
        with form.catching(store_code_taken="code", store_code_used="code"):
            write(
                lambda tx, act: service.change_store(
                    tx, act, store_id=store_id, content=content
                )
            )
            return go(url_for("fleet.branch", store_id=store_id, done="saved"))
    return _store_form(form, store_id, status=422)


@pages.get("/stores/<store_id>/close")
@permission("settings.edit")
def ask_close(store_id: str) -> Any:
    return render_template("fleet/close.html", branch=_branch(store_id))


@pages.post("/stores/<store_id>/close")
@permission("settings.edit")
def close(store_id: str) -> Any:
    write(lambda tx, act: service.close_store(tx, act, store_id=store_id))
    return go(url_for("fleet.branch", store_id=store_id, done="closed"))


@pages.post("/stores/<store_id>/reopen")
@permission("settings.edit")
def reopen(store_id: str) -> Any:
    write(lambda tx, act: service.reopen_store(tx, act, store_id=store_id))
    return go(url_for("fleet.branch", store_id=store_id, done="reopened"))


@pages.post("/stores/<store_id>/code")
@permission("device.pair")
def make_code(store_id: str) -> Any:
    code = service.make_code(platform(), here(), store_id=store_id, actor=session().account)
    return _branch_page(store_id, **_shown_code(code))


@pages.get("/stores/<store_id>/code")
@permission("device.pair")
def code_shown(store_id: str) -> Any:
    """Lead whoever comes back to a code, which is shown once, to the store."""
    _branch(store_id)
    return go(url_for("fleet.branch", store_id=store_id))


@pages.get("/stores/takeover")
@permission("device.pair")
def takeover_code_shown() -> Any:
    return go(url_for("fleet.listed"))


@pages.post("/stores/takeover")
@permission("device.pair")
def make_takeover_code() -> Any:
    """Let a shop that already runs bring its stores, items and people."""
    code = service.make_code(platform(), here(), store_id="", actor=session().account)
    return render_template(
        "fleet/list.html",
        branches=fleet(platform(), here()),
        **_shown_code(code, bring=True),
    )


def _branch(store_id: str) -> Branch:
    """Return a store with its boxes. Refused: store_unknown."""
    for known in fleet(platform(), here()):
        if known.id == store_id:
            return known
    raise Refused("store_unknown")


def _branch_page(store_id: str, **more: Any) -> Any:
    known = _branch(store_id)
    return show("fleet/branch.html", "fleet/_branch.html", branch=known, **more)


def _shown_code(code: str, *, bring: bool = False) -> dict[str, Any]:
    address = request.host_url.rstrip("/")
    command = f"dianshu hub admin join {address} {spelled(code)}"
    command += " --bring" if bring else ""
    now = platform().clock.read().at
    return {
        "code": spelled(code),
        "command": command,
        "picture": segno.make(command, micro=False).svg_data_uri(scale=5),
        "code_from": now,
        "code_until": now + CODE_LIFE_MS,
    }


def _store_form(form: Form, store_id: str = "", *, status: int = 200) -> Any:
    used = False
    if store_id:
        known = _branch(store_id)
        with read() as db:
            used = is_code_used(db, known.id)
    return show(
        "fleet/form.html",
        "fleet/_form.html",
        status=status,
        form=form,
        store_id=store_id,
        zones=ZONES,
        code_used=used,
    )


def _clock_time(minutes: int) -> str:
    """Return minutes after midnight as a field for times has them: 04:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _typed_store(form: Form) -> Store | None:
    """Return the store that was typed in, or None with the faults in the form."""
    form.required("name", "code")
    match = _CUTOFF.fullmatch(form.text("cutoff") or "00:00")
    if match is None:
        form.errors["cutoff"] = _("格式不对")
    if form.text("zone") not in ZONES:
        form.errors["zone"] = _("请选择")
    names = ("name", "zone", "phone", "address")
    minutes = int(match[1]) * 60 + int(match[2]) if match else 0
    content = form.struct(
        Store,
        {
            **{name: form.text(name) for name in names},
            "code": form.text("code").upper(),
            "cutoff_minutes": minutes,
        },
    )
    if "cutoff_minutes" in form.errors:
        form.errors["cutoff"] = form.errors.pop("cutoff_minutes")
    return None if form.errors else content

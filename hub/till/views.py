"""The shift's pages: open the till, see where it stands, move cash, count blind, hand over."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from core.errors import Refused
from core.organisation import settings
from core.sqlite import Reader
from core.web import (
    Form,
    fresh_id,
    fresh_read,
    go,
    permission,
    read,
    reading_act,
    show,
    typed_form,
    write,
)
from core.web import gettext as _
from hub.access import till
from hub.receipts import exception_label, kind_label, tender_label
from hub.shown import may
from hub.till import sql
from hub.till.counter import (
    Count,
    close_till,
    kick_drawer,
    move_till_cash,
    open_till,
    report_facts,
    reprint_report,
)
from hub.till.service import report_of

pages = Blueprint("till", __name__, template_folder="templates", url_prefix="/shift")

NOTES = (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10)
"""What lies in a drawer, in fen."""
PIECES_MAX = 9_999
FLOAT_SUGGESTED = 50_000
REPORTS_SHOWN_MAX = 60


@pages.get("")
@permission("shift.open")
def shift() -> Any:
    with fresh_read() as db:
        act = reading_act(db)
        held = sql.open_period(db, act.store, till())
        if held is None:
            return _opening_page(db, Form())
        facts = report_facts(report_of(db, held["id"]), expected=may("shift.view_expected"))
        return render_template(
            "till/shift.html",
            facts=facts,
            moves=sql.cash_moves(db, held["id"]),
            **_names(db),
        )


@pages.post("/open")
@permission("shift.open")
def open_shift() -> Any:
    form = typed_form()
    amount = _counted(form, "float")
    with form.catching():
        if not form.errors:
            write(
                lambda tx, act: open_till(
                    tx, act, till=till(), float_cents=amount, key=form.text("key")
                )
            )
            return go(url_for("till.shift", done="opened"))
    with read() as db:
        return _opening_page(db, form, status=422)


@pages.get("/cash")
@permission("cash.in_out")
def cash() -> Any:
    return _cash_page(Form({"way": request.args.get("way", "in")}))


@pages.post("/cash")
@permission("cash.in_out")
def move_cash() -> Any:
    form = typed_form()
    sign = -1 if form.text("way") == "out" else 1
    amount = sign * _counted(form, "amount")
    if not amount:
        form.errors.setdefault("amount", _("请输入金额"))
    reason = _reason(form)
    if not form.errors:
        with form.catching(reason_missing="reason"):
            write(
                lambda tx, act: move_till_cash(
                    tx, act, till=till(), amount=amount, reason=reason, key=form.text("key")
                )
            )
            return go(url_for("till.shift", done="moved"))
    return _cash_page(form, status=422)


@pages.get("/drawer")
@permission("drawer.open_no_sale")
def drawer() -> Any:
    return _drawer_page(Form())


@pages.post("/drawer")
@permission("drawer.open_no_sale")
def kick() -> Any:
    form = typed_form()
    reason = _reason(form)
    if not form.errors:
        with form.catching(reason_missing="reason"):
            write(
                lambda tx, act: kick_drawer(
                    tx, act, till=till(), reason=reason, key=form.text("key")
                )
            )
            return go(url_for("till.shift", done="kicked"))
    return _drawer_page(form, status=422)


@pages.get("/close")
@permission("shift.close_blind")
def count() -> Any:
    with fresh_read() as db:
        held = sql.open_period(db, reading_act(db).store, till())
        if held is None:
            return go(url_for("till.shift"))
        return _count_page(Form(_state(db, held["id"])))


@pages.post("/close")
@permission("shift.close_blind")
def close_shift() -> Any:
    """Show what was counted once more, then close on it: a Z report is never edited."""
    form = typed_form()
    amount = _counted(form, "counted")
    if form.errors or form.text("step") == "back":
        return _count_page(form, status=422 if form.errors else 200)
    if form.text("step") != "confirmed":
        return _confirm_page(form, amount)
    counted = Count(
        counted=amount,
        note=form.text("note"),
        period=form.text("period") if "period" in form.typed else None,
        seen=form.whole("seen", default=-1) if "seen" in form.typed else None,
    )
    with form.catching():
        closed = write(
            lambda tx, act: close_till(
                tx, act, till=till(), count=counted, key=form.text("key")
            )
        )
        return go(url_for("till.report", period=closed["period"], done="closed"))
    return _count_page(_counted_anew(form), status=422)


@pages.get("/close/sum")
@permission("shift.close_blind")
def add_up() -> str:
    """Add up notes and coins for the keypad of the count."""
    form = Form(request.args)
    return render_template("till/_count_pad.html", counted=_pieces_sum(form), form=form)


@pages.get("/reports")
@permission("shift.close_blind")
def reports() -> str:
    with read() as db:
        act = reading_act(db)
        return render_template(
            "till/reports.html",
            periods=sql.closed_periods(db, act.store, limit=REPORTS_SHOWN_MAX),
        )


@pages.get("/reports/<period>")
@permission("shift.close_blind")
def report(period: str) -> str:
    with fresh_read() as db:
        found = report_of(db, period)
        if found.period["state"] != "closed":
            raise Refused("no_period")
        return render_template(
            "till/report.html",
            facts=report_facts(found),
            note=found.note,
            recorded=sql.recorded(db, period),
            moves=sql.cash_moves(db, period),
            **_names(db),
        )


@pages.post("/reports/<period>/print")
@permission("sale.reprint")
def print_again(period: str) -> Any:
    write(lambda tx, act: reprint_report(tx, act, period=period))
    return go(url_for("till.report", period=period, done="printed"))


def _opening_page(db: Reader, form: Form, *, status: int = 200) -> Any:
    act = reading_act(db)
    return show(
        "till/open.html",
        "till/_open.html",
        status=status,
        form=form,
        key=form.text("key") or fresh_id(),
        till=till(),
        suggested=_counted(form, "float") if form.typed else FLOAT_SUGGESTED,
        last=next(iter(sql.closed_periods(db, act.store, limit=1)), None),
    )


def _cash_page(form: Form, *, status: int = 200) -> Any:
    return show(
        "till/cash.html",
        "till/_cash.html",
        status=status,
        form=form,
        key=form.text("key") or fresh_id(),
        amount=_counted(form, "amount"),
    )


def _drawer_page(form: Form, *, status: int = 200) -> Any:
    return show(
        "till/drawer.html",
        "till/_drawer.html",
        status=status,
        form=form,
        key=form.text("key") or fresh_id(),
    )


def _state(db: Reader, period: str) -> dict[str, str]:
    """Return which state of which period is about to be counted, as the form carries it."""
    return {"period": period, "seen": str(report_of(db, period).seen)}


def _counted_anew(form: Form) -> Form:
    """Empty a refused count if its period has changed since; else return it as it was typed.

    A count of another period stays what it is, so that it never closes the open one.
    """
    with fresh_read() as db:
        held = sql.open_period(db, reading_act(db).store, till())
        if held is None or held["id"] != form.text("period"):
            return form
        state = _state(db, held["id"])
    if state["seen"] == form.text("seen"):
        return form
    emptied = Form(state | {"note": form.text("note")})
    emptied.errors = form.errors
    return emptied


def _count_page(form: Form, *, status: int = 200) -> Any:
    return show(
        "till/close.html",
        "till/_close.html",
        status=status,
        form=form,
        key=form.text("key") or fresh_id(),
        counted=_counted(form, "counted"),
        notes=NOTES,
    )


def _confirm_page(form: Form, amount: int) -> Any:
    return show("till/confirm.html", "till/_confirm.html", form=form, counted=amount)


def _counted(form: Form, name: str) -> int:
    """Return the fen that a keypad sends."""
    typed = form.text(name)
    if typed and not (typed.isascii() and typed.isdigit() and len(typed) <= 10):
        form.errors.setdefault(name, _("金额“%(amount)s”不对，请重输", amount=typed[:20]))
        return 0
    return int(typed or 0)


def _pieces_sum(form: Form) -> int:
    """Return what the pieces of each note and coin are worth together, in fen."""
    return sum(
        note * min(int(typed), PIECES_MAX)
        for note in NOTES
        if (typed := form.text(f"n{note}")).isascii() and typed.isdigit()
    )


def _reason(form: Form) -> str:
    """Return a chosen reason, or what was written instead."""
    reason = form.text("other") or form.text("reason")
    if not reason:
        form.errors.setdefault("reason", _("请写明原因"))
    return reason


def _names(db: Reader) -> dict[str, object]:
    rules = settings(db)
    return {
        "kind_name": kind_label,
        "tender_name": lambda tender: tender_label(tender, rules),
        "exception_name": exception_label,
    }

"""Reversing single lines of a bill: chosen, shown what comes back, then booked."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from core.organisation import settings
from core.sqlite import Reader
from core.tickets import (
    LineWish,
    Return,
)
from core.web import (
    Form,
    fresh_id,
    fresh_read,
    go,
    permission,
    reading_act,
    show,
    typed_form,
    write,
)
from core.web import gettext as _
from hub.access import till
from hub.checkout import (
    Wanted,
    planned_return,
    reverse_ticket_lines,
)
from hub.receipts import tender_label
from hub.sales.going_back import OpenBill, open_bill
from hub.sales.views import REASONS_GIVEN, pages
from hub.till import find_open_period


@pages.get("/sales/<ticket>/lines")
@permission("sale.void_paid")
def ask_lines(ticket: str) -> Any:
    return _lines_page(ticket, Form())


@pages.get("/sales/<ticket>/lines/back")
@permission("sale.void_paid")
def show_back(ticket: str) -> str:
    """Show what would come back for what is chosen now."""
    form = Form(request.args)
    with fresh_read() as db:
        return render_template(
            "sales/_back.html", **_back_shown(db, open_bill(db, reading_act(db), ticket), form)
        )


@pages.post("/sales/<ticket>/lines")
@permission("sale.void_paid")
def reverse_chosen(ticket: str) -> Any:
    form = typed_form()
    reason = form.text("other") or form.text("reason")
    with fresh_read() as db:
        wanted = _wanted(open_bill(db, reading_act(db), ticket), form)
    if not reason:
        form.errors["reason"] = _("请写明原因")
    if not form.errors:
        with form.catching(reason_missing="reason"):
            done = write(
                lambda tx, act: reverse_ticket_lines(
                    tx,
                    act,
                    ticket=ticket,
                    till=till(),
                    reason=reason,
                    key=form.text("key"),
                    wanted=wanted,
                )
            )
            return go(url_for("sales.bill", sale=done["reversal"], done="part"))
    return _lines_page(ticket, form, status=422)


def _lines_page(ticket: str, form: Form, *, status: int = 200) -> Any:
    with fresh_read() as db:
        act = reading_act(db)
        found = open_bill(db, act, ticket)
        return show(
            "sales/choose.html",
            "sales/_choose.html",
            status=status,
            form=form,
            ticket=ticket,
            key=form.text("key") or fresh_id(),
            found=found,
            by_hand=any(form.text(f"tender-{at}") for at, _payment, _left in found.tenders),
            reasons=REASONS_GIVEN,
            shift_open=find_open_period(db, act.store, till()) is not None,
            **_back_shown(db, found, Form(form.typed)),
        )


def _back_shown(db: Reader, found: OpenBill, form: Form) -> dict[str, Any]:
    rules = settings(db)
    planned: Return | None = None
    wanted = _wanted(found, form)
    if wanted.lines and not form.errors:
        with form.catching():
            planned = planned_return(found.sale, found.right, wanted)
    return {
        "back": planned,
        "faults": list(form.errors.values()),
        "tender_name": lambda tender: tender_label(tender, rules),
    }


def _wanted(found: OpenBill, form: Form) -> Wanted:
    """Return what was typed: pieces and fen by line, fen by tender; nothing is no line."""
    lines = []
    for at, line in enumerate(found.lines):
        quantity, amount = form.whole(f"piece-{at}"), form.fen(f"fen-{at}")
        if quantity or amount:
            lines.append(LineWish(line=line.line, quantity=quantity, amount=amount))
    typed = {position: form.fen(f"tender-{position}") for position, _p, _left in found.tenders}
    by_tender = {position: fen for position, fen in typed.items() if fen is not None}
    return Wanted(lines=tuple(lines), by_tender=by_tender)

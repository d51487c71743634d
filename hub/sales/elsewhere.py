"""Reversing a bill of another store: asked for by its number, then reversed with its right."""

from __future__ import annotations

from typing import Any

from flask import url_for

from core.errors import Refused
from core.journal import Act
from core.organisation import settings, stores
from core.sqlite import Reader
from core.tickets import sent_bill
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
from hub.box import here
from hub.checkout import Wish, ask_for_right, reverse_ticket, right_here, wish_of
from hub.receipts import tender_label
from hub.sales import sql
from hub.sales.going_back import going_back
from hub.sales.views import REASONS_GIVEN, pages
from hub.sync import is_connected
from hub.till import find_open_period

PATIENCE_MS = 15_000
"""So long after asking, the right may still be on its way from the store that has it."""


@pages.get("/sales/elsewhere")
@permission("sale.void_paid")
def find_elsewhere() -> Any:
    return _find_page(Form())


@pages.post("/sales/elsewhere")
@permission("sale.void_paid")
def ask_elsewhere() -> Any:
    form = typed_form()
    number = form.text("number").strip().upper()
    with fresh_read() as db:
        own = _reversible_here(db, reading_act(db), number)
    if own:
        return go(url_for("sales.ask_reversal", sale=own))
    with form.catching(no_ticket="number", refund_needs_line="number"):
        reached = is_connected(here())
        asked = write(lambda tx, act: ask_for_right(tx, act, number=number, connected=reached))
        return go(url_for("sales.elsewhere", number=asked))
    return _find_page(form, status=422)


@pages.get("/sales/elsewhere/<number>")
@permission("sale.void_paid")
def elsewhere(number: str) -> Any:
    return _wish_page(number, Form())


@pages.post("/sales/elsewhere/<number>/reverse")
@permission("sale.void_paid")
def reverse_elsewhere(number: str) -> Any:
    form = typed_form()
    reason = form.text("other") or form.text("reason")
    if not reason:
        form.errors["reason"] = _("请写明原因")
        return _wish_page(number, form, status=422)
    with fresh_read() as db:
        ticket = _known(db, reading_act(db), number).ticket
    with form.catching(reason_missing="reason"):
        done = write(
            lambda tx, act: reverse_ticket(
                tx, act, ticket=ticket, till=till(), reason=reason, key=form.text("key")
            )
        )
        return go(url_for("sales.bill", sale=done["reversal"], done="reversed"))
    return _wish_page(number, form, status=422)


def _find_page(form: Form, *, status: int = 200) -> Any:
    return show("sales/elsewhere.html", "sales/_elsewhere.html", status=status, form=form)


def _wish_page(number: str, form: Form, *, status: int = 200) -> Any:
    with fresh_read() as db:
        act = reading_act(db)
        wish = _known(db, act, number)
        rules = settings(db)
        bill = sent_bill(db, wish.ticket) if wish.ticket else None
        branch = stores(db).get(bill.settled.store) if bill else None
        waits = wish.state != "nothing" and act.at - wish.at < PATIENCE_MS
        return show(
            "sales/wish.html",
            "sales/_wish.html",
            status=status,
            form=form,
            wish=wish,
            waits=waits,
            until=wish.at + PATIENCE_MS,
            bill=bill,
            back=going_back(db, act, wish.ticket) if bill else None,
            store=branch.name if branch else "",
            key=form.text("key") or fresh_id(),
            reasons=REASONS_GIVEN,
            shift_open=find_open_period(db, act.store, till()) is not None,
            tender_name=lambda tender: tender_label(tender, rules),
        )


def _known(db: Reader, act: Act, number: str) -> Wish:
    wish = wish_of(db, act, number)
    if wish is None:
        raise Refused("no_ticket")
    return wish


def _reversible_here(db: Reader, act: Act, number: str) -> str:
    """Return the bill of that number where it can be reversed here without asking anybody."""
    found = sql.bill_numbered(db, number)
    if found is None:
        return ""
    try:
        right_here(db, act, found)
    except Refused:
        return ""
    return found

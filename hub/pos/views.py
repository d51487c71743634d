"""The till's pages. A view parses, opens one transaction, calls one verb, renders."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from core.catalog import catalogue_mark
from core.errors import Refused
from core.journal import Act
from core.members import mask_phone
from core.money import parse_yuan
from core.organisation import settings
from core.pages import units_label
from core.sqlite import Reader
from core.staff import grants_of
from core.till import Offered
from core.wallet import ByPass
from core.web import (
    News,
    bulletin,
    caller,
    fresh_read,
    is_partial,
    permission,
    read,
    reading_act,
    sentence,
    staff_only,
    write,
)
from hub import checkout, members
from hub.access import device, till, watch
from hub.alarms import alarms
from hub.box import here
from hub.devices import scans_after, scans_start, waiting
from hub.pos import service
from hub.pos.passes import read_choices
from hub.pos.seen import seen_from
from hub.receipts import tender_label
from hub.sync import is_connected, link_trouble
from hub.tickets import OpenTicket, account_of
from hub.wallet import Ahead, Layout, layout

pages = Blueprint("pos", __name__, template_folder="templates")


@pages.app_template_filter("masked")
def masked(phone: str) -> str:
    """Show a phone as 138****2046."""
    return mask_phone(phone) if phone else ""


@pages.context_processor
def words() -> dict[str, object]:
    """Give the till's templates an id for each tap, and the names of tenders."""
    with read() as db:
        rules = settings(db)
    return {
        "operation": here().journal.ids.new(here().journal.clock.read().at),
        "tender_name": lambda tender: tender_label(tender, rules),
        "units_label": units_label,
    }


@pages.get("/")
@permission("sale.create")
def screen() -> str:
    category = request.args.get("category", "")
    with read() as db:
        act = reading_act(db)
        shown = _screen(db, act)
        return render_template(
            "pos/screen.html",
            screen=shown,
            category=category,
            items=service.shelf(db, act, category=category),
            categories=service.headings(db),
            waiting=waiting(db),
        )


@pages.get("/pos/items")
@permission("sale.create")
def items() -> str:
    with read() as db:
        typed, category = request.args.get("q", ""), request.args.get("category", "")
        found = service.shelf(db, reading_act(db), typed=typed, category=category)
        return render_template("pos/_tiles.html", items=found, typed=typed, category=category)


@pages.get("/pos/ticket")
@permission("sale.create")
def ticket() -> str:
    return _ticket_part()


@pages.post("/pos/lines")
@permission("sale.create")
def add_line() -> Any:
    asked = request.form
    write(
        lambda tx, act: service.tap(
            tx,
            act,
            device=device()["id"],
            item_id=asked["item"],
            operation=asked["operation"],
        )
    )
    return _after(asked["item"])


@pages.post("/pos/lines/<line>")
@permission("sale.create")
def change_line(line: str) -> Any:
    asked = request.form
    write(
        lambda tx, act: service.step(
            tx,
            act,
            device=device()["id"],
            line=line,
            change=int(asked["step"]),
            operation=asked["operation"],
        )
    )
    return _after(line)


@pages.post("/pos/lines/<line>/staff")
@permission("sale.create")
def name_staff(line: str) -> Any:
    chosen = request.form.get("staff") or None
    write(
        lambda tx, act: service.name_staff(
            tx, act, device=device()["id"], line=line, staff_id=chosen
        )
    )
    return _after(line)


@pages.post("/pos/scan")
@permission("sale.create")
def scan() -> Any:
    asked = request.form
    write(
        lambda tx, act: service.scan(
            tx,
            act,
            device=device()["id"],
            code=asked["code"],
            operation=asked["operation"],
            typed="typed" in asked,
        )
    )
    return _after()


@pages.get("/pos/members")
@permission("member.find")
def find_member() -> str:
    typed = request.args.get("q", "")
    with read() as db:
        found = members.search(db, typed) if typed.strip() else []
        name = "pos/_found.html" if is_partial() else "pos/find.html"
        return render_template(name, found=found, typed=typed)


@pages.post("/pos/member")
@permission("sale.create")
def set_member() -> Any:
    chosen = request.form.get("member") or None
    write(lambda tx, act: service.set_member(tx, act, device=device()["id"], member=chosen))
    return redirect(url_for("pos.screen"))


@pages.post("/pos/payer")
@permission("sale.create")
def set_payer() -> Any:
    """Pay a relative's bill from the holder's account, or from their own."""
    shared = request.form.get("shared") == "1"
    write(lambda tx, act: service.set_payer(tx, act, device=device()["id"], shared=shared))
    return _after()


@pages.post("/pos/walkin")
@permission("sale.create")
def toggle_walkin() -> Any:
    write(lambda tx, act: service.toggle_walkin(tx, act, device=device()["id"]))
    return _after()


@pages.post("/pos/bring")
@permission("sale.create")
def bring() -> Any:
    write(lambda tx, act: service.bring(tx, act, device=device()["id"]))
    return _after()


@pages.post("/pos/park")
@permission("sale.create")
def park() -> Response:
    write(lambda tx, _act: service.park(tx, device=device()["id"]))
    return redirect(url_for("pos.screen"))


@pages.post("/pos/resume")
@permission("sale.create")
def resume() -> Response:
    wanted = request.form["ticket"]
    write(lambda tx, _act: service.resume(tx, device=device()["id"], ticket=wanted))
    return redirect(url_for("pos.screen"))


@pages.post("/pos/void")
@permission("sale.void_open")
def void() -> Response:
    reason = request.form.get("reason", "")
    write(lambda tx, act: service.void(tx, act, device=device()["id"], reason=reason))
    return redirect(url_for("pos.screen"))


@pages.get("/pos/pay")
@permission("sale.create")
def pay_form() -> str:
    return _pay_part()


def _pay_part(refused: str = "") -> str:
    """Return the form in which a bill is paid; `refused` is why the last try was not taken."""
    with read() as db:
        act = reading_act(db)
        found, plan = service.plan_payment(
            db,
            act,
            device=device()["id"],
            chosen=None if refused else _entered(request.args),
            ticked=request.args.getlist("pass") if "passes" in request.args else None,
        )
        name = "pos/_pay.html" if is_partial() else "pos/pay.html"
        return render_template(
            name,
            ticket=found,
            plan=plan,
            key=service.payment_key(found),
            screen=_screen(db, act),
            asked=False,
            had=None,
            had_units=None,
            due=plan.rest,
            mixed=service.mixed_ways(db, act, found),
            refused=refused,
            ahead=_ahead(db, act, found, plan),
        )


@pages.get("/pos/pay/elsewhere")
@permission("sale.create")
def pay_elsewhere() -> str:
    """Return what the payment says of money elsewhere, and whether some has come since."""
    return _elsewhere_part(asked="asked" in request.args)


@pages.post("/pos/pay/elsewhere")
@permission("sale.create")
def bring_to_pay() -> Any:
    """Ask for a member's money while the bill is being paid."""
    write(lambda tx, act: service.bring(tx, act, device=device()["id"]))
    return _elsewhere_part(asked=True) if is_partial() else redirect(url_for("pos.pay_form"))


@pages.post("/pos/pay")
@permission("sale.create")
def pay() -> Any:
    asked = request.form

    offered = service.offered(_amounts(asked), received=_fen(asked.get("received", "")))
    payments: tuple[Offered | ByPass, ...] = (*offered, *read_choices(asked.getlist("pass")))
    laid_out = _fen(asked.get("ahead", ""))
    ahead = None
    if laid_out:
        ahead = Ahead(amount=laid_out, connected=is_connected(here()))
    try:
        answer = _paid_by(asked, payments, ahead)
    except Refused as refused:
        if refused.code not in {"insufficient_balance", "pass_short"} or not is_partial():
            raise
        # What was here is not any more: the form again, as it can be paid now.
        return _pay_part(sentence(refused)), 409
    paid = url_for("pos.paid", ticket=answer["ticket"])
    return _paid_part(answer["ticket"]) if is_partial() else redirect(paid)


def _paid_by(
    asked: MultiDict[str, str], payments: tuple[Offered | ByPass, ...], ahead: Ahead | None
) -> dict[str, Any]:
    return write(
        lambda tx, act: checkout.pay_ticket(
            tx,
            act,
            ticket=asked["ticket"],
            version=int(asked["version"]),
            till=till(),
            payments=payments,
            key=asked["key"],
            ahead=ahead,
        )
    )


@pages.get("/pos/paid/<ticket>")
@permission("sale.create")
def paid(ticket: str) -> str:
    return _paid_part(ticket)


@pages.post("/pos/print/<ticket>")
@permission("sale.create")
def print_receipt(ticket: str) -> Any:
    write(lambda tx, act: checkout.reprint(tx, act, sale=ticket))
    return redirect(url_for("pos.paid", ticket=ticket))


@pages.get("/link")
@staff_only
def link() -> str:
    """Return what the header says of the way to head office."""
    return render_template("web/link_state.html")


@pages.get("/link/standing")
@staff_only
def standing() -> str:
    """Return what every page says of what keeps this box from writing."""
    return render_template("web/standing.html")


@pages.get("/link/head")
@staff_only
def head() -> Response:
    """Tell a device how far the journal is, and the chain's head at the event that it names."""
    with read() as db:
        told = seen_from(
            db,
            here(),
            epoch=request.args.get("epoch", 0, type=int),
            seq=request.args.get("seq", 0, type=int),
        )
    return Response(msgspec.json.encode(told), content_type="application/json")


@pages.get("/stream")
@staff_only
def stream() -> Response:
    """Send this device its scans, and tell its page when something may have changed."""
    mine, may_listen, box, role = till(), watch(), here(), caller().role or ""
    told = request.headers.get("Last-Event-ID") or request.args.get("after")
    with read() as db:
        seen = scans_start(db, told, now=here().journal.clock.read().at)
    # The page may be older than this stream: it asks once for each.
    told_of: object = ...
    sold_then: object = ...

    def news() -> list[News] | None:
        nonlocal seen, told_of, sold_then
        with read() as db:
            if not may_listen(db):
                return None
            rows = scans_after(db, till=mine, after=seen)
            trouble = link_trouble(db, box)
            standing = alarms(db, box, grants_of(db, role))
            sold = catalogue_mark(db)
        seen = rows[-1]["id"] if rows else seen
        scans = [News("scan", row["value"], place=row["id"]) for row in rows]
        shown = (trouble and (trouble.cloud, trouble.pending), standing)
        moved = [] if shown == told_of else [News("refresh", "link")]
        if sold != sold_then:
            moved.append(News("refresh", "items"))
        told_of, sold_then = shown, sold
        return [*scans, News("refresh", "ticket"), *moved]

    return bulletin().stream(news)


def _screen(db: Reader, act: Act) -> service.Screen:
    return service.read_screen(
        db,
        act,
        device=device()["id"],
        till_name=till(),
        connected=lambda: is_connected(here()),
    )


def _ahead(db: Reader, act: Act, found: OpenTicket, plan: service.PayPlan) -> Layout | None:
    """Return what the merchant would lay out of this bill now; None where nothing."""
    account = account_of(db, found.row)
    if account is None:
        return None
    reached = is_connected(here())
    offered = layout(db, act, member=account, due=plan.rest, connected=reached)
    return None if offered.why else offered


def _elsewhere_part(*, asked: bool) -> str:
    with read() as db:
        act = reading_act(db)
        shown = _screen(db, act)
        return render_template(
            "pos/_pay_elsewhere.html",
            screen=shown,
            mixed=service.mixed_ways(db, act, shown.ticket) if shown.ticket else [],
            asked=asked,
            had=request.args.get("had", type=int),
            had_units=request.args.get("had_units", type=int),
            due=shown.rest,
        )


def _after(touched: str = "") -> Any:
    return _ticket_part(touched) if is_partial() else redirect(url_for("pos.screen"))


def _ticket_part(touched: str = "") -> str:
    with read() as db:
        shown = _screen(db, reading_act(db))
        return render_template("pos/_ticket.html", screen=shown, touched=touched)


def _paid_part(ticket: str) -> str:
    with fresh_read() as db:
        shown = service.read_paid(db, reading_act(db), ticket=ticket)
        name = "pos/_paid.html" if is_partial() else "pos/paid.html"
        return render_template(name, paid=shown, rules=settings(db))


def _entered(asked: MultiDict[str, str]) -> dict[str, int] | None:
    """Return the fen by tender that were typed so far, or None before any were."""
    if "tender_stored_value" not in asked:
        return None
    return {
        name.removeprefix("tender_"): _typed(value)
        for name, value in asked.items()
        if name.startswith("tender_")
    }


def _amounts(asked: MultiDict[str, str]) -> dict[str, int]:
    """Return the fen by tender that the form was shown with."""
    return {
        name.removeprefix("fen_"): _fen(value)
        for name, value in asked.items()
        if name.startswith("fen_")
    }


def _fen(text: str) -> int:
    """Read a whole number of fen. Refused: amount_wrong."""
    try:
        return int(text or 0)
    except ValueError as error:
        raise Refused("amount_wrong", amount=text[:20]) from error


def _typed(text: str) -> int:
    """Read an amount in yuan as a person types it, in fen. Refused: amount_wrong."""
    try:
        return parse_yuan(text) if text.strip() else 0
    except ValueError as error:
        raise Refused("amount_wrong", amount=text[:20]) from error

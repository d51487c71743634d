"""Takings: what an owner looks at first, every bill as it arrives, and who owes whom."""

from __future__ import annotations

from datetime import date as calendar_date
from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template, request

from cloud.access import branch_name, branches, day_of, here, platform
from cloud.fleet import Branch, fleet
from cloud.platform import Merchant, Platform
from cloud.sales import figures, sql
from core.errors import Refused
from core.organisation import settings
from core.pages import RULE_NAMES, tender_label
from core.tickets import part_reversals_of, reversal_of, sale, sale_lines, sale_payments
from core.web import fresh_read, permission, show
from core.web import gettext as _

pages = Blueprint("sales", __name__, template_folder="templates")

NEWEST_SHOWN = 8


@pages.get("/")
@permission("report.sales")
def home() -> Any:
    known = fleet(platform(), here())
    with fresh_read() as db:
        today = _today()
        dates = {branch.id: _today(branch.id) for branch in known}
        lines = figures.of_stores(db, _shown(known), dates)
        newest = sql.bills(
            db, today, since=min(dates.values(), default=today), limit=NEWEST_SHOWN
        )
        held = sql.held(db)
        return show(
            "sales/home.html",
            "sales/_home.html",
            today=today,
            branches=known,
            lines=lines,
            total=figures.total(lines),
            trend=figures.trend(db, today),
            newest=newest,
            items=sql.items_of(db, [row["id"] for row in newest]),
            principal=held.get("principal", 0),
            bonus=held.get("bonus", 0),
            members=sql.members_count(db),
            joined=sql.members_count(db, joined_on=today),
        )


@pages.get("/sales")
@permission("report.sales")
def day() -> Any:
    store = request.args.get("store", "")
    if store and store not in branches():
        raise Refused("store_unknown")
    today = _today(store)
    date = _date(request.args.get("date", ""), today)
    known = fleet(platform(), here())
    with fresh_read() as db:
        lines = figures.of_stores(db, known, dict.fromkeys((b.id for b in known), date))
        mine = [line for line in lines if store in {"", line.branch.id}]
        bills = sql.bills(db, date, store=store)
        rules = settings(db)
        return show(
            "sales/day.html",
            "sales/_day.html",
            date=date,
            today=today,
            before=_shifted(date, -1),
            after=_shifted(date, 1) if date < today else "",
            store=store,
            branches=known,
            lines=[line for line in mine if _matters(line)],
            total=figures.total(mine),
            bills=bills,
            items=sql.items_of(db, [row["id"] for row in bills]),
            topups=sql.topups(db, date, store=store),
            shown_max=sql.SHOWN_MAX,
            tender_name=lambda tender: tender_label(tender, rules),
        )


@pages.get("/sales/<sale_id>")
@permission("report.sales")
def bill(sale_id: str) -> Any:
    with fresh_read() as db:
        row = sale(db, sale_id)
        if row is None:
            raise Refused("no_ticket")
        rules = settings(db)
        return render_template(
            "sales/bill.html",
            bill=row,
            lines=sale_lines(db, sale_id),
            payments=sale_payments(db, sale_id),
            original=sale(db, row["ticket"]) if row["sign"] < 0 else None,
            reversal=reversal_of(db, row["ticket"]),
            parts=part_reversals_of(db, row["ticket"]) if row["sign"] > 0 else [],
            rules=RULE_NAMES,
            tender_name=lambda tender: tender_label(tender, rules),
        )


@pages.get("/settlements")
@permission("report.sales")
def settlements() -> Any:
    today = _today()
    last = _date(request.args.get("last", ""), today)
    first = _date(request.args.get("first", ""), last, otherwise=f"{last[:8]}01")
    with fresh_read() as db:
        owed = figures.debts(db, first=min(first, last), last=last)
        return show(
            "sales/settlements.html",
            "sales/_settlements.html",
            first=min(first, last),
            last=last,
            today=today,
            owed=owed,
            left=figures.settled(owed),
            place_name=_place_name,
        )


def mark(_platform: Platform, merchant: Merchant) -> object:
    """Return what differs once something arrived or was done."""
    with merchant.door.read() as db:
        return [tuple(row) for row in sql.heads(db)]


def _today(store: str = "") -> str:
    """Return a store's business date; without one, that of the store furthest on."""
    at = platform().clock.read().at
    return max(day_of(one).date(at) for one in ([store] if store else branches() or [""]))


def _shown(known: list[Branch]) -> list[Branch]:
    return [branch for branch in known if not branch.store.closed_on]


def _matters(line: figures.Line) -> bool:
    """Say whether a line belongs on the page: a closed store only if it sold something."""
    return not line.branch.store.closed_on or line.takings != figures.Takings()


def _place_name(store: str) -> str:
    """Return what a side of a debt is called; value that no store took in is head office's."""
    return branch_name(store) if store else _("总部")


def _date(asked: str, latest: str, *, otherwise: str = "") -> str:
    """Return the date that was asked for, no later than `latest`; else the other one."""
    try:
        return min(calendar_date.fromisoformat(asked).isoformat(), latest)
    except ValueError:
        return otherwise or latest


def _shifted(date: str, days: int) -> str:
    return (calendar_date.fromisoformat(date) + timedelta(days=days)).isoformat()

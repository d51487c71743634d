"""The day's bills, each with its proof; printed again, reversed; what waits for a printer."""

from __future__ import annotations

from datetime import date as calendar_date
from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for

from core.errors import N_, Refused
from core.organisation import settings, stores
from core.pages import RULE_NAMES
from core.sqlite import Reader
from core.tickets import part_reversals_of, reversal_of
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
from hub.checkout import (
    reprint,
    reverse_ticket,
    sale,
    sale_lines,
    sale_payments,
    sales_of_day,
)
from hub.devices import drop, jobs, printers, waiting, was_printed
from hub.receipts import proof, tender_label
from hub.sales import service, sql
from hub.sales.going_back import going_back
from hub.sync import joined
from hub.tickets import ticket_row
from hub.till import find_open_period

pages = Blueprint("sales", __name__, template_folder="templates")

JOB_KINDS = {
    "receipt": N_("小票"),
    "report": N_("交班报表"),
    "kick": N_("开钱箱"),
    "test": N_("打印测试"),
}
JOB_STATES = {
    "queued": N_("在等打印机"),
    "claimed": N_("正在打印"),
    "done": N_("已打印"),
    "unknown": N_("不确定"),
    "dropped": N_("已放弃"),
}
REASONS = {
    "unreachable": N_("连不上打印机，看看电源和网线"),
    "timeout": N_("打印机没有反应"),
    "closed": N_("打印机断开了连接"),
    "broken": N_("连接中断"),
    "offline": N_("打印机离线"),
    "paper_out": N_("打印机没有纸了"),
    "cover_open": N_("打印机的盖子开着"),
    "silent": N_("打印机不回答"),
    "stopped": N_("打印时主机停了"),
    "too_late": N_("等太久了，没有再开钱箱"),
    "unprintable": N_("内容打不出来"),
}
BAD_ADDRESS = N_("打印机地址不能用，请到设置里改")
REASONS_GIVEN = (N_("点错项目"), N_("收错方式"), N_("顾客退单"))


@pages.get("/sales")
@permission("sale.create")
def day() -> Any:
    with fresh_read() as db:
        today = reading_act(db).date
        date = _date(request.args.get("date", ""), today)
        rules = settings(db)
        return show(
            "sales/day.html",
            "sales/_day.html",
            date=date,
            today=today,
            before=_shifted(date, -1),
            after=_shifted(date, 1) if date < today else "",
            sales=sales_of_day(db, date, limit=sql.DAY_SHOWN_MAX),
            items=sql.items_of(db, date),
            topups=sql.topups_of_day(db, date),
            sums=sql.day_sums(db, date),
            tenders=sql.day_tenders(db, date),
            tender_name=lambda tender: tender_label(tender, rules),
            waiting=waiting(db),
            joined=joined(here().folder),
        )


@pages.get("/sales/<sale>")
@permission("sale.create")
def bill(sale: str) -> str:
    with fresh_read() as db:
        return render_template("sales/bill.html", **_shown_bill(db, sale))


@pages.post("/sales/<sale>/print")
@permission("sale.reprint")
def print_again(sale: str) -> Any:
    write(lambda tx, act: reprint(tx, act, sale=sale))
    return go(url_for("sales.bill", sale=sale, done="printed"))


@pages.get("/sales/<sale>/reverse")
@permission("sale.void_paid")
def ask_reversal(sale: str) -> Any:
    return _reversal_page(sale, Form())


@pages.post("/sales/<sale>/reverse")
@permission("sale.void_paid")
def reverse(sale: str) -> Any:
    form = typed_form()
    reason = form.text("other") or form.text("reason")
    if not reason:
        form.errors["reason"] = _("请写明原因")
    else:
        with form.catching(reason_missing="reason"):
            done = write(
                lambda tx, act: reverse_ticket(
                    tx, act, ticket=sale, till=till(), reason=reason, key=form.text("key")
                )
            )
            return go(url_for("sales.bill", sale=done["reversal"], done="reversed"))
    return _reversal_page(sale, form, status=422)


@pages.get("/sales/print-jobs")
@permission("sale.reprint")
def print_jobs() -> Any:
    with fresh_read() as db:
        listed = jobs(db)
        return show(
            "sales/print_jobs.html",
            "sales/_print_jobs.html",
            jobs=listed,
            numbers=sql.subjects(db, [row["subject"] for row in listed]),
            printers=printers(db),
            waiting=waiting(db),
            kinds=JOB_KINDS,
            states=JOB_STATES,
            reason_of=_reason,
        )


@pages.post("/sales/print-jobs/<job>/retry")
@permission("sale.reprint")
def retry_job(job: str) -> Any:
    write(lambda tx, act: service.try_again(tx, act, job=job))
    return go(url_for("sales.print_jobs", done="again"))


@pages.post("/sales/print-jobs/<job>/drop")
@permission("sale.reprint")
def drop_job(job: str) -> Any:
    write(lambda tx, _act: drop(tx, job=job))
    return go(url_for("sales.print_jobs", done="dropped"))


def _shown_bill(db: Reader, sale_id: str) -> dict[str, Any]:
    row = sale(db, sale_id)
    if row is None:
        raise Refused("no_ticket")
    rules = settings(db)
    branch = stores(db).get(row["store"])
    return {
        "bill": row,
        "lines": sale_lines(db, sale_id),
        "payments": sale_payments(db, sale_id),
        "store": branch.name if branch else row["store"],
        "proven": proof(db, origin=row["origin"], epoch=row["epoch"], seq=row["seq"]),
        "original": sale(db, row["ticket"]) if row["sign"] < 0 else None,
        "reversal": reversal_of(db, row["ticket"]),
        "parts": part_reversals_of(db, row["ticket"]),
        "reversible": ticket_row(db, row["ticket"])["state"] == "settled",
        "printed": was_printed(db, sale_id),
        "rules": RULE_NAMES,
        "tender_name": lambda tender: tender_label(tender, rules),
    }


def _reversal_page(sale_id: str, form: Form, *, status: int = 200) -> Any:
    with fresh_read() as db:
        shown = _shown_bill(db, sale_id)
        if shown["bill"]["sign"] < 0 or not shown["reversible"]:
            raise Refused("not_settled")
        return show(
            "sales/reverse.html",
            "sales/_reverse.html",
            status=status,
            form=form,
            key=form.text("key") or fresh_id(),
            reasons=REASONS_GIVEN,
            shift_open=find_open_period(db, reading_act(db).store, till()) is not None,
            back=going_back(db, reading_act(db), sale_id),
            **shown,
        )


def _date(asked: str, today: str) -> str:
    """Return the date that was asked for, else the store's own today."""
    try:
        date = calendar_date.fromisoformat(asked).isoformat()
    except ValueError:
        return today
    return min(date, today)


def _shifted(date: str, days: int) -> str:
    return (calendar_date.fromisoformat(date) + timedelta(days=days)).isoformat()


def _reason(code: str) -> str:
    """Return why a job is not on paper, in the reader's language."""
    if not code:
        return ""
    return _(BAD_ADDRESS) if code.startswith("address_") else _(REASONS.get(code, code))

"""Pages: ways of paying, member categories, printers."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request, url_for

from core.errors import N_, Refused
from core.journal import Act
from core.organisation import Tender, company, settings, store
from core.sqlite import Writer
from core.web import Form, caller, go, permission, read, typed_form, write
from core.web import gettext as _
from hub.box import here
from hub.devices import (
    BadAddress,
    find_printer,
    make_default,
    parse_address,
    reach_of,
    remove_printer,
    send_to,
    set_printer,
    spool,
)
from hub.devices import (
    printers as known_printers,
)
from hub.organisation import service
from hub.organisation.blueprint import pages
from hub.receipts import Printed, test_page

NEW = "new"
NAME_CHARACTERS_MAX = 30
ADDRESS_SENTENCES = {
    "address_length": N_("请填写地址，最多 200 个字符"),
    "address_kind": N_("地址要以 tcp:// 、usb: 、serial: 或 file: 开头"),
    "address_host": N_("请写成 tcp://192.168.1.50:9100 这样的数字地址"),
    "address_port": N_("打印机端口是 9100 到 9109"),
    "address_network": N_("这个地址不在店内网络（10.、172.16–31.、192.168. 开头）"),
    "address_device": N_("没有这种打印设备名，例如 usb:/dev/usb/lp0"),
    "address_option": N_("串口参数只有 baud 和 flow，例如 ?baud=9600"),
    "address_folder": N_("这里不能把文件当打印机"),
}


@pages.get("/tenders")
@permission("settings.edit")
def tenders() -> Any:
    return _tenders_page(NEW, Form())


@pages.get("/tenders/<tender>")
@permission("settings.edit")
def tender(tender: str) -> Any:
    with read() as db:
        known = settings(db).tender(tender)
    if known is None:
        return go(url_for("organisation.tenders"))
    form = Form({"name": known.name})
    form.typed["gives_change"] = "1" if known.gives_change else ""
    form.typed["opens_drawer"] = "1" if known.opens_drawer else ""
    return _tenders_page(tender, form)


@pages.post("/tenders/<tender>")
@permission("settings.edit")
def save_tender(tender: str) -> Any:
    form = typed_form()
    form.required("name")
    is_new = tender == NEW
    content = form.struct(
        Tender,
        {
            "id": "tender" if is_new else tender,
            "name": form.text("name"),
            "gives_change": form.is_on("gives_change"),
            "opens_drawer": form.is_on("opens_drawer"),
        },
    )
    if content is not None:
        with form.catching(tender_taken="name"):
            write(
                lambda tx, act: service.save_tender(
                    tx, act, tender=None if is_new else tender, content=content
                )
            )
            return go(url_for("organisation.tenders", done="saved"))
    return _tenders_page(tender, form, status=422)


@pages.get("/categories")
@permission("settings.edit")
def categories() -> Any:
    return _categories_page(Form())


@pages.post("/categories")
@permission("settings.edit")
def add_category() -> Any:
    form = typed_form()
    form.required("name")
    name = form.text("name")[:NAME_CHARACTERS_MAX]
    if not form.errors:
        with form.catching(category_taken="name", list_full="name"):
            write(lambda tx, act: service.add_category(tx, act, name=name))
            return go(url_for("organisation.categories", done="saved"))
    return _categories_page(form, status=422)


@pages.post("/categories/first")
@permission("settings.edit")
def first_category() -> Any:
    name = request.form.get("name", "")
    write(lambda tx, act: service.set_first_category(tx, act, name=name))
    return go(url_for("organisation.categories", done="saved"))


@pages.post("/categories/remove")
@permission("settings.edit")
def remove_category() -> Any:
    form, name = Form(), request.form.get("name", "")
    with form.catching():
        write(lambda tx, act: service.remove_category(tx, act, name=name))
        return go(url_for("organisation.categories", done="removed"))
    return _categories_page(form, status=409)


@pages.get("/printers")
@permission("settings.edit")
def printers() -> Any:
    return _printers_page(NEW, Form({"columns": "48", "drawer_pin": "2"}))


@pages.get("/printers/edit")
@permission("settings.edit")
def printer() -> Any:
    name = request.args.get("name", "")
    with read() as db:
        row = find_printer(db, name)
    if row is None:
        return go(url_for("organisation.printers"))
    form = Form({"name": name, "address": row["address"], "columns": str(row["columns"])})
    form.typed["raster"] = "1" if row["raster"] else ""
    form.typed["drawer_pin"] = str(row["drawer_pin"])
    return _printers_page(name, form)


@pages.post("/printers")
@permission("settings.edit")
def save_printer() -> Any:
    form = typed_form()
    form.required("name", "address")
    chosen, name = form.text("chosen") or NEW, form.text("name")[:NAME_CHARACTERS_MAX]
    with read() as db:
        known = find_printer(db, name)
    if known is not None and chosen != name:
        form.errors["name"] = _("已经有一台叫“%(name)s”的打印机", name=name)
    if known is None or known["address"] != form.text("address"):
        _check_address(form)
    columns, pin = form.text("columns"), form.text("drawer_pin")
    if columns not in {"32", "48"} or pin not in {"2", "5"}:
        form.errors[""] = _("请选择")
    if form.errors:
        return _printers_page(chosen, form, status=422)
    write(
        lambda tx, _act: set_printer(
            tx,
            name=name,
            address=form.text("address"),
            columns=int(columns),
            raster=form.is_on("raster"),
            drawer_pin=int(pin),
        )
    )
    return go(url_for("organisation.printers", done="saved"))


@pages.post("/printers/test")
@permission("settings.edit")
def test_print() -> Any:
    name = request.form.get("name", "")
    write(lambda tx, act: _spool_test(tx, act, name))
    return go(url_for("organisation.printers", done="test"))


@pages.post("/printers/default")
@permission("settings.edit")
def default_printer() -> Any:
    name = request.form.get("name", "")
    write(lambda tx, _act: make_default(tx, name=name))
    return go(url_for("organisation.printers", done="saved"))


@pages.post("/printers/remove")
@permission("settings.edit")
def drop_printer() -> Any:
    name = request.form.get("name", "")
    write(lambda tx, _act: remove_printer(tx, name=name))
    return go(url_for("organisation.printers", done="removed"))


def _tenders_page(chosen: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        known = settings(db).tenders
    page = render_template("organisation/tenders.html", tenders=known, chosen=chosen, form=form)
    return page, status


def _categories_page(form: Form, *, status: int = 200) -> Any:
    with read() as db:
        page = render_template(
            "organisation/categories.html",
            categories=settings(db).categories,
            counts={
                row["category"]: row["count"]
                for row in db.all(
                    "SELECT category, count(*) AS count FROM member GROUP BY category"
                )
            },
            form=form,
        )
    return page, status


def _printers_page(chosen: str, form: Form, *, status: int = 200) -> Any:
    with read() as db:
        page = render_template(
            "organisation/printers.html",
            printers=known_printers(db),
            chosen=chosen,
            form=form,
        )
    return page, status


def _check_address(form: Form) -> None:
    address = form.text("address")
    if not address:
        return
    simulated = bool(current_app.config.get("SIMULATED_PRINTERS"))
    try:
        parse_address(address, reach=reach_of(here().folder, simulated=simulated))
    except BadAddress as error:
        form.errors["address"] = _(ADDRESS_SENTENCES[error.code])


def _spool_test(tx: Writer, act: Act, name: str) -> None:
    """Send a page to one printer, also where nothing has ever happened that it could prove."""
    if find_printer(tx, name) is None:
        raise Refused("no_printer")
    about = Printed(
        company=company(tx),
        store=store(tx, act.store),
        settings=settings(tx),
        at=act.at,
        staff=caller().staff_name or "",
        head=act.journal.head(tx).short,
    )
    job = spool(tx, act, test_page(about), kind="test", subject=name)
    send_to(tx, job=job, printer=name)

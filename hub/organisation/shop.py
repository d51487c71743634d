"""Pages: the company, this branch, and the rules that hold from the next tap on."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from io import BytesIO
from typing import Any

from flask import render_template, request, url_for
from PIL import Image, UnidentifiedImageError

from core.errors import Refused
from core.money import yuan
from core.organisation import (
    ZONES,
    Company,
    NumberFormat,
    Settings,
    Store,
    is_code_used,
    settings,
    store,
)
from core.organisation import (
    company as company_of,
)
from core.pages import WEEKDAYS, filled_rule, tried_rule, typed_rule
from core.sqlite import Reader
from core.staff import everybody
from core.web import (
    Form,
    go,
    permission,
    read,
    reading_act,
    show,
    staff_only,
    typed_form,
    typed_yuan,
    write,
)
from core.web import gettext as _
from hub.devices import printers
from hub.members import next_number
from hub.organisation import service
from hub.organisation.blueprint import pages

LOGO_BYTES_MAX = 100 * 1024
LOGO_PIXELS_MAX = 4_000_000
QR_CHARACTERS_MAX = 500
PNG = b"\x89PNG\r\n\x1a\n"


@pages.get("")
@staff_only
def index() -> Any:
    with read() as db:
        return render_template("organisation/index.html", told=_told(db))


@pages.get("/company")
@permission("settings.edit")
def company() -> Any:
    with read() as db:
        known = _company(db)
    names = Company.__struct_fields__ if known else ()
    return _company_page(Form({name: getattr(known, name) for name in names}))


@pages.post("/company")
@permission("settings.edit")
def save_company() -> Any:
    form = typed_form()
    form.required("name")
    with read() as db:
        known = _company(db)
    logo = _typed_logo(form, known.logo_png if known else "")
    form.typed["logo_png"] = logo
    names = ("name", "phone", "address", "footer", "qr")
    content = form.struct(
        Company, {**{name: form.text(name) for name in names}, "logo_png": logo}
    )
    if len(form.text("qr").encode()) > QR_CHARACTERS_MAX:
        form.errors["qr"] = _("最多 %(limit)s 个字", limit=QR_CHARACTERS_MAX)
    if content is None or form.errors:
        return _company_page(form, status=422)
    write(lambda tx, act: service.save_company(tx, act, content=content))
    return go(url_for("organisation.company", done="saved"))


@pages.get("/store")
@permission("settings.edit")
def branch() -> Any:
    with read() as db:
        known = store(db, reading_act(db).store)
    hours, minutes = divmod(known.cutoff_minutes, 60)
    form = Form(
        {name: getattr(known, name) for name in ("name", "code", "zone", "phone", "address")}
    )
    form.typed["cutoff"] = f"{hours:02}:{minutes:02}"
    return _branch_page(form)


@pages.post("/store")
@permission("settings.edit")
def save_branch() -> Any:
    form = typed_form()
    form.required("name", "code")
    cutoff = _typed_minutes(form, "cutoff")
    names = ("name", "zone", "phone", "address")
    content = form.struct(
        Store,
        {
            **{name: form.text(name) for name in names},
            "code": form.text("code").upper(),
            "cutoff_minutes": cutoff,
        },
    )
    if form.text("zone") not in ZONES:
        form.errors["zone"] = _("请选择")
    if content is not None and not form.errors:
        with form.catching(store_code_used="code", store_code_taken="code"):
            write(lambda tx, act: service.save_store(tx, act, content=content))
            return go(url_for("organisation.branch", done="saved"))
    return _branch_page(form, status=422)


@pages.get("/numbers")
@permission("settings.edit")
def numbers() -> Any:
    with read() as db:
        shape = settings(db).number_format
    asked = request.args if "prefix" in request.args else None
    return _numbers_page(Form(asked or {"prefix": shape.prefix, "digits": str(shape.digits)}))


@pages.post("/numbers")
@permission("settings.edit")
def save_numbers() -> Any:
    form = typed_form()
    shape = _typed_shape(form)
    if shape is None:
        return _numbers_page(form, status=422)
    write(lambda tx, act: service.change_settings(tx, act, number_format=shape))
    return go(url_for("organisation.numbers", done="saved"))


@pages.get("/numbers/preview")
@permission("settings.edit")
def preview_number() -> str:
    form = Form(request.args)
    return render_template("organisation/_number.html", form=form, number=_next(form))


@pages.get("/points")
@permission("settings.edit")
def points() -> Any:
    if "points" in request.args:
        return _points_page(Form(request.args))
    with read() as db:
        form = filled_rule(settings(db).points)
    return _points_page(form)


@pages.post("/points")
@permission("settings.edit")
def save_points() -> Any:
    form = typed_form()
    rule = typed_rule(form)
    if rule is None:
        return _points_page(form, status=422)
    write(lambda tx, act: service.change_settings(tx, act, points=rule))
    return go(url_for("organisation.points", done="saved"))


@pages.get("/points/try")
@permission("settings.edit")
def try_points() -> str:
    form = Form(request.args)
    return render_template("pages/_try.html", **_tried(form))


@pages.get("/receipts")
@permission("settings.edit")
def receipts() -> Any:
    with read() as db:
        known = settings(db)
    switches = ("receipt_auto_print", "show_change", "spend_bonus_first")
    form = Form({name: "1" if getattr(known, name) else "" for name in switches})
    form.typed["topup_max"] = typed_yuan(known.topup_max_cents)
    form.typed["idle_lock_s"] = str(known.idle_lock_s)
    form.typed["offline_card"] = typed_yuan(known.offline_card_cents)
    form.typed["block_list_hours"] = str(known.block_list_hours)
    return show("organisation/receipts.html", "organisation/_receipts.html", form=form)


@pages.post("/receipts")
@permission("settings.edit")
def save_receipts() -> Any:
    form = typed_form()
    form.required("topup_max", "idle_lock_s")
    wanted = {
        "receipt_auto_print": form.is_on("receipt_auto_print"),
        "show_change": form.is_on("show_change"),
        "spend_bonus_first": form.is_on("spend_bonus_first"),
        "topup_max_cents": form.fen("topup_max") or 0,
        "idle_lock_s": form.whole("idle_lock_s"),
    }
    if form.text("offline_card"):
        wanted["offline_card_cents"] = form.fen("offline_card") or 0
    if form.text("block_list_hours"):
        wanted["block_list_hours"] = form.whole("block_list_hours")
    if form.struct(Settings, wanted) is None:
        if "topup_max_cents" in form.errors:
            form.errors["topup_max"] = form.errors["topup_max_cents"]
        return show(
            "organisation/receipts.html", "organisation/_receipts.html", status=422, form=form
        )
    write(lambda tx, act: service.change_settings(tx, act, **wanted))
    return go(url_for("organisation.receipts", done="saved"))


def _company_page(form: Form, *, status: int = 200) -> Any:
    page = render_template(
        "organisation/company.html",
        form=form,
        logo_kilobytes=LOGO_BYTES_MAX // 1024,
    )
    return page, status


def _branch_page(form: Form, *, status: int = 200) -> Any:
    with read() as db:
        used = is_code_used(db, reading_act(db).store)
    return show(
        "organisation/store.html",
        "organisation/_store.html",
        status=status,
        form=form,
        code_used=used,
        zones=ZONES,
    )


def _numbers_page(form: Form, *, status: int = 200) -> Any:
    return show(
        "organisation/numbers.html",
        "organisation/_numbers.html",
        status=status,
        form=form,
        number=_next(form),
    )


def _points_page(form: Form, *, status: int = 200) -> Any:
    return show(
        "organisation/points.html",
        "pages/_points.html",
        status=status,
        form=form,
        points_at="organisation",
        weekdays=WEEKDAYS,
        **_tried(form),
    )


def _company(db: Reader) -> Company | None:
    try:
        return company_of(db)
    except Refused:  # A shop that was never told its name still opens its settings.
        return None


def _typed_logo(form: Form, now: str) -> str:
    """Return the picture that was sent, else the one there is; faults are the field's."""
    if form.is_on("no_logo"):
        return ""
    sent = request.files.get("logo")
    if sent is None or not sent.filename:
        return now
    raw = sent.read(LOGO_BYTES_MAX + 1)
    if len(raw) > LOGO_BYTES_MAX:
        form.errors["logo"] = _("图片太大，最多 %(limit)s KB", limit=LOGO_BYTES_MAX // 1024)
    elif not _is_png(raw):
        form.errors["logo"] = _("请用 PNG 图片")
    else:
        return base64.b64encode(raw).decode()
    return now


def _is_png(raw: bytes) -> bool:
    """Say whether these bytes are a picture that the printer can be given."""
    if not raw.startswith(PNG) or len(raw) < 24:
        return False
    # The header tells the size before anything is unpacked.
    wide, high = struct.unpack(">II", raw[16:24])
    if not 0 < wide * high <= LOGO_PIXELS_MAX:
        return False
    try:
        with Image.open(BytesIO(raw), formats=["PNG"]) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, binascii.Error):
        return False
    return True


def _typed_minutes(form: Form, name: str) -> int:
    """Return a time of day as minutes after midnight, noon at the latest."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", form.text(name) or "00:00")
    minutes = int(match[1]) * 60 + int(match[2]) if match else -1
    if not match or int(match[2]) > 59 or not 0 <= minutes <= 720:
        form.errors[name] = _("请填 00:00 到 12:00")
        return 0
    return minutes


def _typed_shape(form: Form) -> NumberFormat | None:
    shape = {"prefix": form.text("prefix").upper(), "digits": form.whole("digits", default=6)}
    return form.struct(NumberFormat, shape)


def _next(form: Form) -> str:
    """Return the next number as it would be with what is typed; nothing while that is wrong."""
    tried = Form(form.typed)
    shape = _typed_shape(tried)
    if shape is None:
        return ""
    with read() as db:
        return next_number(db, reading_act(db), shape=shape)[0]


def _told(db: Reader) -> dict[str, str]:
    """Return what each section is set to now, in a few words."""
    act = reading_act(db)
    rules, here = settings(db), store(db, act.store)
    rule = rules.points
    firm = _company(db)
    comma = _("、")
    return {
        "organisation.company": firm.name if firm else "",
        "organisation.branch": f"{here.name} · {here.code}",
        "organisation.staff_list": _(
            "%(count)s 人", count=sum(r["active"] for r in everybody(db))
        ),
        "organisation.printers": _("、").join(row["name"] for row in printers(db))
        or _("还没有"),
        "organisation.receipts": _("收款即打印") if rules.receipt_auto_print else _("按需打印"),
        "organisation.tenders": comma.join(_(one.name) for one in rules.tenders),
        "organisation.points": _(
            "每 ¥%(per)s 积 %(points)s 分", per=yuan(rule.per_cents), points=rule.points
        ),
        "organisation.numbers": next_number(db, act)[0],
        "organisation.categories": comma.join(rules.categories),
    }


def _tried(form: Form) -> dict[str, object]:
    with read() as db:
        return tried_rule(form, date=reading_act(db).date)

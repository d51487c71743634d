"""Pages: a list is sent, looked at, posted; and all members are taken out again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Blueprint, current_app, render_template, request, send_file, url_for

from cloud.access import branches, here, phone_shown, platform
from cloud.imports import exporting, running
from cloud.imports.posting import SCHEMAS
from cloud.imports.running import Run, Upload
from core.errors import Refused
from core.imports import BadRow, Job, Schema, preview, tell, write_rejects
from core.organisation import Store
from core.sqlite import Reader
from core.web import (
    Form,
    caller,
    go,
    minted_id,
    permission,
    read,
    sentence,
    show,
    tell_kept,
    typed_form,
    typed_yuan,
    write,
)
from core.web import gettext as _

pages = Blueprint("lists", __name__, template_folder="templates", url_prefix="/lists")

UPLOAD_BYTES_MAX = 24 * 1024 * 1024
"""Half a million rows of a workbook; the form around it is small."""
FAULTS_SHOWN_MAX = 50
SUFFIXES = (".csv", ".txt", ".xlsx")
EVERYWHERE = ""
AMOUNTS = {"principal", "bonus", "price", "member_price", "cost"}
"""Fields in fen."""


@pages.url_value_preprocessor
def allow_files(endpoint: str | None, _values: object) -> None:
    """Let this one address take more than a form, from who may send it."""
    if endpoint == "lists.send":
        request.max_content_length = UPLOAD_BYTES_MAX


@pages.get("")
@permission("member.bulk_import")
def index() -> Any:
    with read() as db:
        return render_template("lists/index.html", runs=running.runs(db), states=states())


@pages.get("/new/<kind>")
@permission("member.bulk_import")
def start(kind: str) -> Any:
    return _start_page(_schema(kind), kind, Form())


@pages.post("/new/<kind>")
@permission("member.bulk_import")
def send(kind: str) -> Any:
    """Take a list in and look at it; nothing is posted yet."""
    schema, form = _schema(kind), typed_form()
    home = form.text("home")
    if home not in {EVERYWHERE, *branches()}:
        form.errors["home"] = _("请选择")
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        form.errors["file"] = _("请先选一个文件")
    if form.errors or sent is None or not sent.filename:
        return _start_page(schema, kind, form, status=422)
    running.forget_old(platform(), here())
    run_id = minted_id(form)
    path = _put_down(run_id, sent.filename, sent.read(UPLOAD_BYTES_MAX + 1))
    upload = Upload(id=run_id, list=kind, name=sent.filename, path=path, home=home)
    try:
        running.look(here(), upload, actor=caller().staff or "")
    except Refused as refused:
        path.unlink(missing_ok=True)
        form.errors["file"] = sentence(refused)
        return _start_page(schema, kind, form, status=422)
    return go(url_for("lists.run", run=run_id))


@pages.get("/runs/<run>")
@permission("member.bulk_import")
def run(run: str) -> Any:
    with read() as db:
        return _run_page(db, running.run_of(db, run), Form())


@pages.get("/runs/<run>/progress")
@permission("member.bulk_import")
def progress(run: str) -> str:
    """Return the bar and what became of the rows, for a page that heard of news."""
    with read() as db:
        known = running.run_of(db, run)
        return render_template("lists/_progress.html", **_became(db, known))


@pages.post("/runs/<run>/columns")
@permission("member.bulk_import")
def set_columns(run: str) -> Any:
    """Read the list once more, with columns as somebody chose them."""
    form = typed_form()
    with read() as db:
        known = running.run_of(db, run)
    chosen = zip(form.typed.getlist("heading"), form.typed.getlist("field"), strict=False)
    upload = Upload(
        id=known.id,
        list=known.list,
        name=known.name,
        path=running.uploads(platform(), here()) / known.file,
        home=known.home,
        sheet=form.text("sheet") or known.sheet,
        overrides=dict(chosen) if not form.text("sheet") else {},
    )
    with form.catching():
        running.look(here(), upload, actor=caller().staff or "")
        return go(url_for("lists.run", run=run))
    with read() as db:
        return _run_page(db, known, form, status=422)


@pages.post("/runs/<run>/go")
@permission("member.bulk_import")
def begin(run: str) -> Any:
    """Post what was looked at, or go on where it was cut."""
    merchant = here()
    board = current_app.extensions["bulletin"].of(merchant.id)
    form = Form()
    with form.catching():
        running.start(platform(), merchant, run, told=board.announce)
        return go(url_for("lists.run", run=run))
    with read() as db:
        return _run_page(db, running.run_of(db, run), form, status=409)


@pages.get("/runs/<run>/rejects")
@permission("member.bulk_import")
def rejects(run: str) -> Any:
    """Give back the rows that are not in, with the reasons, to be mended and sent again."""
    with read() as db:
        known = running.run_of(db, run)
        refusals = current_app.config["REFUSALS"]
        refused = {
            line: tell_kept(code, facts, refusals)
            for line, code, facts in running.refused_of(db, run)
        }
    merchant = here()
    with running.job_of(platform(), merchant, known) as job:
        source = running.uploads(platform(), merchant) / known.file
        path = write_rejects(job, source, refused, _)
    content = path.read_bytes()
    path.unlink()
    name = f"{Path(known.name).stem}.rejected.csv"
    return send_file(BytesIO(content), "text/csv", as_attachment=True, download_name=name)


@pages.post("/export/<kind>/<form>")
@permission("member.export")
def export(kind: str, form: str) -> Any:
    """Give out all members or items, as an import takes them; who did it is written down."""
    schema = _schema(kind)
    if form not in exporting.FORMS:
        raise Refused("no_list")
    merchant = here()
    folder = running.uploads(platform(), merchant)
    with read() as db:
        content, rows = exporting.export(db, schema, kind, form, folder)
    write(lambda tx, act: exporting.note_export(tx, act, kind=kind, form=form, rows=rows))
    name = f"{kind}-{merchant.journal.clock.read().at}.{form}"
    return send_file(
        BytesIO(content), exporting.FORMS[form], as_attachment=True, download_name=name
    )


def states() -> dict[str, tuple[str, str]]:
    """Return each state of a run as (words, kind of chip)."""
    return {
        "looked": (_("待导入"), "info"),
        "running": (_("正在导入"), "info"),
        "stopped": (_("中断"), "bad"),
        "done": (_("已完成"), "ok"),
    }


def _schema(kind: str) -> Schema[Any]:
    schema = SCHEMAS.get(kind)
    if schema is None:
        raise Refused("no_list")
    return schema


def _put_down(run_id: str, filename: str, content: bytes) -> Path:
    """Write an upload into a file that only this program reads."""
    suffix = Path(filename).suffix.lower()
    name = f"{run_id}{suffix if suffix in SUFFIXES else '.csv'}"
    path = running.uploads(platform(), here()) / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    return path


def _start_page(schema: Schema[Any], kind: str, form: Form, *, status: int = 200) -> Any:
    page = render_template(
        "lists/start.html",
        kind=kind,
        schema=schema,
        run_id=minted_id(form),
        form=form,
        homes=[
            (EVERYWHERE, _("不指定")),
            *((key, one.name) for key, one in branches().items()),
        ],
        megabytes=UPLOAD_BYTES_MAX // (1024 * 1024),
    )
    return page, status


def _named(known: Mapping[str, Store]) -> Iterator[tuple[str, str]]:
    return ((store, branch.name) for store, branch in known.items())


def _run_page(db: Reader, known: Run, form: Form, *, status: int = 200) -> Any:
    seen = None
    if known.state == "looked":
        with running.job_of(platform(), here(), known) as job:
            seen = _seen(job)
    page = show(
        "lists/run.html",
        "lists/_progress.html",
        status=status,
        form=form,
        seen=seen,
        home=branches()[known.home].name if known.home in branches() else "",
        **_became(db, known),
    )
    return page


def _seen(job: Job) -> dict[str, Any]:
    """Return what the columns were taken for, with the first values of each."""
    found = preview(job.table, job.schema, today=job.today, overrides=dict(job.overrides))
    samples = [row for row in found.rows if not isinstance(row, BadRow)]
    return {
        "sheet": found.sheet,
        "sheets": found.sheets,
        "fields": [("", _("不导入")), *((f.name, _(f.label)) for f in job.schema.fields)],
        "columns": [
            {
                "heading": column.heading,
                "field": column.field,
                "samples": [
                    text
                    for row in samples
                    if (text := _sample(row, column.field)) not in {"", "0"}
                ][:3],
            }
            for column in found.mapping.columns
        ],
    }


def _sample(row: object, field: str) -> str:
    """Return a value as the import understood it, for somebody who checks the columns."""
    value = getattr(row, field, None) if field else None
    if value is None:
        return ""
    if field in AMOUNTS:
        return typed_yuan(value)
    return phone_shown(str(value)) if field == "phone" else str(value)


def _became(db: Reader, known: Run) -> dict[str, Any]:
    """Return what the page tells of a run: faults by line, and how far it is."""
    schema, refusals = SCHEMAS[known.list], current_app.config["REFUSALS"]
    posted = running.refused_of(db, known.id)
    faults = [(error.line, tell(error, schema, _)) for error in known.faults]
    faults += [(line, tell_kept(code, facts, refusals)) for line, code, facts in posted]
    cut = known.is_cut(at=platform().clock.read().at)
    return {
        "run": known,
        "state": "stopped" if cut else known.state,
        "schema": schema,
        "out": known.bad + len(posted),
        "faults": sorted(faults)[:FAULTS_SHOWN_MAX],
        "faults_max": FAULTS_SHOWN_MAX,
        "states": states(),
    }

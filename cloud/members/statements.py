"""A member's statement: to read, to print, and as a file that the merchant has signed."""

from __future__ import annotations

from datetime import date as calendar_date
from io import BytesIO
from typing import Any

from flask import Blueprint, request, send_file

from cloud.access import day_of, here, platform
from cloud.members.words import KIND_NAMES, OTHER_KIND
from core.clock import DAY_MS
from core.members import member_of
from core.organisation import company
from core.sqlite import Reader
from core.statements import Statement, checked, sign, statement_of
from core.web import fresh_read, permission, read, show
from core.web import gettext as _

pages = Blueprint("statements", __name__, template_folder="templates")

FILE_BYTES_MAX = 8 * 1024 * 1024
"""Twenty thousand movements."""
PERIOD_DAYS = 365


@pages.url_value_preprocessor
def allow_files(endpoint: str | None, _values: object) -> None:
    """Let this one address take more than a form, from who may send it."""
    if endpoint == "statements.check":
        request.max_content_length = FILE_BYTES_MAX


@pages.get("/members/<member_id>/statement")
@permission("member.export")
def statement(member_id: str) -> Any:
    with fresh_read() as db:
        return show(
            "members/statement.html",
            "members/_statement.html",
            statement=_asked_for(db, member_id),
            company=company(db),
            today=_today(),
            kinds=KIND_NAMES,
            other_kind=OTHER_KIND,
        )


@pages.get("/members/<member_id>/statement.json")
@permission("member.export")
def signed(member_id: str) -> Any:
    with fresh_read() as db:
        made = _asked_for(db, member_id)
    signing = here().signing
    file = sign(made, key=signing.public, with_key=signing.sign)
    name = f"statement-{made.number or made.member}-{made.first}-{made.last}.json"
    return send_file(BytesIO(file), "application/json", as_attachment=True, download_name=name)


@pages.get("/statements")
@permission("member.export")
def check_form() -> Any:
    return _checked_page()


@pages.post("/statements")
@permission("member.export")
def check() -> Any:
    """Say whether a file that came back is one that this head office signed, unchanged."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return _checked_page(fault=_("请先选一个文件"))
    try:
        found = checked(sent.read(FILE_BYTES_MAX), keys=[here().signing.public])
    except ValueError:
        return _checked_page(fault=_("这不是对账单文件"))
    if found is None:
        return _checked_page(fault=_("签名不对：不是本店开出的，或者开出后被改过"))
    return _checked_page(found=found)


def _checked_page(*, fault: str = "", found: Statement | None = None) -> Any:
    with read() as db:
        return show(
            "members/statement_check.html",
            "members/_statement_check.html",
            status=422 if fault else 200,
            fault=fault,
            found=found,
            company=company(db),
            kinds=KIND_NAMES,
            other_kind=OTHER_KIND,
        )


def _asked_for(db: Reader, member_id: str) -> Statement:
    """Return the statement of the period that the address names, else of the last year."""
    at = platform().clock.read().at
    last = min(_date("last", _today()), _today())
    first = min(_date("first", day_of().date(at - PERIOD_DAYS * DAY_MS)), last)
    return statement_of(
        db, member_of(db, member_id), merchant=here().id, first=first, last=last, at=at
    )


def _today() -> str:
    return day_of().date(platform().clock.read().at)


def _date(name: str, otherwise: str) -> str:
    try:
        return calendar_date.fromisoformat(request.args.get(name, "")).isoformat()
    except ValueError:
        return otherwise

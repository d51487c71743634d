"""Several people on one account: relatives are added by the holder's side, and may leave."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for

from core.errors import Refused
from core.members import join_family, leave_family, member_of
from core.web import Form, go, permission, read, show, typed_form, write
from core.web import gettext as _
from hub import members

pages = Blueprint("family", __name__, template_folder="templates", url_prefix="/members")

FIELDS = {"amount_wrong": "limit"}


@pages.get("/<member>/family")
@permission("card.issue")
def look(member: str) -> Any:
    """Find who is to pay from this account."""
    return _page(member, Form({"q": request.args.get("q", "")}))


@pages.post("/<member>/family")
@permission("card.issue")
def join(member: str) -> Any:
    form = typed_form()
    with form.catching(**FIELDS):
        limit = form.fen("limit")
        if limit is not None and limit <= 0:  # To the members' tables, 0 is no limit at all.
            form.errors.setdefault("limit", _("要大于 0；不限就不填"))
        if form.errors:
            return _page(member, form, status=422)
        relative = form.text("relative")
        write(
            lambda tx, act: join_family(
                tx, act, member=relative, holder=member, limit=limit or 0
            )
        )
        return go(url_for("members.profile", member=member, done="joined"))
    return _page(member, form, status=422)


@pages.post("/<member>/family/leave")
@permission("card.issue")
def leave(member: str) -> Any:
    """Take somebody out; the page that asked is the holder's, or their own."""
    relative = request.form.get("relative", "")
    write(lambda tx, act: leave_family(tx, act, member=relative))
    return go(url_for("members.profile", member=member, done="left"))


def _page(member: str, form: Form, *, status: int = 200) -> Any:
    typed = form.text("q")
    with read() as db:
        row = member_of(db, member)
        found = [one for one in members.search(db, typed) if one["id"] != row["id"]]
        try:
            chosen = member_of(db, form.text("relative")) if form.text("relative") else None
        except Refused:
            chosen = None
        return show(
            "members/family.html",
            "members/_family.html",
            status=status,
            member=row,
            form=form,
            typed=typed,
            found=[chosen] if chosen is not None else found,
        )

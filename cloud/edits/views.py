"""The part of an editor's page that tells which stores have what it shows."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template

from cloud.access import account_name, branch_name, here, platform
from cloud.edits.arrivals import arrivals
from cloud.edits.history import Edit, edits_of, position_of
from core.sqlite import Reader
from core.web import gettext as _
from core.web import read, staff_only

pages = Blueprint("edits", __name__, template_folder="templates", url_prefix="/edits")

TOPICS = ("item", "category", "offer", "settings", "staff")


@pages.get("/<topic>/<key>/stores")
@staff_only
def stores_part(topic: str, key: str) -> str:
    """Return the part itself, for an open page that heard of news."""
    if topic not in TOPICS:
        abort(404)
    with read() as db:
        shown = arrivals_shown(db, topic, key)
    return render_template("edits/_stores.html", arrived=shown)


def arrivals_shown(db: Reader, topic: str, key: str) -> dict[str, Any]:
    """Return what `edits/_stores.html` shows of a document, under the name `arrived`."""
    pos = position_of(db, topic, key)
    found = []
    if pos is not None:
        with platform().door.read() as shared:
            found = arrivals(db, shared, here().id, pos)
    newest = edits_of(db, topic, key, limit=1)
    return {
        "topic": topic,
        "key": key,
        "stores": found,
        "complete": all(one.has for one in found if one.hub),
        "edit": edit_shown(newest[0]) if newest else None,
    }


def edit_shown(edit: Edit) -> dict[str, Any]:
    """Return an edit with the names of whoever made it, and where."""
    if edit.hub:
        who = _("%(store)s %(name)s", store=branch_name(edit.store), name=edit.staff_name)
    else:
        who = _("%(store)s %(name)s", store=_("总部"), name=account_name(edit.actor))
    return {"who": who.strip(), "at": edit.at, "content": edit.content}

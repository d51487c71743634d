"""The hub's composition root: its capabilities, one line each, and the two ways to start it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, current_app, g, request, url_for

from core import catalog, feed, members, organisation, sqlite, staff, tickets, till, wallet
from core.clock import Clock
from core.errors import Refused
from core.ids import Ids
from core.journal import Part
from core.organisation import settings, store
from core.staff import Grants, grants_of
from core.web import Capability, caller, install_guards, language, make_app, read
from core.web import gettext as _
from hub import (
    access,
    api,
    attempts,
    backup,
    box,
    checkout,
    counter,
    devices,
    fence,
    mirror,
    pos,
    sales,
    shown,
)
from hub import catalog as hub_catalog
from hub import members as hub_members
from hub import organisation as hub_organisation
from hub import sync as hub_sync
from hub import tickets as hub_tickets
from hub import till as hub_till
from hub import wallet as hub_wallet
from hub.alarms import alarms
from hub.box import Born, Box, open_box

CORE_PARTS: tuple[Part, ...] = (
    feed.PART,
    organisation.PART,
    staff.PART,
    catalog.PART,
    members.PART,
    wallet.PART,
    tickets.PART,
    till.PART,
)

CAPABILITIES: tuple[Capability, ...] = (
    Capability(name="box", parts=(box.LOCAL, attempts.PART, fence.LOCAL)),
    Capability(name="access", parts=(access.PART,), blueprints=(access.pages,)),
    Capability(name="backup", parts=(backup.LOCAL,)),
    Capability(name="devices", parts=(devices.PART,)),
    Capability(name="members", parts=(hub_members.LOCAL,)),
    Capability(name="wallet", parts=(hub_wallet.LOCAL,)),
    Capability(name="tickets", parts=(hub_tickets.LOCAL,)),
    Capability(
        name="checkout",
        parts=(Part(name="checkout", refusals=checkout.REFUSALS), checkout.LOCAL),
    ),
    hub_till.CAPABILITY,
    counter.CAPABILITY,
    sales.CAPABILITY,
    pos.CAPABILITY,
    hub_catalog.CAPABILITY,
    hub_organisation.CAPABILITY,
    Capability(name="sync", parts=(hub_sync.LOCAL,)),
    Capability(name="mirror", parts=(mirror.LOCAL,)),
    api.CAPABILITY,
)

HOSTS = ("localhost", ".localhost", "127.0.0.1", ".local")


def open_hub(
    folder: Path,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    born: Born | None = None,
) -> Box:
    """Open the hub in a folder, with every capability's tables."""
    parts = (*CORE_PARTS, *(part for c in CAPABILITIES for part in c.parts))
    return open_box(folder, parts, clock=clock, ids=ids, born=born)


def make_hub_app(served: Box, *, hosts: tuple[str, ...] = ()) -> Flask:
    """Return the hub's pages and API over an opened box.

    `hosts` are further names and addresses that this hub answers to.
    """
    app = make_app(
        served,
        CAPABILITIES,
        hosts=(*HOSTS, *hosts),
        csrf_key=hashlib.sha256(b"csrf" + served.secrets.pin_pepper).digest(),
        refusals={**sqlite.REFUSALS, **served.parts.refusals},
    )
    app.before_request(access.look)
    install_guards(app)
    shown.install(app)
    app.context_processor(_surroundings)
    access.on_moved(app, pos.carry_over)
    app.extensions["refused_elsewhere"] = {
        "not_paired": access.to_pairing,
        "not_logged_in": access.to_login,
    }
    return app


def _surroundings() -> dict[str, object]:
    """Return what the shell shows around every page."""
    who = caller()
    if request.endpoint == "static":
        return {}
    with read() as db:
        try:
            branch = store(db, g.setdefault("store_id", box.here().store_id(db)))
            name, zone = branch.name, branch.day.zone
            idle = settings(db).idle_lock_s
        except Refused:  # A box that was not set up yet still shows its pages.
            name, zone, idle = _("店枢"), "UTC", 0
        nav = _nav(grants_of(db, who.role)) if who.role else []
        scanned = devices.last_scan(db)
        link = hub_sync.link_trouble(db, box.here())
        standing = alarms(db, box.here(), grants_of(db, who.role) if who.role else {})
    known: dict[str, object] = {
        "store_name": name,
        "zone": zone,
        "staff": who.staff_name,
        "shift_label": who.till,
        "nav": nav,
        "link_state": link,
        "standing": standing,
        "idle_seconds": idle,
        "reader_language": language(),
        "now_ms": box.here().journal.clock.read().at,
    }
    if who.staff is not None and not who.token:
        known["lock_url"] = url_for("access.lock")
        if hub_sync.joined(box.here().folder):
            known["link_url"] = url_for("pos.link")
        known["standing_url"] = url_for("pos.standing")
        known["head_url"] = url_for("pos.head")
        known["stream_url"] = url_for("pos.stream", after=scanned)
    return known


def _nav(grants: Grants) -> list[dict[str, object]]:
    """Return the rail's entries for somebody with these rights."""
    shown = [
        (item, url_for(item.endpoint))
        for item in current_app.extensions["nav"]
        if item.permission in grants
    ]
    # The page belongs to the entry whose address its own begins with: a member's top-up is
    # under the members, whichever slice serves it.
    covering = [
        href for _item, href in shown if f"{request.path}/".startswith(f"{href.rstrip('/')}/")
    ]
    current = max(covering, key=len, default=None)
    return [
        {
            "href": href,
            "label": _(item.label),
            "icon": item.icon,
            "current": href == current,
        }
        for item, href in shown
    ]

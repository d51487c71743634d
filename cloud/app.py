"""Head office's composition root: what merchants' databases know, and how they are opened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, current_app, g, request, url_for

from cloud import (
    access,
    aside,
    edits,
    enrolment,
    epochs,
    fleet,
    placement,
    platform,
    sales,
    streams,
)
from cloud import catalog as cloud_catalog
from cloud import feed as cloud_feed
from cloud import imports as cloud_imports
from cloud import members as cloud_members
from cloud import recovery as cloud_recovery
from cloud import rights as cloud_rights
from cloud import staff as cloud_staff
from cloud.platform import Platform, open_platform
from core import catalog, feed, members, organisation, sqlite, staff, tickets, till, wallet
from core.clock import Clock
from core.errors import N_, Refusal, Refused
from core.ids import Ids
from core.journal import Part
from core.organisation import company
from core.sqlite import Migration
from core.web import Capability, caller, install_guards, language, make_app, read
from core.web import gettext as _

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
    access.CAPABILITY,
    enrolment.CAPABILITY,
    edits.CAPABILITY,
    sales.CAPABILITY,
    fleet.CAPABILITY,
    aside.CAPABILITY,
    cloud_recovery.CAPABILITY,
    cloud_members.CAPABILITY,
    cloud_catalog.CAPABILITY,
    cloud_staff.CAPABILITY,
    cloud_imports.CAPABILITY,
    cloud_rights.CAPABILITY,
)

LOCAL_PARTS: tuple[Part, ...] = (
    cloud_feed.PART,
    streams.PART,
    placement.PART,
    epochs.PART,
    *(part for capability in CAPABILITIES for part in capability.parts),
)
"""Tables of head office's own in each merchant's database; a capability is one line."""

HOSTS = ("localhost", ".localhost", "127.0.0.1")
MARKS: Mapping[str, access.Mark] = {
    "sales": sales.mark,
    "fleet": fleet.mark,
    "aside": aside.mark,
    "recovery": cloud_recovery.mark,
    "edits": edits.mark,
    "lists": cloud_imports.mark,
}
"""By topic: what differs once the pages about it would."""
STORAGE = {
    "disk_full": Refusal(507, N_("总部服务器存储已满，没有保存；请联系维护")),
    "storage_failing": Refusal(503, N_("总部服务器存储故障，没有保存；请联系维护")),
}
"""What the page shell says of a store's box is said of a server here."""

SHARED_TABLES: tuple[Migration, ...] = (
    *streams.SHARED_TABLES,
    *epochs.SHARED_TABLES,
    *cloud_recovery.SHARED_TABLES,
    *access.MIGRATIONS,
    *edits.MIGRATIONS,
)
"""Tables that a capability keeps in the database that all merchants share."""


def open_cloud(folder: Path, *, clock: Clock | None = None, ids: Ids | None = None) -> Platform:
    """Open head office in a folder, with every capability's tables."""
    return open_platform(
        folder,
        (*CORE_PARTS, *LOCAL_PARTS),
        migrations=SHARED_TABLES,
        clock=clock,
        ids=ids,
    )


def make_cloud_app(served: Platform, *, hosts: tuple[str, ...] = ()) -> Flask:
    """Return head office's pages over an opened platform.

    `hosts` are further names and addresses that it answers to.
    """
    app = make_app(
        access.CallersMerchant(),
        CAPABILITIES,
        hosts=(*HOSTS, *hosts),
        csrf_key=hashlib.sha256(b"csrf" + served.secret).digest(),
        refusals={
            **sqlite.REFUSALS,
            **served.parts.refusals,
            **platform.REFUSALS,
            **STORAGE,
        },
    )
    app.extensions["platform"] = served
    app.extensions["bulletin"] = access.Bulletins()
    access.follow(app, MARKS)
    app.before_request(access.look)
    install_guards(app, rights=access.rights)
    app.after_request(access.keep_visit)
    access.install(app)
    app.context_processor(_surroundings)
    app.extensions["refused_elsewhere"] = {"not_logged_in": access.to_login}
    return app


def _surroundings() -> dict[str, object]:
    """Return what the shell shows around every page."""
    if request.endpoint == "static":
        return {}
    known: dict[str, object] = {
        "reader_language": language(),
        "now_ms": access.platform().clock.read().at,
        "nav": [],
        "store_name": _("店枢总部"),
        "link_state": None,
    }
    if caller().staff is None:
        return known
    return known | {
        "store_name": _merchant_name(),
        "zone": access.day_of().zone,
        "staff": caller().staff_name,
        "nav": _nav(),
        "stream_url": url_for("access.stream"),
    }


def _merchant_name() -> str:
    """Return the company's name as its receipts say it, else as the platform knows it."""
    if "merchant_name" not in g:
        with read() as db:
            try:
                g.merchant_name = company(db).name
            except Refused:
                g.merchant_name = _("店枢总部")
    name: str = g.merchant_name
    return name


def _nav() -> list[dict[str, object]]:
    """Return the rail's entries for somebody with the caller's rights."""
    shown = [
        (item, url_for(item.endpoint))
        for item in current_app.extensions["nav"]
        if access.may(item.permission)
    ]
    covering = [
        href
        for _item, href in shown
        if request.path == href
        or (href != "/" and f"{request.path}/".startswith(f"{href.rstrip('/')}/"))
    ]
    current = max(covering, key=len, default=None)
    return [
        {"href": href, "label": _(item.label), "icon": item.icon, "current": href == current}
        for item, href in shown
    ]

"""The page on backups and on a recovery: what is safe, and for whom value waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, url_for

from cloud.access import here, platform, session
from cloud.platform import Hub, Merchant, Platform, epochs_of, hubs_of
from cloud.recovery.backups import Backup, backups_of
from cloud.recovery.releasing import release_hub
from cloud.recovery.standing import (
    RELEASE_AFTER_MS,
    Awaited,
    Recovery,
    hubs_in_recovery,
    recovery_of,
    safe_of,
)
from cloud.streams import cursor_of
from core.clock import DAY_MS
from core.errors import N_, Refused
from core.organisation import stores
from core.sqlite import Reader
from core.web import gettext as _
from core.web import go, permission, read, show, typed_form

pages = Blueprint("recovery", __name__, template_folder="templates", url_prefix="/recovery")

WHY = {
    "restored": N_("总部从备份恢复了。"),
    "rolled_back": N_("门店记得总部不记得的事，总部多半退回了旧数据。"),
    "forgotten": N_("有一台备份之后才接入的主机联系了总部。"),
}
BACKUP_OLD_MS = 2 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One box, and how far a backup of head office holds what it sent."""

    hub: Hub
    kept: int
    safe: int
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One box for which value waits, or has waited."""

    awaited: Awaited
    hub: Hub | None
    """None for a box of which head office has forgotten everything."""
    branch: str
    release_at: int
    """From when on somebody may decide not to wait any longer (ms)."""


@pages.get("")
@permission("report.sales")
def shown() -> Any:
    return _page()


@pages.get("/<hub_id>/release")
@permission("device.pair")
def ask_release(hub_id: str) -> Any:
    return _ask(hub_id)


@pages.post("/<hub_id>/release")
@permission("device.pair")
def release(hub_id: str) -> Any:
    reason = typed_form().text("reason")
    try:
        release_hub(platform(), here(), hub=hub_id, reason=reason, actor=session().account)
    except Refused as refused:
        if refused.code != "release_reason_missing":
            raise
        return _ask(hub_id, status=422)
    return go(url_for("recovery.shown", done="released"))


def newest_backup(served: Platform) -> Backup | None:
    """Return the newest backup that was read back, if there is one."""
    with served.door.read() as db:
        known = backups_of(db)
    return next((one for one in known if one.verified_at is not None), None)


def mark(served: Platform, merchant: Merchant) -> object:
    """Return what differs once the page would."""
    with served.door.read() as db:
        return recovery_of(db, merchant.id), hubs_in_recovery(db, merchant.id), backups_of(db)


def _page() -> Any:
    served, merchant = platform(), here()
    with read() as db:
        names = {key: one.name for key, one in stores(db).items()}
    newest = newest_backup(served)
    now = served.clock.read().at
    with served.door.read() as db:
        recovery = recovery_of(db, merchant.id)
        return show(
            "recovery/page.html",
            "recovery/_page.html",
            recovery=recovery,
            why=None if recovery is None else WHY[recovery.why],
            waiting=[] if recovery is None else _waiting(db, merchant.id, recovery, names),
            covered=_covered(db, merchant.id, names),
            newest=newest,
            backup_is_old=newest is None or now - newest.made_at > BACKUP_OLD_MS,
            now=now,
        )


def _ask(hub_id: str, *, status: int = 200) -> Any:
    served, merchant = platform(), here()
    with read() as db:
        names = {key: one.name for key, one in stores(db).items()}
    with served.door.read() as db:
        if hub_id not in {hub.id for hub in hubs_of(db, merchant.id)}:
            raise Refused("no_hub")
        recovery = recovery_of(db, merchant.id)
        if recovery is None:
            raise Refused("not_recovering")
        known = {one.awaited.hub: one for one in _waiting(db, merchant.id, recovery, names)}
    if hub_id not in known:
        raise Refused("hub_not_awaited")
    page = render_template(
        "recovery/release.html",
        one=known[hub_id],
        error=_("请写明为什么不再等这台主机") if status != 200 else "",
        now=served.clock.read().at,
    )
    return page, status


def _waiting(
    db: Reader, merchant: str, recovery: Recovery, names: dict[str, str]
) -> list[Waiting]:
    known = {hub.id: hub for hub in hubs_of(db, merchant)}
    return [
        Waiting(
            awaited=one,
            hub=known.get(one.hub),
            branch=names.get(known[one.hub].store, "") if one.hub in known else "",
            release_at=recovery.since + RELEASE_AFTER_MS,
        )
        for one in hubs_in_recovery(db, merchant)
    ]


def _covered(db: Reader, merchant: str, names: dict[str, str]) -> list[Covered]:
    found = []
    for hub in hubs_of(db, merchant):
        epochs = epochs_of(db, hub.id)
        if hub.revoked or not epochs:
            continue
        newest = epochs[-1]
        found.append(
            Covered(
                hub=hub,
                kept=cursor_of(db, hub.id, newest.epoch, newest.birth).have,
                safe=safe_of(db, hub.id, newest.epoch),
                branch=names.get(hub.store, ""),
            )
        )
    return found

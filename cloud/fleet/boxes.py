"""Pages of one box: how it stands, what lies there, another in its place, and what it cost."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, render_template, request, url_for

from cloud.access import account_name, branch_name, here, platform, session
from cloud.epochs import release_limbo
from cloud.fleet import service
from cloud.fleet.tenures import CLOSED_NAMES, REASONS, numbered, tenures
from cloud.platform import CODE_LIFE_MS, Hub, hubs_of, spelled
from core.errors import N_
from core.pages import units_label
from core.wallet import STORED_VALUE, risk_bookings, risk_sums
from core.web import fresh_read, go, permission, show, typed_form
from core.web import gettext as _

pages = Blueprint("boxes", __name__, template_folder="templates")

BOOKINGS_SHOWN_MAX = 500
WHY = {
    "late": (N_("停用后才传来的消费"), N_("主机停用时这笔还没传上来，余额已在别处用掉。")),
    "fork": (N_("同一台主机的两份记录"), N_("两份记录都发生了，同一笔余额花了两次。")),
    "advance": (N_("断网时的垫付"), N_("门店断网，按您定的额度先让会员用了。")),
    "restore": (N_("总部从备份恢复"), N_("备份之后的划拨找不回来，差额由商户承担。")),
    "presented": (N_("凭小票补记的充值"), N_("主机坏了，这笔充值只在会员的小票上。")),
    "chargeback": (N_("充值被退款"), N_("充值的钱被支付方退回，余额已经用掉。")),
    "collected": (N_("收回垫付"), N_("会员在别处有余额，垫付收回来了。")),
}
OTHER_WHY = (N_("其他"), "")


@pages.get("/hubs/<hub_id>")
@permission("report.sales")
def shown(hub_id: str) -> Any:
    return _page(service.find_own_hub(platform(), here(), hub_id))


@pages.get("/hubs/<hub_id>/revoke")
@permission("device.pair")
def ask_revoke(hub_id: str) -> Any:
    return _ask(hub_id, "fleet/revoke.html")


@pages.post("/hubs/<hub_id>/revoke")
@permission("device.pair")
def revoke(hub_id: str) -> Any:
    reason = _reason()
    if not reason:
        return _ask(hub_id, "fleet/revoke.html", status=422)
    service.shut_out(platform(), here(), hub_id=hub_id, reason=reason, actor=session().account)
    return go(url_for("boxes.shown", hub_id=hub_id, done="closed"))


@pages.get("/hubs/<hub_id>/replace")
@permission("device.pair")
def ask_replace(hub_id: str) -> Any:
    return _ask(hub_id, "fleet/replace.html")


@pages.post("/hubs/<hub_id>/replace")
@permission("device.pair")
def replace(hub_id: str) -> Any:
    """Close the box that stands there, if it is not, and show the code for the next."""
    hub = service.find_own_hub(platform(), here(), hub_id)
    if not hub.revoked:
        reason = _reason()
        if not reason:
            return _ask(hub_id, "fleet/replace.html", status=422)
        service.shut_out(
            platform(), here(), hub_id=hub_id, reason=reason, actor=session().account
        )
    code = service.make_replace_code(platform(), here(), hub_id=hub_id, actor=session().account)
    return _page(service.find_own_hub(platform(), here(), hub_id), **_shown_code(code))


@pages.post("/hubs/<hub_id>/release")
@permission("device.pair")
def release(hub_id: str) -> Any:
    """Give back what lay at a stolen box's place."""
    service.find_own_hub(platform(), here(), hub_id)
    epoch = typed_form().text("epoch")
    release_limbo(
        platform(),
        hub_id,
        epoch=int(epoch) if epoch.isdigit() and len(epoch) < 10 else 0,
        actor=session().account,
    )
    return go(url_for("boxes.shown", hub_id=hub_id, done="released"))


@pages.get("/risk")
@permission("report.finance")
def risk() -> Any:
    """Show what disasters and offline credit have cost, booking by booking."""
    with platform().door.read() as shared:
        stores = {hub.id: hub.store for hub in hubs_of(shared, here().id)}
        numbers = {hub: numbered(shared, hub) for hub in stores}
    with fresh_read() as db:
        bookings = risk_bookings(db, limit=BOOKINGS_SHOWN_MAX)
        sums = risk_sums(db)
        names = {
            row["id"]: row["name"]
            for row in db.all(
                "SELECT id, name FROM member WHERE id IN (SELECT member FROM risk_booking)"
            )
        }
    return show(
        "fleet/risk.html",
        "fleet/_risk.html",
        units_label=units_label,
        bookings=bookings,
        shown_max=BOOKINGS_SHOWN_MAX,
        paid=sum(sums.get(asset, 0) for asset in STORED_VALUE),
        points=sums.get("points", 0),
        why=WHY,
        other_why=OTHER_WHY,
        member_names=names,
        box_name=lambda hub: branch_name(stores[hub]) if hub in stores else "",
        box_number=lambda hub, epoch: numbers[hub].get(epoch, epoch),
    )


def _page(hub: Hub, **more: Any) -> Any:
    return show(
        "fleet/hub.html",
        "fleet/_hub.html",
        hub=hub,
        tenures=tenures(platform(), here(), hub),
        closed_names=CLOSED_NAMES,
        person=account_name,
        **more,
    )


def _ask(hub_id: str, template: str, *, status: int = 200) -> Any:
    hub = service.find_own_hub(platform(), here(), hub_id)
    newest = tenures(platform(), here(), hub)[0]
    page = render_template(
        template,
        hub=hub,
        tenure=newest,
        reasons=REASONS,
        missing=_("请选择原因") if status != 200 else "",
    )
    return page, status


def _reason() -> str:
    typed = typed_form().text("reason")
    return typed if typed in REASONS else ""


def _shown_code(code: str) -> dict[str, Any]:
    address = request.host_url.rstrip("/")
    command = f"dianshu hub admin replace {address} {spelled(code)}"
    now = platform().clock.read().at
    return {
        "code": spelled(code),
        "command": command,
        "picture": segno.make(command, micro=False).svg_data_uri(scale=5),
        "code_from": now,
        "code_until": now + CODE_LIFE_MS,
        "replacing": True,
    }

"""Pages: what stores may do on their own and what it may cost; corrections; what is owed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, url_for

from cloud.access import account_name, branch_name, here, platform
from cloud.epochs import check_shown, present, read_shown
from cloud.platform import Hub, hubs_of
from cloud.recovery import recovery_of
from cloud.rights import service
from core.clock import HOUR_MS
from core.errors import N_, Refused
from core.members import member_of
from core.money import AMOUNT_MAX, yuan
from core.sqlite import Reader
from core.wallet import (
    CORRECTED,
    WITHOUT_LIMIT,
    Asset,
    Floor,
    MintRight,
    Rights,
    all_claims,
    mint_left,
    rights,
)
from core.web import Form, fresh_read, go, permission, read, show, typed_form, write
from core.web import gettext as _

pages = Blueprint("rights", __name__, template_folder="templates")

RECEIPT_REFUSALS = (
    "receipt_code_bad",
    "receipt_box_lives",
    "receipt_box_stolen",
    "receipt_counted",
    "receipt_member_unknown",
)
CLAIMS_SHOWN_MAX = 200
SNAPSHOT_HOURS_MAX = 30 * 24
WHY = {
    "advance": N_("断网垫付"),
    "chargeback": N_("充值被撤回"),
    "correction": N_("更正"),
}
ASSETS = {Asset.PRINCIPAL: N_("本金"), Asset.BONUS: N_("赠金"), Asset.POINTS: N_("积分")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a box may still put into wallets: fen, or None where nothing limits it."""

    store: str
    hub: Hub
    left: int | None


@pages.get("/rights")
@permission("card.adjust")
def index() -> Any:
    with fresh_read() as db:
        boxes = _boxes(db)
        known = rights(db)
        return show(
            "rights/index.html",
            "rights/_index.html",
            boxes=boxes,
            without_limit=WITHOUT_LIMIT // 2,
            known=known,
            worst_outage=_worst(known.floor, len(boxes)),
            corrections=service.waiting_corrections(db),
            claims=_claims(db),
            why=WHY,
            assets=ASSETS,
            account_name=account_name,
        )


@pages.get("/rights/edit")
@permission("account.edit")
def edit() -> Any:
    with read() as db:
        known = rights(db)
    mint, floor = known.mint, known.floor
    return _edit_page(
        Form(
            {
                "mint": "1" if mint.on else "",
                "limit": yuan(mint.limit_cents),
                "day": yuan(mint.day_cents),
                "floor": "1" if floor.on else "",
                "member": yuan(floor.per_member_cents) if floor.on else "",
                "outage": yuan(floor.per_outage_cents) if floor.on else "",
                "hours": str(floor.snapshot_age_ms // HOUR_MS),
                "alone": yuan(known.alone_cents),
            }
        )
    )


@pages.post("/rights")
@permission("account.edit")
def save() -> Any:
    form = typed_form()
    content = _typed(form)
    if content is None:
        return _edit_page(form, status=422)
    write(lambda tx, act: service.set_rights(tx, act, content=content))
    return go(url_for("rights.index", done="saved"))


@pages.get("/rights/receipt")
@permission("card.adjust")
def receipt_page() -> Any:
    """Ask for the code of a receipt whose top-up died with its box."""
    return show("rights/receipt.html", "rights/_receipt.html", form=Form({}), shown=None)


@pages.post("/rights/receipt")
@permission("card.adjust")
def receipt() -> Any:
    """Show what a receipt's code says; once somebody has looked at it, count it."""
    form = typed_form()
    shown = known = None
    with form.catching(**dict.fromkeys(RECEIPT_REFUSALS, "code")):
        with platform().door.read() as shared:
            shown = read_shown(shared, form.text("code"), merchant=here().id)
        if form.text("seen") == shown.event.id:
            write(lambda tx, act: present(tx, act, shown))
            return go(url_for("members.profile", member_id=shown.topup.member))
        with read() as db:
            check_shown(db, shown)
            known = member_of(db, shown.topup.member)
    return show(
        "rights/receipt.html",
        "rights/_receipt.html",
        status=422 if form.errors else 200,
        form=form,
        shown=None if form.errors else shown,
        known=known,
    )


@pages.get("/members/<member_id>/correct")
@permission("card.adjust")
def correct_page(member_id: str) -> Any:
    return _correct_page(member_id, Form({"way": "down", "asset": Asset.PRINCIPAL.value}))


@pages.post("/members/<member_id>/correct")
@permission("card.adjust")
def correct(member_id: str) -> Any:
    form = typed_form()
    wanted = _wanted(form, member_id)
    if wanted is not None:
        with form.catching(
            reason_missing="reason",
            amount_wrong="amount",
            topup_unknown="topup",
            already_charged="topup",
        ):
            recovering = _recovering()
            done = write(
                lambda tx, act: service.correct(tx, act, wanted, recovering=recovering)
            )
            return go(url_for("rights.index", done=done))
    return _correct_page(member_id, form, status=422)


@pages.post("/rights/corrections/<correction>/agree")
@permission("card.adjust")
def agree(correction: str) -> Any:
    recovering = _recovering()
    write(lambda tx, act: service.agree(tx, act, correction=correction, recovering=recovering))
    return go(url_for("rights.index", done=service.DONE))


@pages.post("/rights/corrections/<correction>/give-up")
@permission("card.adjust")
def give_up(correction: str) -> Any:
    write(lambda tx, act: service.give_up(tx, act, correction=correction))
    return go(url_for("rights.index", done="given_up"))


def _recovering() -> bool:
    """Say whether head office was put back and does not know yet what the pools have."""
    with platform().door.read() as shared:
        return recovery_of(shared, here().id) is not None


def _boxes(db: Reader) -> list[Left]:
    with platform().door.read() as shared:
        hubs = [hub for hub in hubs_of(shared, here().id) if not hub.revoked]
        newest = {
            hub.id: shared.value("SELECT MAX(epoch) FROM epoch WHERE hub = :hub", hub=hub.id)
            for hub in hubs
        }
    places = {
        hub.id: hub.id if newest[hub.id] in {None, 1} else f"{hub.id}.{newest[hub.id]}"
        for hub in hubs
    }
    return [
        Left(store=branch_name(hub.store), hub=hub, left=mint_left(db, places[hub.id]))
        for hub in hubs
    ]


def _claims(db: Reader) -> list[dict[str, Any]]:
    rows = all_claims(db, limit=CLAIMS_SHOWN_MAX)
    return [{**dict(row), "member_name": _name(db, row["member"])} for row in rows]


def _name(db: Reader, member: str) -> str:
    """Return a member's name; empty for one whom a store named and nobody told of yet."""
    try:
        name: str = member_of(db, member)["name"]
    except Refused:
        return ""
    return name


def _worst(floor: Floor, boxes: int) -> int:
    return floor.per_outage_cents * boxes if floor.on else 0


def _edit_page(form: Form, *, status: int = 200) -> Any:
    with read() as db:
        boxes = len(_boxes(db))
    return show("rights/edit.html", "rights/_edit.html", status=status, form=form, boxes=boxes)


def _typed(form: Form) -> Rights | None:
    """Return the limits that were typed in, or None with the faults in the form."""
    mint, floor = _typed_mint(form), _typed_floor(form)
    alone = _typed_cents(form, "alone")
    if form.errors:
        return None
    return Rights(mint=mint, floor=floor, alone_cents=alone)


def _typed_mint(form: Form) -> MintRight:
    on, usual = form.is_on("mint"), MintRight()
    if on:
        form.required("limit", "day")
    limit, day = _typed_cents(form, "limit"), _typed_cents(form, "day")
    if on and not limit:
        form.errors.setdefault("limit", _("0 元等于不能充值；要停止充值请停用主机"))
    if on and day < limit:
        form.errors.setdefault("day", _("不能比一次的额度小"))
    return MintRight(
        on=on, limit_cents=limit or usual.limit_cents, day_cents=day or usual.day_cents
    )


def _typed_floor(form: Form) -> Floor:
    if not form.is_on("floor"):
        return Floor()
    form.required("member", "outage", "hours")
    hours = form.whole("hours", default=24)
    if not 1 <= hours <= SNAPSHOT_HOURS_MAX:
        form.errors.setdefault("hours", _("1 到 %(most)s 小时", most=SNAPSHOT_HOURS_MAX))
    return Floor(
        per_member_cents=_typed_cents(form, "member"),
        per_outage_cents=_typed_cents(form, "outage"),
        snapshot_age_ms=max(0, min(hours, SNAPSHOT_HOURS_MAX)) * HOUR_MS,
    )


def _typed_cents(form: Form, name: str) -> int:
    amount = form.fen(name) or 0
    if amount < 0:
        form.errors.setdefault(name, _("不能小于 0"))
    return max(0, min(amount, AMOUNT_MAX))


def _correct_page(member_id: str, form: Form, *, status: int = 200) -> Any:
    with fresh_read() as db:
        return show(
            "rights/correct.html",
            "rights/_correct.html",
            status=status,
            form=form,
            member=member_of(db, member_id),
            topups=service.topups_to_charge(db, member_id),
            alone=rights(db).alone_cents,
            assets=ASSETS,
        )


def _wanted(form: Form, member_id: str) -> service.Correction | None:
    form.required("reason")
    reason = form.text("reason")
    if form.text("topup"):
        if form.errors:
            return None
        return service.Correction(member=member_id, reason=reason, topup=form.text("topup"))
    form.required("amount")
    asset = form.text("asset")
    if asset not in CORRECTED:
        form.errors["asset"] = _("请选择")
    size = form.whole("amount") if asset == Asset.POINTS else form.fen("amount") or 0
    if (size or 0) < 0:  # Which way it goes is chosen; less of less would be more.
        form.errors.setdefault("amount", _("不能小于 0"))
    if form.errors:
        return None
    return service.Correction(
        member=member_id,
        reason=reason,
        asset=Asset(asset),
        amount=-size if form.text("way") == "down" else size,
    )

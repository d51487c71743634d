"""Pages: what was not booked, in plain words, with what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Blueprint, url_for

from cloud.access import account_name, here, platform
from cloud.aside import service
from cloud.platform import Merchant, Platform, hubs_of
from core.errors import N_
from core.journal import Event, decode, kind_of
from core.sqlite import Row
from core.web import gettext as _
from core.web import go, permission, read, show, typed_form, write

pages = Blueprint("aside", __name__, template_folder="templates", url_prefix="/aside")

WHY = (
    ("unreadable", N_("内容读不出来，多半是门店的程序版本更新，先升级总部再试。")),
    ("it says that it", N_("记录自称的编号或时间不对，可能被改动过。")),
    ("is not its own", N_("它动了不属于这家店的钱，没有照办。")),
    ("was not sent to it", N_("它领取了没有发给它的钱，没有照办。")),
    ("is for head office to say", N_("它说了只有总部才能说的话，没有照办。")),
    ("was sent by head office", N_("它冒用了总部的划拨编号，没有照办。")),
    ("it mints", N_("超过了总部给这家店的充值额度，没有照办。")),
    ("it lays out", N_("超过了总部允许的垫付，没有照办。")),
    ("these lines were paid by", N_("退的比这几行付的还多，没有照办。")),
    ("right to reverse", N_("这张单的退款权不在这家店，没有照办。")),
    (" before", N_("同一件事它说了两次，第二次没有照办。")),
    ("paid", N_("退回的钱和原来那张单对不上，没有照办。")),
    ("it gives", N_("它把一位会员的钱给了别人，没有照办。")),
    ("settled bill of its own", N_("它冲正的不是自己店里的单，没有照办。")),
    ("is no amount", N_("金额大得不可能，没有照办。")),
    ("that it has", N_("它动的钱比它手里的多，没有照办。")),
)
OTHERWISE = N_("总部现在的程序处理不了它，多半升级后再试就行。")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One record of the tray. `event` is None where it cannot be read."""

    row: Row
    event: Event | None
    kind: str
    store: str
    why: str
    moved: dict[str, int]
    """What its postings would move out of or into members' wallets, by asset."""
    raw: str


@pages.get("")
@permission("audit.view")
def listed() -> Any:
    with platform().door.read() as shared:
        stands_in = {hub.id: hub.store for hub in hubs_of(shared, here().id)}
    with read() as db:
        rows = [_shown(row, stands_in) for row in service.open_rows(db)]
        return show(
            "aside/list.html",
            "aside/_list.html",
            waiting=[one for one in rows if one.row["left_why"] is None],
            left=[one for one in rows if one.row["left_why"] is not None],
            account_name=account_name,
        )


@pages.post("/<origin>/<int:epoch>/<int:seq>/again")
@permission("settings.edit")
def again(origin: str, epoch: int, seq: int) -> Any:
    write(lambda tx, act: service.ask_again(tx, act, place=(origin, epoch, seq)))
    here().written()
    platform().ring("ingest")
    return go(url_for("aside.listed"))


@pages.post("/<origin>/<int:epoch>/<int:seq>/leave")
@permission("settings.edit")
def leave(origin: str, epoch: int, seq: int) -> Any:
    form = typed_form()
    reason = form.text("reason")
    if reason:
        write(lambda tx, act: service.leave(tx, act, place=(origin, epoch, seq), reason=reason))
    return go(url_for("aside.listed"))


def mark(_platform: Platform, merchant: Merchant) -> object:
    """Return what differs once something was booked, set aside or decided."""
    with merchant.door.read() as db:
        return [
            (row["origin"], row["epoch"], row["seq"], row["asked_at"], row["left_at"])
            for row in service.open_rows(db)
        ]


def _shown(row: Row, stands_in: dict[str, str]) -> Shown:
    try:
        event = decode(row["raw"])
        kind = kind_of(event)
    except msgspec.MsgspecError:
        event, kind = None, ""
    hub = row["origin"].partition("~")[0]
    moved: dict[str, int] = {}
    for posting in event.postings if event else ():
        if posting.account.startswith("member/"):
            moved[posting.asset] = moved.get(posting.asset, 0) + posting.amount
    why = next((words for part, words in WHY if part in row["reason"]), OTHERWISE)
    return Shown(
        row=row,
        event=event,
        kind=kind,
        store=stands_in.get(hub, ""),
        why=_(why),
        moved=moved,
        raw=bytes(row["raw"]).decode("utf-8", "replace"),
    )

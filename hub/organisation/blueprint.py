"""Where the settings' pages hang, and what leads to each."""

from __future__ import annotations

from flask import Blueprint

from core.errors import N_

pages = Blueprint("organisation", __name__, template_folder="templates", url_prefix="/settings")

SECTIONS = (
    ("organisation.company", N_("公司"), "store", "settings.edit"),
    ("organisation.branch", N_("门店"), "home", "settings.edit"),
    ("organisation.staff_list", N_("员工"), "users", "staff.edit"),
    ("access.devices_page", N_("设备"), "display", "device.pair"),
    ("organisation.printers", N_("打印机"), "printer", "settings.edit"),
    ("organisation.receipts", N_("小票与收银"), "receipt", "settings.edit"),
    ("organisation.tenders", N_("付款方式"), "cash", "settings.edit"),
    ("organisation.points", N_("积分规则"), "points", "settings.edit"),
    ("organisation.numbers", N_("会员编号"), "card", "settings.edit"),
    ("organisation.categories", N_("会员类别"), "tag", "settings.edit"),
)
"""Endpoint, label, icon and permission of each section, as they are listed."""


@pages.context_processor
def sections() -> dict[str, object]:
    return {"sections": SECTIONS}
